package prepare

import (
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// checkOne is Check of a manifest with the one entry, as "rule: message".
func checkOne(t *testing.T, files map[string]string, entry schedule.Entry) []string {
	t.Helper()
	return texts(Check(&schedule.Manifest{Entries: []schedule.Entry{entry}}, newTree(t, files)))
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
	const nested, other, deep, flat = ".claude/agents/a/coach.md", ".claude/agents/b/coach.md", ".claude/agents/a/b/coach.md", "agents/coach.md"
	tests := []struct {
		name  string
		files []string
		want  string   // the prompt that is taken
		found []string // what is reported
	}{
		{"one", []string{nested}, nested, nil},
		{"deeper", []string{deep, ".claude/agents/a/coach.md.bak"}, deep, nil},
		{"before other layouts", []string{nested, flat}, nested,
			[]string{`ambiguous-prompt: agent "coach" has two prompts: .claude/agents/a/coach.md is taken, agents/coach.md is not`}},
		{"two of one name", []string{other, nested}, nested,
			[]string{`ambiguous-prompt: agent "coach" has two prompts: .claude/agents/a/coach.md is taken, .claude/agents/b/coach.md is not`}},
		{"the shallow one of two", []string{deep, other}, other,
			[]string{`ambiguous-prompt: agent "coach" has two prompts: .claude/agents/b/coach.md is taken, .claude/agents/a/b/coach.md is not`}},
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
