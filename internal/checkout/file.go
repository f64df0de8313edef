package checkout

import (
	"context"
	"io/fs"
	"os"
)

// File is an open regular file. Reading it fails when its run ends, and when the run's
// budget is used up. It is not safe for concurrent use.
type File struct {
	ctx    context.Context // of the run that reads; a file never outlives it
	budget *Budget         // nil for none
	name   string
	file   *os.File
	// paid is how many bytes are taken from the budget and not read yet. The first Read
	// takes the whole file, so that none is read in vain.
	paid    int64
	started bool
}

// Stat returns the file's information.
func (f *File) Stat() (fs.FileInfo, error) { return f.file.Stat() }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Read reads the next bytes.
func (f *File) Read(p []byte) (int, error) {
	if err := f.start(); err != nil {
		return 0, err
	}
	n, err := f.file.Read(p)
	if f.paid -= int64(n); f.paid < 0 { // the file has grown
		if err := f.take(-f.paid); err != nil {
			return 0, err
		}
		f.paid = 0
	}
	return n, err
}

// ReadAt reads a part of the file.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	if err := f.take(int64(len(p))); err != nil {
		return 0, err
	}
	return f.file.ReadAt(p, offset)
}

// start takes the size of the file from the budget before its first byte is read.
func (f *File) start() error {
	if err := f.ctx.Err(); err != nil || f.started {
		return err
	}
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if err := f.take(info.Size()); err != nil {
		return err
	}
	f.started, f.paid = true, info.Size()
	return nil
}

func (f *File) take(n int64) error {
	if f.budget == nil {
		return nil
	}
	return f.budget.take(f.name, n)
}

// LimitFS returns a file system whose files are read within a run and a budget, as those
// of a Tree are.
func LimitFS(ctx context.Context, files fs.FS, budget *Budget) fs.FS {
	return limitFS{ctx, files, budget}
}

type limitFS struct {
	ctx    context.Context
	files  fs.FS
	budget *Budget
}

// Stat implements fs.StatFS.
func (l limitFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(l.files, name) }

// Open implements fs.FS. A directory is opened as it is.
func (l limitFS) Open(name string) (fs.File, error) {
	f, err := l.files.Open(name)
	if err != nil {
		return nil, err
	}
	if file, ok := f.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			return &File{ctx: l.ctx, budget: l.budget, name: name, file: file}, nil
		}
	}
	return f, nil
}
