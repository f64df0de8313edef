// Package emit is where events and findings go: step outputs, summary, annotations, log, repository_dispatch and NATS.
// It is the only package that writes to the runner's files and log (design §9).
package emit

import (
	"context"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Message is one event on its way out.
type Message struct {
	ID    string       // event id, by which consumers drop a repeat
	Agent string       // the manifest's name of the agent
	Event *event.Event // what JSON says
	JSON  []byte       // what Event.Marshal returned; every channel carries these bytes
}

// Sink is a place that events go to. Close ends its connections; nothing may be delivered after it.
type Sink interface {
	// Deliver hands m to every target of the sink once and reports each result, in the order of the targets.
	// What went wrong stands in the results. Nothing is delivered again here after a failure, because the ledger leaves the entry due.
	Deliver(ctx context.Context, m Message) []store.Delivery
	Close() error
}
