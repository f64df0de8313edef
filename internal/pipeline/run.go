package pipeline

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// parallel is how many entries run at once: enough to hide the network's latency, and few
// enough to bound the memory by a few bundles.
const parallel = 8

// Each calls f(0) to f(n-1), some of them in parallel, and starts them in order.
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

// Outcome is the result of one entry: the results of the stages that it reached.
type Outcome struct {
	*Planned
	*Built
	*Delivered
	// Err is an external failure in any stage.
	Err error
}

// Run runs all stages for the entries of a manifest, in the manifest's order. The error
// concerns all entries.
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

// deliver runs the last two stages for the chosen entries. Entries write to standard
// output in order: each waits for the one before.
func deliver(ctx context.Context, chosen []*Outcome, builder *Builder, deliverer *Deliverer) {
	turns := make([]chan struct{}, len(chosen)+1)
	for i := range turns {
		turns[i] = make(chan struct{})
	}
	close(turns[0])
	Each(len(chosen), func(i int) {
		chosen[i].finish(ctx, builder, deliverer, turns[i])
		<-turns[i] // an entry without output also waits for its turn
		close(turns[i+1])
	})
}

// finish builds and delivers one entry.
func (o *Outcome) finish(ctx context.Context, builder *Builder, deliverer *Deliverer, turn <-chan struct{}) {
	if ctx.Err() != nil {
		o.Err = errCancelled
		return
	}
	if done, resumed, err := deliverer.Resume(ctx, o.Planned, turn); resumed {
		o.Delivered, o.Err = done, err
		return
	}
	if o.Built, o.Err = builder.Build(ctx, o.Planned); o.Err != nil || o.Built.Bundle == nil {
		return
	}
	o.Delivered, o.Err = deliverer.Deliver(ctx, o.Planned, o.Built, turn)
	o.Built.Bundle = nil // with many entries only the events stay in memory
}

// Stopped reports whether findings stop the entry.
func (o *Outcome) Stopped() bool {
	errs, _ := diag.Count(o.Findings)
	return errs > 0
}
