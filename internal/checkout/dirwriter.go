package checkout

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
)

// The modes of new files and directories, whatever the umask: the next steps of a job run
// as another user.
const (
	FileMode fs.FileMode = 0o644
	DirMode  fs.FileMode = 0o755
)

// TempPrefix begins the names of unfinished files, which a run that ends midway leaves.
const TempPrefix = ".tmp-"

// Owner is the user and group of new files. The zero Owner leaves them to the process.
type Owner struct {
	UID, GID int
	// Differs means that new files would get another owner, and that this process may
	// change it.
	Differs bool
}

// DirWriter writes files into directories that are open already. It writes each file
// under a random name that does not exist yet, then gives it its name. So no link can
// redirect a write, and a reader sees the whole file or none. A DirWriter is safe for
// concurrent use.
type DirWriter struct {
	// Owner is the owner of new files and directories.
	Owner Owner
	// Sync syncs every file before it gets its name, so that it is whole after a power
	// failure.
	Sync bool
	// Log gets the names whose owner can't be changed; nil for none.
	Log func(format string, args ...any)
	// Before, unless nil, is called before every change to the file system, so that tests
	// can end the run there.
	Before func(change string)
}

// Replace writes the file name in dir, with this mode. It replaces an existing file, or a
// link, in one step. name has no directory part.
func (w *DirWriter) Replace(dir *os.Root, name string, data []byte, mode fs.FileMode) error {
	return w.write(dir, name, data, mode, dir.Rename)
}

// Create writes the new file name in dir, with this mode. For an existing name, even that
// of a dangling link, the error is fs.ErrExist. name has no directory part.
func (w *DirWriter) Create(dir *os.Root, name string, data []byte, mode fs.FileMode) error {
	return w.write(dir, name, data, mode, func(temp, name string) error { return renameNew(dir, temp, name) })
}

// renameNew renames temp unless name exists. Unlike a rename, a hard link never replaces a
// file. Where the file system has no hard links, a file that appears between the check and
// the rename is replaced.
func renameNew(dir *os.Root, temp, name string) error {
	err := dir.Link(temp, name)
	switch {
	case err == nil:
		return dir.Remove(temp)
	case errors.Is(err, fs.ErrExist):
		return fs.ErrExist
	}
	if _, err := dir.Lstat(name); err == nil {
		return fs.ErrExist
	}
	return dir.Rename(temp, name)
}

// write writes a file under a temporary name and calls finish to rename it.
func (w *DirWriter) write(dir *os.Root, name string, data []byte, mode fs.FileMode,
	finish func(temp, name string) error) error {
	temp := TempPrefix + rand.Text()
	w.before("create " + temp)
	file, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = w.fill(file, name, data, mode)
	if err == nil {
		w.before("rename " + name)
		err = finish(temp, name)
	}
	if err != nil {
		return errors.Join(err, dir.Remove(temp))
	}
	return nil
}

// fill writes, syncs and closes file, which becomes name.
func (w *DirWriter) fill(file *os.File, name string, data []byte, mode fs.FileMode) error {
	w.before("write " + name)
	_, err := file.Write(data)
	if err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		w.give(file, name)
	}
	if err == nil && w.Sync {
		w.before("sync " + name)
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Probe writes a new file of size bytes into dir, to its end, and removes it. Some file
// systems report a lack of space only when a file is synced.
func (w *DirWriter) Probe(dir *os.Root, size int) error {
	temp := TempPrefix + rand.Text()
	file, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, FileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, size))
	return errors.Join(err, file.Sync(), file.Close(), dir.Remove(temp))
}

// Mkdir creates the directory name in dir, unless the name exists. The caller checks what
// an existing name is. name has no directory part.
func (w *DirWriter) Mkdir(dir *os.Root, name string) error {
	w.before("mkdir " + name)
	err := dir.Mkdir(name, DirMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := dir.Lstat(name)
	if err != nil {
		return err
	}
	// Mode and owner are changed through a handle, because the name may become a link.
	created, err := openDir(dir, name, info)
	if err != nil {
		return err
	}
	defer created.Close()
	handle, err := created.Open(".")
	if err != nil {
		return err
	}
	defer handle.Close()
	w.give(handle, name)
	return handle.Chmod(DirMode)
}

// give changes the owner of a new file. It logs when the file system refuses, and goes on.
func (w *DirWriter) give(file *os.File, name string) {
	if !w.Owner.Differs {
		return
	}
	if err := file.Chown(w.Owner.UID, w.Owner.GID); err != nil && w.Log != nil {
		w.Log("%q cannot be given to user %d, who owns the directory: %v", name, w.Owner.UID, Reason(err))
	}
}

func (w *DirWriter) before(change string) {
	if w.Before != nil {
		w.Before(change)
	}
}
