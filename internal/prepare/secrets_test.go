package prepare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// A secret in any part stops the agent under fail, and is redacted under redact. No
// message shows it.
func TestPlantedSecrets(t *testing.T) {
	t.Parallel()
	key := fixture.Random(fixture.Alnum+"+/", 64) + "\n" + fixture.Random(fixture.Alnum+"+/", 63)
	samples := []struct{ id, before, secret, after string }{
		{"private-key", "-----BEGIN RSA PRIVATE" + " KEY-----\n", key, "=\n-----END RSA PRIVATE" + " KEY-----"},
		{"github-token", "use ", githubToken, " here"},
		{"url-password", "postgres://svc:", fixture.Random(fixture.Alnum, 16), "@db.internal:5432/app"},
		{"password", `password = "`, fixture.Random(fixture.Alnum, 16), `"`},
		{"credential", "deploy_token: ", fixture.Random(fixture.Alnum, 24), ""},
	}
	for i, s := range samples {
		line := s.before + s.secret + s.after
		quoted, err := json.Marshal(line)
		fixture.Must(t, err)
		parts := map[string]string{
			".claude/agents/coach.md":            "# Coach\n\n" + line + "\n",
			".kaizen/agents/coach/memory.md":     "- " + line + "\n",
			".kaizen/metrics/coach/summary.json": "{\n\"note\":\n" + string(quoted) + "}\n",
			".kaizen/metrics/coach/executions.jsonl": `{"agent":"coach","timestamp":"2026-11-02","success":true}` + "\n" +
				`{"agent":"coach","timestamp":"2026-11-02","success":true,"note":` + string(quoted) + "}\n",
		}
		for path, content := range parts {
			t.Run(fmt.Sprintf("%s/%d/%s", s.id, i, filepath.Base(path)), func(t *testing.T) {
				t.Parallel()
				tree := newTree(t, map[string]string{path: content})
				in := coach(JSON)
				b, findings, err := Prepare(t.Context(), NewFiles(tree, nil), in)
				if b != nil || err != nil || !reports(findings, diag.Secret.ID, path) {
					t.Fatalf("Prepare = bundle %v, %v, %v", b != nil, findings, err)
				}
				for _, format := range []Format{Markdown, JSON} {
					in := coach(format)
					in.Secrets = SecretsRedact
					b, more := must(t, tree, in)
					if !reports(more, diag.Secret.ID, path) {
						t.Errorf("redacted without a finding: %v", more)
					}
					findings = append(findings, more...)
					content := b.Content
					for part := range map[string]bool{"prompt": true, "memory": true, "metrics": true} {
						got, err := extract(b, part)
						if err != nil {
							t.Error(err)
						}
						content = append(content, got...)
					}
					if fixture.Reveals(content, s.secret) || fixture.Reveals(b.Sources, s.secret) {
						t.Errorf("the %s form has the secret:\n%s", format, b.Content)
					}
				}
				for _, f := range findings {
					if fixture.Reveals([]byte(f.Message+f.Hint), s.secret) {
						t.Errorf("the finding shows the secret: %v", f)
					}
				}
			})
		}
	}
}

func reports(findings []diag.Finding, rule, file string) bool {
	for _, f := range findings {
		if f.Rule == rule && f.File == file && f.Line > 0 && f.Column > 0 {
			return true
		}
	}
	return false
}

func TestSecretInSessionClose(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"agents/coach.md": "x"})
	in := coach(Markdown)
	in.Entry = load(t, "agents:\n  coach:\n    cadence: weekly\n    session_close:\n"+
		"      - \"curl -H 'X-Token: "+githubToken+"'\"\n").Entries[0]
	b, findings, err := Prepare(t.Context(), NewFiles(tree, nil), in)
	if b != nil || err != nil || len(findings) != 1 || findings[0].Rule != diag.Secret.ID || findings[0].Line == 0 {
		t.Fatalf("Prepare = bundle %v, %v, %v", b != nil, findings, err)
	}
	in.Secrets = SecretsRedact
	b, _ = must(t, tree, in)
	if strings.Contains(string(b.Content)+b.SessionClose[0], githubToken) ||
		in.Entry.SessionClose[0] == b.SessionClose[0] {
		t.Errorf("session_close = %q", b.SessionClose)
	}
}

// The number of findings about a file is limited, but all secrets are redacted.
func TestManySecrets(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"agents/coach.md": strings.Repeat(githubToken+"\n", 500)})
	in := coach(JSON)
	in.Secrets = SecretsRedact
	b, findings := must(t, tree, in)
	if len(findings) != maxSecrets || bytes.Contains(b.Content, []byte(githubToken)) ||
		bytes.Count(b.Content, []byte("[redacted:github-token]")) != 500 {
		t.Errorf("%d findings", len(findings))
	}
	in.Secrets = SecretsOff
	if b, findings := must(t, tree, in); len(findings) > 0 || !bytes.Contains(b.Content, []byte(githubToken)) {
		t.Errorf("off: %v", findings)
	}
}
