// Package receive is the consumer's side: it turns the bytes of an event into a checked
// event, and that into a checked bundle. It knows no transport.
//
// Whoever may send events chooses every byte of them, and stores any zip. So an event names
// nothing that is trusted: its texts are data, the repository must be on the user's list, and
// a bundle counts only if the API says that a run of that repository itself stored it.
package receive

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

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
	// ID is the event id. An event without one gets an id that is made from its parts.
	ID string
	// Origin is the part of the id before the bundle's name: owner/name of the repository
	// that was prepared, or the slug where the event names no repository.
	Origin string
	// Bundle are the parts of the bundle's name.
	Bundle bundleid.Bundle
}

// Repository is owner/name of the repository that was prepared, "" if the event names only
// its slug.
func (e *Event) Repository() string {
	if event.IsRepository(e.Origin) {
		return e.Origin
	}
	return ""
}

// RecordName is the name under which a ledger records that the event was received.
func (e *Event) RecordName() string { return bundleid.ReceivedName(e.Origin, e.Bundle) }

// Lateness is the time from the slot to at, at least 0. Where the period is not a slot, the
// event does not say when the slot was, and the time since it was prepared is returned.
func (e *Event) Lateness(at time.Time) time.Duration {
	since, err := time.Parse(bundleid.SlotLayout, e.Bundle.Period)
	if err != nil {
		since, _ = time.Parse(time.RFC3339, e.OccurredAt) // Check has parsed it
	}
	return max(0, at.Sub(since))
}

// Refusal is why an event or its bundle is not accepted. A repeat is refused again, unlike
// after a failure of a service.
type Refusal struct {
	Code    string // a word for programs, such as wrong-digest; docs/receiving.md lists them
	Message string // one line
	Hint    string // the next step
}

// Error returns the message and the hint.
func (r *Refusal) Error() string { return advice.Join(r.Message, r.Hint) }

// Advice returns the hint, for advice.Split.
func (r *Refusal) Advice() string { return r.Hint }

// maxQuoted is how many characters of a message are kept, which quotes the event.
const maxQuoted = 600

func refuse(code, hint, format string, args ...any) *Refusal {
	lines := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ") // of joined errors
	message := safetext.Shorten(safetext.OneLine(lines), maxQuoted)
	return &Refusal{Code: code, Message: message, Hint: hint}
}

// Check validates the bytes of an event strictly against the contract, and then against the
// policy. The error is a *Refusal. It returns the event with the error if only its policy or
// its bundle is at fault, so that the producer can be answered.
func (r *Receiver) Check(data []byte) (*Event, error) {
	parsed, err := event.Parse(data)
	if err != nil {
		code := "invalid-event"
		if len(data) > event.MaxSize {
			code = "too-large"
		}
		return nil, refuse(code, "send an event as schema/kaizen.schedule.prepared.v1.schema.json describes it",
			"%v", err)
	}
	line, err := event.Line(data)
	if err != nil {
		return nil, refuse("invalid-event", "send JSON", "%v", err)
	}
	e, refusal := identify(parsed)
	if refusal != nil {
		return nil, refusal
	}
	e.JSON = line
	if refusal := r.Policy.check(e); refusal != nil {
		return e, refusal
	}
	return e, nil
}

// sameNames is the hint for an event whose parts are about different bundles.
const sameNames = "send the event as prepare wrote it"

// identify finds out of which bundle an event is. It refuses an event whose names disagree.
func identify(parsed *event.Event) (*Event, *Refusal) {
	e := &Event{Event: parsed, ID: parsed.Bundle.ID}
	if e.ID == "" {
		e.ID = inventID(parsed)
	}
	var ok bool
	if e.Origin, e.Bundle, ok = bundleid.ParseEventID(e.ID); !ok {
		return nil, refuse("wrong-id", sameNames, "bundle.id %q is not an event id", e.ID)
	}
	if n := len(e.RecordName()); n > maxName {
		return nil, refuse("wrong-id", "use a shorter slug",
			"bundle.id makes a name of %d characters, %d are allowed", n,
			maxName)
	}
	a := parsed.Bundle.Artifact
	switch {
	case a == nil:
	case e.Bundle.Agent != parsed.Agent || parsed.Bundle.Period != "" && parsed.Bundle.Period != e.Bundle.Period:
		return nil, refuse("wrong-artifact", sameNames, "bundle.artifact is named %q, but the event is of %q for %q",
			a.Name, parsed.Agent, parsed.Bundle.Period)
	case parsed.Bundle.ID == "":
	case !strings.EqualFold(a.Repository, e.Origin):
		return nil, refuse("wrong-artifact", sameNames,
			"bundle.artifact is of the repository %q, but bundle.id of %q", a.Repository, e.Origin)
	case a.Name != e.Bundle.Name():
		return nil, refuse("wrong-artifact", sameNames, "bundle.artifact is named %q, but bundle.id is of %q", a.Name,
			e.Bundle.Name())
	}
	return e, nil
}

// maxName is the longest name that common file systems take, in bytes.
const maxName = 255

// inventID makes the id of an event without one, as other programs write it: from its
// artifact, else from its slug, agent and period, else with its time in place of the period.
// The same event gets the same id, so that a repeat is recognised.
func inventID(e *event.Event) string {
	origin, period := e.Repo, e.Bundle.Period
	if a := e.Bundle.Artifact; a != nil {
		origin = a.Repository
		if b, ok := bundleid.Parse(a.Name); ok {
			return b.EventID(origin)
		}
	}
	if period == "" {
		at, _ := time.Parse(time.RFC3339, e.OccurredAt) // event.Parse has checked it
		period = at.UTC().Format(bundleid.SlotLayout)
	}
	b := bundleid.Bundle{Entry: bundleid.Entry{Repo: e.Repo, Agent: e.Agent}, Period: period}
	return b.EventID(origin)
}
