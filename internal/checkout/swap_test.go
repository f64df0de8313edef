//go:build unix

package checkout

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestSwappedBeforeOpen swaps a name after it was looked at and before it is opened, which
// is the moment that the races below only hit by chance.
func TestSwappedBeforeOpen(t *testing.T) {
	t.Parallel()
	place := func(target string) func(path string) error {
		return func(path string) error { return os.Symlink(target, path) }
	}
	for _, tt := range []struct {
		name string
		swap func(path string) error // what is at the name when it is opened; nil for no change
		want error
	}{
		{"nothing changes", nil, nil},
		{"link to .git/config", place(".git/config"), errChanged},
		{"link to another file", place("README.md"), errChanged},
		{"link to a directory", place(".git"), errChanged},
		{"another file", func(path string) error { return os.WriteFile(path, []byte("other"), 0o644) }, errChanged},
		{"another directory", func(path string) error { return os.Mkdir(path, 0o755) }, errChanged},
		{"FIFO", func(path string) error { return syscall.Mkfifo(path, 0o644) }, errChanged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tree, dir := newTree(t, map[string]string{"x": "x", "d/x": "x"})
			for _, name := range []string{"x", "d"} {
				info, err := tree.root.Lstat(name)
				fixture.Must(t, err)
				if tt.swap != nil {
					path := filepath.Join(dir, name)
					fixture.Must(t, errors.Join(os.Rename(path, path+".moved"), tt.swap(path)))
				}
				file, err := openSame(tree.root, name, info)
				if err == nil {
					file.Close()
				}
				if !errors.Is(err, tt.want) {
					t.Errorf("openSame(%s): %v, want %v", name, err, tt.want)
				}
				if tt.swap != nil && tt.name != "link to a directory" && tt.name != "another directory" || name == "x" {
					continue // no directory, which has an error of its own
				}
				opened, err := openDir(tree.root, name, info)
				if err == nil {
					opened.Close()
				}
				if !errors.Is(err, tt.want) {
					t.Errorf("openDir(%s): %v, want %v", name, err, tt.want)
				}
			}
		})
	}
}
