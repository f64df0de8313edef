// Package checkout gives read-only, escape-proof access to a repository tree.
//
// A repository is untrusted: a path may climb out of it, a link may point anywhere and may be swapped while we look, a file may be a
// FIFO that never ends. Everything here goes through os.Root, opens without blocking, and reads regular files up to a limit only.
// The .git directory is no part of the tree: actions/checkout keeps the job's token in .git/config.
package checkout

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Errors a caller branches on; each is wrapped with the path it is about.
var (
	ErrEscapes    = errors.New("leaves the checkout")
	ErrNotRegular = errors.New("is not a regular file")
	ErrTooLarge   = errors.New("is too large")
)

// Tree is an open checkout. It is safe for concurrent use.
type Tree struct {
	root *os.Root
	dir  string
	// git is the tree's own .git, nil when it has none; see place.enter.
	git     fs.FileInfo
	ignores ignores
}

// Open opens the checkout at dir.
func Open(dir string) (*Tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("checkout %q: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("checkout %q cannot be opened: %w", dir, reason(err))
	}
	t := &Tree{root: root, dir: abs}
	if info, err := root.Lstat(gitDir); err == nil {
		t.git = info
	}
	return t, nil
}

// Close releases the tree.
func (t *Tree) Close() error { return t.root.Close() }

// HasGit reports whether the tree is a repository of its own.
func (t *Tree) HasGit() bool { return t.git != nil }

// Dir is the absolute path the tree was opened at.
func (t *Tree) Dir() string { return t.dir }

// Open opens the regular file name (slash-separated, relative) for reading; the caller bounds what it reads.
// Errors: fs.ErrNotExist, ErrEscapes, ErrNotRegular, or what the system says.
func (t *Tree) Open(name string) (*os.File, error) {
	f, err := t.open(name, fs.FileMode.IsRegular, ErrNotRegular)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, reason(err))
	}
	return f, nil
}

// ReadFile reads the regular file name; one of more than limit bytes is ErrTooLarge.
func (t *Tree) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readAll(f, limit)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, reason(err))
	}
	return data, nil
}

// IsFile reports whether name is a regular file inside the tree (through links that stay inside it).
func (t *Tree) IsFile(name string) bool {
	w := walk{tree: t}
	defer w.close()
	info, err := w.to(name)
	return err == nil && info.Mode().IsRegular()
}

// ReadDir lists the names in directory name, sorted, at most limit of them (more is ErrTooLarge).
func (t *Tree) ReadDir(name string, limit int) ([]string, error) {
	f, err := t.open(name, fs.FileMode.IsDir, syscall.ENOTDIR)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, reason(err))
	}
	defer f.Close()
	names, err := f.Readdirnames(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%q: %w", name, reason(err))
	}
	if len(names) > limit {
		return nil, fmt.Errorf("%q has more than %d entries: %w", name, limit, ErrTooLarge)
	}
	slices.Sort(names)
	return names, nil
}

// open opens what name leads to when its mode is as wanted, else the error is otherwise.
func (t *Tree) open(name string, wanted func(fs.FileMode) bool, otherwise error) (*os.File, error) {
	w := walk{tree: t}
	defer w.close()
	info, err := w.to(name)
	if err != nil {
		return nil, err
	}
	if !wanted(info.Mode()) {
		return nil, otherwise
	}
	return openSame(w.dir(), w.base, info)
}

// openSame opens base in dir, provided it is still the file that info describes. Without blocking: it may have become a FIFO since.
func openSame(dir *os.Root, base string, info fs.FileInfo) (*os.File, error) {
	f, err := dir.OpenFile(base, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	got, err := f.Stat()
	if err == nil && !os.SameFile(got, info) {
		err = errChanged
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// readAll reads f up to limit; it trusts the size that the system tells only as far as to refuse early.
func readAll(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, info.Size(), limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return data, nil
}

// reason drops the path and the call from what the system says: callers name the path as the user wrote it.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
