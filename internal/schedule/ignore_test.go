package schedule

import (
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

func TestUnsilenced(t *testing.T) {
	t.Parallel()
	data := "version: \"1\"\nagents:\n  coach: # kaizen-ignore: no-prompt,long-prompt\n    cadence: daily # " +
		"kaizen-ignore: retention\n"
	m, findings := Load("f", []byte(data), Options{})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	for _, c := range []struct {
		name    string
		finding diag.Finding
		kept    bool
	}{
		{"first of the list", diag.NoPrompt.At("f", 3, 12, "m", "h"), false},
		{"second of the list", diag.LongPrompt.At("f", 3, 1, "m", "h"), false},
		{"another rule", diag.AmbiguousPrompt.At("f", 3, 12, "m", "h"), true},
		{"another line", diag.NoPrompt.At("f", 4, 12, "m", "h"), true},
		{"another file", diag.NoPrompt.At("g", 3, 12, "m", "h"), true},
		{"an error", diag.MissingFile.At("f", 3, 12, "m", "h"), true},
		{"its own line", diag.Retention.At("f", 4, 14, "m", "h"), false},
	} {
		if kept := len(m.Unsilenced([]diag.Finding{c.finding})) == 1; kept != c.kept {
			t.Errorf("%s: kept %t, want %t", c.name, kept, c.kept)
		}
	}
}

// TestMalformedIgnores checks which comments were meant to silence a rule and which are
// prose.
func TestMalformedIgnores(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		comment string
		column  int // of the finding, 0 if there is none
		hint    string
	}{
		{"# kaizen-ignore cron-on-the-hour", 1, "cron-on-the-hour"},
		{"# kaizen-ignore retention", 1, "retention"},
		{"# kaizen-ignore retention, no-prompt", 1, "retention, no-prompt"},
		{"#kaizen-ignore no-prompt because of é", 1, "no-prompt because of é"},
		{"# kaizen-ignore : no-prompt", 1, "no-prompt"},
		{"# Kaizen-Ignore: no-prompt", 1, "no-prompt"},
		{"# kaizen_ignore: no-prompt", 1, "no-prompt"},
		{"# é # kaizen-ignore: no-prompt", 5, "no-prompt"},
		{"# kaizen-ignore", 1, "<rule>"},
		{"# kaizen-ignore: no-prompt", 0, ""},
		{"# kaizen-ignore comments silence warnings", 0, ""},
		{"# Silence it with kaizen-ignore: and the rule", 0, ""},
		{"# ignore: no-prompt", 0, ""},
	} {
		_, findings := ReadIgnores("f", []yamlnode.Comment{{Pos: yamlnode.Pos{Line: 1, Column: 1}, Text: c.comment}})
		switch {
		case c.column == 0 && len(findings) > 0:
			t.Errorf("%s: %v", c.comment, findings)
		case c.column > 0 && (len(findings) != 1 || findings[0].Column != c.column ||
			!strings.HasPrefix(findings[0].Hint, "write `# kaizen-ignore: "+c.hint+"`")):
			t.Errorf("%s: %v, want column %d and the hint %q", c.comment, findings, c.column, c.hint)
		}
	}
}
