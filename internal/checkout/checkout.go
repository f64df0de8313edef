// Package checkout reads a repository tree and writes into it, and never leaves it.
//
// A repository is untrusted: a path may point outside, a link may point anywhere and may
// be replaced during a read, and a file may be a FIFO that never ends. So every access
// goes through os.Root, opens without blocking, and reads regular files only, up to a
// limit. The .git directory is excluded, because actions/checkout keeps the job's token
// in .git/config. A Tree only reads; a Writer writes.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Errors that callers compare with errors.Is. Returned errors wrap them and name the
// path.
var (
	ErrEscapes    = errors.New("leaves the checkout")
	ErrNotRegular = errors.New("is not a regular file")
	ErrTooLarge   = errors.New("is too large")
)

// Tree is an open checkout. It is safe for concurrent use. It keeps directories open, so a
// directory that another process replaces during the run stays the one that it was.
type Tree struct {
	// ctx is that of the run. A tree belongs to one run, so every access fails when the run
	// ends.
	ctx    context.Context
	budget *Budget
	root   *os.Root
	dir    string
	// git is the tree's own .git, or nil. gitTarget is the directory in the tree that a
	// .git which is a link or a file leads to, or nil. See walk.look.
	git, gitTarget fs.FileInfo

	ignores     ignores
	listings    listings
	texts       texts
	directories directories
}

// Open opens the checkout at dir for reading without an end. See OpenContext.
func Open(dir string) (*Tree, error) { return OpenContext(context.Background(), dir) }

// OpenContext opens the checkout at dir for a run. When ctx ends, all accesses return its
// error. The run reads at most MaxRead bytes; a file that does not fit returns a
// *BudgetError.
func OpenContext(ctx context.Context, dir string) (*Tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("checkout %q: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("checkout %q cannot be opened: %w", dir, Reason(err))
	}
	t := &Tree{ctx: ctx, budget: NewBudget(MaxRead), root: root, dir: abs}
	if info, err := root.Lstat(gitDir); err == nil {
		t.git = info
	}
	if git, _, err := t.openGit(); err == nil {
		t.gitTarget, _ = git.Stat(".")
		git.Close()
	}
	return t, nil
}

// Close releases the tree.
func (t *Tree) Close() error { return errors.Join(t.directories.close(), t.root.Close()) }

// Beside opens another directory for the same run.
func (t *Tree) Beside(dir string) (*Tree, error) {
	other, err := OpenContext(t.ctx, dir)
	if err == nil {
		other.budget = t.budget
	}
	return other, err
}

// Limit replaces the budget of MaxRead bytes, before anything is read.
func (t *Tree) Limit(bytes int64) { t.budget = NewBudget(bytes) }

// Exceeded returns the error of the first file that did not fit into the budget, or nil.
// Some callers skip files that cannot be read, so they have to ask here.
func (t *Tree) Exceeded() *BudgetError { return t.budget.Exceeded() }

// HasGit reports whether the tree is a repository of its own.
func (t *Tree) HasGit() bool { return t.git != nil }

// Repository returns the nearest directory above the tree that is the root of a repository.
// It returns "" if there is none, or if the tree is a repository of its own.
func (t *Tree) Repository() string {
	if t.HasGit() {
		return ""
	}
	for dir := filepath.Dir(t.dir); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, gitDir)); err == nil {
			return dir
		}
	}
	return ""
}

// Dir returns the absolute path of the tree.
func (t *Tree) Dir() string { return t.dir }

// Open opens the regular file name (slash-separated, relative) for reading. The caller
// limits what it reads. Errors: fs.ErrNotExist, ErrEscapes, ErrNotRegular, that of the run,
// or the system's error.
func (t *Tree) Open(name string) (*File, error) {
	f, err := t.open(name, fs.FileMode.IsRegular, ErrNotRegular)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, Reason(err))
	}
	return t.limited(name, f), nil
}

// limited returns f with the limits of the run.
func (t *Tree) limited(name string, f *os.File) *File {
	return &File{ctx: t.ctx, budget: t.budget, name: name, file: f}
}

// ReadFile reads the regular file name, and remembers it if it is small. A file of more than
// limit bytes returns ErrTooLarge.
func (t *Tree) ReadFile(name string, limit int64) ([]byte, error) {
	if data, ok := t.texts.get(name); ok && int64(len(data)) <= limit && t.ctx.Err() == nil {
		return data, nil
	}
	data, err := t.readFile(name, limit)
	if err == nil {
		t.texts.keep(name, data)
	}
	return data, err
}

func (t *Tree) readFile(name string, limit int64) ([]byte, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readAll(f, limit)
	if _, ok := errors.AsType[*BudgetError](err); ok {
		return nil, err // it has the name
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, Reason(err))
	}
	return data, nil
}

// Stat returns the information of the regular file name. The errors are those of Open.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	w := walk{tree: t}
	defer w.close()
	info, err := w.to(name)
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, Reason(err))
	}
	return info, nil
}

// IsFile reports whether name is a regular file inside the tree. It follows links that
// stay inside.
func (t *Tree) IsFile(name string) bool {
	w := walk{tree: t}
	defer w.close()
	info, err := w.to(name)
	return err == nil && info.Mode().IsRegular()
}

// open opens the target of name if its mode is as wanted, and otherwise returns the error
// otherwise.
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

// openSame opens base in dir if it is still the file that info describes. It does not
// block, because the file may have become a FIFO.
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

// readAll reads f up to limit. It checks the size that the system reports first, to fail
// early.
func readAll(f fs.File, limit int64) ([]byte, error) {
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

// Reason removes the paths and the call from a system error, because callers add the path
// as the user wrote it.
func Reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
