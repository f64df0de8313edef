// Package receive is the consumer's side: it turns the bytes of an event into a checked
// event, and that into a checked bundle. It knows no transport.
package receive

import (
	"context"
	"encoding/json"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Policy says which events are accepted.
type Policy struct {
	// Allow are glob patterns of owner/repo, or of a slug for events that name no repository.
	// An event of no matching repository is refused.
	Allow []string
	// AllowAgents are glob patterns of agents; none allows all.
	AllowAgents []string
}

// Receiver checks events and fetches their bundles. It is safe for concurrent use.
type Receiver struct {
	Policy Policy
	// Client downloads bundles, and needs actions: read on their repositories; nil leaves
	// bundles where they are.
	Client *gh.Client
	// Bundles is where they are unpacked.
	Bundles *store.Directory
}

// Event is an event that passed Check.
type Event struct {
	*event.Event
	// JSON is the event as it arrived, in one line of ASCII.
	JSON json.RawMessage
	// ID is the event id. An event without one gets an id that is made from its slug, agent
	// and time.
	ID string
	// Repository is owner/name of the repository that was prepared; "" if the event names only
	// its slug.
	Repository string
	// Bundle are the parts of the bundle's name; its Period is always set.
	Bundle bundleid.Bundle
}

// Bundle is a bundle that passed Fetch.
type Bundle struct {
	Dir    string // its directory, as store.Directory.Path returns it
	Path   string // of bundle.md or bundle.json in it
	Digest string // sha256:<hex> of the zip
	Zip    []byte // as it was stored
}

// Refusal is why an event or its bundle is not accepted. A repeat is refused again, unlike
// after a failure of a service.
type Refusal struct {
	Code    string // a word for programs, such as wrong-digest
	Message string
	Hint    string // the next step
}

// Error returns the message and the hint.
func (r *Refusal) Error() string { return advice.Join(r.Message, r.Hint) }

// Advice returns the hint, for advice.Split.
func (r *Refusal) Advice() string { return r.Hint }

// Check validates the bytes of an event strictly, and holds it against the policy. The error
// is a *Refusal.
func (r *Receiver) Check(data []byte) (*Event, error) {
	return nil, &Refusal{Code: "invalid", Message: "not checked"}
}

// Fetch downloads, checks and unpacks the bundle of an event. It returns nil without an error
// for an event without an artifact, and without a Client. The error is a *Refusal, or that of
// a service or of the file system.
func (r *Receiver) Fetch(ctx context.Context, e *Event) (*Bundle, error) { return nil, nil }

// RecordName is the name under which a ledger records that the event was received.
func (e *Event) RecordName() string { return bundleid.ReceivedName(e.Origin(), e.Bundle) }

// Origin is the part of the event id before the bundle's name: the repository, or the slug.
func (e *Event) Origin() string { return "" }

// Lateness is how long after the slot at was; see docs/receiving.md.
func (e *Event) Lateness(at time.Time) time.Duration { return 0 }
