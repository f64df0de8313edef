package checkout

import (
	"fmt"
	"io"
	"os"
)

// ReadArgument reads the regular file that a user names on the command line, which may be
// anywhere, or stdin for "-". Errors: ErrNotRegular, ErrTooLarge for more than limit
// bytes, or the system's.
func ReadArgument(path string, stdin io.Reader, limit int64) ([]byte, error) {
	r := stdin
	if path != "-" {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() { // opening a named pipe would wait for a writer
			return nil, fmt.Errorf("%s %w", path, ErrNotRegular)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s %w: at most %d bytes are read", path, ErrTooLarge, limit)
	}
	return data, nil
}
