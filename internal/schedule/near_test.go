package schedule

import "testing"

func TestOneSlip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"coach", "coach", false},
		{"coach", "Coach", true},
		{"COACH", "coach", true},
		{"coach", "coch", true},
		{"coach", "coachh", true},
		{"coach", "couch", true},
		{"coach", "coahc", true},
		{"coach", "roach", true},
		{"coach", "caoch", true},
		{"coach", "coachs", true},
		{"coach", "caochs", false},
		{"coach", "Couch", false}, // the case and a letter
		{"coach", "coaching", false},
		{"coach-1", "coach-2", false},
		{"coach", "coach-2", false},
		{"code-review", "code_review", true},
		{"code-review", "codereview", true},
		{"ab", "ba", true},
		{"ab", "ac", false},
		{"a", "b", false},
		{"abc", "abcd", false},
	} {
		if got := oneSlip(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: one slip %t", c.a, c.b, got)
		}
	}
}

func TestNearAgent(t *testing.T) {
	t.Parallel()
	tree := treeOf(t, map[string]string{
		".claude/agents/coach.md": "p", "agents/agent-optimization.md": "p", ".codex/agents/tidy.toml": "p", "agents/review.md/x": "p",
	})
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
		{"reviev", "", "", false}, // a directory is no prompt
	} {
		taken := func(agent string) bool { return agent == c.taken }
		if near, slip := NearAgent(tree, c.name, taken); near != c.want || slip != c.slip {
			t.Errorf("%s, with %q taken: %q, one slip %t", c.name, c.taken, near, slip)
		}
	}
	if near, slip := NearAgent(tree, "coahc", nil); near != "coach" || !slip {
		t.Errorf("with nothing taken: %q, one slip %t", near, slip)
	}
}
