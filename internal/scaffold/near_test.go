package scaffold_test

import (
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
)

func TestNearAgent(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{
		".claude/agents/coach.md": "p", "agents/agent-optimization.md": "p", ".codex/agents/tidy.toml": "p",
		"agents/review.md/x": "p",
	})
	tree := openTree(t, dir)
	for _, c := range []struct {
		name, taken, want string
		slip              bool
	}{
		{"coahc", "", "coach", true},
		{"coahc", "coach", "", false},
		{"optimisation", "", "optimization", true},
		{"optmzation", "", "optimization", false},
		{"optmzation", "optimization", "", false},
		{"tydi", "", "", false},
		{"Tidy", "", "tidy", true},
		{"reviev", "", "", false}, // a directory is not a prompt
	} {
		taken := func(agent string) bool { return agent == c.taken }
		if near, slip := scaffold.NearAgent(tree, c.name, taken); near != c.want || slip != c.slip {
			t.Errorf("%s, with %q taken: %q, one slip %t", c.name, c.taken, near, slip)
		}
	}
	if near, slip := scaffold.NearAgent(tree, "coahc", nil); near != "coach" || !slip {
		t.Errorf("with nothing taken: %q, one slip %t", near, slip)
	}
}
