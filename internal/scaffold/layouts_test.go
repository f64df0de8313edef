package scaffold_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
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
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../testdata/layouts", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write writes the files as `init` does.
func write(t *testing.T, dir string, files []scaffold.File) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		content := f.Content
		switch {
		case f.Reason != "":
			continue
		case f.Append:
			old, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			content = strings.TrimSuffix(string(old), "\n") + "\n" + content
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
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
		findings = append(findings, prepare.Check(m, tree)...)
		findings = append(findings, workflow.Check(m, nil, tree)...)
	}
	return m, findings
}
