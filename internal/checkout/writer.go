package checkout

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// ErrNotDirectory means that a part of a path is a link or a file.
var ErrNotDirectory = errors.New("is not a directory of the checkout itself")

// maxAppended limits the size in bytes of a file to append to.
const maxAppended = 1 << 20

// Writer writes files into a checkout that may be hostile. It follows no link, neither at
// the end of a path nor on the way, so that a write happens where the path says. It never
// writes into .git, where a file may be a hook. New files and directories get the owner of
// the checkout. Files are written as DirWriter writes them.
//
// Paths are slash-separated, relative to the checkout, and clean. Errors have the path, and
// are ErrEscapes, ErrNotDirectory, ErrNotRegular, fs.ErrInvalid or those of the system.
type Writer struct {
	tree  *Tree
	files DirWriter
}

// Writer returns a writer into the tree, which has to stay open. log gets the names whose
// owner can't be changed; nil for none. A tree that lies inside a .git is an error.
func (t *Tree) Writer(log func(format string, args ...any)) (*Writer, error) {
	real, err := ResolveDir(t.dir)
	if err != nil {
		return nil, advice.New("name a checkout with --target", "checkout %q: %w", t.dir, Reason(err))
	}
	for _, dir := range []string{t.dir, real} {
		if part := gitPart(dir); part != "" {
			return nil, advice.New("name a checkout with --target", "the checkout %q lies inside %s", t.dir, part)
		}
	}
	info, err := t.root.Stat(".")
	if err != nil {
		return nil, fmt.Errorf("checkout %q: %w", t.dir, Reason(err))
	}
	return &Writer{tree: t, files: DirWriter{Owner: OwnerOf(info), Sync: true, Log: log}}, nil
}

// Check returns an error if a file of this name can be neither created nor appended to,
// because of what is at the name or on the way. It changes nothing.
func (w *Writer) Check(name string) error {
	at := walk{tree: w.tree}
	defer at.close()
	err := w.enter(&at, name, nil)
	if err == nil {
		_, err = at.lookRegular()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return failed(name, err)
}

// Create writes a new file, with mode 0644, and creates missing directories. For an
// existing name the error is fs.ErrExist.
func (w *Writer) Create(name string, data []byte) error {
	at := walk{tree: w.tree}
	defer at.close()
	if err := w.enter(&at, name, w.files.Mkdir); err != nil {
		return failed(name, err)
	}
	_, err := at.look(at.base)
	switch {
	case err == nil:
		err = fs.ErrExist
	case errors.Is(err, fs.ErrNotExist):
		err = w.files.Create(at.dir(), at.base, data, FileMode)
	}
	return failed(name, err)
}

// Append replaces a regular file of at most 1 MiB in one step by its content and data,
// which begins on a line of its own. The file keeps its mode.
func (w *Writer) Append(name string, data []byte) error {
	at := walk{tree: w.tree}
	defer at.close()
	if err := w.enter(&at, name, nil); err != nil {
		return failed(name, err)
	}
	info, err := at.lookRegular()
	if err != nil {
		return failed(name, err)
	}
	old, err := readSame(at.dir(), at.base, info, maxAppended)
	if err != nil {
		return failed(name, err)
	}
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		old = append(old, '\n')
	}
	return failed(name, w.files.Replace(at.dir(), at.base, append(old, data...), info.Mode().Perm()))
}

// lookRegular returns the info of the walk's base, or ErrNotRegular.
func (w *walk) lookRegular() (fs.FileInfo, error) {
	info, err := w.look(w.base)
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	return info, err
}

// readSame reads base in dir, up to limit bytes, if it is still the file that info
// describes.
func readSame(dir *os.Root, base string, info fs.FileInfo, limit int64) ([]byte, error) {
	file, err := openSame(dir, base, info)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAll(file, limit)
}

// enter walks to the directory of name without following a link, and sets the walk's base.
// It calls mkdir for a missing directory; without mkdir the error is fs.ErrNotExist.
func (w *Writer) enter(at *walk, name string, mkdir func(dir *os.Root, part string) error) error {
	switch {
	case strings.ContainsRune(name, 0) || name == "" || name == ".":
		return fs.ErrInvalid
	case !filepath.IsLocal(filepath.FromSlash(name)):
		return ErrEscapes
	case path.Clean(name) != name:
		return fs.ErrInvalid
	}
	parts := strings.Split(name, "/")
	at.base = parts[len(parts)-1]
	return at.enterAll(parts[:len(parts)-1], mkdir)
}

// enterAll walks into a directory below the walk's without following a link. It calls
// mkdir for a missing part; without mkdir the error is fs.ErrNotExist.
func (w *walk) enterAll(parts []string, mkdir func(dir *os.Root, part string) error) error {
	for i, part := range parts {
		info, err := w.look(part)
		if errors.Is(err, fs.ErrNotExist) && mkdir != nil {
			if err = mkdir(w.dir(), part); err == nil {
				info, err = w.look(part)
			}
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return notDirectory(strings.Join(parts[:i+1], "/"), info)
		}
		if err := w.enter(part, info); err != nil {
			return err
		}
	}
	return nil
}

// notDirectory is the error for what is at path instead of a directory.
func notDirectory(path string, info fs.FileInfo) error {
	if info.Mode().Type() == fs.ModeSymlink {
		return fmt.Errorf("%q is a link, so it %w", path, ErrNotDirectory)
	}
	return fmt.Errorf("%q %w", path, ErrNotDirectory)
}

// failed adds the path to an error of the system, which may have a temporary name.
func failed(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%q: %w", name, Reason(err))
}
