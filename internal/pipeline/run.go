package pipeline

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// parallel is how many entries are in work at once: enough to hide the network, few enough that memory stays that of a few
// bundles.
const parallel = 8

// Each calls f(0) to f(n-1), some in parallel, starting in order.
func Each(n int, f func(int)) {
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range n {
		group.Go(func() error {
			f(i)
			return nil
		})
	}
	group.Wait() // f returns no error
}

// Outcome is what became of one entry: of each stage that it reached, what the stage says.
type Outcome struct {
	*Planned
	*Built
	*Delivered
	// Err is what the outside world did, in whichever stage.
	Err error
}

// Run takes the entries of a manifest through all stages, in the manifest's order. The error is one that concerns all of
// them.
func Run(ctx context.Context, planner Planner, builder *Builder, deliverer *Deliverer) ([]*Outcome, error) {
	plans, err := planner.Plan(ctx)
	if err != nil {
		return nil, err
	}
	outcomes := make([]*Outcome, len(plans))
	var chosen []*Outcome
	for i, plan := range plans {
		outcomes[i] = &Outcome{Planned: plan, Built: &Built{}, Delivered: &Delivered{}, Err: plan.Err}
		if plan.Chosen {
			chosen = append(chosen, outcomes[i])
		}
	}
	if ctx.Err() != nil {
		return outcomes, nil
	}
	deliverer.Planner = &planner
	deliver(ctx, chosen, builder, deliverer)
	return outcomes, nil
}

// deliver takes the chosen entries through the last two stages. Standard output has one order: the turn of an entry comes
// when that of the one before is over.
func deliver(ctx context.Context, chosen []*Outcome, builder *Builder, deliverer *Deliverer) {
	turns := make([]chan struct{}, len(chosen)+1)
	for i := range turns {
		turns[i] = make(chan struct{})
	}
	close(turns[0])
	Each(len(chosen), func(i int) {
		chosen[i].finish(ctx, builder, deliverer, turns[i])
		<-turns[i] // an entry that had nothing to print waits for its turn, too
		close(turns[i+1])
	})
}

// finish builds and delivers one entry.
func (o *Outcome) finish(ctx context.Context, builder *Builder, deliverer *Deliverer, turn <-chan struct{}) {
	if ctx.Err() != nil {
		o.Err = errCancelled
		return
	}
	if o.Built, o.Err = builder.Build(o.Planned); o.Err != nil || o.Built.Bundle == nil {
		return
	}
	o.Delivered, o.Err = deliverer.Deliver(ctx, o.Planned, o.Built, turn)
	o.Built.Bundle = nil // of many entries only events are kept
}

// Stopped reports whether findings keep the entry's bundle back.
func (o *Outcome) Stopped() bool {
	errs, _ := diag.Count(o.Findings)
	return errs > 0
}
