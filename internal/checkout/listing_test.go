package checkout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func TestEntries(t *testing.T) {
	t.Parallel()
	tree, dir := newTree(t, map[string]string{"plans/b.md": "b", "plans/a.md": "a", "plans/old/c.md": "c"})
	links := map[string]string{"plans/link": "old", "plans/out": "../../outside", "inside": "plans",
		"away": "../outside"}
	for link, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		limit int
		want  []string
		isDir bool
		err   error
	}{
		{"plans", 5, []string{"a.md -", "b.md -", "link L", "old d", "out L"}, true, nil},
		{"inside", 5, []string{"a.md -", "b.md -", "link L", "old d", "out L"}, true, nil},
		{"plans", 4, nil, true, ErrTooLarge},
		{"away", 5, nil, false, ErrEscapes},
		{".git", 5, nil, false, ErrEscapes},
		{"README.md", 5, nil, false, syscall.ENOTDIR},
		{"nowhere", 5, nil, false, fs.ErrNotExist},
	}
	for _, tt := range tests {
		entries, err := tree.Entries(tt.name, tt.limit)
		var got []string
		for _, e := range entries {
			got = append(got, e.Name()+" "+e.Type().String()[:1])
		}
		if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
			t.Errorf("Entries(%q, %d) = %q, %v; want %q, %v", tt.name, tt.limit, got, err, tt.want, tt.err)
		}
		if is := tree.IsDir(tt.name); is != tt.isDir {
			t.Errorf("IsDir(%q) = %v, want %v", tt.name, is, tt.isDir)
		}
	}
}
