package gh

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/gh/pace"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// The client keeps to the hour's budget and to the points, too.
func TestPaceOverAnHour(t *testing.T) {
	t.Parallel()
	server, client, clock := setup(t, ghtest.Options{Enforce: true})
	start := clock.Now()
	for i := range 520 {
		if err := client.Dispatch(t.Context(), "acme/web", "t", json.RawMessage(payload)); err != nil {
			t.Fatalf("dispatch %d: %v", i, err)
		}
	}
	for i := range 1000 {
		if _, err := client.Repository(t.Context(), "acme/web"); err != nil {
			t.Fatalf("read %d: %v", i, err)
		}
	}
	if v := server.Violations(); len(v) > 0 {
		t.Errorf("%d violations, the first: %s", len(v), v[0])
	}
	if took := clock.Now().Sub(start); took < time.Hour || took > 70*time.Minute {
		t.Errorf("took %s", took)
	}
}

// Another program with the same token used up the budget: every worker waits, all is
// delivered, nothing twice.
func TestOneLimitPausesAllWorkers(t *testing.T) {
	t.Parallel()
	server, client, clock := setup(t, ghtest.Options{})
	var all sync.WaitGroup // the limit hits when all workers are at the server
	all.Add(pace.MaxConcurrent)
	server.Fail("POST /repos/*/*/dispatches", pace.MaxConcurrent,
		func(s *ghtest.Server, w http.ResponseWriter, r *http.Request) {
			all.Done()
			all.Wait()
			ghtest.SecondaryLimit("90")(s, w, r)
		})
	start := clock.Now()
	dispatchAll(t, client, strings.Fields(strings.Repeat("acme/web ", 50)))
	if n := len(server.Dispatches()); n != 50 {
		t.Errorf("%d dispatches arrived, want 50", n)
	}
	if n := len(server.Requests()); n != 50+pace.MaxConcurrent {
		t.Errorf("%d requests, want %d", n, 50+pace.MaxConcurrent)
	}
	if took := clock.Now().Sub(start); took < 90*time.Second {
		t.Errorf("took %s, want at least 90s", took)
	}
}

// After the last request of an hour, there is none before the reset.
func TestRemainingZeroWaitsForTheReset(t *testing.T) {
	t.Parallel()
	server, client, clock := setup(t, ghtest.Options{})
	clock.Set(time.Now()) // go-github's own check, which must not see the header, asks the real clock
	reset := clock.Now().Add(10 * time.Minute)
	server.Fail("GET /repos/*/*", 1,
		ghtest.Status(200, `{"id":1}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(reset.Unix())))
	for range 2 {
		if _, err := client.Repository(t.Context(), "acme/web"); err != nil {
			t.Fatal(err)
		}
	}
	if clock.Now().Before(reset) {
		t.Errorf("the second request went out at %s, before %s", clock.Now(), reset)
	}
}

func TestLimitedUntil(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	unix := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	tests := []struct {
		name                         string
		retryAfter, remaining, reset string
		attempt                      int
		want                         time.Duration
	}{
		{"seconds", "7", "0", unix(time.Hour), 1, 7 * time.Second},
		{"date", now.Add(90 * time.Second).Format(http.TimeFormat), "", "", 1, 90 * time.Second},
		{"zero", "0", "", "", 1, time.Second},
		{"negative", "-5", "", "", 1, time.Second},
		{"nonsense", "soon", "", "", 1, time.Minute},
		{"reset", "", "0", unix(time.Hour), 1, time.Hour + time.Second},
		{"reset, but not used up", "", "12", unix(time.Hour), 1, time.Minute},
		{"reset in the past", "", "0", unix(-time.Hour), 1, time.Minute},
		{"nothing", "", "", "", 1, time.Minute},
		{"nothing again", "", "", "", 3, 4 * time.Minute},
	}
	for _, tt := range tests {
		h := http.Header{}
		h.Set("Retry-After", tt.retryAfter)
		h.Set("X-RateLimit-Remaining", tt.remaining)
		h.Set("X-RateLimit-Reset", tt.reset)
		if got := limitedUntil(h, now, tt.attempt).Sub(now); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A limit that ends after the deadline is an error at once, which says when to run again.
func TestLimitBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		server, client, clock := faultServer(t)
		clock.Set(time.Now()) // ctx's deadline is one of the real clock
		reset := clock.Now().Add(30 * time.Minute)
		resetText := time.Unix(reset.Unix()+1, 0).UTC().Format("2006-01-02 15:04:05 UTC")
		server.Fail(c.pattern, always, ghtest.PrimaryLimit(reset))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		for range 2 {
			err := c.do(ctx, client)
			checkError(t, err, RateLimited)
			if want := "run again after " + resetText; err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v: want %q in it", err, want)
			}
		}
		if n := len(server.Requests()); n != 1 {
			t.Errorf("%s: %d requests, want 1: the second call knows", c.name, n)
		}
		if clock.Now().Sub(reset.Add(-30*time.Minute)) != 0 {
			t.Errorf("%s: waited", c.name)
		}
	}
}

// A dispatch whose answer got lost is sent again: at least once, as designed.
func TestLostAnswerIsSentAgain(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{})
	server.Fail("POST /repos/*/*/dispatches", 1, ghtest.Lose())
	if err := client.Dispatch(t.Context(), "acme/web", "t", json.RawMessage(payload)); err != nil {
		t.Fatal(err)
	}
	d := server.Dispatches()
	if len(d) != 2 || string(d[0].ClientPayload) != string(d[1].ClientPayload) {
		t.Errorf("%d dispatches, want the same twice", len(d))
	}
}

func BenchmarkDispatch(b *testing.B) {
	for _, targets := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(targets), func(b *testing.B) {
			server, _, clock := setup(b, ghtest.Options{})
			repositories := strings.Fields(strings.Repeat("acme/web ", targets))
			for b.Loop() {
				client, err := New(Options{BaseURL: server.URL(), Token: testToken, Now: clock.Now, Sleep: clock.Sleep})
				if err != nil {
					b.Fatal(err)
				}
				dispatchAll(b, client, repositories)
				client.api.next.(interface{ CloseIdleConnections() }).CloseIdleConnections()
			}
		})
	}
}
