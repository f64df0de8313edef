package checkout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestDirectories reads in more directories than a tree keeps open, replaces a kept one, and
// closes the tree.
func TestDirectories(t *testing.T) {
	t.Parallel()
	files := make(map[string]string)
	for i := range maxKeptOpen + 6 {
		files[fmt.Sprintf("d%02d/x", i)] = "x"
	}
	tree, dir := newTree(t, files)
	for range 2 {
		for name := range files {
			if _, err := tree.Stat(name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n := len(tree.directories.open); n != maxKeptOpen {
		t.Errorf("%d directories are kept open, want %d", n, maxKeptOpen)
	}
	var kept string
	var handle *os.Root
	for kept, handle = range tree.directories.open {
		break
	}
	path := filepath.Join(dir, kept)
	fixture.Must(t, os.Rename(path, path+".moved"))
	fixture.Write(t, path, map[string]string{"other": ""})
	if !tree.IsFile(kept+"/x") || tree.IsFile(kept+"/other") {
		t.Error("a directory that was replaced is not the one that it was")
	}
	fixture.Must(t, tree.Close())
	if _, err := handle.Stat("x"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close, a kept directory returns %v", err)
	}
}
