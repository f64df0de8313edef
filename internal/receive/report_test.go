package receive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// sink keeps the acknowledgements, and fails with an error.
type sink struct {
	failure string
	got     []string
}

func (s *sink) Close() error { return nil }

func (s *sink) Deliver(_ context.Context, m emit.Message) []store.Delivery {
	r, err := event.ParseReceived(m.JSON)
	if err != nil || m.Type != event.ReceivedType || !strings.HasPrefix(m.ID, r.ID+"/"+string(r.State)) {
		s.got = append(s.got, fmt.Sprint("invalid: ", err, m))
	}
	s.got = append(s.got, string(r.State))
	d := store.Delivery{Channel: "dispatch", Target: "acme/dashboard", Status: store.Delivered}
	if s.failure != "" {
		d.Status, d.Error = store.Failed, s.failure
	}
	return []store.Delivery{d}
}

// ledger is a ledger that fails with an error.
type ledger struct {
	store.Receptions
	err error
}

func (l ledger) Received(ctx context.Context, name string) (bool, error) {
	if l.err != nil {
		return false, l.err
	}
	return l.Receptions.Received(ctx, name)
}

// TestOutcomes holds what a consumer reports, and what it records: only what is accepted and
// acknowledged is known afterwards.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghtest.Options{})
	line, err := w.add(zipped(t, bundleFiles("hello, coach")), nil).Marshal()
	fixture.Must(t, err)
	foreign := strings.NewReplacer("acme/web", "evil/web").Replace(string(line))
	to := &sink{}
	h := &Handler{Receiver: w.Receiver, Ledger: w.Bundles, Sinks: []emit.Sink{to},
		Consumer: event.Consumer{Repository: "acme/agents", RunURL: "https://github.com/acme/agents/actions/runs/7"},
		Now:      func() time.Time { return now }}
	var got strings.Builder
	for _, tt := range []struct {
		name, data    string
		target, error string // that fail
		known         bool   // afterwards
	}{
		{"the ledger fails", string(line), "", "the API does not answer", false},
		{"the target fails", string(line), "404 not found", "", false},
		{"accepted", string(line), "", "", true},
		{"duplicate", string(line), "", "", true},
		{"not allowed", foreign, "", "", true},
		{"invalid", "[]", "", "", true},
	} {
		to.failure, to.got = tt.target, nil
		h.Ledger = ledger{w.Bundles, nil}
		if tt.error != "" {
			h.Ledger = ledger{w.Bundles, errors.New(tt.error)}
		}
		o := h.Handle(t.Context(), []byte(tt.data))
		fixture.Must(t, h.Record(t.Context(), o))
		known, err := w.Bundles.Received(t.Context(), "kaizen.web-2bce8445062b30ed.coach.2026-W48.received")
		if known != tt.known || err != nil {
			t.Errorf("%s: the event is known: %t, %v", tt.name, known, err)
		}
		out := o.Outputs(func(dir string) string { return dir })
		fmt.Fprintf(&got, "=== %s\nacknowledged: %s\n", tt.name, strings.Join(to.got, " "))
		fmt.Fprintf(&got, "valid: %s, duplicate: %s, event-id: %q, bundle-path: %q\n", out.Value("valid"),
			out.Value("duplicate"), out.Value("event-id"), out.Value("bundle-path"))
		fmt.Fprintf(&got, "log: %s\n\n%s\n", o.Verdict(), o.Summary().Markdown(1<<20))
	}
	fixture.Golden(t, "testdata/outcomes.golden", got.String())
	if n := w.downloads(); n != 2 {
		t.Errorf("%d downloads, want one of the event that was not acknowledged, and one more", n)
	}
}
