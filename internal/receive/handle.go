package receive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Handler takes an event through all steps of a consumer. It is safe for concurrent use.
type Handler struct {
	Receiver
	Ledger   store.Receptions
	Archive  *Archive    // nil keeps no copy
	Sinks    []emit.Sink // get the acknowledgements
	Consumer event.Consumer
	Now      func() time.Time
}

// Outcome is what became of an event. Its fields are set as far as the steps came.
type Outcome struct {
	Event    *Event  // nil if its bytes are no event
	Bundle   *Bundle // nil without an artifact, and of a repeat
	State    event.State
	Refusal  *Refusal // why State is Rejected
	Archived string   // path of the zip below the archive
	// Acknowledged are the results of the acknowledgements.
	Acknowledged []store.Delivery
	// Errors are failures of services and of the file system. The event can be handled again.
	Errors []error
	At     time.Time
}

// Handle checks an event, drops a repeat, fetches and archives the bundle, and acknowledges
// the event. It does not record that the event was received, which Record does: so a process
// that dies before leaves the event to the next one.
func (h *Handler) Handle(ctx context.Context, data []byte) *Outcome {
	o := &Outcome{At: h.Now()}
	err := h.accept(ctx, o, data)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		o.State, o.Refusal = event.Rejected, refusal
	} else if err != nil {
		o.State = ""
		o.Errors = append(o.Errors, err)
		return o
	}
	if o.Event != nil {
		h.acknowledge(ctx, o)
	}
	return o
}

func (h *Handler) accept(ctx context.Context, o *Outcome, data []byte) (err error) {
	if o.Event, err = h.Check(data); err != nil {
		return err
	}
	repeated, err := h.Ledger.Received(ctx, o.Event.RecordName())
	if err != nil {
		return err
	}
	if repeated {
		o.State = event.Repeated
		return nil
	}
	if o.Bundle, err = h.Fetch(ctx, o.Event); err != nil {
		return err
	}
	if o.Bundle != nil && h.Archive != nil {
		if o.Archived, err = h.Archive.Put(o.Event, o.Bundle); err != nil {
			return err
		}
	}
	o.State = event.InProgress
	return nil
}

// acknowledge sends the state to the sinks.
func (h *Handler) acknowledge(ctx context.Context, o *Outcome) {
	if len(h.Sinks) == 0 {
		return
	}
	a := event.Acknowledgement{State: o.State, Consumer: h.Consumer, At: o.At}
	if o.Refusal != nil {
		a.Reason = safetext.Shorten(safetext.OneLine(o.Refusal.Message), event.MaxReason)
	}
	r := event.NewReceived(o.Event.Event, o.Event.ID, o.Event.Bundle.Period, a)
	line, err := r.Marshal()
	if err != nil {
		o.Errors = append(o.Errors, err)
		return
	}
	m := emit.Message{ID: r.MessageID(), Type: r.Event, Agent: r.Agent, OccurredAt: r.OccurredAt, JSON: line}
	for _, sink := range h.Sinks {
		o.Acknowledged = append(o.Acknowledged, sink.Deliver(ctx, m)...)
	}
	for _, d := range o.Acknowledged {
		if !d.Status.OK() && d.Status != store.DryRun {
			o.Errors = append(o.Errors, advice.New("the event is not recorded as received, so run again",
				"acknowledging over %s to %s: %s", d.Channel, d.Target, d.Error))
		}
	}
}

// Record stores that an accepted event was received, after all else is done. It does nothing
// for an outcome that is refused, is a repeat or has errors.
func (h *Handler) Record(ctx context.Context, o *Outcome) error {
	if !o.Accepted() {
		return nil
	}
	r := &store.Reception{Name: o.Event.RecordName(), ID: o.Event.ID, Event: o.Event.JSON}
	if err := h.Ledger.PutReception(ctx, r); err != nil {
		return fmt.Errorf("%w; the event is not recorded as received, so run again", err)
	}
	return nil
}

// Accepted reports whether the agent may run: the event is accepted and all targets have its
// acknowledgement.
func (o *Outcome) Accepted() bool { return o.State == event.InProgress && len(o.Errors) == 0 }
