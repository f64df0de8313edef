package checkout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// OutDir is a directory to write into that a user names, such as that of --out. It may lie
// in a hostile checkout, and need not exist. Links outside of repositories are the user's
// own and are followed. Below the base no link is followed, and .git is never entered.
type OutDir struct {
	base string // absolute, and an existing directory
	name string // slash-separated path below base; "." is base itself
}

// NewOutDir locates the directory dir. Its base is the first of trees that has it, by
// their names alone; else the outermost repository on the way to it. A tree's own path may
// have links, even inside a repository if they stay there. Errors: ErrEscapes,
// ErrNotDirectory, or those of the system.
func NewOutDir(dir string, trees ...string) (OutDir, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return OutDir{}, err
	}
	for _, tree := range trees {
		rel, err := filepath.Rel(tree, dir)
		if tree == "" || err != nil || !filepath.IsLocal(rel) {
			continue
		}
		base, err := ResolveDir(tree)
		if err != nil {
			return OutDir{}, err
		}
		return newOutDir(base, rel)
	}
	base, rest, err := locate(dir, false)
	if err != nil {
		return OutDir{}, err
	}
	return newOutDir(base, rest)
}

func newOutDir(base, rel string) (OutDir, error) {
	if part := gitPart(base); part != "" {
		return OutDir{}, fmt.Errorf("the path leads into %s: %w", part, ErrEscapes)
	}
	return OutDir{base, filepath.ToSlash(rel)}, nil
}

// ResolveDir returns the directory at path without links. A link inside a repository may
// not lead out of it. Errors: ErrEscapes, ErrNotDirectory, or those of the system.
func ResolveDir(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	dir, rest, err := locate(path, true)
	if err == nil && rest != "." {
		err = fmt.Errorf("%q: %w", path, fs.ErrNotExist)
	}
	return dir, err
}

// locate follows an absolute path as far as it exists, and returns the directory there and
// the rest of the path. At the root of a repository it stops, or with inside goes on and
// follows the links that stay in the repository.
func locate(path string, inside bool) (dir, rest string, err error) {
	for range maxLinks {
		dir, rest, err = followLink(path, inside)
		if err != nil || dir != "" {
			return dir, rest, err
		}
		path = rest
	}
	return "", "", fmt.Errorf("%q: %w", path, syscall.ELOOP)
}

// followLink is locate up to the first link. It returns no directory then, and the path
// with the link's target.
func followLink(path string, inside bool) (dir, rest string, err error) {
	dir = filepath.VolumeName(path) + string(filepath.Separator)
	repository := ""
	parts := strings.FieldsFunc(path[len(dir):], func(r rune) bool { return r == filepath.Separator })
	for i, part := range parts {
		if _, err := os.Lstat(filepath.Join(dir, gitDir)); err == nil && repository == "" {
			if repository = dir; !inside {
				return dir, filepath.Join(parts[i:]...), nil
			}
		}
		next := filepath.Join(dir, part)
		info, err := os.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return dir, filepath.Join(parts[i:]...), nil
		case err != nil:
			return "", "", fmt.Errorf("%q: %w", next, Reason(err))
		case info.IsDir():
			dir = next
			continue
		case info.Mode().Type() != fs.ModeSymlink:
			return "", "", fmt.Errorf("%q is not a directory", next)
		}
		real, err := filepath.EvalSymlinks(next)
		if err != nil {
			return "", "", fmt.Errorf("the link %q leads to no directory: %w", next, Reason(err))
		}
		if rel, err := filepath.Rel(repository, real); repository != "" && (err != nil || !filepath.IsLocal(rel)) {
			return "", "", fmt.Errorf("the link %q %w", next, ErrEscapes)
		}
		return "", filepath.Join(append([]string{real}, parts[i+1:]...)...), nil
	}
	return dir, ".", nil
}

// Open opens the directory. It calls mkdir for a missing part; without mkdir the error is
// fs.ErrNotExist.
func (d OutDir) Open(mkdir func(dir *os.Root, part string) error) (*os.Root, error) {
	tree, err := Open(d.base)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	if d.name == "." {
		return tree.root.OpenRoot(".")
	}
	at := walk{tree: tree}
	defer at.close()
	if err := at.enterAll(strings.Split(d.name, "/"), mkdir); err != nil {
		return nil, err
	}
	return at.dir().OpenRoot(".")
}

// OpenNearest opens the directory, or the nearest one above it that exists, down from the
// base.
func (d OutDir) OpenNearest() (*os.Root, error) {
	for name := d.name; ; name = path.Dir(name) {
		root, err := OutDir{d.base, name}.Open(nil)
		if !errors.Is(err, fs.ErrNotExist) || name == "." {
			return root, err
		}
	}
}

// ReplaceFile writes the file at path, whose directory exists, in one step. What it
// replaces must be a regular file, else the error is ErrNotRegular. The new file gets mode
// 0644 and the owner of its directory. See NewOutDir for trees and the other errors.
func ReplaceFile(path string, data []byte, log func(format string, args ...any), trees ...string) error {
	dir, name := filepath.Split(filepath.Clean(path))
	out, err := NewOutDir(dir, trees...)
	if err == nil {
		err = out.replace(name, data, log)
	}
	return Reason(err)
}

func (d OutDir) replace(name string, data []byte, log func(format string, args ...any)) error {
	if strings.EqualFold(name, gitDir) {
		return ErrEscapes
	}
	root, err := d.Open(nil)
	if err != nil {
		return err
	}
	defer root.Close()
	if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%q %w", name, ErrNotRegular)
	}
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	w := DirWriter{Owner: OwnerOf(info), Log: log}
	return w.Replace(root, name, data, FileMode)
}

// OpenSubdirectory opens the directory name in dir, which must not be a link.
func OpenSubdirectory(dir *os.Root, name string) (*os.Root, error) {
	info, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, notDirectory(name, info)
	}
	return openDir(dir, name, info)
}

// gitPart returns the part of an absolute path that is a .git directory, or "".
func gitPart(path string) string {
	parts := strings.Split(filepath.ToSlash(path), "/")
	if i := slices.IndexFunc(parts, func(part string) bool { return strings.EqualFold(part, gitDir) }); i >= 0 {
		return parts[i]
	}
	return ""
}
