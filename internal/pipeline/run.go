package pipeline

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

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
	deliverer.Planner = &planner
	if deliverer.MaxPayloads > 0 {
		chosen = fairly(chosen, planner.Now)
	}
	deliver(ctx, chosen, builder, deliverer)
	return outcomes, nil
}

// fairly orders the entries of a run whose outputs may not have room for all events: new
// ones first, since one that is delivered needs no room again, and then partial deliveries
// in an order that changes from run to run. So no target that stays down keeps others out.
func fairly(chosen []*Outcome, now time.Time) []*Outcome {
	isPartial := func(o *Outcome) bool { return !o.Asked && o.known != nil && o.known.Partial }
	fresh := slices.DeleteFunc(slices.Clone(chosen), isPartial)
	partial := slices.DeleteFunc(slices.Clone(chosen), func(o *Outcome) bool { return !isPartial(o) })
	random := rand.New(rand.NewPCG(uint64(now.Unix()), 0))
	random.Shuffle(len(partial), func(i, j int) { partial[i], partial[j] = partial[j], partial[i] })
	return append(fresh, partial...)
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
