package prepare

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// githubToken is a secret of the kind github-token.
var githubToken = "ghp_" + fixture.Random(fixture.Alnum, 36)

// newTree returns a checkout with files.
func newTree(t testing.TB, files map[string]string) *checkout.Tree {
	t.Helper()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, files)
	return openTree(t, dir)
}

func openTree(t testing.TB, dir string) *checkout.Tree {
	t.Helper()
	tree, err := checkout.Open(dir)
	fixture.Must(t, err)
	t.Cleanup(func() { tree.Close() })
	return tree
}

// load returns the manifest whose YAML after version and repo is body.
func load(t testing.TB, body string) *schedule.Manifest {
	t.Helper()
	m, findings := schedule.Load(schedule.DefaultPath, []byte("version: \"1\"\nrepo: web\n"+body), schedule.Options{})
	if m == nil {
		t.Fatalf("manifest: %v", findings)
	}
	return m
}

// coach returns the input for an agent coach without settings.
func coach(format Format) Input {
	return Input{
		Repo: "web", Entry: schedule.Entry{Agent: "coach", Cadence: schedule.Weekly}, Period: "2026-W48",
		Commit: strings.Repeat("0123456789", 4), Format: format,
	}
}

// must prepares a bundle. The test fails if a finding is an error.
func must(t testing.TB, tree *checkout.Tree, in Input) (*Bundle, []diag.Finding) {
	t.Helper()
	b, findings, err := Prepare(t.Context(), NewFiles(tree, nil), in)
	if err != nil || b == nil {
		t.Fatalf("Prepare = bundle %v, %v, %v", b != nil, findings, err)
	}
	return b, findings
}

var contentLine = regexp.MustCompile(`(?m)^- content: (\w+), (utf-8|base64), bytes: (\d+)\n\n` +
	`(` + "`{3,}" + `)\w+(?:\d+)?\n`)

// extract returns the bytes of a part in a bundle as a consumer does: by heading in
// Markdown, by key in JSON.
func extract(b *Bundle, part string) ([]byte, error) {
	if b.Format == JSON {
		return extractJSON(b.Content, part)
	}
	heading := "\n## " + strings.ToUpper(part[:1]) + part[1:] + "\n"
	text := string(b.Content)
	for _, title := range []string{"Prompt", "Memory", "Metrics"} {
		// Skip whole contents, because headings inside them are not the bundle's.
		section := "\n## " + title + "\n"
		at := strings.Index(text, section)
		if at < 0 {
			return nil, fmt.Errorf("no section %s", title)
		}
		text = text[at+len(section):]
		if strings.HasPrefix(text, "\nNone found.") {
			if section == heading {
				return nil, nil
			}
			continue
		}
		m := contentLine.FindStringSubmatchIndex(text)
		if m == nil {
			return nil, fmt.Errorf("no content in section %s", title)
		}
		n, err := strconv.Atoi(text[m[6]:m[7]])
		if err != nil {
			return nil, err
		}
		content, rest, fence := text[m[1]:m[1]+n], text[m[1]+n:], text[m[8]:m[9]]
		if !strings.HasSuffix(content, "\n") {
			rest = strings.TrimPrefix(rest, "\n")
		}
		if !strings.HasPrefix(rest, fence+"\n") {
			return nil, fmt.Errorf("section %s: no closing fence after its %d bytes", title, n)
		}
		if strings.Contains(content, fence) {
			return nil, fmt.Errorf("section %s: the content has its own fence", title)
		}
		if section == heading {
			return decode(text[m[4]:m[5]], content)
		}
		text = rest
	}
	return nil, fmt.Errorf("no part %s", part)
}

func extractJSON(data []byte, part string) ([]byte, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	var p *partJSON
	if err := json.Unmarshal(doc[part], &p); err != nil || p == nil {
		return nil, err
	}
	return decode(p.Encoding, p.Content)
}

func decode(encoding, content string) ([]byte, error) {
	if encoding == "base64" {
		return base64.StdEncoding.DecodeString(content)
	}
	return []byte(content), nil
}

// check checks a manifest against a tree.
func check(t *testing.T, m *schedule.Manifest, tree *checkout.Tree) []diag.Finding {
	t.Helper()
	findings, err := Check(t.Context(), m, NewFiles(tree, m.Entries))
	fixture.Must(t, err)
	return findings
}
