package checkout

import (
	"cmp"
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
	dirs []directory
	base string
}

// directory is an open directory of a walk.
type directory struct {
	root *os.Root
	path string // from the root of the tree, without links
	kept bool   // the tree closes it
}

func (w *walk) dir() *os.Root {
	if len(w.dirs) == 0 {
		return w.tree.root
	}
	return w.dirs[len(w.dirs)-1].root
}

// path returns the path of a part of the current directory.
func (w *walk) path(part string) string {
	if len(w.dirs) == 0 {
		return part
	}
	return w.dirs[len(w.dirs)-1].path + "/" + part
}

func (w *walk) close() {
	for len(w.dirs) > 0 {
		w.leave()
	}
}

func (w *walk) leave() {
	last := len(w.dirs) - 1
	if d := w.dirs[last]; !d.kept {
		d.root.Close()
	}
	w.dirs = w.dirs[:last]
}

// to resolves name and returns its target, which is never a symbolic link. The target is
// w.base in w.dir().
func (w *walk) to(name string) (fs.FileInfo, error) {
	if err := cmp.Or(w.tree.ctx.Err(), checkName(name)); err != nil {
		return nil, err
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
		if w.enterKept(part) {
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
			w.keep()
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

func checkName(name string) error {
	switch {
	case name == "" || strings.ContainsRune(name, 0):
		return fs.ErrInvalid
	case !filepath.IsLocal(filepath.FromSlash(name)):
		return ErrEscapes
	}
	return nil
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
		w.dirs = append(w.dirs, directory{root: dir, path: w.path(part)})
	}
	return err
}

// enterKept enters the directory part if the tree keeps it open. It was looked at when it
// was opened.
func (w *walk) enterKept(part string) bool {
	dir, ok := w.tree.directories.get(w.path(part))
	if ok {
		w.dirs = append(w.dirs, directory{root: dir, path: w.path(part), kept: true})
	}
	return ok
}

// keep leaves the current directory open for other names.
func (w *walk) keep() {
	last := &w.dirs[len(w.dirs)-1]
	last.kept = w.tree.directories.keep(last.path, last.root)
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
