package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
)

// The modes of new files and directories, whatever the umask: the next steps of a job run
// as another user.
const (
	dirMode  = 0o755
	fileMode = 0o644
)

// write replaces f in one step: readers see the old file or the new one. A run that ends
// midway leaves a temporary file.
func (d *Directory) write(dir *os.Root, f File) error {
	temp := temporary + rand.Text()
	d.before("create " + temp)
	file, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	if err := d.fill(file, f.Data); err != nil {
		return errors.Join(err, dir.Remove(temp))
	}
	d.before("rename " + f.Name)
	if err := dir.Rename(temp, f.Name); err != nil {
		return errors.Join(err, dir.Remove(temp))
	}
	return nil
}

// fill writes, syncs (unless NoSync) and closes file.
func (d *Directory) fill(file *os.File, data []byte) error {
	d.before("write")
	_, err := file.Write(data)
	if err == nil {
		err = file.Chmod(fileMode)
	}
	if err == nil {
		d.give(file.Name(), file.Chown)
	}
	if err == nil && !d.o.NoSync {
		d.before("sync")
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// mkdir creates one directory, unless it exists.
func (d *Directory) mkdir(root *os.Root, name string) error {
	d.before("mkdir " + name)
	err := root.Mkdir(name, dirMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d.give(name, func(uid, gid int) error { return root.Lchown(name, uid, gid) })
	return root.Chmod(name, dirMode)
}

// give makes the workspace's owner the owner of a new file. It logs when the file system
// refuses, and goes on.
func (d *Directory) give(name string, chown func(uid, gid int) error) {
	if !d.owner.differs {
		return
	}
	if err := chown(d.owner.uid, d.owner.gid); err != nil {
		d.o.Log("%q cannot be given to user %d, the workspace's owner: %v", name, d.owner.uid, reason(err))
	}
}

// remove deletes a file, if it exists.
func (d *Directory) remove(dir *os.Root, name string) error {
	if _, err := dir.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d.before("remove " + name)
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
		if !strings.HasPrefix(name, temporary) {
			continue
		}
		if err := d.remove(dir, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
