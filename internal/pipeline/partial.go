package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// recordTime is how long a cancelled run may take to record what was delivered. A run that
// is cancelled has 5 s for everything.
const recordTime = 1500 * time.Millisecond

// recording returns a context for recording what targets have acknowledged. It outlives
// the cancellation of ctx by recordTime, because an unrecorded delivery is repeated.
func recording(ctx context.Context) (context.Context, context.CancelFunc) {
	record, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(recordTime, cancel) })
	return record, func() {
		stop()
		cancel()
	}
}

// Resume continues a partial delivery of an earlier run: it sends the same event to the
// targets that do not have it. resumed is false if there is none to continue.
func (d *Deliverer) Resume(
	ctx context.Context, p *Planned, turn <-chan struct{},
) (_ *Delivered, resumed bool, _ error) {
	if p.Asked || p.known == nil || !p.known.Partial {
		return nil, false, nil
	}
	name := p.ID.Name()
	partial, err := d.Ledger().Partial(ctx, name)
	switch {
	case errors.Is(err, store.ErrPartialInvalid):
		d.Log("%s: %v; the event is prepared again, under the same id", p.Entry.Agent, err)
		return nil, false, nil
	case err != nil:
		return &Delivered{}, true, fmt.Errorf("reading which targets have the event: %w", err)
	}
	if err := d.searchAgain(p, partial); err != nil {
		return &Delivered{}, true, err
	}
	done := &Delivered{
		Resumed: true, Payload: partial.Event, files: partial.Files, stored: partial.Memory,
		Deliveries: slices.DeleteFunc(partial.Deliveries, func(d store.Delivery) bool { return !d.Status.OK() }),
	}
	if done.Event, err = event.Parse(partial.Event); err != nil { // the store has checked it
		return done, true, err
	}
	done.had = len(done.Deliveries)
	for i := range done.Deliveries {
		done.Deliveries[i].Earlier = true
	}
	if len(partial.Files) > 0 {
		done.ContentName = partial.Files[0].Name
		if d.KeepContent {
			done.Content = partial.Files[0].Data
		}
	}
	if err := d.restore(ctx, name, done); err != nil {
		done.Event, done.Payload = nil, nil // as without a stored bundle: no output has it
		return done, true, err
	}
	return done, true, d.emit(ctx, p, done, turn)
}

// searchAgain searches the bundle of a partial delivery for secrets, if the run that built
// it did not, as with `secrets: off`.
func (d *Deliverer) searchAgain(p *Planned, partial *store.Partial) error {
	if d.Secrets == prepare.SecretsOff || partial.Scanned {
		return nil
	}
	for _, f := range append([]store.File{{Name: store.EventFile, Data: partial.Event}}, partial.Files...) {
		if found := secrets.FindUnmarked(f.Data); len(found) > 0 {
			return advice.New("remove it and prepare "+p.Entry.Agent+" by name, or set `secrets: off` again",
				"%s of the partial delivery holds a secret (%s), for which the run that built it did not search",
				f.Name, found[0].Kind)
		}
	}
	return nil
}

// restore writes the bundle and the event of a partial delivery into the directory, where
// the steps after this one look for them.
func (d *Deliverer) restore(ctx context.Context, name string, done *Delivered) error {
	if err := d.reserve(len(done.Payload)); err != nil {
		return err
	}
	if d.DryRun || len(done.files) == 0 {
		return nil
	}
	if _, err := d.Directory.PutBundle(ctx, name, done.files); err != nil {
		return err
	}
	done.Dir = d.path(name)
	return d.Directory.PutEvent(ctx, name, done.Payload)
}

// Undelivered is the error of an entry whose event some or all targets miss.
type Undelivered struct {
	Have, Failed, Targets int
	// Asked means that the command named the entry, so that no later run repeats it.
	Asked bool
	// Forced means that the event has an id of its own, which a new run does not repeat.
	Forced bool
	// DryRun means that no target was sent the event.
	DryRun bool
	// Unrecorded is why it is not stored which targets have the event; nil if it is.
	Unrecorded error
}

// Error returns how many targets have the event, and what to do.
func (e *Undelivered) Error() string {
	message := fmt.Sprintf("delivered to %d of %d targets", e.Have, e.Targets)
	switch {
	case e.DryRun:
		message = fmt.Sprintf("%d of %d targets would not get the event", e.Failed, e.Targets)
	case e.Have == 0:
		message = fmt.Sprintf("not delivered (0 of %d)", e.Targets)
	}
	if e.Unrecorded != nil {
		message = fmt.Sprintf("%s, and which have it is not recorded: %v", message, e.Unrecorded)
	}
	return advice.Join(message, e.Advice())
}

// Unwrap returns why nothing was recorded.
func (e *Undelivered) Unwrap() error { return e.Unrecorded }

// Advice returns the next step.
func (e *Undelivered) Advice() string {
	switch {
	case e.DryRun:
		return "correct what failed, and repeat the dry run"
	case e.Forced && e.Have > 0:
		return "repeat this command for the targets that failed only: with force, each run sends a new event"
	case e.Asked && e.Have > 0 && !e.Forced:
		return "repeat this command: the targets that have the event get it again, under the same id"
	case e.Asked:
		return "repeat this command"
	case e.Unrecorded != nil:
		return "the next tick also repeats the event, under the same id, to the targets that got it in this run"
	case e.Have > 0:
		return "the next tick sends the same event to the targets that failed"
	}
	return "the next tick delivers again"
}

// Unrecorded is the error of an entry whose event all targets have, and whose receipt could
// not be stored.
type Unrecorded struct {
	Err           error
	Asked, Forced bool // as in Undelivered
}

// Error returns why, and what to do.
func (e *Unrecorded) Error() string {
	return advice.Join(fmt.Sprintf("all targets have the event, but %v", e.Err), e.Advice())
}

// Advice returns the next step.
func (e *Unrecorded) Advice() string {
	const again = "the next tick sends it again, under the same id"
	switch {
	case e.Forced:
		return "no later run sends it again"
	case e.Asked:
		return again + ", unless the period has a receipt"
	}
	return again
}

// Unwrap returns why.
func (e *Unrecorded) Unwrap() error { return e.Err }

// unfinished returns the error of a delivery that some targets miss. If others got the
// event in this run, it first stores which have it: the next run sends it to the rest only.
func (d *Deliverer) unfinished(ctx context.Context, p *Planned, done *Delivered, failed int) error {
	err := &Undelivered{Failed: failed, Targets: len(done.Deliveries), Asked: p.Asked, Forced: p.ID.Run != "",
		DryRun: d.DryRun}
	for _, delivery := range done.Deliveries {
		if delivery.Status.OK() {
			err.Have++
		}
	}
	if err.Have == done.had || d.DryRun || p.ID.Run != "" {
		return err
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	partial := &store.Partial{Receipt: *d.receipt(p, done), Files: done.files,
		Scanned: d.Secrets != prepare.SecretsOff}
	if d.Artifacts != nil && !d.StoreArtifacts {
		partial.Files = nil // the user wants no bundle among the job artifacts
	}
	err.Unrecorded = d.Ledger().PutPartial(ctx, partial)
	return err
}
