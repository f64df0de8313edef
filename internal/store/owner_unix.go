//go:build unix

package store

import (
	"io/fs"
	"os"
	"syscall"
)

// owner is the user and group that a workspace belongs to.
type owner struct {
	uid, gid int
	differs  bool // from the owner that new files get, and this process may change it
}

func ownerOf(info fs.FileInfo) owner {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return owner{}
	}
	uid, gid := int(st.Uid), int(st.Gid)
	return owner{uid, gid, os.Geteuid() == 0 && (uid != 0 || gid != os.Getegid())}
}

// syncDir syncs the names in dir, so that they survive a power failure.
func syncDir(dir *os.Root) error {
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
