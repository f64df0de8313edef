// Package pipeline processes the entries of a manifest in three stages. Plan decides
// which entries are prepared and why. Build builds the bundle and the event of one.
// Deliver stores and emits it, and records a receipt.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Planner decides which entries of a manifest are prepared.
type Planner struct {
	Manifest  *schedule.Manifest
	Source    string       // Project.Source
	Ledger    store.Ledger // nil means that there are no receipts
	Selection Selection
	Now       time.Time
	// Look also looks up named entries in the ledger, which then decides.
	Look bool
	// Force prepares delivered periods again. Run distinguishes these bundles from the
	// regular ones.
	Force bool
	Run   string
}

// Planned is the result of the first stage for an entry.
type Planned struct {
	Entry    *schedule.Entry
	ID       bundleid.Bundle
	Decision schedule.Decision
	// Selected means that the command is about the entry, and Chosen that it is prepared.
	Selected, Chosen bool
	// Asked means that the entry is chosen because the command names it, whatever the
	// ledger says.
	Asked bool
	// Reason is why the entry is chosen or not, as a part of a sentence.
	Reason string
	// Err is why the ledger could not be read. The entry is then undecided.
	Err error

	known *schedule.Known // the ledger's answer; nil before the lookup
}

// Plan decides about every entry, in the manifest's order. An entry whose ledger cannot
// be read stays undecided, because preparing it could repeat an event; the next run
// decides. The error is about a name that the manifest does not have.
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
			plan.Chosen, plan.Asked, plan.Reason = true, true, p.askedFor()
		case e.Enabled && p.Force:
			plan.Chosen, plan.Asked, plan.Reason = true, true, "asked for with force"
		case e.Enabled:
			open = append(open, plan)
		}
	}
	p.ask(ctx, open)
	for _, plan := range open {
		known := schedule.Known{Undecided: undecided(plan.Err)}
		if plan.known != nil {
			known = *plan.known
		}
		plan.Decision = schedule.Decide(plan.Entry, p.Now, known)
		plan.Reason, plan.Chosen = plan.Decision.Reason, plan.Decision.Due()
	}
	return plans, nil
}

// undecided returns why the ledger gives no answer, in a few words; "" without an error.
// An error that many entries share is shown elsewhere in full.
func undecided(err error) string {
	var open *store.UndecidedError
	var answer *gh.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &open):
		return open.Why
	case errors.As(err, &answer) && answer.Status != 0:
		return fmt.Sprintf("the ledger could not be read (%d)", answer.Status)
	}
	return "the ledger could not be read"
}

func (p Planner) askedFor() string {
	if p.Selection.All {
		return "asked for with all"
	}
	return "asked for by name"
}

// Entry plans one entry without receipts.
func (p Planner) Entry(e *schedule.Entry) *Planned {
	d := schedule.Decide(e, p.Now, schedule.Known{})
	b := bundleid.Bundle{
		Entry: bundleid.Entry{Repo: p.Manifest.Repo, Source: p.Source, Agent: e.Agent}, Period: d.Slot.Period,
	}
	if p.Force {
		b.Run = p.Run
	}
	return &Planned{Entry: e, ID: b, Decision: d, Reason: d.Reason}
}

// ask looks up all plans in the ledger at once and stores the answers in them.
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
		known := KnownOf(record)
		plan.known = &known
	}
}

// KnownOf returns what a record of the ledger says about an entry.
func KnownOf(record store.Record) schedule.Known {
	known := schedule.Known{Delivered: record.Delivered, Prepared: record.Prepared, Partial: record.Partial,
		Unlisted: record.Unlisted, Undecided: undecided(record.Err)}
	for _, name := range record.Earlier {
		if b, ok := bundleid.Parse(name); ok {
			known.Earlier = append(known.Earlier, b.Period)
		}
	}
	return known
}
