package gh

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

const payload = `{"event":"kaizen.schedule.prepared","bundle":{"bytes":1}}`

var testToken = tokenOf("test")

// tokenOf returns the token of a test with this name.
func tokenOf(name string) string { return fixture.Canary("ghs_", name) }

// newClock returns a clock that moves only by Sleep.
func newClock() *fixture.Clock {
	return fixture.NewClock(time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC))
}

// setup starts a stand-in with one repository, and a client for it.
func setup(t testing.TB, o ghtest.Options) (*ghtest.Server, *Client, *fixture.Clock) {
	t.Helper()
	clock := newClock()
	o.Errorf = t.Errorf
	o.Now = clock.Now
	server, err := ghtest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.AddRepository(ghtest.Repository{FullName: "acme/web", Private: true})
	server.AddToken(testToken, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
		"*": {Contents: "write", Actions: "write"},
	}})
	return server, connect(t, server, clock, testToken), clock
}

func connect(t testing.TB, server *ghtest.Server, clock *fixture.Clock, token string) *Client {
	t.Helper()
	c, err := New(Options{BaseURL: server.URL(), Token: token, UserAgent: "test", Now: clock.Now, Sleep: clock.Sleep,
		Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{BasePath: "/api/v3"})
	err := client.Dispatch(t.Context(), "acme/web", "kaizen.schedule.prepared", json.RawMessage(payload))
	if err != nil {
		t.Fatal(err)
	}
	got := server.Dispatches()
	if len(got) != 1 || got[0].Repository != "acme/web" || got[0].EventType != "kaizen.schedule.prepared" ||
		string(got[0].ClientPayload) != payload {
		t.Errorf("dispatches = %+v", got)
	}
	want := map[string]string{
		"Accept":               "application/vnd.github+json",
		"X-Github-Api-Version": "2022-11-28",
		"User-Agent":           "test",
		"Content-Type":         "application/json",
	}
	for name, value := range want {
		if got := server.Requests()[0].Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

func TestDownloadArtifact(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{})
	id := server.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: "n", Zip: []byte("PK zip")})
	data, err := client.DownloadArtifact(t.Context(), "acme/web", id, 6)
	if err != nil || string(data) != "PK zip" {
		t.Fatalf("%q, %v", data, err)
	}
	if _, err := client.DownloadArtifact(t.Context(), "acme/web", id, 5); err == nil ||
		!strings.Contains(err.Error(), "limit is 5") {
		t.Errorf("over the limit: %v", err)
	}
}

func TestFanOutStaysWithinLimits(t *testing.T) {
	t.Parallel()
	const targets = 500
	server, client, clock := setup(t, ghtest.Options{Enforce: true})
	start := clock.Now()
	var repositories []string
	for i := range targets {
		name := fmt.Sprintf("acme/target-%03d", i)
		server.AddRepository(ghtest.Repository{FullName: name})
		repositories = append(repositories, name)
	}
	dispatchAll(t, client, repositories)
	var got []string
	for _, d := range server.Dispatches() {
		got = append(got, d.Repository)
	}
	slices.Sort(got)
	if !slices.Equal(got, repositories) {
		t.Errorf("%d dispatches arrived, want each of %d targets once", len(got), targets)
	}
	if v := server.Violations(); len(v) > 0 {
		t.Errorf("%d violations, the first: %s", len(v), v[0])
	}
	t.Logf("%d requests, %s simulated", len(server.Requests()), clock.Now().Sub(start))
}

// dispatchAll dispatches to all repositories at once.
func dispatchAll(t testing.TB, client *Client, repositories []string) {
	var wg sync.WaitGroup
	for _, name := range repositories {
		wg.Go(func() {
			err := client.Dispatch(t.Context(), name, "kaizen.schedule.prepared", json.RawMessage(payload))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
