package main

import (
	"context"
	"errors"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/receive"
)

// runReceive handles one event, and reports it. With --durable it is a service.
func runReceive(ctx context.Context, a *app, r *option.Reader) (int, error) {
	if r.Values[option.Durable] != "" {
		return runService(ctx, a, r)
	}
	if len(r.Args) > 0 {
		return exitUsage, usagef("action receive runs a program only as a service: name its consumer with --durable, " +
			"or name the file of the event with --event")
	}
	if err := a.refuseReceive(r.List(option.AllowEvents)); err != nil {
		return exitUsage, err
	}
	h, stores, err := a.openReceive(r, func() time.Time { return a.now })
	if err != nil {
		return exitUsage, err
	}
	defer a.closeSinks(h.Sinks)
	data, err := a.readEvent(ctx, r.Values[option.Event])
	if err != nil {
		return exitUsage, err
	}
	o := h.Handle(ctx, data)
	return a.reportReceive(ctx, h, o, stores)
}

// openReceive opens everything that receive needs. The error is a usage error.
func (a *app) openReceive(r *option.Reader, now func() time.Time) (*receive.Handler, pipeline.Stores, error) {
	o := receive.ReadOptions(r)
	if r.Err != nil {
		return nil, pipeline.Stores{}, usageError{r.Err}
	}
	h, stores, err := receive.Open(a.services(), o, a.dir, now)
	if err != nil {
		return nil, stores, usageError{err}
	}
	return h, stores, nil
}

// readEvent reads the event from a file, else from what started the workflow. Of an event
// that is too large it returns as much as shows that.
func (a *app) readEvent(ctx context.Context, file string) ([]byte, error) {
	if file != "" {
		data, err := checkout.ReadArgument(ctx, file, a.stdin, event.MaxSize)
		switch {
		case errors.Is(err, checkout.ErrTooLarge):
			return make([]byte, event.MaxSize+1), nil
		case err != nil:
			return nil, usagef("reading the event: %w", err)
		}
		return data, nil
	}
	data, ok := a.env.Event()
	if !ok {
		return nil, usagef("there is no event: run on repository_dispatch, or on workflow_dispatch with the input " +
			"event, or name a file with --event")
	}
	return data, nil
}

// reportReceive reports an outcome in the log, outputs and summary, and then records an
// accepted event.
func (a *app) reportReceive(
	ctx context.Context, h *receive.Handler, o *receive.Outcome, s pipeline.Stores,
) (int, error) {
	a.reported = true
	err := a.runner.WriteOutputs(o.Outputs(s.Below))
	if err == nil {
		err = h.Record(ctx, o)
	}
	if err != nil {
		o.Errors = append(o.Errors, err)
		a.runner.WriteOutputs(o.Outputs(s.Below)) // takes back what was accepted; err is reported
	}
	if o.Refusal == nil {
		a.runner.Logf("%s", o.Verdict())
	}
	if err := a.runner.WriteSummary(o.Summary()); err != nil {
		o.Errors = append(o.Errors, err)
	}
	switch {
	case len(o.Errors) > 0:
		return exitUnavailable, errors.Join(o.Errors...)
	case o.Refusal != nil:
		a.runner.Annotate([]diag.Finding{o.Refusal.Finding()})
		return exitFindings, o.Refusal
	}
	return exitOK, nil
}
