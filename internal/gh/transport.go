package gh

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxAttempts  = 5
	maxRedirects = 3
	maxBody      = 8 << 20 // bytes; the API's answers are far smaller
	firstBackoff = time.Second
)

// transport is the http.RoundTripper below go-github: it sends one API request, as often as needed, and returns the whole answer.
// Its errors are *Error without Op; one with an *elsewhere in it tells of a redirect that leaves the API.
//
// Every request that fails without a clear answer is sent again, a POST too: the only one is the dispatch, which is delivered at
// least once by design, and consumers drop an event id that they have seen.
type transport struct {
	base    *url.URL
	token   string
	next    http.RoundTripper
	timeout time.Duration // of one attempt
	log     func(format string, args ...any)
	pace    *pacer
	told    atomic.Pointer[Told] // with the last answer
}

// elsewhere is the error of a redirect that leaves the API. Its text names the host only: the query may be a signature.
type elsewhere struct{ to *url.URL }

func (e *elsewhere) Error() string {
	return fmt.Sprintf("the API redirects to another place (host %s), which does not get the token", quote(e.to.Hostname()))
}

// refuseRedirect backs transport, which follows the redirects itself: net/http would turn a POST into a GET, and go-github
// would send the token along.
func refuseRedirect(req *http.Request, _ []*http.Request) error { return &elsewhere{req.URL} }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	for attempt := 1; ; attempt++ {
		resp, err := t.follow(req, body)
		f := t.judge(req.Context(), resp, err, attempt)
		if f == nil {
			return t.settle(resp), nil
		}
		if !f.again || attempt == maxAttempts {
			return nil, f.final()
		}
		t.log("%s %s: attempt %d of %d failed: %s", req.Method, quote(req.URL.Path), attempt, maxAttempts, f.err.Detail)
		if err := t.back(req.Context(), req.URL.Path, f, attempt); err != nil {
			return nil, err
		}
	}
}

// failure is an attempt that gave no answer for go-github.
type failure struct {
	err    *Error
	again  bool      // another attempt may help
	until  time.Time // the server's wish; zero: the usual growing wait
	advice string    // the next step when no further attempt is made
}

// final is the error when no further attempt is made.
func (f *failure) final() *Error {
	e := *f.err
	if f.advice != "" {
		e.Detail += ": " + f.advice
	}
	return &e
}

// runAgain is the advice where the fault may pass.
const runAgain = "run again later"

// judge tells what an attempt's failure means; nil when there is an answer, be it a refusal.
func (t *transport) judge(ctx context.Context, resp *http.Response, err error, attempt int) *failure {
	if err != nil {
		return t.judgeError(ctx, err)
	}
	now, status := t.pace.now(), resp.StatusCode
	body := resp.Body.(*answer).data
	switch {
	case limited(resp, body):
		until := limitedUntil(resp.Header, now, attempt)
		t.pace.pause(until)
		e := &Error{Kind: RateLimited, Status: status, Detail: "the API's rate limit is used up"}
		return &failure{err: e, again: true, until: until, advice: "run again after " + clock(until)}
	case status >= 500:
		e := &Error{Kind: Unavailable, Status: status, Detail: "the API is not available now"}
		until, _ := retryAfter(resp.Header, now)
		return &failure{err: e, again: true, until: until, advice: runAgain}
	case status < 300 && status != http.StatusNoContent && !json.Valid(body):
		e := &Error{Kind: Unavailable, Status: status, Detail: "the answer is not the API's (not JSON)"}
		return &failure{err: e, again: true, advice: "look for a proxy in between"}
	}
	return nil
}

// judgeError is judge for an attempt without an answer.
func (t *transport) judgeError(ctx context.Context, err error) *failure {
	var (
		told  *Error
		away  *elsewhere
		large *tooLarge
		cert  *tls.CertificateVerificationError
	)
	e := &Error{Kind: Unavailable, Detail: reason(err)}
	switch {
	case errors.As(err, &told):
		return &failure{err: told}
	case ctx.Err() != nil:
		e.Detail, e.cause = ended(ctx.Err()), ctx.Err()
		return &failure{err: e}
	case errors.As(err, &away):
		e.Detail, e.cause = away.Error(), away
		return &failure{err: e}
	case errors.As(err, &large):
		e.Kind = Invalid
		return &failure{err: e}
	case errors.Is(err, errRedirect):
		return &failure{err: e}
	case errors.As(err, &cert):
		e.Detail = "the server's certificate is not accepted: " + reason(cert.Err)
		return &failure{err: e}
	case errors.Is(err, context.DeadlineExceeded):
		e.Detail = fmt.Sprintf("no complete answer within %s", t.timeout)
	}
	return &failure{err: e, again: true, advice: runAgain}
}

// back waits before the next attempt. For a limit nothing is to do: the pacer holds everyone back.
func (t *transport) back(ctx context.Context, key string, f *failure, attempt int) error {
	if f.err.Kind == RateLimited {
		return nil
	}
	until := f.until
	if least := t.pace.now().Add(backoff(key, attempt)); until.Before(least) {
		until = least
	}
	if deadline, ok := ctx.Deadline(); ok && until.After(deadline) {
		return f.final()
	}
	return t.pace.wait(ctx, until, "before the next attempt")
}

// settle readies an answer for go-github. The limit is obeyed here, by every worker; go-github's own check would fail the next
// requests at once, by the wall clock, so it doesn't see these headers.
func (t *transport) settle(resp *http.Response) *http.Response {
	if reset, ok := resetTime(resp.Header); ok && resp.Header.Get(headerRemaining) == "0" {
		t.pace.pause(reset)
	}
	for _, h := range []string{headerRemaining, headerReset, headerLimit, headerRetryAfter, headerOTP} {
		resp.Header.Del(h)
	}
	return resp
}

// backoff doubles from one second, plus up to a half so that workers spread; the same request always waits the same.
func backoff(key string, attempt int) time.Duration {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", key, attempt)
	d := firstBackoff << (attempt - 1)
	return d + d*time.Duration(h.Sum32()%512)/1024
}

var errRedirect = errors.New("the API's redirect is unusable")

// follow sends the request and follows redirects that stay within the API, which a renamed repository answers with; method
// and body stay.
func (t *transport) follow(req *http.Request, body []byte) (*http.Response, error) {
	u := req.URL
	for hop := 0; ; hop++ {
		resp, err := t.send(req, u, body)
		if err != nil {
			return nil, err
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return resp, nil
		}
		location := resp.Header.Get("Location")
		to, err := u.Parse(location)
		switch {
		case err != nil || location == "":
			return nil, fmt.Errorf("%w: no address", errRedirect)
		case !t.inside(to):
			return nil, &elsewhere{to}
		case hop == maxRedirects:
			return nil, fmt.Errorf("%w: more than %d in a row", errRedirect, maxRedirects)
		}
		u = to
	}
}

// inside reports whether u belongs to the API: same origin, below its path.
func (t *transport) inside(u *url.URL) bool {
	return u.Scheme == t.base.Scheme && strings.EqualFold(u.Hostname(), t.base.Hostname()) && port(u) == port(t.base) &&
		u.User == nil && strings.HasPrefix(u.Path, t.base.Path)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	default:
		return "443"
	}
}

// send sends one request to u and reads the whole answer.
func (t *transport) send(orig *http.Request, u *url.URL, body []byte) (*http.Response, error) {
	if !t.inside(u) {
		return nil, &elsewhere{u}
	}
	c := costOf(orig.Method)
	if err := t.pace.enter(orig.Context(), c); err != nil {
		return nil, err
	}
	defer t.pace.leave(c)
	ctx, cancel := context.WithTimeout(orig.Context(), t.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, orig.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = orig.Header.Clone()
	req.Header.Set("Accept", "application/vnd.github+json")
	if t.token != "" {
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	resp, err := receive(t.next, req, maxBody)
	if err == nil {
		if told := readTold(resp.Header, t.pace.now()); told != nil {
			t.told.Store(told)
		}
	}
	if err == nil && resp.StatusCode >= 400 && t.token != "" {
		// Refusals are quoted in errors: a proxy that echoes the request must not bring the token there.
		resp.Body = newAnswer(bytes.ReplaceAll(resp.Body.(*answer).data, []byte(t.token), []byte("***")))
	}
	return resp, err
}

// receive sends req and reads its answer, at most limit bytes, or maxBody for a refusal.
func receive(rt http.RoundTripper, req *http.Request, limit int64) (*http.Response, error) {
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		limit = maxBody
	}
	if resp.ContentLength > limit {
		return nil, &tooLarge{resp.ContentLength, limit}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, &tooLarge{int64(len(data)), limit}
	}
	resp.Body = newAnswer(data)
	resp.ContentLength = int64(len(data))
	return resp, nil
}

// answer is a body that was read to its end.
type answer struct {
	*bytes.Reader
	data []byte
}

func newAnswer(data []byte) *answer { return &answer{bytes.NewReader(data), data} }

func (*answer) Close() error { return nil }

type tooLarge struct{ size, limit int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("the answer has at least %d bytes, the limit is %d", e.size, e.limit)
}
