package secrets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// Every kind in the table has a sample, and every sample has a kind.
func TestSamplesOfAllKinds(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, s := range append(samples(), structural()...) {
		if tested[s.kind] = true; len(s.match) == 0 {
			t.Errorf("%s has no sample that matches", s.kind)
		}
	}
	for _, f := range formats {
		tested[f.kind] = true
	}
	named := map[string]bool{"private-key": true}
	for _, k := range kinds {
		named[k.name] = true
		if !tested[k.name] {
			t.Errorf("%s has no sample", k.name)
		}
		if k.behind > 0 && (&k).hasNoGroup() {
			t.Errorf("%s begins before its keyword and has no group for the secret", k.name)
		}
	}
	for kind := range tested {
		if !named[kind] {
			t.Errorf("there is no kind %s", kind)
		}
	}
	t.Logf("%d kinds", len(named))
	if len(named) < 250 {
		t.Errorf("%d kinds", len(named))
	}
}

func (k *kind) hasNoGroup() bool {
	_, group := k.compile()
	return group == 0
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, kind := range samples() {
		for _, s := range kind.match {
			for _, frame := range []string{"%s", "intro\n\n    %s\n", "- item: %s\r\n"} {
				text := fmt.Sprintf(frame, s.text())
				got := Find([]byte(text))
				if len(got) != 1 || got[0].Kind != kind.kind || !strings.Contains(text[got[0].Start:got[0].End],
					s.secret) {
					t.Errorf("%s in %q: %v", kind.kind, text, got)
				}
			}
			wide := strings.Join(strings.Split(s.text(), ""), "\x00")
			if len(Find([]byte(wide))) == 0 {
				t.Errorf("%s is not found in UTF-16", kind.kind)
			}
			quoted, err := json.Marshal(s.text())
			fixture.Must(t, err)
			data := fmt.Appendf(nil, `{"success": true, "note": %s}`, quoted)
			if left := Redact(data, Find(data)); fixture.Reveals(left, s.secret) {
				t.Errorf("%s: redacted JSON has it: %s", kind.kind, left)
			}
		}
	}
}

// A value that is longer than its issuer says, or than the text on which a pattern is
// tried, is found and redacted whole.
func TestLongSecrets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind string
		sample
	}{
		{"credential", sample{"token=", alnum(300), "\n"}},
		{"credential", sample{"token=", b64(5000), "\n"}},
		{"credential", sample{`"SessionToken": "`, "IQoJ" + b64(400), `"`}},
		{"credential", sample{`"SessionToken": "`, "IQoJ" + b64(5000), `"`}},
		{"password", sample{`password = "`, alnum(5000), `"`}},
		{"password", sample{"DB_PASSWORD=", alnum(5000), " "}},
		{"github-fine-grained-token", sample{"", "github_pat_" + alnum(400), "."}},
		{"github-token", sample{"", "ghs_" + alnum(2500), "."}},
		{"gitlab-token", sample{"", "glpat-" + alnum(27) + ".01." + alnum(9), ". "}},
		{"twitter-token", sample{"", strings.Repeat("A", 22) + alnum(300), ""}},
		{"url-password", sample{"https://svc:", alnum(900), "@git.acme.dev/x"}},
		{"authorization-header", sample{"Authorization: Bearer ", alnum(3000), "\n"}},
	} {
		text := tt.text()
		got := Find([]byte(text))
		if len(got) != 1 || got[0].Kind != tt.kind || text[got[0].Start:got[0].End] != tt.secret {
			t.Errorf("%s of %d bytes: %v", tt.kind, len(text), got)
		}
	}
}

// There is no secret in what documentation writes about secrets, nor in the repository's
// own sample agents.
func TestFindNone(t *testing.T) {
	t.Parallel()
	var corpus []string
	for _, kind := range samples() {
		corpus = append(corpus, kind.none...)
	}
	for _, glob := range []string{
		"../../testdata/*/agents/*", "../../testdata/*/.claude/agents/*", "../../testdata/*/.kaizen/*/*/*",
	} {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", glob, files, err)
		}
		for _, file := range files {
			corpus = append(corpus, fixture.Read(t, file))
		}
	}
	for _, text := range corpus {
		if got := Find([]byte(text)); len(got) > 0 {
			t.Errorf("%s found in %q at %q", got[0].Kind, text, text[got[0].Start:got[0].End])
		}
	}
}

// FuzzFind checks that spans are in order, that nothing of a secret is left when they are
// redacted, and that no text before a secret hides it.
func FuzzFind(f *testing.F) {
	for _, kind := range append(samples(), structural()...) {
		for _, s := range kind.match {
			f.Add([]byte(s.text()))
		}
		for _, text := range kind.none {
			f.Add([]byte(text))
		}
	}
	token := "ghp_" + fixture.Random(fixture.Alnum, 36)
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte(token[8:])) {
			return // the fuzzing engine has learnt it
		}
		text := append(bytes.Clone(data), "\n\n"+token+"\n"...)
		spans := Find(text)
		end := 0
		for _, s := range spans {
			if s.Start < end || s.End <= s.Start || s.End > len(text) || s.Kind == "" {
				t.Fatalf("%v in %d bytes", spans, len(text))
			}
			end = s.End
		}
		if left := Redact(text, spans); bytes.Contains(left, []byte(token[8:])) {
			t.Errorf("%q hides a token: %v leave %q", data, spans, left)
		}
		if unmarked := FindUnmarked(text); len(unmarked) > len(spans) {
			t.Errorf("%v without marks, %v with them", spans, unmarked)
		}
	})
}

// longTexts are texts in which a search that looks ahead or back at each place takes a time
// that is quadratic in their length.
func longTexts() map[string]string {
	token := "ghp_" + fixture.Random(fixture.Alnum, 36) + " "
	return map[string]string{
		"line breaks":   strings.Repeat("=\n", 512<<10),
		"empty lines":   "a" + strings.Repeat("\n", 1<<20),
		"long run":      strings.Repeat("a\n", 1<<10) + strings.Repeat("A1", 256<<10),
		"marked tokens": "# " + AllowMark + " a reason " + strings.Repeat(token, 4<<10),
	}
}

// TestLongTexts ends soon, and would take hours if a search were quadratic. A mark on a long
// line allows nothing.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	for name, text := range longTexts() {
		found := len(FindUnmarked([]byte(text)))
		if want := strings.Count(text, "ghp_"); found != want {
			t.Errorf("%s: %d secrets, want %d", name, found, want)
		}
	}
}

// BenchmarkLongTexts shows that MB/s is much the same for all of them.
func BenchmarkLongTexts(b *testing.B) {
	for name, text := range longTexts() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				FindUnmarked([]byte(text))
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	const line = "An ordinary line of a prompt, with a token or a password mentioned.\n"
	var all strings.Builder
	for _, kind := range samples() {
		for _, s := range kind.match {
			all.WriteString(s.text() + "\n" + strings.Repeat(line, 10))
		}
	}
	for name, text := range map[string]string{
		"prose": strings.Repeat("An ordinary line of a prompt that says what an agent does.\n", 1000),
		"words": strings.Repeat(line, 1000),
		"kinds": all.String(),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				Find([]byte(text))
			}
		})
	}
}
