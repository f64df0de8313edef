package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
)

// writeScaffold writes files below dir. A clone may be hostile, so it never writes
// through a link or into .git, and it creates files instead of opening them. It checks
// all destinations before it writes the first file.
func writeScaffold(dir string, files []scaffold.File) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, write := range []func(*os.Root, scaffold.File) error{checkPlace, writeAt} {
		for _, f := range files {
			if f.Reason != "" {
				continue
			}
			if err := write(root, f); err != nil {
				return fmt.Errorf("writing %s: %w", f.Path, err)
			}
		}
	}
	return nil
}

// refuseGit returns an error for a checkout inside .git, where a file may be a hook.
func refuseGit(dir string) error {
	for part := range strings.SplitSeq(filepath.ToSlash(dir), "/") {
		if strings.EqualFold(part, ".git") {
			return usagef("the checkout %q lies inside %s: name a checkout with --target", dir, part)
		}
	}
	return nil
}

// checkPlace returns an error for a destination below a link or a file, and for a file to
// append to that is not regular.
func checkPlace(root *os.Root, f scaffold.File) error {
	parts := strings.Split(f.Path, "/")
	for i := range parts {
		name := strings.Join(parts[:i+1], "/")
		info, err := root.Lstat(filepath.FromSlash(name))
		switch last := i == len(parts)-1; {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !last && !info.IsDir():
			return usagef("%s is not a directory of the checkout itself: put one there, then run init again", name)
		case last && !info.Mode().IsRegular():
			return usagef("%s is not a regular file: put one there, then run init again", name)
		}
	}
	return nil
}

func writeAt(root *os.Root, f scaffold.File) error {
	dir, err := makeDir(root, filepath.Dir(filepath.FromSlash(f.Path)))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := filepath.Base(f.Path)
	if f.Append {
		return appendTo(dir, name, f.Content)
	}
	return create(dir, name, []byte(f.Content), 0o644)
}

// makeDir opens a directory below root, part by part, and creates the missing parts. A
// part that is a link, or becomes one meanwhile, is an error.
func makeDir(root *os.Root, path string) (*os.Root, error) {
	dir, err := root.OpenRoot(".")
	for part := range strings.SplitSeq(path, string(filepath.Separator)) {
		if err != nil {
			return nil, err
		}
		if part == "." {
			continue
		}
		var below *os.Root
		below, err = enterDir(dir, part)
		dir.Close()
		dir = below
	}
	return dir, err
}

func enterDir(dir *os.Root, name string) (*os.Root, error) {
	if err := dir.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	info, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	below, err := dir.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if got, err := below.Stat("."); err != nil || !os.SameFile(got, info) {
		below.Close()
		return nil, cmp.Or(err, fmt.Errorf("%s is not a directory of the checkout itself", name))
	}
	return below, nil
}

// create writes a new file. An existing name is an error, even if it is a dangling link.
func create(dir *os.Root, name string, data []byte, mode fs.FileMode) error {
	file, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// appendTo atomically replaces a file by its content and the addition. The temporary file
// has a random name, so a clone cannot contain a link of that name.
func appendTo(dir *os.Root, name, addition string) error {
	old, err := readRegular(dir, name)
	if err != nil {
		return err
	}
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		old = append(old, '\n')
	}
	info, err := dir.Lstat(name)
	if err != nil {
		return err
	}
	tmp := name + "." + rand.Text() + ".tmp"
	err = create(dir, tmp, append(old, addition...), info.Mode().Perm())
	if err == nil {
		err = dir.Rename(tmp, name)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		dir.Remove(tmp) // best effort
	}
	return err
}

// readRegular reads a regular file. A link is an error.
func readRegular(dir *os.Root, name string) ([]byte, error) {
	info, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	file, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if got, err := file.Stat(); err != nil || !os.SameFile(got, info) || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, fmt.Errorf("%s is not a regular file of the checkout itself", name))
	}
	return io.ReadAll(file)
}
