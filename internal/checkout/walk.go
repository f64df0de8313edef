package checkout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is the largest number of symbolic links in one name. Linux has the same limit.
const maxLinks = 40

var errChanged = errors.New("changed while it was being opened")

// walk resolves a name one component at a time and keeps a handle on every directory.
// os.Root alone prevents an escape, but not a link into .git. The handles ensure that a
// check and a read see the same directory, even if another process renames it in between.
type walk struct {
	tree *Tree
	// dirs has the open directories below the tree's root, down to the current one.
	dirs []*os.Root
	base string
}

func (w *walk) dir() *os.Root {
	if len(w.dirs) == 0 {
		return w.tree.root
	}
	return w.dirs[len(w.dirs)-1]
}

func (w *walk) close() {
	for len(w.dirs) > 0 {
		w.leave()
	}
}

func (w *walk) leave() {
	w.dir().Close()
	w.dirs = w.dirs[:len(w.dirs)-1]
}

// to resolves name and returns its target, which is never a symbolic link. The target is
// w.base in w.dir().
func (w *walk) to(name string) (fs.FileInfo, error) {
	if err := w.tree.ctx.Err(); err != nil {
		return nil, err
	}
	if name == "" || strings.ContainsRune(name, 0) {
		return nil, fs.ErrInvalid
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, ErrEscapes
	}
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(w.dirs) == 0 {
				return nil, ErrEscapes
			}
			w.leave()
			continue
		}
		info, err := w.look(part)
		if err != nil {
			return nil, err
		}
		switch mode := info.Mode(); {
		case mode.Type() == fs.ModeSymlink:
			if links++; links > maxLinks {
				return nil, syscall.ELOOP
			}
			target, err := w.readLink(part)
			if err != nil {
				return nil, err
			}
			rest = append(target, rest...)
		case mode.IsDir():
			if err := w.enter(part, info); err != nil {
				return nil, err
			}
		case len(rest) > 0:
			return nil, syscall.ENOTDIR
		default:
			w.base = part
			return info, nil
		}
	}
	w.base = "."
	return w.dir().Stat(".")
}

// readLink returns the parts of the path to which the link part leads. It rejects absolute
// paths.
func (w *walk) readLink(part string) ([]string, error) {
	target, err := w.dir().Readlink(part)
	if err != nil {
		return nil, err
	}
	if filepath.IsAbs(target) || filepath.VolumeName(target) != "" {
		return nil, ErrEscapes
	}
	return strings.Split(filepath.ToSlash(target), "/"), nil
}

// look returns the info of part. It rejects .git by its name in any case, and by its
// identity under another name.
func (w *walk) look(part string) (fs.FileInfo, error) {
	if strings.EqualFold(part, gitDir) {
		return nil, ErrEscapes
	}
	info, err := w.dir().Lstat(part)
	if err != nil {
		return nil, err
	}
	if os.SameFile(info, w.tree.git) || os.SameFile(info, w.tree.gitTarget) {
		return nil, ErrEscapes
	}
	return info, nil
}

// enter opens the directory part if it is still the one that info describes.
func (w *walk) enter(part string, info fs.FileInfo) error {
	dir, err := openDir(w.dir(), part, info)
	if err == nil {
		w.dirs = append(w.dirs, dir)
	}
	return err
}

// openDir opens the directory name in dir if it is still the one that info describes.
func openDir(dir *os.Root, name string, info fs.FileInfo) (*os.Root, error) {
	opened, err := dir.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	got, err := opened.Stat(".")
	if err == nil && !os.SameFile(got, info) {
		err = errChanged
	}
	if err != nil {
		opened.Close()
		return nil, err
	}
	return opened, nil
}
