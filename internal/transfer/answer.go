package transfer

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// maxErrorBody is the largest body of an answer other than 2xx, in bytes. Those of GitHub
// are far smaller.
const maxErrorBody = 8 << 20

// Answer is a response whose body was read to its end. Data is the body, and Body reads
// it again.
type Answer struct {
	*http.Response
	Data []byte
}

// Send sends req once, without following redirects, and reads the whole answer. A 2xx may
// have at most limit bytes. Longer answers return a *TooLarge.
func Send(rt http.RoundTripper, req *http.Request, limit int64) (*Answer, error) {
	_, reports := rt.(*http.Transport)
	var connected atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	resp, err := rt.RoundTrip(req)
	switch {
	case err != nil && reports && !connected.Load():
		return nil, &unsent{err}
	case err != nil:
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		limit = maxErrorBody
	}
	if resp.ContentLength > limit {
		return nil, &TooLarge{resp.ContentLength, limit}
	}
	data, err := ReadAll(resp.Body, limit)
	if _, ok := err.(*TooLarge); ok {
		return nil, err
	}
	if err != nil {
		return nil, &truncated{err}
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.ContentLength = int64(len(data))
	return &Answer{resp, data}, nil
}

// TooLarge says that an answer has more bytes than the limit.
type TooLarge struct{ Size, Limit int64 }

// Error says how many bytes there are, and the limit.
func (e *TooLarge) Error() string {
	return fmt.Sprintf("the answer has at least %d bytes, the limit is %d", e.Size, e.Limit)
}

// truncated says that the connection failed before the end of an answer.
type truncated struct{ err error }

func (e *truncated) Error() string { return "the answer ended early: " + e.err.Error() }
func (e *truncated) Unwrap() error { return e.err }

// unsent is the error of a request for which there was no connection, so that the server
// has nothing of it.
type unsent struct{ err error }

func (e *unsent) Error() string { return e.err.Error() }
func (e *unsent) Unwrap() error { return e.err }

// ReadAll reads r to its end. More than limit bytes return a *TooLarge.
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
