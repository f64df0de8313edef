//go:build unix

package checkout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestOutDir locates directories beside and in a repository, with links above it, in it
// and to it. cmd/action has the whole list of hostile places.
func TestOutDir(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		plant func(base string) error
		trees []string // relative to the base, as path is
		path  string
		at    string // where the directory is, links followed; "" for an error
		want  error
	}{
		{"beside", nil, nil, "outside/new/deep", "outside/new/deep", nil},
		{"in the repository", nil, nil, "repo/new", "repo/new", nil},
		{"the repository", nil, nil, "repo", "repo", nil},
		{"a link of the user's", link("outside", "here"), nil, "here/new", "outside/new", nil},
		{"a link of the user's into the repository", link("repo/docs", "here"), nil, "here/new", "repo/docs/new", nil},
		{"links of the user's in a row", func(base string) error {
			return errors.Join(os.Symlink("b", base+"/a"), os.Symlink("outside", base+"/b"))
		}, nil, "a/new", "outside/new", nil},
		{"a link of the user's to a link of the repository", func(base string) error {
			return errors.Join(os.Symlink("repo", base+"/here"), os.Symlink("../outside", base+"/repo/x"))
		}, nil, "here/x/new", "", ErrNotDirectory},
		{"a link of the user's into .git", link("repo/.git", "here"), nil, "here/hooks", "", ErrEscapes},
		{"a dangling link of the user's", link("none", "here"), nil, "here/new", "", fs.ErrNotExist},
		{"a link of the user's to itself", link("here", "here"), nil, "here/new", "", nil},
		{"a link of the repository", link("../outside", "repo/x"), nil, "repo/x/new", "", ErrNotDirectory},
		{"below a file", nil, nil, "repo/README.md/new", "", ErrNotDirectory},
		{"below a file beside", func(base string) error { return os.WriteFile(base+"/file", nil, 0o600) }, nil,
			"file/new", "", nil},
		{"a tree", nil, []string{"repo/docs"}, "repo/docs/new", "repo/docs/new", nil},
		{"a tree that is a link inside", link("docs", "repo/x"), []string{"repo/x"}, "repo/x/new", "repo/docs/new", nil},
		{"a tree that is a link outside", link("../outside", "repo/x"), []string{"repo/x"}, "repo/x/new", "", ErrEscapes},
		{"a tree that is a link into .git", link(".git", "repo/x"), []string{"repo/x"}, "repo/x/new", "", ErrEscapes},
		{"a link of a tree without .git", link("../repo", "outside/x"), []string{"outside"}, "outside/x/new", "",
			ErrNotDirectory},
		{"the first tree", link("docs", "repo/x"), []string{"repo/x", "repo"}, "repo/x/new", "repo/docs/new", nil},
		{"no tree", nil, []string{"", "outside"}, "repo/new", "repo/new", nil},
		{"a tree that is not there", nil, []string{"repo/none"}, "repo/none/new", "", fs.ErrNotExist},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, dir := newTree(t, map[string]string{"docs/guide.md": "x"})
			base := filepath.Dir(dir)
			if tt.plant != nil {
				fixture.Must(t, tt.plant(base))
			}
			for i, tree := range tt.trees {
				if tree != "" {
					tt.trees[i] = filepath.Join(base, tree)
				}
			}
			before := listing(t, base)
			out, err := NewOutDir(filepath.Join(base, tt.path), tt.trees...)
			var root *os.Root
			if err == nil {
				if _, err := out.Open(nil); err != nil && !errors.Is(err, fs.ErrNotExist) && tt.at != "" {
					t.Errorf("without mkdir: %v", err)
				}
				if names := changed(before, listing(t, base)); len(names) > 0 {
					t.Errorf("Open(nil) changes %q", names)
				}
				root, err = out.Open((&DirWriter{}).Mkdir)
			}
			if (err == nil) != (tt.at != "") || tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			defer root.Close()
			got, err := root.Stat(".")
			fixture.Must(t, err)
			want, err := os.Lstat(filepath.Join(base, tt.at))
			if err != nil || !os.SameFile(got, want) {
				t.Errorf("opens another directory than %s: %v", tt.at, err)
			}
		})
	}
}

// TestOpenSubdirectory opens what a hostile store may have in place of a directory.
func TestOpenSubdirectory(t *testing.T) {
	t.Parallel()
	_, dir := newTree(t, map[string]string{"docs/guide.md": "x"})
	fixture.Must(t, os.Symlink("docs", filepath.Join(dir, "link")))
	root, err := os.OpenRoot(dir)
	fixture.Must(t, err)
	defer root.Close()
	for name, want := range map[string]error{"docs": nil, "link": ErrNotDirectory, "README.md": ErrNotDirectory,
		"none": fs.ErrNotExist} {
		sub, err := OpenSubdirectory(root, name)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if err == nil {
			sub.Close()
		} else if strings.Contains(err.Error(), dir) {
			t.Errorf("%s: the error has the machine's path: %v", name, err)
		}
	}
}
