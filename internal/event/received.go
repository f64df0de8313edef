package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
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

// MaxReason is the longest Reason, in characters.
const MaxReason = 1000

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

// Acknowledgement has what Received says besides the event.
type Acknowledgement struct {
	State    State
	Reason   string // of Rejected, one line
	Consumer Consumer
	At       time.Time
}

// NewReceived acknowledges the event with this id and period.
func NewReceived(e *Event, id, period string, a Acknowledgement) Received {
	return Received{
		Event: ReceivedType, Version: Version, OccurredAt: a.At.UTC().Format(timeLayout),
		ID: id, Repo: e.Repo, Agent: e.Agent, Period: period,
		State: a.State, Consumer: a.Consumer, Reason: a.Reason,
	}
}

// MessageID is the id of the acknowledgement itself, by which a stream drops a repeat: that
// of the event, its state and its run.
func (r *Received) MessageID() string {
	return strings.TrimSuffix(r.ID+"/"+string(r.State)+"/"+r.Consumer.RunURL, "/")
}

// Validate returns all violations of the schema as one joined error.
func (r *Received) Validate() error {
	var errs []error
	check := func(ok bool, field, want string, got any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s must be %s, is %q", field, want, fmt.Sprint(got)))
		}
	}
	check(r.Event == ReceivedType, "event", ReceivedType, r.Event)
	check(r.Version == Version, "version", `"1"`, r.Version)
	check(isTime(r.OccurredAt), "occurred_at", "an RFC 3339 time", r.OccurredAt)
	origin, b, ok := bundleid.ParseEventID(r.ID)
	check(ok && (IsRepository(origin) || spec.IsSlug(origin)) && isPlain(b.Repo), "id",
		"an event id like acme/web/kaizen.web.coach.2026-W48", r.ID)
	check(spec.IsSlug(r.Repo), "repo", "a slug like kaizen-agentic", r.Repo)
	check(spec.IsAgent(r.Agent) && (!ok || r.Agent == b.Agent), "agent", "the agent of the id", r.Agent)
	_, isPeriod := bundleid.PeriodStart(r.Period)
	check(isPeriod && (!ok || r.Period == b.Period), "period", "the period of the id", r.Period)
	check(slices.Contains([]State{InProgress, Rejected, Repeated}, r.State), "state",
		"in_progress, rejected or duplicate", r.State)
	check(r.Consumer.Repository == "" || IsRepository(r.Consumer.Repository), "consumer.repository", "owner/name",
		r.Consumer.Repository)
	url := r.Consumer.RunURL
	check(url == "" || isLine(url) && (strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")),
		"consumer.run_url", "a URL", url)
	check(isLine(r.Reason) && utf8.RuneCountInString(r.Reason) <= MaxReason, "reason",
		"one line of at most 1000 characters",
		r.Reason)
	check((r.Reason != "") == (r.State == Rejected), "reason", "set if the state is rejected, and empty otherwise",
		r.Reason)
	return errors.Join(errs...)
}

// Marshal validates r and encodes it as Event.Marshal does.
func (r *Received) Marshal() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("acknowledgement of %q breaks its schema: %w", r.ID, err)
	}
	return encode(r)
}

var receivedFields = []string{"event", "version", "occurred_at", "id", "repo", "agent", "period", "state", "consumer",
	"reason"}

// ParseReceived reads an acknowledgement from untrusted bytes, as strictly as Parse. Inside
// consumer it ignores unknown fields.
func ParseReceived(data []byte) (*Received, error) {
	var r Received
	if err := parse(data, requireReceivedFields, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

func requireReceivedFields(data []byte) error {
	if err := requireExactly(data, receivedFields); err != nil {
		return err
	}
	var raw struct {
		Consumer json.RawMessage `json:"consumer"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("event is not the contract's JSON: %w", err)
	}
	consumer, err := objectKeys(raw.Consumer)
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	for _, key := range []string{"repository", "run_url"} {
		if _, ok := consumer[key]; !ok {
			return fmt.Errorf("event lacks the field %q", "consumer."+key)
		}
	}
	return nil
}
