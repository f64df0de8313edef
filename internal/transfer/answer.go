package transfer

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// maxRefusal bounds the body of an answer other than 2xx, in bytes; the refusals of the
// platform are far smaller.
const maxRefusal = 8 << 20

// Answer is a response whose body was read to its end. The Body of the response reads
// Data.
type Answer struct {
	*http.Response
	Data []byte
}

// Send sends req once, follows no redirect, and reads the whole answer: at most limit
// bytes of a 2xx.
func Send(rt http.RoundTripper, req *http.Request, limit int64) (*Answer, error) {
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		limit = maxRefusal
	}
	if resp.ContentLength > limit {
		return nil, &TooLarge{resp.ContentLength, limit}
	}
	data, err := ReadAll(resp.Body, limit)
	if _, ok := err.(*TooLarge); ok {
		return nil, err
	}
	if err != nil {
		return nil, &brokenOff{err}
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.ContentLength = int64(len(data))
	return &Answer{resp, data}, nil
}

// TooLarge is the error of more bytes than the limit.
type TooLarge struct{ Size, Limit int64 }

func (e *TooLarge) Error() string {
	return fmt.Sprintf("the answer has at least %d bytes, the limit is %d", e.Size, e.Limit)
}

// brokenOff is the error of an answer that ends too early.
type brokenOff struct{ err error }

func (e *brokenOff) Error() string { return "the answer broke off: " + e.err.Error() }
func (e *brokenOff) Unwrap() error { return e.err }

// ReadAll reads r to its end, which must come within limit bytes; otherwise the error is
// a *TooLarge.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &TooLarge{int64(len(data)), limit}
	}
	return data, nil
}
