package gh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/gh/pace"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

const (
	maxRedirects = 3
	maxBody      = 8 << 20 // bytes; the API's answers are far smaller
)

// transport is the http.RoundTripper below go-github. It sends one API request, as often
// as needed, and returns the whole answer. Its errors are *Error without Op; the cause of
// one is an *externalRedirectError when the API redirects elsewhere.
//
// Every request that fails without a clear answer is sent again, even the POST of a
// repository_dispatch. That is delivered at least once by design: consumers drop an event
// id that they have seen. A request marked by sendOnce is sent again only if the server
// certainly did not act on it.
type transport struct {
	base     *url.URL
	token    string
	next     http.RoundTripper
	attempts int           // at most, of one request; 0 is transfer.Attempts
	timeout  time.Duration // of one attempt
	log      func(format string, args ...any)
	pace     *pace.Pacer
	info     atomic.Pointer[TokenInfo] // from the last answer
	// queries says that every request is a GraphQL query, which reads, whatever its method.
	queries bool
}

// sendOnce marks the context of a request that must not be acted on twice.
type sendOnce struct{}

// wantsStorage marks the context of a request whose answer is the signed address of
// storage.
type wantsStorage struct{}

// isStorage reports whether the redirect to u leads to storage, although it stays within
// the API. Gitea's does: its storage is below the API's own path. Platforms redirect to
// storage with 302 and a signature, and after a rename with another status and the same
// query.
func isStorage(ctx context.Context, status int, u *url.URL) bool {
	return ctx.Value(wantsStorage{}) != nil && status == http.StatusFound && u.RawQuery != ""
}

// externalRedirectError is the error of a redirect that leaves the API. Its text names
// the host only: the query may be a signature.
type externalRedirectError struct{ to *url.URL }

func (e *externalRedirectError) Error() string {
	return fmt.Sprintf("the API redirects to another place (host %s), which does not get the token",
		transfer.Quote(e.to.Hostname()))
}

// refuseRedirect keeps net/http and go-github from following redirects, which transport
// does. net/http would turn a POST into a GET, and go-github would send the token along.
func refuseRedirect(req *http.Request, _ []*http.Request) error {
	return &externalRedirectError{req.URL}
}

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
	var answer *transfer.Answer
	loop := t.loop(req.Method+" "+transfer.Quote(req.URL.Path), req.URL.Path)
	failed := loop.Do(req.Context(), func(n int) (f *transfer.Failure) {
		var err error
		if answer, err = t.follow(req, body); err != nil {
			f = t.classifyError(req.Context(), t.base.Host, err)
		} else {
			f = t.classify(answer, n)
		}
		if e, ok := errorOf(f); ok && !f.Undone && req.Context().Value(sendOnce{}) != nil {
			f.Again, e.uncertain = false, true
		}
		return f
	})
	if failed != nil {
		return nil, failed.Err
	}
	return t.settle(answer.Response), nil
}

// errorOf returns the error of a failure, which is of this package.
func errorOf(f *transfer.Failure) (*Error, bool) {
	if f == nil {
		return nil, false
	}
	e, ok := f.Err.(*Error)
	return e, ok
}

// loop repeats what is sent. The waits of two requests with different keys differ.
func (t *transport) loop(what, key string) transfer.Loop {
	return transfer.Loop{
		Attempts: t.attempts,
		What:     what,
		Backoff:  func(attempt int) time.Duration { return backoff(key, attempt) },
		Now:      t.pace.Now,
		Log:      t.log,
		Wait: func(ctx context.Context, until time.Time) error {
			if err := t.pace.Wait(ctx, until, "before the next attempt"); err != nil {
				return held(err)
			}
			return nil
		},
	}
}

// classify returns the failure that an answer means; nil for an answer that go-github
// reads, which may be a refusal.
func (t *transport) classify(answer *transfer.Answer, attempt int) *transfer.Failure {
	now, status := t.pace.Now(), answer.StatusCode
	unavailable := func(message, hint string) *Error {
		return &Error{Kind: Unavailable, Status: status, Message: message, Hint: hint}
	}
	switch {
	case isRateLimit(answer):
		until := limitedUntil(answer.Header, now, attempt)
		t.pace.Pause(until)
		e := &Error{Kind: RateLimited, Status: status, Message: "the API's rate limit is used up",
			Hint: runAgainAfter(until)}
		return &transfer.Failure{Err: e, Again: true, Held: true, Undone: true}
	case transfer.Temporary(status):
		until, _ := transfer.RetryAfter(answer.Header, now)
		err := unavailable("the API is not available now", transfer.RunAgain)
		// With 408 the server gave up waiting for the request.
		return &transfer.Failure{Err: err, Again: true, NotBefore: until, Undone: status == http.StatusRequestTimeout}
	case status == http.StatusProxyAuthRequired:
		return &transfer.Failure{Err: unavailable(advice.Split(&transfer.ProxyError{Status: status})), Undone: true}
	case status < 300 && status != http.StatusNoContent && !json.Valid(answer.Data):
		err := unavailable("the answer is not the API's (not JSON)", transfer.LookForProxy)
		return &transfer.Failure{Err: err, Again: true}
	}
	return nil
}

// classifyError returns the failure of an attempt at host that got no answer.
func (t *transport) classifyError(ctx context.Context, host string, err error) *transfer.Failure {
	var (
		known *Error
		away  *externalRedirectError
		large *transfer.TooLarge
	)
	final := func(e *Error, undone bool) *transfer.Failure { return &transfer.Failure{Err: e, Undone: undone} }
	switch {
	case errors.As(err, &known): // of the pacer, before the request
		return final(known, true)
	case ctx.Err() != nil:
		return final(ended(ctx.Err()), false)
	case errors.As(err, &away):
		return final(&Error{Kind: Unavailable, Message: away.Error(), cause: away}, true)
	case errors.As(err, &large):
		return final(&Error{Kind: Invalid, Message: large.Error(), cause: large}, false)
	case errors.Is(err, errRedirect):
		return final(&Error{Kind: Unavailable, Message: err.Error()}, true)
	}
	f := transfer.NoAnswer(err, host, t.timeout, t.token)
	message, hint := advice.Split(f.Err)
	f.Err = &Error{Kind: Unavailable, Message: message, Hint: hint}
	return f
}

// settle prepares an answer for go-github. The rate limit is obeyed here, by every
// worker, and these headers are removed: go-github would compare them with the wall
// clock, and fail the next requests at once.
func (t *transport) settle(resp *http.Response) *http.Response {
	if reset, ok := transfer.LimitReset(resp.Header); ok && resp.Header.Get(headerRemaining) == "0" {
		t.pace.Pause(reset)
	}
	for _, h := range []string{headerRemaining, headerReset, headerLimit, headerRetryAfter, headerOTP} {
		resp.Header.Del(h)
	}
	return resp
}

// backoff is transfer.Backoff, plus up to a half so that workers spread. The same request
// always waits the same.
func backoff(key string, attempt int) time.Duration {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", key, attempt)
	d := transfer.Backoff(attempt)
	return d + d*time.Duration(h.Sum32()%512)/1024
}

var errRedirect = errors.New("the API's redirect is unusable")

// follow sends the request and follows redirects that stay within the API, as after a
// rename of the repository. Method and body stay the same.
func (t *transport) follow(req *http.Request, body []byte) (*transfer.Answer, error) {
	u := req.URL
	for hop := 0; ; hop++ {
		answer, err := t.send(req, u, body)
		if err != nil {
			return nil, err
		}
		switch answer.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return answer, nil
		}
		location := answer.Header.Get("Location")
		to, err := u.Parse(location)
		switch {
		case err != nil || location == "":
			return nil, fmt.Errorf("%w: no address", errRedirect)
		case !t.inside(to), isStorage(req.Context(), answer.StatusCode, to):
			return nil, &externalRedirectError{to}
		case hop == maxRedirects:
			return nil, fmt.Errorf("%w: more than %d in a row", errRedirect, maxRedirects)
		}
		u = to
	}
}

// inside reports whether u belongs to the API: same origin, below its path. Dots in a path
// count as a server would read them, even if they are encoded.
func (t *transport) inside(u *url.URL) bool {
	return u.Scheme == t.base.Scheme && strings.EqualFold(u.Hostname(), t.base.Hostname()) && port(u) == port(t.base) &&
		u.User == nil && strings.HasPrefix(path.Clean(u.Path)+"/", t.base.Path)
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

// cost is what a request takes from the limits.
func (t *transport) cost(method string) pace.Cost {
	if t.queries {
		method = http.MethodGet
	}
	return pace.CostOf(method)
}

// send sends one request to u and reads the whole answer.
func (t *transport) send(orig *http.Request, u *url.URL, body []byte) (*transfer.Answer, error) {
	if !t.inside(u) {
		return nil, &externalRedirectError{u}
	}
	cost := t.cost(orig.Method)
	if err := t.pace.Enter(orig.Context(), cost); err != nil {
		return nil, held(err)
	}
	defer t.pace.Leave(cost)
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
	answer, err := transfer.Send(t.next, req, maxBody)
	if err != nil {
		return nil, err
	}
	if info := readTokenInfo(answer.Header, t.pace.Now()); info != nil {
		t.info.Store(info)
	}
	return answer, nil
}
