package prepare

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// A file that .gitignore excludes is reported if it is missing, and only then.
func TestIgnoredFiles(t *testing.T) {
	t.Parallel()
	enabled := schedule.Entry{Agent: "coach", Cadence: schedule.Weekly, Enabled: true}
	named := enabled
	named.Memory, named.Metrics = ".kaizen/agents/coach/memory.md", ".kaizen/metrics/coach/"
	disabled := enabled
	disabled.Enabled = false
	const memory, metrics = ".kaizen/agents/coach/memory.md", ".kaizen/metrics/coach/summary.json"
	for _, c := range []struct {
		name  string
		entry schedule.Entry
		files map[string]string
		want  []string // "file:line rule: message or hint"
	}{
		{"nothing is ignored", enabled, map[string]string{".gitignore": "/build/\n"}, nil},
		{"without a .gitignore", enabled, nil, nil},
		{"all", enabled, map[string]string{".gitignore": "# data\n.kaizen/\n"}, []string{
			`.gitignore:2 ignored-file: agent "coach" has no memory in this checkout, ` +
				`and this line (.kaizen/) excludes ` + memory,
			`.gitignore:2 ignored-file: agent "coach" has no metrics in this checkout, ` +
				`and this line (.kaizen/) excludes ` + metrics,
		}},
		{"a nested file", enabled, map[string]string{".kaizen/.gitignore": "agents\n"},
			[]string{".kaizen/.gitignore:1 ignored-file: "}},
		{"an exception", enabled, map[string]string{".gitignore": "*.md\n!memory.md\n"}, nil},
		{"one form of the metrics", enabled, map[string]string{".gitignore": "*.jsonl\n"}, []string{"executions.jsonl"}},
		{"the files are here", enabled, map[string]string{".gitignore": ".kaizen/\n", memory: "x", metrics: "{}"}, nil},
		{"another convention has it", enabled,
			map[string]string{".gitignore": ".kaizen/agents\n", ".claude/agent-memory/coach/MEMORY.md": "x"}, nil},
		{"another convention's path", enabled, map[string]string{".gitignore": ".squad/\n"}, nil},
		{"disabled", disabled, map[string]string{".gitignore": ".kaizen/\n"}, nil},
		{"named", named, map[string]string{".gitignore": ".kaizen/\n"}, []string{
			"missing-file: memory names a file that cannot be read: ",
			".gitignore line 1 (.kaizen/) excludes it from the repository",
			"missing-file: metrics names", ".gitignore line 1 (.kaizen/)",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree := newTree(t, with(map[string]string{"agents/coach.md": "Coach.\n"}, c.files))
			findings := check(t, &schedule.Manifest{Entries: []schedule.Entry{c.entry}}, tree)
			if (len(findings) == 0) != (c.want == nil) {
				t.Errorf("got %+v", findings)
			}
			var all strings.Builder
			for _, f := range findings {
				fmt.Fprintf(&all, "%s:%d %s: %s | %s\n", f.File, f.Line, f.Rule, f.Message, f.Hint)
			}
			for _, want := range c.want {
				if !strings.Contains(all.String(), want) {
					t.Errorf("want %s in\n%s", want, all.String())
				}
			}
		})
	}
}

// Only memory that exists on one machine alone is reported.
func TestCheckUntracked(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git to make an index")
	}
	const memory, metrics = ".kaizen/agents/coach/memory.md", ".kaizen/metrics/coach/summary.json"
	coach := schedule.Entry{Agent: "coach", Cadence: schedule.Weekly, Enabled: true}
	paused := coach
	paused.Enabled = false
	const only = `ignored-file: the memory of agent "coach" exists only on this machine: ` +
		"this line (.kaizen/agents/) excludes " + memory + " from the repository"
	for _, c := range []struct {
		name  string
		entry schedule.Entry
		added []string
		want  []string
	}{
		{"ignored", coach, []string{metrics}, []string{only}},
		{"added by force", coach, []string{memory, metrics}, nil},
		{"not ignored and not yet added", coach, []string{memory}, nil},
		{"disabled", paused, []string{metrics}, nil},
		{"without a repository", coach, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := newTree(t, map[string]string{".gitignore": ".kaizen/agents/\n", memory: "m", metrics: "{}"}).Dir()
			if c.added != nil {
				git(t, dir, "init", "-q")
				git(t, dir, append([]string{"add", "--force"}, c.added...)...)
			}
			tree := openTree(t, dir)
			m := &schedule.Manifest{Entries: []schedule.Entry{c.entry}}
			if got := texts(CheckUntracked(m, NewFiles(tree, nil))); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}
