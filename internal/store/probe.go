package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// probeSize is as much as a bundle may have, in bytes.
const probeSize = 1 << 20

// Probe finds out whether a Put can work: it writes a file of the size of a large bundle
// and removes it. It does not create the store: where that is missing, the file is in the
// nearest directory above. The error is like that of a Put.
func (d *Directory) Probe() error {
	dir, err := d.openNearest()
	if err == nil {
		defer dir.Close()
		err = probe(dir)
	}
	if err != nil {
		return d.failed("writing a file", err)
	}
	return nil
}

// openNearest opens the store, or the nearest directory above it that exists.
func (d *Directory) openNearest() (*os.Root, error) {
	if !d.inside {
		for out := d.out; ; out = filepath.Dir(out) {
			if dir, err := os.OpenRoot(out); !errors.Is(err, fs.ErrNotExist) || out == filepath.Dir(out) {
				return dir, err
			}
		}
	}
	workspace, err := os.OpenRoot(d.o.Workspace)
	if err != nil {
		return nil, err
	}
	for out := d.out; out != "."; out = filepath.Dir(out) {
		if dir, err := workspace.OpenRoot(out); !errors.Is(err, fs.ErrNotExist) {
			return dir, errors.Join(err, workspace.Close())
		}
	}
	return workspace, nil
}

// probe writes a file to its end, because some file systems report a lack of space late.
func probe(dir *os.Root) error {
	name := checkout.TempPrefix + rand.Text()
	file, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, checkout.FileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, probeSize))
	return errors.Join(err, file.Sync(), file.Close(), dir.Remove(name))
}
