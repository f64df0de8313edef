//go:build !unix

package store

import "os"

// syncDir does nothing: a directory can't be synced here.
func syncDir(*os.Root) error { return nil }
