package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/render"
)

// The longest that a command runs. docs/limits.md lists them.
const (
	// prepareLimit lets rate limits and retries end before the platform's limit of six hours
	// per job.
	prepareLimit = 2 * time.Hour
	// receiveLimit is for receive: a download, and acknowledgements within rate limits.
	receiveLimit = 30 * time.Minute
	// checkLimit is for validate and verify, which people wait for in a pull request. All
	// that they may read takes less, unless it is made to be slow.
	checkLimit = 10 * time.Minute
	// lookLimit is for list and doctor, which ask a server about every target.
	lookLimit = 5 * time.Minute
	// initLimit is for init, which only looks for agents and workflows.
	initLimit = 2 * time.Minute
)

// A person waits for these commands, so a server that does not answer gets less time than
// in prepare: a request is sent twice, for 15 s each.
var waitedFor = []string{"list", "doctor", "validate"}

const (
	waitedAttempts = 2
	waitedTimeout  = 15 * time.Second
)

// isWaitedFor reports whether a person waits for the command.
func (c command) isWaitedFor() bool { return slices.Contains(waitedFor, c.name) }

// limitError is the cause of a context whose command has reached its limit.
type limitError struct{ c command }

// Error names the command, the limit and the next step.
func (e limitError) Error() string {
	return advice.Join(fmt.Sprintf("%s reached its limit of %s", e.c.name, inWords(e.c.limit)), e.c.next)
}

// inWords returns a limit as people write it.
func inWords(d time.Duration) string {
	if hours := int(d.Hours()); hours > 0 {
		return advice.Count(hours, "hour")
	}
	return advice.Count(int(d.Minutes()), "minute")
}

// Advice returns the next step.
func (e limitError) Advice() string { return e.c.next }

// Unwrap makes it a kind of context.DeadlineExceeded.
func (e limitError) Unwrap() error { return context.DeadlineExceeded }

// within returns a context that ends at the command's limit, if it has one.
func (w streams) within(ctx context.Context, c command) (context.Context, context.CancelFunc) {
	if c.limit == 0 {
		return ctx, func() {}
	}
	if w.deadline == nil {
		return context.WithTimeoutCause(ctx, c.limit, limitError{c})
	}
	return w.deadline(ctx, limitError{c})
}

// errEarly means that a command has nothing to report, because its context has ended.
var errEarly = errors.New("nothing was done")

// stopped returns the error of a command whose context has ended, and reports it where the
// command did not.
func (a *app) stopped(ctx context.Context, err error) error {
	why := whyStopped(ctx)
	if a.reported {
		return errors.Join(err, why)
	}
	if !errors.Is(err, errEarly) && errors.Is(err, ctx.Err()) {
		err = nil // a read that failed for the same reason
	}
	return errors.Join(err, why, a.publish(render.Stopped(why)))
}

// whyStopped returns why the context of a command has ended.
func whyStopped(ctx context.Context) error {
	if ctx.Err() == context.Canceled {
		return errCancelled
	}
	return context.Cause(ctx)
}
