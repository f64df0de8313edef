package checkout

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// AppendLine appends a line to the regular file name in dir, with one write, and creates the
// file first. So a reader sees whole lines, except for the last one of a process that died,
// which the next line is not joined to. name has no directory part. For anything but a
// regular file the error is ErrNotRegular.
func (w *DirWriter) AppendLine(dir *os.Root, name string, line []byte) error {
	info, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = w.Create(dir, name, nil, FileMode); err == nil || errors.Is(err, fs.ErrExist) {
			info, err = dir.Lstat(name)
		}
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return ErrNotRegular
	}
	w.before("append " + name)
	file, err := dir.OpenFile(name, os.O_RDWR|os.O_APPEND|syscall.O_NONBLOCK, FileMode)
	if err != nil {
		return err
	}
	return errors.Join(w.appendTo(file, info, line), file.Close())
}

// appendTo writes the line if file is still what info describes.
func (w *DirWriter) appendTo(file *os.File, info fs.FileInfo, line []byte) error {
	got, err := file.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(got, info) {
		return errChanged
	}
	data := append(append([]byte{}, line...), '\n')
	var last [1]byte
	if size := got.Size(); size > 0 {
		if _, err := file.ReadAt(last[:], size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			data = append([]byte{'\n'}, data...)
		}
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if w.Sync {
		return file.Sync()
	}
	return nil
}
