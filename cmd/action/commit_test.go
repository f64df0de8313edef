package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
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
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, c.target), 0o755); err != nil {
				t.Fatal(err)
			}
			for name, content := range c.files {
				name = filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			tree, err := checkout.Open(filepath.Join(dir, c.target))
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			var log bytes.Buffer
			a := &app{
				env: actions.Environment{Workspace: filepath.Join(dir, "work"), SHA: workflows},
				runner: actions.NewRunner(actions.RunnerOptions{Getenv: func(string) string { return "" },
					Stdout: io.Discard, Stderr: &log}),
			}
			if got := a.commitOf(tree); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if !strings.Contains(log.String(), c.log) || (log.Len() > 0) != (c.log != "") ||
				strings.Count(log.String(), "\n") > 1 {
				t.Errorf("the log is %q, want %q", log.String(), c.log)
			}
		})
	}
}
