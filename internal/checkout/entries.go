package checkout

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"syscall"
)

// Entries returns the entries of directory name, sorted by name. More than limit entries
// return ErrTooLarge. Links are not followed, so an entry may have the type of a link.
func (t *Tree) Entries(name string, limit int) ([]fs.DirEntry, error) {
	f, err := t.open(name, fs.FileMode.IsDir, syscall.ENOTDIR)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, reason(err))
	}
	defer f.Close()
	entries, err := f.ReadDir(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%q: %w", name, reason(err))
	}
	if len(entries) > limit {
		return nil, fmt.Errorf("%q has more than %d entries: %w", name, limit, ErrTooLarge)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// IsDir reports whether name is a directory inside the tree. It follows links that stay
// inside.
func (t *Tree) IsDir(name string) bool {
	w := walk{tree: t}
	defer w.close()
	info, err := w.to(name)
	return err == nil && info.IsDir()
}
