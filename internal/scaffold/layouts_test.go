package scaffold_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

func openTree(t *testing.T, dir string) *checkout.Tree {
	t.Helper()
	tree, err := checkout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

// copyLayout copies a sample repository, so that the test can write to it.
func copyLayout(t *testing.T, name string) string {
	t.Helper()
	dir := fixture.TempDir(t)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../testdata/layouts", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write writes the files of a scaffold as `init` does.
func write(t *testing.T, dir string, s *scaffold.Scaffold) {
	t.Helper()
	w, err := openTree(t, dir).Writer(nil)
	if err == nil {
		err = s.Write(w)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// check returns what `validate` finds in dir.
func check(t *testing.T, dir string) (*schedule.Manifest, []diag.Finding) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, schedule.DefaultPath))
	if err != nil {
		t.Fatal(err)
	}
	m, findings := schedule.Load(schedule.DefaultPath, data, schedule.Options{})
	if m != nil {
		tree := openTree(t, dir)
		found, err := prepare.Check(t.Context(), m, prepare.NewFiles(tree, m.Entries))
		if err != nil {
			t.Fatal(err)
		}
		findings = append(findings, found...)
		findings = append(findings, workflow.Check(m, tree)...)
	}
	return m, findings
}
