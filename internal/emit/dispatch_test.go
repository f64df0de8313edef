package emit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// testMessage is the contract's example.
func testMessage(t testing.TB) Message {
	t.Helper()
	e := &event.Event{
		Event: event.Type, Version: event.Version, OccurredAt: "2026-06-17T09:00:12Z",
		Repo: "kaizen-agentic", Root: "/home/worsch/kaizen-agentic", Agent: "coach", Cadence: "weekly",
		PrepareCommand: "kaizen-agentic schedule prepare coach --target /home/worsch/kaizen-agentic",
		Bundle: event.Bundle{
			Format: "markdown", AgentPromptFound: true, HasMemory: true, HasMetrics: true,
			Pointers: []string{"scope", "todo"}, Bytes: 8421,
		},
		SessionClose: []string{"kaizen-agentic metrics record coach --success --time <s> --quality <0-1>"},
	}
	line, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return Message{ID: "acme/web/kaizen.kaizen-agentic.coach.2026-W25", Type: e.Event, Agent: "coach",
		OccurredAt: e.OccurredAt, JSON: line}
}

// dispatchServer answers 404 for repositories named missing and 204 for others, and keeps the
// bodies.
type dispatchServer struct {
	mu     sync.Mutex
	bodies map[string][]byte
}

func newDispatchServer(t *testing.T) (*dispatchServer, *gh.Client) {
	t.Helper()
	s := &dispatchServer{bodies: make(map[string][]byte)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client, err := gh.New(gh.Options{BaseURL: server.URL, Token: fixture.Canary("ghs_", "dispatch"), Sleep: noSleep})
	if err != nil {
		t.Fatal(err)
	}
	return s, client
}

func (s *dispatchServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	repository := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/repos/"), "/dispatches")
	if strings.HasSuffix(repository, "/missing") {
		http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies[repository] = body
	w.WriteHeader(http.StatusNoContent)
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	server, client := newDispatchServer(t)
	m := testMessage(t)
	targets := []target.Target{{Repository: "acme/one"}, {Repository: "acme/missing"}, {Repository: "acme/two"}}
	got := newDispatch(t, DispatchOptions{Client: client, Targets: targets}).Deliver(t.Context(), m)
	for i, want := range []store.Status{store.Delivered, store.Failed, store.Delivered} {
		d := got[i]
		explained := (want == store.Failed) == (d.Error != "")
		if d.Channel != "dispatch" || d.Target != targets[i].String() || d.Status != want || !explained {
			t.Errorf("target %d: got %+v, want %s", i, d, want)
		}
	}
	fixture.NoCanary(t, "the error", got[1].Error)
	for _, target := range []string{"acme/one", "acme/two"} {
		var body struct {
			EventType     string          `json:"event_type"`
			ClientPayload json.RawMessage `json:"client_payload"`
		}
		if err := json.Unmarshal(server.bodies[target], &body); err != nil {
			t.Fatal(err)
		}
		if body.EventType != "kaizen.schedule.prepared" || !bytes.Equal(body.ClientPayload, m.JSON) {
			t.Errorf("%s received %s, want the payload's own bytes %s", target, server.bodies[target], m.JSON)
		}
	}
}

func TestDispatchSendsNothing(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	eleven := `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1}`
	tests := []struct {
		name     string
		ctx      context.Context
		dryRun   bool
		payload  string
		workflow bool
		status   store.Status
		want     string
	}{
		{"dry run", t.Context(), true, `{}`, false, store.DryRun, ""},
		{"dry run of a workflow", t.Context(), true, `{}`, true, store.DryRun, ""},
		{"cancelled", ended, false, `{}`, false, store.Failed, "not sent, interrupted"},
		{"cancelled workflow", ended, false, `{}`, true, store.Failed, "not sent, interrupted"},
		{"too large", t.Context(), true, `{"a":"` + strings.Repeat("x", event.MaxSize) + `"}`, false, store.Failed, "65535"},
		{"too many quotes", t.Context(), true, `{"a":[""` + strings.Repeat(`,""`, 15_000) + `]}`, true, store.Failed,
			"as an input, workflow_dispatch takes 65535: shorten"},
		{"eleven fields", t.Context(), true, eleven, false, store.Failed, "11 top-level fields"},
		{"eleven fields for a workflow", t.Context(), true, eleven, true, store.DryRun, ""},
		{"no object", t.Context(), false, `[]`, false, store.Failed, "not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := newDispatchServer(t)
			m := testMessage(t)
			m.JSON = []byte(tt.payload)
			targets := []target.Target{{Repository: "acme/one"}, {Repository: "acme/two"}}
			if tt.workflow {
				targets = []target.Target{{Repository: "acme/one", Workflow: target.GitHubDir + "/x.yml", Ref: "main"}}
			}
			got := newDispatch(t, DispatchOptions{client, targets, tt.dryRun}).Deliver(tt.ctx, m)
			for _, d := range got {
				if d.Status != tt.status || !strings.Contains(d.Error, tt.want) || (d.Error == "") != (tt.want == "") {
					t.Errorf("got %+v, want %s with %q", d, tt.status, tt.want)
				}
			}
			if len(server.bodies) > 0 {
				t.Errorf("sent %d requests", len(server.bodies))
			}
		})
	}
}

func TestDispatchSurvivesAPanic(t *testing.T) {
	t.Parallel()
	d := &Dispatch{DispatchOptions{Targets: []target.Target{{Repository: "acme/one"}}}} // without a client
	got := d.Deliver(t.Context(), testMessage(t))
	if len(got) != 1 || got[0].Status != store.Failed || !strings.Contains(got[0].Error, "acme/one") ||
		strings.Contains(got[0].Error, "goroutine") {
		t.Errorf("got %+v", got)
	}
}

// A target that has the event is not sent it again. Branches that differ in case are two, and
// so are servers with the same subject, unless they have an address in common.
func TestSentBefore(t *testing.T) {
	t.Parallel()
	const react = "acme/web/.github/workflows/react.yml@"
	m := Message{Earlier: []store.Delivery{
		{Channel: "dispatch", Target: "acme/one", Status: store.Delivered},
		{Channel: "dispatch", Target: "acme/two", Status: store.Failed},
		{Channel: "dispatch", Target: react + "main", Status: store.Delivered},
		{Channel: "nats", Target: "kaizen.x", Status: store.Duplicate},
		{Channel: "nats", Target: "kaizen.y", Servers: "aa bb ", Status: store.Delivered},
	}}
	for to, want := range map[[3]string]bool{
		{"nats", "kaizen.x", "cc"}: true, {"nats", "kaizen.y", "aa bb "}: true, {"nats", "kaizen.y", "cc bb "}: true,
		{"nats", "kaizen.y", "cc "}: false, {"nats", "kaizen.y", ""}: false,
		{"dispatch", "acme/one"}: true, {"dispatch", "Acme/ONE"}: true, {"nats", "acme/one"}: false,
		{"dispatch", "acme/two"}: false, {"dispatch", "acme/web"}: false, {"dispatch", react + "main"}: true,
		{"dispatch", "ACME" + strings.TrimPrefix(react, "acme") + "main"}: true, {"dispatch", react + "Main"}: false,
		{"nats", "kaizen.x"}: true, {"nats", "Kaizen.X"}: false,
	} {
		if got := m.SentBefore(to[0], to[1], to[2]); got != want {
			t.Errorf("%s %s: got %t", to[0], to[1], got)
		}
	}
}

func TestNewDispatchRefuses(t *testing.T) {
	t.Parallel()
	gitea, err := gh.New(gh.Options{BaseURL: "https://git.example/api/v1"})
	if err != nil {
		t.Fatal(err)
	}
	_, hub := newDispatchServer(t)
	for _, tt := range []struct {
		client *gh.Client
		target string
		want   string // in the error, "" for none
	}{
		{gitea, "acme/web", "Gitea has no repository_dispatch: name a workflow in `dispatch-to`: acme/web/.gitea/workflows/"},
		{gitea, "acme/web/.gitea/workflows/x.yml@main", ""},
		{gitea, "acme/web/.github/workflows/x.yml@main", ""},
		{hub, "acme/web", ""},
		{hub, "acme/web/.github/workflows/x.yml@main", ""},
		{hub, "acme/web/.gitea/workflows/x.yml@main", "GitHub runs no workflow of .gitea/workflows: name one below"},
	} {
		targets, err := target.ParseList(tt.target)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewDispatch(DispatchOptions{Client: tt.client, Targets: targets})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.target, err, tt.want)
		}
	}
}

func TestStdout(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := testMessage(t)
	s := NewStdout(&out, false)
	for range 2 {
		want := store.Delivery{Channel: "stdout", Target: "stdout", Status: store.Delivered}
		if got := s.Deliver(t.Context(), m); len(got) != 1 || got[0] != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if want := string(m.JSON) + "\n" + string(m.JSON) + "\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	reader, broken := io.Pipe()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	got := NewStdout(broken, false).Deliver(t.Context(), m)[0]
	if got.Status != store.Failed || !strings.Contains(got.Error, "closed pipe") {
		t.Errorf("got %+v", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
