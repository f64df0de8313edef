package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

var start = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

// loop returns a Loop with a simulated clock.
func loop() (transfer.Loop, *fixture.Clock, *fixture.Log) {
	clock, log := fixture.NewClock(start), &fixture.Log{}
	return transfer.Loop{
		What: "GET x", Backoff: transfer.Backoff, Now: clock.Now, Log: log.Printf,
		Wait: func(ctx context.Context, until time.Time) error { return clock.Sleep(ctx, until.Sub(clock.Now())) },
	}, clock, log
}

func TestLoop(t *testing.T) {
	t.Parallel()
	busy := errors.New("busy")
	passing := transfer.Failure{Err: busy, Again: true}
	asked := transfer.Failure{Err: busy, Again: true, NotBefore: start.Add(7 * time.Second)}
	held := transfer.Failure{Err: busy, Again: true, NotBefore: start.Add(time.Hour), Held: true}
	final := transfer.Failure{Err: busy}
	tests := []struct {
		name     string
		failures []transfer.Failure // the attempt after these succeeds
		sleeps   []time.Duration
		attempts int
		works    bool
	}{
		{"works", nil, nil, 1, true},
		{"final", []transfer.Failure{final}, nil, 1, false},
		{"passes", []transfer.Failure{passing, passing}, []time.Duration{time.Second, 2 * time.Second}, 3, true},
		{"stays", slices.Repeat([]transfer.Failure{passing}, 9),
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, transfer.Attempts, false},
		{"as asked", []transfer.Failure{asked, asked}, []time.Duration{7 * time.Second, 2 * time.Second}, 3, true},
		{"held", []transfer.Failure{held, passing}, []time.Duration{2 * time.Second}, 3, true},
		{"final in the end", []transfer.Failure{passing, final}, []time.Duration{time.Second}, 2, false},
	}
	for _, tt := range tests {
		l, clock, log := loop()
		attempts := 0
		f := l.Do(t.Context(), func(n int) *transfer.Failure {
			if attempts++; n != attempts {
				t.Errorf("%s: attempt %d counts as %d", tt.name, attempts, n)
			}
			if n > len(tt.failures) {
				return nil
			}
			return &tt.failures[n-1]
		})
		if attempts != tt.attempts || (f == nil) != tt.works || f != nil && !errors.Is(f.Err, busy) {
			t.Errorf("%s: %d attempts, %+v", tt.name, attempts, f)
		}
		if got := clock.Sleeps(); !slices.Equal(got, tt.sleeps) {
			t.Errorf("%s: waited %v, want %v", tt.name, got, tt.sleeps)
		}
		if lines := log.Lines(); len(lines) != tt.attempts-1 || len(lines) > 0 &&
			lines[0] != "GET x: attempt 1 of 5 failed: busy" {
			t.Errorf("%s: log %q", tt.name, lines)
		}
	}
}

// Do does not wait for a time after the deadline, and returns the last failure, which
// says more than "deadline exceeded".
func TestLoopAndDeadline(t *testing.T) {
	t.Parallel()
	l, clock, _ := loop()
	clock.Set(time.Now()) // the deadline of ctx uses the real clock
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	busy := errors.New("busy")
	f := l.Do(ctx, func(int) *transfer.Failure {
		return &transfer.Failure{Err: busy, Again: true, NotBefore: clock.Now().Add(time.Hour)}
	})
	if f == nil || !errors.Is(f.Err, busy) || len(clock.Sleeps()) > 0 {
		t.Errorf("got %+v, waited %v", f, clock.Sleeps())
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	f = l.Do(ctx, func(int) *transfer.Failure { return &transfer.Failure{Err: busy, Again: true} })
	if f == nil || !errors.Is(f.Err, context.Canceled) {
		t.Errorf("cancelled: got %+v", f)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0": time.Second, "-5": time.Second,
		"99999999999": (1<<31 - 1) * time.Second, "99999999999999999999": 0,
		start.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		start.Add(-time.Hour).Format(http.TimeFormat):       time.Second,
		"": 0, "soon": 0, "1.5": 0,
	} {
		got, ok := transfer.RetryAfter(http.Header{"Retry-After": {value}}, start)
		if ok != (want != 0) || ok && got.Sub(start) != want {
			t.Errorf("%q: got %s, %t; want %s", value, got.Sub(start), ok, want)
		}
	}
}

func TestLimitReset(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int64{"1000": 1001, "0": 0, "-1": 0, "": 0, "x": 0} {
		got, ok := transfer.LimitReset(http.Header{"X-Ratelimit-Reset": {value}})
		if ok != (want != 0) || ok && got.Unix() != want {
			t.Errorf("%q: got %v, %t", value, got, ok)
		}
	}
}

func TestTemporary(t *testing.T) {
	t.Parallel()
	var got []string
	for _, status := range []int{200, 204, 302, 400, 401, 403, 404, 407, 408, 410, 422, 429, 500, 502, 503, 504, 520} {
		if transfer.Temporary(status) {
			got = append(got, fmt.Sprint(status))
		}
	}
	if want := "408 429 500 502 503 504 520"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
