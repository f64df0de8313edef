// Package emit sends events to their channels: dispatch, NATS and standard output.
// It also writes what the runner shows: step outputs, summary, annotations and log. No other
// package writes to the runner's files and log.
package emit

import (
	"context"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Message is one event to deliver.
type Message struct {
	ID    string       // the event id; consumers drop an id that they have seen
	Agent string       // its name in the manifest
	Event *event.Event // the decoded JSON
	JSON  []byte       // from Event.Marshal; every channel carries these bytes
}

// Sink is a channel for events. Close ends its connections; Deliver must not be called after it.
type Sink interface {
	// Deliver sends m to every target of the sink once and returns a result for each, in the
	// order of the targets. Failures are in the results. A sink does not retry them later,
	// because the ledger leaves the entry due.
	Deliver(ctx context.Context, m Message) []store.Delivery
	Close() error
}
