package emit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/store"
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
	return Message{ID: "acme/web/kaizen.kaizen-agentic.coach.2026-W25", Agent: "coach", Event: e, JSON: line}
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
	client, err := gh.New(gh.Options{BaseURL: server.URL, Token: "secret-token", Sleep: noSleep})
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
	targets := []string{"acme/one", "acme/missing", "acme/two"}
	got := NewDispatch(DispatchOptions{Client: client, Targets: targets}).Deliver(t.Context(), m)
	for i, want := range []store.Status{store.Delivered, store.Failed, store.Delivered} {
		d := got[i]
		explained := (want == store.Failed) == (d.Error != "")
		if d.Channel != "dispatch" || d.Target != targets[i] || d.Status != want || !explained {
			t.Errorf("target %d: got %+v, want %s", i, d, want)
		}
	}
	if strings.Contains(got[1].Error, "secret-token") {
		t.Errorf("%q holds the token", got[1].Error)
	}
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
		name    string
		ctx     context.Context
		dryRun  bool
		payload string
		status  store.Status
		want    string
	}{
		{"dry run", t.Context(), true, `{}`, store.DryRun, ""},
		{"cancelled", ended, false, `{}`, store.Failed, "not sent, interrupted"},
		{"too large", t.Context(), true, `{"a":"` + strings.Repeat("x", event.MaxSize) + `"}`, store.Failed, "65535"},
		{"eleven fields", t.Context(), true, eleven, store.Failed, "11 top-level fields"},
		{"no object", t.Context(), false, `[]`, store.Failed, "not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := newDispatchServer(t)
			m := testMessage(t)
			m.JSON = []byte(tt.payload)
			got := NewDispatch(DispatchOptions{client, []string{"acme/one", "acme/two"}, tt.dryRun}).Deliver(tt.ctx, m)
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
	d := NewDispatch(DispatchOptions{Targets: []string{"acme/one"}}) // without a client: a nil dereference
	got := d.Deliver(t.Context(), testMessage(t))
	if len(got) != 1 || got[0].Status != store.Failed || !strings.Contains(got[0].Error, "acme/one") ||
		strings.Contains(got[0].Error, "goroutine") {
		t.Errorf("got %+v", got)
	}
}

func TestParseTargets(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want, err string }{
		{"acme/web", "[acme/web]", ""},
		{"", "[]", ""},
		{" acme/web , acme/api\r\nother/x.y_z-1 # the third\n# none\n\n,", "[acme/web acme/api other/x.y_z-1]", ""},
		{"acme/web\nAcme/Web,ACME/WEB", "[acme/web]", ""},
		{"acme/a\racme/b", "[acme/a acme/b]", ""},
		{"acme", "", `"acme" is not a repository: write owner/repo`},
		{"acme/web/x", "", `"acme/web/x"`},
		{"https://github.com/acme/web", "", "owner/repo"},
		{"acme/..", "", `"acme/.."`},
		{"acme/we b", "", `"acme/we b"`},
		{"-acme/web", "", `"-acme/web"`},
		{"acme/web;acme/x", "", "write owner/repo"},
		{"acme/\x1bweb", "", `"acme/\x1bweb"`},
	}
	for _, tt := range tests {
		got, err := ParseTargets(tt.in)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.HasPrefix(err.Error(), "dispatch-to: ") {
				t.Errorf("%q: got %v, want %q", tt.in, err, tt.err)
			}
			continue
		}
		if err != nil || fmt.Sprint(got) != tt.want {
			t.Errorf("%q: got %v (%v), want %s", tt.in, got, err, tt.want)
		}
	}
}

func FuzzParseTargets(f *testing.F) {
	f.Add("acme/web, acme/api # x\nb/c")
	f.Fuzz(func(t *testing.T, s string) {
		targets, err := ParseTargets(s)
		if err != nil {
			return
		}
		again, err := ParseTargets(strings.Join(targets, "\n"))
		if err != nil || !slices.Equal(again, targets) {
			t.Errorf("%q gave %q, which gave %q (%v)", s, targets, again, err)
		}
	})
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
