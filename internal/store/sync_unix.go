//go:build unix

package store

import "os"

// syncDir syncs the names in dir, so that they survive a power failure.
func syncDir(dir *os.Root) error {
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
