package emit

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// simulated is a clock that only Sleep moves.
type simulated struct {
	mu sync.Mutex
	t  time.Time
}

func (c *simulated) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *simulated) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	return ctx.Err()
}

// manyTargets starts a fake API, with its own clock, that has n repositories to dispatch to.
func manyTargets(tb testing.TB, n int, o ghtest.Options) (*ghtest.Server, *simulated, []string) {
	tb.Helper()
	clock := &simulated{t: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	o.Errorf, o.Now = tb.Errorf, clock.Now
	server, err := ghtest.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	access := map[string]ghtest.Permissions{"*": {Contents: "write"}}
	server.AddToken("token", ghtest.Token{Kind: ghtest.Installation, Access: access})
	targets := make([]string, n)
	for i := range targets {
		targets[i] = fmt.Sprintf("acme/r%03d", i)
		server.AddRepository(ghtest.Repository{FullName: targets[i], Private: true})
	}
	return server, clock, targets
}

func newSimulatedClient(
	tb testing.TB, server *ghtest.Server, clock *simulated, transport http.RoundTripper,
) *gh.Client {
	tb.Helper()
	client, err := gh.New(gh.Options{
		BaseURL: server.URL(), Token: "token", Now: clock.Now, Sleep: clock.Sleep, Transport: transport,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// On a platform that enforces its limits each of 500 targets gets the event once, and the results
// are in the order of dispatch-to.
func TestDispatchTo500Targets(t *testing.T) {
	t.Parallel()
	server, clock, targets := manyTargets(t, 500, ghtest.Options{Enforce: true})
	begin := clock.Now()
	client := newSimulatedClient(t, server, clock, nil)
	m := testMessage(t)
	got := NewDispatch(DispatchOptions{Client: client, Targets: targets}).Deliver(t.Context(), m)
	if len(got) != len(targets) {
		t.Fatalf("%d results, want %d", len(got), len(targets))
	}
	for i, d := range got {
		if d != (store.Delivery{Channel: "dispatch", Target: targets[i], Status: store.Delivered}) {
			t.Errorf("result %d is %+v, want %s delivered", i, d, targets[i])
		}
	}
	received := map[string]int{}
	for _, d := range server.Dispatches() {
		received[d.Repository]++
		if string(d.ClientPayload) != string(m.JSON) {
			t.Errorf("%s got %s", d.Repository, d.ClientPayload)
		}
	}
	for _, target := range targets {
		if received[target] != 1 {
			t.Errorf("%s got the event %d times", target, received[target])
		}
	}
	if v := server.Violations(); len(v) > 0 {
		t.Errorf("%d requests exceeded a limit, the first: %s", len(v), v[0])
	}
	took := clock.Now().Sub(begin)
	t.Logf("%d requests in %s of simulated time", len(server.Requests()), took)
	if len(server.Requests()) != len(targets) || took < 6*time.Minute || took > 8*time.Minute {
		t.Errorf("%d requests in %s; 80 a minute are allowed", len(server.Requests()), took)
	}
}

// BenchmarkDispatch measures the wall time of one event to many targets, with connections. The
// clock is simulated, because beyond 80 targets the platform's limits decide.
func BenchmarkDispatch(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			server, clock, targets := manyTargets(b, n, ghtest.Options{})
			m := testMessage(b)
			for b.Loop() {
				transport := &http.Transport{MaxIdleConnsPerHost: 10} // as many as the client allows
				d := NewDispatch(DispatchOptions{Client: newSimulatedClient(b, server, clock, transport), Targets: targets})
				for _, result := range d.Deliver(b.Context(), m) {
					if !result.Status.OK() {
						b.Fatal(result.Error)
					}
				}
				transport.CloseIdleConnections()
			}
		})
	}
}
