package store

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// write replaces f in one step: readers see the old file or the new one. A run that ends
// midway leaves a temporary file.
func (d *Directory) write(dir *os.Root, f File) error {
	return d.files.Replace(dir, f.Name, f.Data, checkout.FileMode)
}

// remove deletes a file, if it exists.
func (d *Directory) remove(dir *os.Root, name string) error {
	if _, err := dir.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d.files.Before("remove " + name)
	return dir.Remove(name)
}

// clean removes the unfinished files of a run that ended early.
func (d *Directory) clean(dir *os.Root) error {
	self, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer self.Close()
	names, err := self.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, checkout.TempPrefix) {
			continue
		}
		if err := d.remove(dir, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
