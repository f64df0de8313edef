package checkout

import (
	"errors"
	"os"
	"sync"
)

// maxKeptOpen is how many directories a tree keeps open, a small part of the 1024 files that
// a process may usually open. Further directories are opened for each name.
const maxKeptOpen = 64

// directories has the open directories of a tree, by their paths, in which no part is a
// link. Almost all names that a run reads lie in a few directories, and to open and check
// each of them again for every name is most of the work of reading a small file.
type directories struct {
	mu   sync.Mutex
	open map[string]*os.Root
}

func (d *directories) get(path string) (*os.Root, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, ok := d.open[path]
	return dir, ok
}

// keep reports whether the tree now keeps dir and closes it. It does not if it has enough
// directories, or already has this one.
func (d *directories) keep(path string, dir *os.Root) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.open[path]; known || len(d.open) >= maxKeptOpen {
		return false
	}
	if d.open == nil {
		d.open = make(map[string]*os.Root)
	}
	d.open[path] = dir
	return true
}

func (d *directories) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, dir := range d.open {
		errs = append(errs, dir.Close())
	}
	d.open = nil
	return errors.Join(errs...)
}
