package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of one attempt, and between attempts.
const (
	maxAttempts  = 5
	firstWait    = time.Second // doubled each time
	longestWait  = time.Minute // that a server may ask for
	callTimeout  = 30 * time.Second
	blockTimeout = 2 * time.Minute
	maxAnswer    = 4 << 20 // bytes
)

// service speaks to the Results Service v4 and its storage (platform-facts, "Job artifacts").
type service struct {
	http   *http.Client
	origin *url.URL
	token  string
	ids    backendIDs
	sleep  func(context.Context, time.Duration) error
	log    func(string, ...any)
}

// newService takes http as well as https: the address comes from the runner itself, and act's is on the local network.
func newService(o ArtifactsOptions) (*service, error) {
	u, err := url.Parse(o.ResultsURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, errors.New("ACTIONS_RESULTS_URL is not an http or https URL")
	}
	ids, err := parseToken(o.RuntimeToken)
	if err != nil {
		return nil, fmt.Errorf("ACTIONS_RUNTIME_TOKEN %w", err)
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return &service{
		http: &http.Client{
			Transport:     o.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		origin: &url.URL{Scheme: u.Scheme, Host: u.Host},
		token:  o.RuntimeToken,
		ids:    ids,
		sleep:  o.Sleep,
		log:    o.Log,
	}, nil
}

// statusError is a clear refusal by the service.
type statusError struct {
	status int
	text   string // safe to print
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the artifact service answers %d%s", e.status, e.text)
}

func hasStatus(err error, status int) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == status
}

// failure is an attempt that did not work.
type failure struct {
	err   error
	again bool          // another attempt may help
	after time.Duration // the server's wish
}

// retry runs attempt until it succeeds, its failure is final, it failed maxAttempts times, or ctx ends.
func (s *service) retry(ctx context.Context, what string, timeout time.Duration, attempt func(ctx context.Context) *failure) error {
	wait := firstWait
	for n := 1; ; n++ {
		limited, cancel := context.WithTimeout(ctx, timeout)
		f := attempt(limited)
		cancel()
		switch {
		case f == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case !f.again:
			return fmt.Errorf("%s: %w", what, f.err)
		case n == maxAttempts:
			return fmt.Errorf("%s: %w, %d times: run again later", what, f.err, n)
		}
		s.log("%s: %v; attempt %d of %d follows", what, f.err, n+1, maxAttempts)
		if err := s.sleep(ctx, max(wait, min(f.after, longestWait))); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		wait *= 2
	}
}

// call sends one request to the service and decodes its JSON answer.
func (s *service) call(ctx context.Context, method string, request any) (answer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	target := s.origin.JoinPath("twirp/github.actions.results.api.v1.ArtifactService", method).String()
	var got answer
	err = s.retry(ctx, method, callTimeout, func(ctx context.Context) *failure {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
		if err != nil {
			return &failure{err: errors.New("ACTIONS_RESULTS_URL cannot be requested")}
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("User-Agent", "schedule-action")
		resp, data, f := s.do(req)
		if f != nil {
			return f
		}
		got = nil
		parseErr := json.Unmarshal(data, &got)
		if resp.StatusCode == http.StatusOK && parseErr == nil {
			return nil
		}
		return s.refused(resp, got, parseErr != nil)
	})
	return got, err
}

// do sends req and reads the whole answer.
func (s *service) do(req *http.Request) (*http.Response, []byte, *failure) {
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, nil, &failure{err: s.network(err), again: true}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, &failure{err: s.network(err), again: true}
	}
	if len(data) > maxAnswer {
		return nil, nil, &failure{err: fmt.Errorf("the answer has more than %d bytes", maxAnswer)}
	}
	return resp, data, nil
}

// refused explains an answer that is not the wanted one.
func (s *service) refused(resp *http.Response, got answer, notJSON bool) *failure {
	e := &statusError{status: resp.StatusCode}
	switch {
	case notJSON:
		e.text = ", not in JSON"
	case got.text("msg") != "":
		e.text = ": " + s.quote(got.text("msg"))
	case got.text("code") != "":
		e.text = ": " + s.quote(got.text("code"))
	}
	if e.status == http.StatusUnauthorized || e.status == http.StatusForbidden {
		e.text += "; it takes the job's own token only, while the job runs"
	}
	return &failure{err: e, again: notJSON || mayPass(e.status), after: retryAfter(resp.Header)}
}

// mayPass are the statuses after which another attempt may work.
func mayPass(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		return true
	}
	return false
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds), longestWait/time.Second) * time.Second
}

// network words an error of the transport. *url.Error prints the URL, which may be a signed one.
func (s *service) network(err error) error {
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return errors.New("no answer: " + s.quote(err.Error()))
}

var signature = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\bsig=[^&\s"']*`) })

// quote makes what the service says safe to print: without secrets, on one line, bounded.
func (s *service) quote(text string) string {
	text = strings.ReplaceAll(text, s.token, "***")
	text = signature().ReplaceAllString(text, "sig=***")
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	return strconv.Quote(text)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// answer is a JSON object whose keys are written without underscores, in lower case: the service answers artifact_id or artifactId.
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

// ok says whether the service did what it was asked; it leaves the field out when not.
func (a answer) ok() bool { return string(a["ok"]) == "true" }

// list returns the objects at key.
func (a answer) list(key string) []answer {
	var l []answer
	if json.Unmarshal(a[key], &l) != nil {
		return nil
	}
	return l
}
