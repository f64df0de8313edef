package scaffold_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
)

const badName = " gives the name %q, but an agent's name is 1 to 64 letters, digits, hyphens and underscores, " +
	"the first a letter or digit"

var findTests = []struct {
	name    string
	files   []string
	links   map[string]string
	agents  []string
	skipped []string
}{
	{name: "nothing"},
	{name: "nested, the shallow one first",
		files: []string{".claude/agents/z.md", ".claude/agents/a/b/z.md", ".claude/agents/a/c.md",
			".claude/agents/b/z.md"},
		agents: []string{"c .claude/agents/a/c.md",
			"z .claude/agents/z.md .claude/agents/b/z.md .claude/agents/a/b/z.md"}},
	{name: "both directories of opencode, and squad",
		files: []string{".opencode/agent/x.md", ".opencode/agents/y.md", ".squad/agents/bob/charter.md",
			".squad/agents/scribe/history.md"},
		agents: []string{"bob .squad/agents/bob/charter.md", "x .opencode/agent/x.md", "y .opencode/agents/y.md"}},
	{name: "the prefix is not part of the name", files: []string{"agents/agent-coach.md"},
		agents: []string{"coach agents/agent-coach.md"}},
	{name: "names that no agent can have",
		files: []string{".claude/agents/My Agent.md", ".claude/agents/sub/über.md", "agents/agent-a b.md",
			"agents/all.md",
			".squad/agents/a b/charter.md"},
		skipped: []string{fmt.Sprintf(".claude/agents/My Agent.md"+badName, "My Agent"),
			fmt.Sprintf(".claude/agents/sub/über.md"+badName, "über"),
			fmt.Sprintf(".squad/agents/a b/charter.md"+badName, "a b"),
			fmt.Sprintf("agents/agent-a b.md"+badName, "a b"),
			"agents/all.md has the reserved name \"all\", which means every enabled agent"}},
	{name: "documents next to prompts",
		files: []string{".claude/agents/README.md", ".claude/agents/sub/CHANGELOG.md", "agents/notes.txt",
			".squad/agents/a b/notes.md"}},
	{name: "not regular files", files: []string{"agents/dir.md/x", "outside.md"},
		links:  map[string]string{"agents/away.md": "../../x", "agents/in.md": "../outside.md"},
		agents: []string{"in agents/in.md"},
		skipped: []string{"agents/away.md is not a regular file of the checkout",
			"agents/dir.md is not a regular file of the checkout"}},
	{name: "links to directories", files: []string{".claude/agents/a/x.md", "docs/y.md"},
		links: map[string]string{".claude/agents/up": "..", ".claude/agents/a/docs": "../../../docs",
			".github": "/etc"},
		agents: []string{"x .claude/agents/a/x.md"},
		skipped: []string{".claude/agents/a/docs is not searched: it is a link to a directory",
			".claude/agents/up is not searched: it is a link to a directory",
			".github/agents is not searched: it leaves the checkout"}},
	{name: "too deep", files: []string{".claude/agents/1/2/3/4/5/x.md", ".claude/agents/1/2/3/4/5/6/y.md"},
		agents: []string{"x .claude/agents/1/2/3/4/5/x.md"},
		skipped: []string{".claude/agents/1/2/3/4/5/6 is not searched: " +
			"it is more than 5 directories below .claude/agents"}},
	{name: "too many", files: append(many(".claude/agents/a/n%d.txt", 1001), ".claude/agents/b/x.md"),
		agents:  []string{"x .claude/agents/b/x.md"},
		skipped: []string{".claude/agents/a is not searched: more than 1000 names are not read"}},
}

func TestFindAgents(t *testing.T) {
	t.Parallel()
	for _, tt := range findTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			for _, name := range tt.files {
				fixture.Write(t, dir, map[string]string{name: "x"})
			}
			for _, link := range slices.Sorted(maps.Keys(tt.links)) {
				if err := os.Symlink(tt.links[link], filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			agents, skipped := scaffold.FindAgents(openTree(t, dir))
			var gotAgents, gotSkipped []string
			for _, a := range agents {
				gotAgents = append(gotAgents, a.Agent+" "+strings.Join(a.Paths, " "))
			}
			for _, s := range skipped {
				gotSkipped = append(gotSkipped, s.Path+" "+s.Reason)
			}
			if !slices.Equal(gotAgents, tt.agents) || !slices.Equal(gotSkipped, tt.skipped) {
				t.Errorf("FindAgents = %q, skipped %q; want %q, skipped %q", gotAgents, gotSkipped, tt.agents,
					tt.skipped)
			}
		})
	}
}

func many(pattern string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(pattern, i)
	}
	return names
}
