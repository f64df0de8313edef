// Package transfer is what every HTTP request of the program needs, whatever the server:
// retries, bounded answers, and errors that help and hold no secret.
package transfer

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// Attempts is how often a request is sent at the most.
const Attempts = 5

// RunAgain is the hint where the fault may pass.
const RunAgain = "run again later"

// Failure is an attempt that did not work.
type Failure struct {
	Err   error
	Again bool // another attempt may help
	// NotBefore is the earliest moment of the next attempt, as the server asked for; zero
	// when it did not.
	NotBefore time.Time
	// Held says that the next attempt waits for its turn by itself.
	Held bool
}

// Loop repeats a request until it works.
type Loop struct {
	What    string // what is sent, for the log
	Backoff func(attempt int) time.Duration
	Now     func() time.Time
	Wait    func(ctx context.Context, until time.Time) error
	Log     func(format string, args ...any)
}

// Do calls attempt until it returns nil, another attempt does not help, all attempts are
// used up, or the next one would come after the deadline of ctx. It returns nil or the
// last failure, or the error of Wait as one.
func (l Loop) Do(ctx context.Context, attempt func(n int) *Failure) *Failure {
	for n := 1; ; n++ {
		f := attempt(n)
		if f == nil || !f.Again || n == Attempts {
			return f
		}
		message, _ := advice.Split(f.Err)
		l.Log("%s: attempt %d of %d failed: %s", l.What, n, Attempts, message)
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

// Backoff is the shortest wait after an attempt: a second, doubled each time.
func Backoff(attempt int) time.Duration { return time.Second << (attempt - 1) }

// Sleep waits until d has passed or ctx ends.
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

// Temporary reports whether an answer with this status may become another one by itself.
func Temporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// maxRetryAfter bounds the seconds of a Retry-After, so that their sum with the time of
// day stays a time.
const maxRetryAfter = 1<<31 - 1

// RetryAfter reads the header Retry-After, in seconds or as a date. The result is at
// least one second from now.
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

// LimitReset reads the header X-RateLimit-Reset, in Unix seconds. It adds one second, as
// the server's clock has no fractions.
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
