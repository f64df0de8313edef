package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestCommitOf checks that the workflow's commit is used only if no .git has another one,
// and that an unknown commit is logged.
func TestCommitOf(t *testing.T) {
	t.Parallel()
	own, workflows := strings.Repeat("12", 20), strings.Repeat("ab", 20)
	for _, c := range []struct {
		name   string
		target string
		files  map[string]string
		want   string
		log    string
	}{
		{"no .git", "work", nil, workflows, ""},
		{"no .git, a directory", "work/a/b", nil, workflows, ""},
		{"outside of the workspace", "other", nil, "", ""},
		{"HEAD", "work", map[string]string{"work/.git/HEAD": own}, own, ""},
		{"a directory of it", "work/a/b", map[string]string{"work/.git/HEAD": own}, own, ""},
		{"a directory of another checkout", "work/a/b", map[string]string{"work/a/.git/HEAD": own}, own, ""},
		{"reftable", "work", map[string]string{"work/.git/HEAD": "ref: refs/heads/.invalid",
			"work/.git/reftable/tables.list": ""}, "", "reftable format"},
		{"a directory of reftable", "work/a", map[string]string{"work/.git/HEAD": "ref: refs/heads/.invalid",
			"work/.git/reftable/tables.list": ""}, "", "reftable format"},
		{"worktree", "work", map[string]string{"work/.git": "gitdir: /srv/web/.git/worktrees/x"}, "",
			"a linked worktree"},
		{"submodule", "work/a", map[string]string{"work/.git/HEAD": own, "work/a/.git": "gitdir: ../.git/modules/a"},
			"", "a submodule"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			if err := os.MkdirAll(filepath.Join(dir, c.target), 0o755); err != nil {
				t.Fatal(err)
			}
			fixture.Write(t, dir, c.files)
			tree, err := checkout.Open(filepath.Join(dir, c.target))
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			var log fixture.Log
			services := Services{
				Env: &actions.Environment{Workspace: filepath.Join(dir, "work"), SHA: workflows}, Log: log.Printf,
			}
			if got := services.NewBuilder(&Project{Tree: tree}, time.Time{}).Commit; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			lines := log.Lines()
			if !strings.Contains(log.Text(), c.log) || (len(lines) > 0) != (c.log != "") || len(lines) > 1 {
				t.Errorf("the log is %q, want %q", lines, c.log)
			}
		})
	}
}
