package prepare

import (
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// checkOne returns the findings of Check for a manifest with one entry, as "rule:
// message".
func checkOne(t *testing.T, files map[string]string, entry schedule.Entry) []string {
	t.Helper()
	return texts(check(t, &schedule.Manifest{Entries: []schedule.Entry{entry}}, newTree(t, files)))
}

func texts(findings []diag.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, f.Rule+": "+f.Message)
	}
	return all
}

func TestNestedPrompts(t *testing.T) {
	t.Parallel()
	const nested, other, deep = ".claude/agents/a/coach.md", ".claude/agents/b/coach.md", ".claude/agents/a/b/coach.md"
	const flat = "agents/coach.md"
	ambiguous := func(first, second string) []string {
		return []string{`ambiguous-prompt: agent "coach" has two prompts: ` + first + " is used, " + second + " is ignored"}
	}
	tests := []struct {
		name  string
		files []string
		want  string   // the prompt that is used
		found []string // the findings
	}{
		{"one", []string{nested}, nested, nil},
		{"deeper", []string{deep, ".claude/agents/a/coach.md.bak"}, deep, nil},
		{"before other layouts", []string{nested, flat}, nested, ambiguous(nested, flat)},
		{"two of one name", []string{other, nested}, nested, ambiguous(nested, other)},
		{"the shallow one of two", []string{deep, other}, other, ambiguous(other, deep)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := make(map[string]string)
			for _, name := range tt.files {
				files[name] = "prompt at " + name
			}
			in := coach(Markdown)
			if got := checkOne(t, files, in.Entry); !slices.Equal(got, tt.found) {
				t.Errorf("Check = %q, want %q", got, tt.found)
			}
			b, findings := must(t, newTree(t, files), in)
			if !strings.Contains(string(b.Content), "prompt at "+tt.want+"\n") || !slices.Equal(texts(findings), tt.found) {
				t.Errorf("want %s and %q; got %q and\n%s", tt.want, tt.found, texts(findings), b.Content)
			}
		})
	}
}
