package emit

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/target"
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

// manyTargets starts a fake API, with its own clock, that has n repositories to dispatch to, or
// each with the workflow.
func manyTargets(tb testing.TB, n int, workflow string, o ghtest.Options) (
	*ghtest.Server, *simulated, []target.Target,
) {
	tb.Helper()
	clock := &simulated{t: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	o.Errorf, o.Now = tb.Errorf, clock.Now
	server, err := ghtest.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	access := map[string]ghtest.Permissions{"*": {Contents: "write", Actions: "write"}}
	server.AddToken(fixture.Canary("ghs_", "scale"), ghtest.Token{Kind: ghtest.Installation, Access: access})
	targets := make([]target.Target, n)
	for i := range targets {
		targets[i].Repository = fmt.Sprintf("acme/r%03d", i)
		files := map[string]string{}
		if workflow != "" {
			targets[i].Workflow, targets[i].Ref = workflow, "main"
			files[workflow] = "on: {workflow_dispatch: {inputs: {event: {required: true}}}}\n"
		}
		server.AddRepository(ghtest.Repository{FullName: targets[i].Repository, Private: true, Files: files})
	}
	return server, clock, targets
}

// newDispatch returns the sink, whose targets must fit the server.
func newDispatch(tb testing.TB, o DispatchOptions) *Dispatch {
	tb.Helper()
	d, err := NewDispatch(o)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func newSimulatedClient(
	tb testing.TB, server *ghtest.Server, clock *simulated, transport http.RoundTripper,
) *gh.Client {
	tb.Helper()
	client, err := gh.New(gh.Options{
		BaseURL: server.URL(), Token: fixture.Canary("ghs_", "scale"), Now: clock.Now, Sleep: clock.Sleep,
		Transport: transport,
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
	for _, workflow := range []string{"", target.GitHubDir + "/react.yml"} {
		dispatchTo500Targets(t, workflow)
	}
}

func dispatchTo500Targets(t *testing.T, workflow string) {
	server, clock, targets := manyTargets(t, 500, workflow, ghtest.Options{Enforce: true})
	begin := clock.Now()
	client := newSimulatedClient(t, server, clock, nil)
	m := testMessage(t)
	got := newDispatch(t, DispatchOptions{Client: client, Targets: targets}).Deliver(t.Context(), m)
	if len(got) != len(targets) {
		t.Fatalf("%d results, want %d", len(got), len(targets))
	}
	received := map[string]int{}
	runs := map[string]int64{}
	for _, d := range server.Dispatches() {
		received[d.Repository]++
		if string(d.ClientPayload) != string(m.JSON) {
			t.Errorf("%s got %s", d.Repository, d.ClientPayload)
		}
	}
	for _, s := range server.Starts() {
		received[s.Repository]++
		runs[s.Repository] = s.RunID
		if s.Inputs["event"] != string(m.JSON) {
			t.Errorf("%s got %s", s.Repository, s.Inputs)
		}
	}
	for i, d := range got {
		to := targets[i]
		want := store.Delivery{Channel: "dispatch", Target: to.String(), Status: store.Delivered}
		if want.RunID = runs[to.Repository]; to.IsWorkflow() {
			want.URL = fmt.Sprintf("%s/%s/actions/runs/%d", server.URL(), to.Repository, want.RunID)
		}
		if d != want || to.IsWorkflow() && d.RunID == 0 {
			t.Errorf("result %d is %+v, want %+v", i, d, want)
		}
		if received[to.Repository] != 1 {
			t.Errorf("%s got the event %d times", to, received[to.Repository])
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
			server, clock, targets := manyTargets(b, n, "", ghtest.Options{})
			m := testMessage(b)
			for b.Loop() {
				transport := &http.Transport{MaxIdleConnsPerHost: 10} // as many as the client allows
				client := newSimulatedClient(b, server, clock, transport)
				d := newDispatch(b, DispatchOptions{Client: client, Targets: targets})
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
