// Package pipeline takes the entries of a manifest to their targets in three stages: Plan decides which entries are
// prepared and why, Build makes the bundle and the event of one, and Deliver stores, emits and records it.
package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Planner decides about the entries of a manifest.
type Planner struct {
	Manifest  *schedule.Manifest
	Ledger    store.Store // nil plans as before any receipt
	Selection Selection
	Now       time.Time
	// Look asks the ledger about entries that are named, too, and chooses by its answer.
	Look bool
	// Force prepares what is delivered already. Run then sets the bundles apart from those of the periods.
	Force bool
	Run   string
}

// Planned is what the first stage says of an entry.
type Planned struct {
	Entry    *schedule.Entry
	ID       bundleid.Bundle
	Decision schedule.Decision
	// Selected says that the command is about the entry, Chosen that it is prepared.
	Selected, Chosen bool
	// Reason is why it is chosen or not, as one part of a sentence.
	Reason string
	// Err is why the ledger could not be read; the entry is then undecided.
	Err error

	known *schedule.Known // what the ledger says; nil before it is asked
}

// Plan decides about every entry, in the manifest's order. An entry whose ledger cannot be read stays undecided: to
// prepare it could double an event, and the next run decides anew. The error is a name that the manifest does not have.
func (p Planner) Plan(ctx context.Context) ([]*Planned, error) {
	selected, err := p.Selection.Entries(p.Manifest)
	if err != nil {
		return nil, err
	}
	plans := make([]*Planned, len(p.Manifest.Entries))
	var open []*Planned // the ledger decides
	for i := range plans {
		e := &p.Manifest.Entries[i]
		plan := p.Entry(e)
		plan.Selected = slices.Contains(selected, e)
		plans[i] = plan
		switch {
		case !plan.Selected:
			plan.Reason = "not asked for"
		case !p.Look && !p.Selection.Due():
			plan.Chosen, plan.Reason = true, p.askedFor()
		case e.Enabled && p.Force:
			plan.Chosen, plan.Reason = true, "asked for with force"
		case e.Enabled:
			open = append(open, plan)
		}
	}
	p.ask(ctx, open)
	for _, plan := range open {
		if plan.Err != nil {
			plan.Decision.State = schedule.NotDue
			plan.Decision.Reason = "the ledger could not be read"
		} else {
			plan.Decision = schedule.Decide(plan.Entry, p.Now, *plan.known)
		}
		plan.Reason, plan.Chosen = plan.Decision.Reason, plan.Decision.Due()
	}
	return plans, nil
}

func (p Planner) askedFor() string {
	if p.Selection.All {
		return "asked for with all"
	}
	return "asked for by name"
}

// Entry is the plan of one entry as before any receipt.
func (p Planner) Entry(e *schedule.Entry) *Planned {
	d := schedule.Decide(e, p.Now, schedule.Known{})
	b := bundleid.Bundle{Entry: bundleid.Entry{Repo: p.Manifest.Repo, Agent: e.Agent}, Period: d.Slot.Period}
	if p.Force {
		b.Run = p.Run
	}
	return &Planned{Entry: e, ID: b, Decision: d, Reason: d.Reason}
}

// ask asks the ledger about plans, all of them at once, and keeps its answers.
func (p Planner) ask(ctx context.Context, plans []*Planned) {
	names := make([]string, len(plans))
	for i, plan := range plans {
		period := plan.ID
		period.Run = ""
		names[i] = period.Name()
	}
	records := make([]store.Record, len(names))
	if p.Ledger != nil {
		records = p.Ledger.Lookup(ctx, names)
	}
	for i, record := range records {
		plan := plans[i]
		if plan.Err = record.Err; plan.Err != nil {
			continue
		}
		plan.known = &schedule.Known{Delivered: record.Receipt != nil, Prepared: record.Prepared}
		for _, name := range record.Earlier {
			if b, ok := bundleid.Parse(name); ok {
				plan.known.Earlier = append(plan.known.Earlier, b.Period)
			}
		}
	}
}
