package event

import (
	"time"
)

// ReceivedType is the name of the event with which a consumer acknowledges another event. It
// is also its NATS subject and the type of its repository_dispatch.
const ReceivedType = "kaizen.schedule.received"

// State is what a consumer did with an event.
type State string

// The states of Received.
const (
	InProgress State = "in_progress" // accepted: the agent runs next
	Rejected   State = "rejected"    // refused; Received.Reason says why
	Repeated   State = "duplicate"   // accepted earlier
)

// Received is the payload kaizen.schedule.received, version 1, with which a consumer answers
// kaizen.schedule.prepared. See schema/kaizen.schedule.received.v1.schema.json. It has ten
// top-level fields, as many as GitHub accepts in a client_payload.
type Received struct {
	Event      string   `json:"event"`       // always ReceivedType
	Version    string   `json:"version"`     // always Version
	OccurredAt string   `json:"occurred_at"` // RFC 3339, UTC, whole seconds
	ID         string   `json:"id"`          // id of the event that was received
	Repo       string   `json:"repo"`        // its State Hub slug
	Agent      string   `json:"agent"`       // its agent
	Period     string   `json:"period"`      // its period
	State      State    `json:"state"`
	Consumer   Consumer `json:"consumer"`
	Reason     string   `json:"reason"` // why it was rejected, one line; "" otherwise
}

// Consumer says who received an event.
type Consumer struct {
	Repository string `json:"repository"` // owner/name; "" outside of a workflow
	RunURL     string `json:"run_url"`    // page of the workflow run; "" outside of a workflow
}

// Receipt has what an acknowledgement needs besides the event.
type Receipt struct {
	State    State
	Reason   string
	Consumer Consumer
	At       time.Time
}

// NewReceived acknowledges the event with this id.
func NewReceived(e *Event, id, period string, r Receipt) Received {
	return Received{
		Event: ReceivedType, Version: Version, OccurredAt: r.At.UTC().Format(timeLayout),
		ID: id, Repo: e.Repo, Agent: e.Agent, Period: period,
		State: r.State, Consumer: r.Consumer, Reason: r.Reason,
	}
}

// ID of the acknowledgement itself, by which a stream drops a repeat: one event is
// acknowledged once in each state by each run.
func (r *Received) MessageID() string { return r.ID + "/" + string(r.State) + "/" + r.Consumer.RunURL }
