package emit

import (
	"context"
	"io"

	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Stdout writes events to a stream, one line of JSON each. Event.Marshal makes the line safe for
// a runner's log.
type Stdout struct {
	w      io.Writer
	dryRun bool
}

// NewStdout returns a sink that writes to w. A dry run writes, too, and reports store.DryRun.
func NewStdout(w io.Writer, dryRun bool) *Stdout { return &Stdout{w, dryRun} }

// Deliver writes m's line.
func (s *Stdout) Deliver(_ context.Context, m Message) []store.Delivery {
	if m.SentBefore("stdout", "stdout", "") {
		return nil
	}
	d := store.Delivery{Channel: "stdout", Target: "stdout", Status: store.Delivered}
	if s.dryRun {
		d.Status = store.DryRun
	}
	line := append(append(make([]byte, 0, len(m.JSON)+1), m.JSON...), '\n')
	if _, err := s.w.Write(line); err != nil {
		d.Status, d.Error = store.Failed, "writing the event to standard output: "+err.Error()
	}
	return []store.Delivery{d}
}

// Close does nothing: the stream belongs to the caller.
func (s *Stdout) Close() error { return nil }
