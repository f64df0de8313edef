package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// planted is a secret in a text that makes it recognisable.
type planted struct{ kind, before, secret, after string }

// plantedSecrets are generated, so that no secret scanner reports this file.
func plantedSecrets() []planted {
	seed := uint64(0)
	random := func(alphabet string, n int) string {
		seed++
		r := rand.New(rand.NewPCG(seed, 4))
		text := make([]byte, n)
		for i := range text {
			text[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(text)
	}
	const hex, letters = "0123456789abcdef", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	jwt := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"a"}`))
	return []planted{
		{"private-key", "-----BEGIN PRIVATE" + " KEY-----\\n", random(letters, 64),
			"\\n-----END PRIVATE" + " KEY-----"},
		{"nats-seed", "", "SU" + random(base32, 56), ""},
		{"jwt", "", jwt + "." + random(letters, 43), ""},
		{"github-token", "", "ghp_" + random(letters, 36), ""},
		{"github-fine-grained-token", "", "github_pat_" + random(letters, 82), ""},
		{"gitlab-token", "", "glpat-" + random(letters, 20), ""},
		{"npm-token", "_authToken=", "npm_" + random(letters, 36), ""},
		{"pypi-token", "", "pypi-AgEIcHlwaS5vcmc" + random(letters, 60), ""},
		{"aws-access-key", "", "AKIA" + random(base32, 16), ""},
		{"aws-secret-key", "aws_secret_access_key = ", random(letters, 40), ""},
		{"gcp-api-key", "", "AIza" + random(letters, 35), ""},
		{"azure-key", "AccountKey=", random(letters, 86) + "==", ";"},
		{"digitalocean-token", "", "dop_v1_" + random(hex, 64), ""},
		{"vault-token", "", "hvs." + random(letters, 90), ""},
		{"anthropic-key", "", "sk-ant-api03-" + random(letters, 95), ""},
		{"openai-key", "", "sk-proj-" + random(letters, 74), ""},
		{"slack-token", "", "xoxb-" + random("0123456789", 12) + "-" + random(letters, 24), ""},
		{"stripe-key", "", "sk_live_" + random(letters, 24), ""},
		{"sendgrid-key", "", "SG." + random(letters, 22) + "." + random(letters, 43), ""},
		{"url-password", "postgres://svc:", random(letters, 16), "@db.internal/app"},
		{"authorization-header", "Authorization: Bearer ", random(letters, 32), ""},
		{"password", `password = '`, random(letters, 14) + "1!", `'`},
		{"credential", "deploy_token: ", random(letters, 24) + "7", ""},
	}
}

// plant writes an agent for every kind of secret and each part of a bundle, and one agent
// without secrets.
func plant(t *testing.T, workspace string) {
	t.Helper()
	manifest := "version: \"1\"\nrepo: kaizen-agentic\nagents:\n  steady: {cadence: weekly}\n"
	files := map[string]string{"agents/steady.md": "A steady agent.\n"}
	const record = `{"timestamp": "2026-11-02T05:00:00Z", "agent": "runs-%d", "success": true, "note": `
	for i, s := range plantedSecrets() {
		text := s.before + s.secret + s.after
		quoted, err := json.Marshal(strings.ReplaceAll(text, `\n`, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, `\n`, "\n")
		for part, file := range map[string]struct{ path, content string }{
			"prompt":  {"agents/%s.md", "# Agent\n\n" + text + "\n"},
			"memory":  {".kaizen/agents/%s/memory.md", "- learnt: " + text + "\n"},
			"metrics": {".kaizen/metrics/%s/summary.json", "{\"note\": " + string(quoted) + "}\n"},
			"runs":    {".kaizen/metrics/%s/executions.jsonl", fmt.Sprintf(record, i) + string(quoted) + "}\n"},
		} {
			agent := fmt.Sprintf("%s-%d", part, i)
			manifest += fmt.Sprintf("  %s: {cadence: weekly}\n", agent)
			if files["agents/"+agent+".md"] = "An agent.\n"; part == "prompt" {
				delete(files, "agents/"+agent+".md")
			}
			files[fmt.Sprintf(file.path, agent)] = file.content
		}
	}
	files[".kaizen/schedule.yml"] = manifest
	fixture.Write(t, workspace, files)
}

// left returns everything that a run left behind, by the name of the place.
func (p *platform) left(got ran) map[string]string {
	p.t.Helper()
	places := map[string]string{"stdout": got.stdout, "stderr": got.stderr, "summary": got.summary}
	for name, value := range got.outputs {
		places["output "+name] = value
	}
	for _, d := range p.api.Dispatches() {
		places["dispatch to "+d.Repository] += string(d.ClientPayload)
	}
	for _, a := range p.results.Artifacts() {
		archive, err := zip.NewReader(bytes.NewReader(a.Zip), int64(len(a.Zip)))
		if err != nil {
			p.t.Fatal(err)
		}
		for _, f := range archive.File {
			r, err := f.Open()
			if err != nil {
				p.t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err != nil {
				p.t.Fatal(err)
			}
			places["artifact "+a.Name+"/"+f.Name] = string(data)
		}
	}
	dir := filepath.Join(p.workspace, ".kaizen/prepared")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			return nil // nothing was stored
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		places["store "+path[len(dir):]] = string(data)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return places
}

// reveals reports whether text contains ten consecutive bytes of the secret's random end.
func reveals(text, secret string) bool {
	tail := secret[len(secret)-min(len(secret), 20):]
	for i := 0; i+10 <= len(tail); i++ {
		if strings.Contains(text, tail[i:i+10]) {
			return true
		}
	}
	return fixture.Shows([]byte(text), secret) != ""
}

// A secret stops its agent and is reported by file, line and kind. The run leaves it
// nowhere, and prepares the other agents.
func TestPlantedSecrets(t *testing.T) {
	t.Parallel()
	p := newEmptyPlatform(t, ghtest.Options{})
	plant(t, p.workspace)
	got := p.step(map[string]string{"now": tuesday, "dispatch-to": "acme/core", "dispatch-token": fanOutToken})
	if got.code != exitFindings || got.outputs["prepared"] != `["steady"]` || got.outputs["valid"] != "false" ||
		len(p.api.Dispatches()) != 1 {
		t.Fatalf("exit code %d, outputs prepared %s, %d dispatches\n%s", got.code, got.outputs["prepared"],
			len(p.api.Dispatches()), got.stderr)
	}
	places := p.left(got)
	for i, s := range plantedSecrets() {
		for _, file := range []string{"agents/prompt-%d.md:3:", ".kaizen/agents/memory-%d/memory.md:1:",
			".kaizen/metrics/metrics-%d/summary.json:1:", ".kaizen/metrics/runs-%d/executions.jsonl:1:"} {
			at := fmt.Sprintf(file, i)
			if _, after, found := strings.Cut(got.stderr, "kaizen: "+at); !found ||
				!strings.Contains(strings.SplitN(after, "\n", 2)[0], "secret of kind "+s.kind+" ") {
				t.Errorf("no finding of %s at %s", s.kind, at)
			}
		}
		for place, text := range places {
			if reveals(text, s.secret) {
				t.Errorf("%s holds the %s", place, s.kind)
			}
		}
	}
}

// The policy redact prepares every agent without its secret. The policy off prepares it
// with the secret, which proves that the search above can find one.
func TestPlantedSecretsByPolicy(t *testing.T) {
	t.Parallel()
	for policy, revealed := range map[string]bool{"redact": false, "off": true} {
		p := newEmptyPlatform(t, ghtest.Options{})
		plant(t, p.workspace)
		got := p.step(map[string]string{"now": tuesday, "secrets": policy})
		agents := len(plantedSecrets())*4 + 1
		if got.code != exitOK || got.outputs["count"] != fmt.Sprint(agents) {
			t.Fatalf("%s: exit code %d, %s of %d agents prepared\n%s", policy, got.code, got.outputs["count"], agents,
				got.stderr)
		}
		places := p.left(got)
		for i, s := range plantedSecrets() {
			found := 0
			for place, text := range places {
				if reveals(text, s.secret) {
					found++
					if !revealed {
						t.Errorf("%s: %s holds the %s", policy, place, s.kind)
					}
				}
			}
			// prompt, memory and metrics, in directory and artifact; executions are
			// summarised
			if want := 3 * 2; revealed && found != want {
				t.Errorf("%s: the %s is in %d places, want %d", policy, s.kind, found, want)
			}
			bundle := places[fmt.Sprintf("store /kaizen.kaizen-agentic.memory-%d.2026-W48/bundle.md", i)]
			if mark := "[redacted:" + s.kind + "]"; strings.Contains(bundle, mark) == revealed {
				t.Errorf("%s: the bundle holds %s: %v", policy, mark, !revealed)
			}
		}
	}
}

// Typical agents of real repositories cause no finding.
func TestCleanCorpus(t *testing.T) {
	t.Parallel()
	for _, sample := range []string{"kaizen", "claude"} {
		p := newEmptyPlatform(t, ghtest.Options{})
		fixture.Must(t, copySample(p.workspace, filepath.Join(samplesDir, sample)))
		got := p.step(map[string]string{"agents": "all", "now": tuesday})
		if got.code != exitOK || got.outputs["errors"] != "0" || got.outputs["warnings"] != "0" ||
			got.outputs["count"] == "0" {
			t.Errorf("%s: exit code %d, outputs %v\n%s", sample, got.code, got.outputs, got.stderr)
		}
	}
}

// No command shows a secret that is on the line of a finding, in a workflow, or where a
// name is expected.
func TestShownSecrets(t *testing.T) {
	t.Parallel()
	tokens := slices.DeleteFunc(plantedSecrets(), func(s planted) bool {
		return !slices.Contains([]string{"github-token", "digitalocean-token", "openai-key", "nats-seed"}, s.kind)
	})
	for i, s := range tokens {
		for name, manifest := range map[string]string{
			"a comment": "version: \"1\"\nrepo: web\ntimezone: EST # " + s.secret +
				"\nagents:\n  steady: {cadence: weekly}\n",
			"a key":   "version: \"1\"\nrepo: web\n\"" + s.secret + "\": 1\nagents: {steady: {cadence: weekly}}\n",
			"a value": "version: \"1\"\nrepo: web\nagents: {steady: {cadence: \"" + s.secret + "\"}}\n",
			"an agent": "version: \"1\"\nrepo: web\nagents:\n  steady: {cadence: weekly}\n  \"" + s.secret +
				"\": {cadence: daily}\n",
			"a label": "version: \"1\"\nagents: {steady: {cadence: weekly, pointers: {\"" + s.secret + "\": a.md}}}\n",
			"a slug":  "version: \"1\"\nrepo: \"" + s.secret + "\"\nagents: {steady: {cadence: weekly}}\n",
			"a path":  "version: \"1\"\nagents: {steady: {cadence: weekly, prompt: \"a/" + s.secret + ".md\"}}\n",
		} {
			p := newEmptyPlatform(t, ghtest.Options{})
			p.write("agents/steady.md", "A steady agent.\n")
			p.write(".kaizen/schedule.yml", manifest)
			p.write(".github/workflows/kaizen.yml", "on: {schedule: [{cron: '0 4 1 1 *'}]} # "+s.secret+
				"\njobs: {a: {runs-on: x, steps: [{uses: kaizen-agentic/schedule-action@v1, with: {"+
				"\"tokn\": \""+s.secret+"\", emit: \""+s.secret+"\"}}]}}\n")
			inputs := []map[string]string{
				{"command": "prepare"}, {"command": "list"}, {"command": "doctor"}, {"command": "validate"},
			}
			if i == 0 {
				inputs = append(inputs, map[string]string{"command": "validate", "format": "json"},
					map[string]string{"command": "validate", "format": "sarif"})
			}
			for _, input := range inputs {
				input["now"] = tuesday
				for place, text := range p.left(p.step(input)) {
					if reveals(text, s.secret) {
						t.Errorf("%s as %s: %s of %v shows it:\n%s", s.kind, name, place, input, text)
					}
				}
			}
		}
	}
}
