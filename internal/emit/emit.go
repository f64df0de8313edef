// Package emit sends events to their channels: dispatch, NATS and standard output.
package emit

import (
	"context"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// Message is one event to deliver.
type Message struct {
	ID         string // of the message; consumers drop an id that they have seen
	Type       string // of the event, such as event.Type
	Agent      string // its name in the manifest
	OccurredAt string // RFC 3339
	JSON       []byte // the event in one line; every channel carries these bytes
	// Earlier are the results of earlier runs. A target that has the event is not sent it
	// again, and has no result.
	Earlier []store.Delivery
	// Again says that an earlier run may have sent the event to a target that is not in
	// Earlier.
	Again bool
}

// SentBefore reports whether an earlier run delivered m to the target of a channel: through
// one of the servers, where the channel has any.
func (m Message) SentBefore(channel, to, servers string) bool {
	return slices.ContainsFunc(m.Earlier, func(d store.Delivery) bool {
		isKnown := func(server string) bool { return slices.Contains(strings.Fields(d.Servers), server) }
		return d.Status.OK() && d.Channel == channel && (d.Target == to || isSameTarget(d.Target, to)) &&
			(d.Servers == "" || slices.ContainsFunc(strings.Fields(servers), isKnown))
	})
}

// isSameTarget compares targets of dispatch-to.
func isSameTarget(a, b string) bool {
	t, errT := target.Parse(a)
	u, errU := target.Parse(b)
	return errT == nil && errU == nil && t.Equal(u)
}

// Sink is a channel for events. Close ends its connections; Deliver must not be called after it.
type Sink interface {
	// Deliver sends m to every target of the sink that does not have it, once, and returns a
	// result for each of them, in the order of the targets. Failures are in the results. A
	// sink does not retry them later, because the ledger leaves the entry due.
	Deliver(ctx context.Context, m Message) []store.Delivery
	Close() error
}
