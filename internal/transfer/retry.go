// Package transfer has what every HTTP request needs: retries, a limit on the size of
// answers, and errors with a hint and without secrets.
package transfer

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// Attempts is the maximum number of times that a request is sent.
const Attempts = 5

// RunAgain is the hint for a failure that may be temporary.
const RunAgain = "run again later"

// Failure is the result of a failed attempt.
type Failure struct {
	Err   error
	Again bool // another attempt may help
	// NotBefore is the earliest time of the next attempt, if the server named one.
	NotBefore time.Time
	// Undone says that the server certainly did not act on the request.
	Undone bool
	// Held says that the attempt itself waits as long as necessary, so Loop does not.
	Held bool
}

// Loop repeats a request until it works.
type Loop struct {
	Attempts int    // the maximum number; 0 is the constant
	What     string // the request, for the log
	Backoff  func(attempt int) time.Duration
	Now      func() time.Time
	Wait     func(ctx context.Context, until time.Time) error
	Log      func(format string, args ...any)
}

// Do calls attempt until it succeeds and returns nil. It gives up, and returns the last
// failure, after the last attempt, when a retry cannot help, and when the next attempt
// would start after the deadline of ctx. An error of Wait is returned as a failure.
func (l Loop) Do(ctx context.Context, attempt func(n int) *Failure) *Failure {
	attempts := cmp.Or(l.Attempts, Attempts)
	for n := 1; ; n++ {
		f := attempt(n)
		if f == nil || !f.Again || n == attempts {
			return f
		}
		message, _ := advice.Split(f.Err)
		l.Log("%s: attempt %d of %d failed: %s", l.What, n, attempts, message)
		if f.Held {
			continue
		}
		until := later(f.NotBefore, l.Now().Add(l.Backoff(n)))
		if deadline, ok := ctx.Deadline(); ok && until.After(deadline) {
			return f
		}
		if err := l.Wait(ctx, until); err != nil {
			return &Failure{Err: err}
		}
	}
}

// Backoff returns the shortest wait after an attempt: one second after the first, then
// twice as long each time.
func Backoff(attempt int) time.Duration { return time.Second << (attempt - 1) }

// Sleep waits for d, or returns the error of ctx if ctx ends earlier.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Temporary reports whether a request that got this status may succeed later.
func Temporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// maxRetryAfter is the longest Retry-After in seconds. It keeps the sum with the current
// time valid.
const maxRetryAfter = 1<<31 - 1

// RetryAfter reads the header Retry-After, which has seconds or a date. The result is at
// least one second after now. It returns false if the header is missing or invalid.
func RetryAfter(h http.Header, now time.Time) (time.Time, bool) {
	v := h.Get("Retry-After")
	least := now.Add(time.Second)
	if s, err := strconv.ParseInt(v, 10, 64); err == nil {
		return later(now.Add(time.Duration(min(max(s, 0), maxRetryAfter))*time.Second), least), true
	}
	if t, err := http.ParseTime(v); err == nil {
		return later(t, least), true
	}
	return time.Time{}, false
}

// LimitReset reads the header X-RateLimit-Reset, which has Unix seconds. It adds one
// second, because the header has no fractions. It returns false if the header is missing
// or invalid.
func LimitReset(h http.Header) (time.Time, bool) {
	s, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || s <= 0 {
		return time.Time{}, false
	}
	return time.Unix(s, 0).Add(time.Second), true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
