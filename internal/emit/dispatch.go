package emit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// maxFields is how many top-level properties GitHub accepts in a client_payload.
const maxFields = 10

// DispatchOptions name the targets of a dispatch.
type DispatchOptions struct {
	Client  *gh.Client
	Targets []target.Target
	DryRun  bool // stop before the request
}

// Dispatch sends events to repositories as repository_dispatch, and starts workflows with
// them by workflow_dispatch.
type Dispatch struct{ o DispatchOptions }

// NewDispatch returns the sink. The error is about a target that this kind of server can
// never serve.
func NewDispatch(o DispatchOptions) (*Dispatch, error) {
	for _, t := range o.Targets {
		if err := o.Client.CheckTarget(t); err != nil {
			return nil, err
		}
	}
	return &Dispatch{o}, nil
}

// Deliver sends m to all targets in parallel; the client paces the requests to the platform's
// limits.
func (d *Dispatch) Deliver(ctx context.Context, m Message) []store.Delivery {
	targets := slices.DeleteFunc(slices.Clone(d.o.Targets), func(t target.Target) bool {
		return m.SentBefore("dispatch", t.String(), "")
	})
	deliveries := make([]store.Delivery, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		deliveries[i] = store.Delivery{Channel: "dispatch", Target: t.String()}
		invalid := checkPayload(m.JSON, t)
		switch {
		case invalid != nil:
			deliveries[i].Status, deliveries[i].Error = store.Failed, invalid.Error()
		case d.o.DryRun:
			deliveries[i].Status = store.DryRun
		default:
			wg.Go(func() { d.send(ctx, m, t, &deliveries[i]) })
		}
	}
	wg.Wait()
	return deliveries
}

// send fills in the result of one target. A panic fails only that target, so that the results of
// the others are kept.
func (d *Dispatch) send(ctx context.Context, m Message, t target.Target, result *store.Delivery) {
	defer func() {
		if p := recover(); p != nil {
			result.Status = store.Failed
			result.Error = fmt.Sprintf("dispatch to %s: a fault in this program: please report it: %v", result.Target,
				p)
		}
	}()
	if err := ctx.Err(); err != nil {
		result.Status = store.Failed
		result.Error = fmt.Sprintf("dispatch to %s: not sent, %v: run again", result.Target, context.Cause(ctx))
		return
	}
	var err error
	if t.IsWorkflow() {
		var run gh.Started
		run, err = d.o.Client.StartWorkflow(ctx, t, gh.Event{ID: m.ID, JSON: m.JSON, Again: m.Again})
		result.RunID, result.URL = run.ID, run.URL
	} else {
		err = d.o.Client.Dispatch(ctx, t.Repository, m.Type, m.JSON)
	}
	if err != nil {
		result.Status, result.Error = store.Failed, safetext.OneLine(err.Error())
		return
	}
	result.Status = store.Delivered
}

// Close does nothing: the client belongs to the caller.
func (d *Dispatch) Close() error { return nil }

// shorten is the next step where an event is too large.
const shorten = "shorten session_close or drop pointers in the manifest"

// checkPayload refuses, before any request, a payload that the platform would refuse.
func checkPayload(payload []byte, t target.Target) error {
	if t.IsWorkflow() {
		if n := gh.InputsSize(payload); n > gh.MaxInputs {
			return advice.New(shorten, "event has %d characters as an input, workflow_dispatch takes %d", n,
				gh.MaxInputs)
		}
		return nil
	}
	if len(payload) > event.MaxSize {
		return advice.New(shorten, "event has %d bytes, repository_dispatch takes %d", len(payload), event.MaxSize)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return fmt.Errorf("event is not a JSON object, which repository_dispatch needs: %w", err)
	}
	if len(fields) > maxFields {
		return fmt.Errorf("event has %d top-level fields, repository_dispatch takes %d", len(fields), maxFields)
	}
	return nil
}
