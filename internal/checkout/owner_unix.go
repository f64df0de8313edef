//go:build unix

package checkout

import (
	"io/fs"
	"os"
	"syscall"
)

// OwnerOf returns the owner of the file that info describes.
func OwnerOf(info fs.FileInfo) Owner {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Owner{}
	}
	uid, gid := int(st.Uid), int(st.Gid)
	return Owner{uid, gid, os.Geteuid() == 0 && (uid != 0 || gid != os.Getegid())}
}
