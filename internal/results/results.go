// Package results stores job artifacts: it speaks to the Results Service v4 of the runner and
// to its storage, as https://github.com/actions/toolkit does in packages/artifact.
package results

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// LongestWait is the longest wait between attempts that a server may ask for.
const LongestWait = time.Minute

// Limits of one attempt.
const (
	callTimeout  = 30 * time.Second
	blockTimeout = 2 * time.Minute
	maxAnswer    = 4 << 20 // bytes
)

// Options are what a client needs from outside. All are required, except where they say
// what nil is.
type Options struct {
	URL   string // ACTIONS_RESULTS_URL, only its origin counts
	Token string // ACTIONS_RUNTIME_TOKEN

	Transport http.RoundTripper // nil is transfer.NewTransport
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error // nil is transfer.Sleep
	Log       func(format string, args ...any)           // gets retries
}

// Client stores the artifacts of one run. It is safe for concurrent use.
type Client struct {
	transport http.RoundTripper
	origin    *url.URL
	token     string
	ids       backendIDs
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error
	log       func(string, ...any)
}

// New takes http as well as https: the address comes from the runner itself, and
// act's is on the local network.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, errors.New("ACTIONS_RESULTS_URL is not an http or https URL")
	}
	ids, err := parseToken(o.Token)
	if err != nil {
		return nil, fmt.Errorf("ACTIONS_RUNTIME_TOKEN %w", err)
	}
	if o.Sleep == nil {
		o.Sleep = transfer.Sleep
	}
	if o.Transport == nil {
		o.Transport = transfer.NewTransport()
	}
	return &Client{
		transport: o.Transport, origin: &url.URL{Scheme: u.Scheme, Host: u.Host}, token: o.Token, ids: ids,
		now: o.Now, sleep: o.Sleep, log: o.Log,
	}, nil
}

// statusError is a refusal by the service.
type statusError struct {
	status int
	said   string // what the service says, safe to print
	hint   string
}

func (e *statusError) Error() string {
	return advice.Join(fmt.Sprintf("the artifact service answers %d%s", e.status, e.said), e.hint)
}

// Advice returns the hint, for advice.Split.
func (e *statusError) Advice() string { return e.hint }

func hasStatus(err error, status int) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == status
}

// retry runs attempt, for at most timeout each time, until it works or can't work.
func (c *Client) retry(
	ctx context.Context, what string, timeout time.Duration, attempt func(ctx context.Context) *transfer.Failure,
) error {
	loop := transfer.Loop{
		What: what, Backoff: transfer.Backoff, Now: c.now, Log: c.log,
		Wait: func(ctx context.Context, until time.Time) error { return c.sleep(ctx, until.Sub(c.now())) },
	}
	attempts := 0
	f := loop.Do(ctx, func(n int) *transfer.Failure {
		attempts = n
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		f := attempt(limited)
		if f != nil && ctx.Err() != nil {
			return &transfer.Failure{Err: ctx.Err()}
		}
		return f
	})
	switch {
	case f == nil:
		return nil
	case !f.Again:
		return fmt.Errorf("%s: %w", what, f.Err)
	}
	message, hint := advice.Split(f.Err)
	return &advice.Error{
		Message: fmt.Sprintf("%s: %s, %d times", what, message, attempts),
		Hint:    cmp.Or(hint, transfer.RunAgain),
		Err:     f.Err,
	}
}

// call sends one request to the service and decodes its JSON answer.
func (c *Client) call(ctx context.Context, method string, request any) (answer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	target := c.origin.JoinPath("twirp/github.actions.results.api.v1.ArtifactService", method).String()
	var got answer
	err = c.retry(ctx, method, callTimeout, func(ctx context.Context) *transfer.Failure {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
		if err != nil {
			return &transfer.Failure{Err: errors.New("ACTIONS_RESULTS_URL cannot be requested")}
		}
		req.Header.Set("Authorization", "Bearer "+c.token)
		req.Header.Set("Content-Type", "application/json")
		resp, f := c.request(req, callTimeout)
		if f != nil {
			return f
		}
		got = nil
		parseErr := json.Unmarshal(resp.Data, &got)
		if resp.StatusCode == http.StatusOK && parseErr == nil {
			return nil
		}
		return c.refused(resp.Response, got, parseErr != nil)
	})
	return got, err
}

// request sends req once and reads the whole answer.
func (c *Client) request(req *http.Request, timeout time.Duration) (*transfer.Answer, *transfer.Failure) {
	req.Header.Set("User-Agent", "schedule-action")
	resp, err := transfer.Send(c.transport, req, maxAnswer)
	if err != nil {
		return nil, transfer.NoAnswer(err, req.URL.Host, timeout, c.token)
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		return nil, &transfer.Failure{Err: &transfer.ProxyError{Status: resp.StatusCode}}
	}
	return resp, nil
}

// refused explains an answer that is not the expected one.
func (c *Client) refused(resp *http.Response, got answer, notJSON bool) *transfer.Failure {
	e := &statusError{status: resp.StatusCode}
	said := cmp.Or(got.text("msg"), got.text("code"))
	switch {
	case notJSON:
		e.said = ", not in JSON"
	case said != "":
		e.said = ": " + transfer.Quote(said, c.token)
	}
	cause, known := transfer.CauseOf(transfer.Refusal{
		Status: e.status, Header: resp.Header, Said: said, Code: got.text("code"), Host: c.origin.Hostname(),
	})
	switch {
	case known:
		e.hint = cause.Hint
	case e.status == http.StatusUnauthorized || e.status == http.StatusForbidden:
		e.hint = "it takes the job's own token only, while the job runs"
	}
	return c.failure(e, resp, notJSON || !known && transfer.Temporary(e.status))
}

// failure is an attempt that ended with this answer. A server may ask for a wait, within
// bounds.
func (c *Client) failure(err error, resp *http.Response, again bool) *transfer.Failure {
	now := c.now()
	until, _ := transfer.RetryAfter(resp.Header, now)
	if longest := now.Add(LongestWait); until.After(longest) {
		until = longest
	}
	return &transfer.Failure{Err: err, Again: again, NotBefore: until}
}

// answer is a JSON object, its keys in lower case and without underscores: the service
// answers artifact_id or artifactId.
type answer map[string]json.RawMessage

func (a *answer) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*a = make(answer, len(raw))
	for key, value := range raw {
		(*a)[strings.ToLower(strings.ReplaceAll(key, "_", ""))] = value
	}
	return nil
}

// text returns the string at key, "" if there is none.
func (a answer) text(key string) string {
	var s string
	if json.Unmarshal(a[key], &s) != nil {
		return ""
	}
	return s
}

// number returns the int64 at key, which may be written as a string; 0 if there is none.
func (a answer) number(key string) int64 {
	n, err := strconv.ParseInt(strings.Trim(string(a[key]), `"`), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// ok reports whether the service did what it was asked; otherwise it leaves the field
// out.
func (a answer) ok() bool { return string(a["ok"]) == "true" }

// list returns the objects at key.
func (a answer) list(key string) []answer {
	var l []answer
	if json.Unmarshal(a[key], &l) != nil {
		return nil
	}
	return l
}
