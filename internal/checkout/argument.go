package checkout

import (
	"context"
	"fmt"
	"io"
	"os"
)

// ReadArgument reads the regular file that a user names on the command line, which may be
// anywhere, or stdin for "-". Errors: ErrNotRegular, ErrTooLarge for more than limit
// bytes, that of ctx, or the system's.
func ReadArgument(ctx context.Context, path string, stdin io.Reader, limit int64) ([]byte, error) {
	r := io.Reader(waitingReader{ctx, stdin})
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
		r = &File{ctx: ctx, file: f}
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

// waitingReader reads from a stream that may never have any data, and stops waiting when
// ctx ends.
type waitingReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (w waitingReader) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	buf := make([]byte, len(p)) // a read that is given up must not write to p
	done := make(chan result, 1)
	go func() {
		n, err := w.r.Read(buf)
		done <- result{n, err}
	}()
	select {
	case <-w.ctx.Done():
		return 0, w.ctx.Err()
	case got := <-done:
		return copy(p, buf[:got.n]), got.err
	}
}
