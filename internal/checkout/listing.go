package checkout

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"syscall"
)

// maxKept is how many entries of directories a tree keeps. Those of further directories
// are read again.
const maxKept = 100_000

// listings has the directories that a tree has listed, because many entries of a manifest
// search the same ones.
type listings struct {
	mu    sync.Mutex
	known map[listingKey]func() ([]fs.DirEntry, error)
	kept  int
}

type listingKey struct {
	name  string
	limit int
}

// list returns what read returns, and calls it once for a listing.
func (l *listings) list(of listingKey, read func() ([]fs.DirEntry, error)) ([]fs.DirEntry, error) {
	l.mu.Lock()
	once, ok := l.known[of]
	if !ok {
		once = sync.OnceValues(func() ([]fs.DirEntry, error) {
			entries, err := read()
			l.keep(of, len(entries)+1)
			return entries, err
		})
		if l.known == nil {
			l.known = make(map[listingKey]func() ([]fs.DirEntry, error))
		}
		l.known[of] = once
	}
	l.mu.Unlock()
	return once()
}

// keep counts the entries of a listing, and forgets it if there are too many.
func (l *listings) keep(of listingKey, entries int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept += entries; l.kept > maxKept {
		l.kept -= entries
		delete(l.known, of)
	}
}

// Entries returns the entries of directory name, sorted by name, as they were when the tree
// first listed it. More than limit entries return ErrTooLarge. Links are not followed, so
// an entry may have the type of a link.
func (t *Tree) Entries(name string, limit int) ([]fs.DirEntry, error) {
	entries, err := t.listings.list(listingKey{name, limit}, func() ([]fs.DirEntry, error) {
		return t.readEntries(name, limit)
	})
	return slices.Clone(entries), err
}

func (t *Tree) readEntries(name string, limit int) ([]fs.DirEntry, error) {
	f, err := t.open(name, fs.FileMode.IsDir, syscall.ENOTDIR)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, Reason(err))
	}
	defer f.Close()
	entries, err := f.ReadDir(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%q: %w", name, Reason(err))
	}
	if len(entries) > limit {
		return nil, fmt.Errorf("%q has more than %d entries: %w", name, limit, ErrTooLarge)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// ReadDir returns the names of Entries.
func (t *Tree) ReadDir(name string, limit int) ([]string, error) {
	entries, err := t.Entries(name, limit)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// IsDir reports whether name is a directory inside the tree. It follows links that stay
// inside.
func (t *Tree) IsDir(name string) bool {
	w := walk{tree: t}
	defer w.close()
	info, err := w.to(name)
	return err == nil && info.IsDir()
}
