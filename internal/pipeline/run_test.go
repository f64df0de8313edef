package pipeline

import (
	"context"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// TestRunCancelled asks for all entries of a run that is cancelled before it builds any.
func TestRunCancelled(t *testing.T) {
	t.Parallel()
	m, findings := schedule.Load("schedule.yml", []byte("version: \"1\"\nrepo: web\nagents:\n"+
		"  coach: {cadence: weekly}\n  tidy: {cadence: daily}\n  off: {cadence: daily, enabled: false}\n"),
		schedule.Options{})
	if m == nil {
		t.Fatal(findings)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	planner := Planner{Manifest: m, Selection: Selection{All: true}}
	outcomes, err := Run(ctx, planner, &Builder{}, &Deliverer{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{errCancelled, errCancelled, nil} {
		if got := outcomes[i].Err; got != want {
			t.Errorf("%s: got %v, want %v", outcomes[i].Entry.Agent, got, want)
		}
	}
}
