// Package render turns what a command did into what people and programs read: the job
// summary, lines of the log, tables, JSON and outputs. It writes nothing itself.
package render

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Run is what a run of prepare did.
type Run struct {
	File    string // the manifest
	Valid   bool   // whether the manifest is valid
	DryRun  bool
	Stopped error // why the run ended early, nil if it did not
	// OutputsOnly means that the events have no target: only the step's outputs, or the
	// terminal, have them.
	OutputsOnly bool
	Entries     []*pipeline.Outcome
	Findings    []diag.Finding // of the manifest and of all entries, sorted
	Errors      []error        // of entries and of steps that are no entry's

	prepared []*pipeline.Outcome // entries with an event
	failed   []string            // agents with an error
}

// NewRun collects the outcomes of a run. An invalid manifest has none.
func NewRun(p *pipeline.Project, entries []*pipeline.Outcome) *Run {
	r := &Run{File: p.File, Valid: p.Manifest != nil, Entries: entries, Findings: slices.Clone(p.Findings)}
	var failed AgentErrors
	for _, o := range entries {
		r.Findings = append(r.Findings, o.Findings...)
		if o.Err != nil {
			r.failed = append(r.failed, o.Entry.Agent)
			failed.Add(o.Entry.Agent, o.Err)
		}
		if o.Payload != nil {
			r.prepared = append(r.prepared, o)
		}
	}
	r.Errors = failed.Errors()
	diag.Sort(r.Findings)
	return r
}

// Fail adds the error of a step. It ignores nil.
func (r *Run) Fail(err error) {
	if err != nil {
		r.Errors = append(r.Errors, err)
	}
}

// Invalid reports whether a finding is an error.
func (r *Run) Invalid() bool {
	errs, _ := diag.Count(r.Findings)
	return errs > 0
}

// Lines returns what the log says about every entry: its state and its deliveries, and
// for an entry that was not chosen its next five dates.
func (r *Run) Lines() []string {
	var lines []string
	for _, o := range r.Entries {
		status := r.status(o)
		if status == r.did() {
			status += " as " + o.ID.Name()
		}
		line := fmt.Sprintf("%s: %s: %s", o.Entry.Agent, status, why(o))
		if !o.Chosen {
			line += "; next " + strings.Join(timestamps(o.Decision.Next), ", ")
		}
		lines = append(lines, line)
		for _, d := range o.Deliveries {
			line := fmt.Sprintf("  %s %s: %s", d.Channel, d.Target, result(d))
			if d.URL != "" {
				line += ", " + d.URL
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// result returns the status of a delivery, the workflow run that it started, and why it
// failed.
func result(d store.Delivery) string {
	if d.Error != "" {
		return status(d) + ": " + d.Error
	}
	return status(d)
}

// status returns the status of a delivery, and the workflow run that it started.
func status(d store.Delivery) string {
	text := string(d.Status)
	if d.Earlier {
		text += " by an earlier run"
	}
	if d.RunID != 0 {
		text += ", run " + strconv.FormatInt(d.RunID, 10)
	}
	return text
}

// status is what happened to an entry, in a few words.
func (r *Run) status(o *pipeline.Outcome) string {
	undelivered, _ := errors.AsType[*pipeline.Undelivered](o.Err)
	unrecorded, _ := errors.AsType[*pipeline.Unrecorded](o.Err)
	switch {
	case !o.Chosen && o.Err != nil:
		return "undecided"
	case !o.Chosen && o.Decision.State == schedule.NotDue:
		return "not due"
	case !o.Chosen:
		return "not prepared"
	case o.Stopped():
		return "stopped"
	case undelivered != nil && undelivered.DryRun:
		return "would not be delivered"
	case undelivered != nil && undelivered.Have > 0:
		return "delivered partly"
	case undelivered != nil:
		return "not delivered"
	case unrecorded != nil:
		return "delivered without a receipt"
	case o.Err != nil && slices.ContainsFunc(o.Deliveries, func(d store.Delivery) bool { return d.Status.OK() }):
		return "delivered partly" // without a receipt
	case o.Err != nil:
		return "failed"
	}
	return r.did()
}

// why is the reason for the status.
func why(o *pipeline.Outcome) string {
	switch {
	case o.Stopped():
		return "see the findings"
	case o.Err != nil && o.Chosen:
		return o.Err.Error()
	}
	return strings.TrimPrefix(o.Reason, "undecided: ")
}

// did is the verb for prepared entries.
func (r *Run) did() string {
	if r.DryRun {
		return "would be prepared"
	}
	return "prepared"
}

// timestamps returns the instants of slots in RFC 3339.
func timestamps(slots []schedule.Slot) []string {
	out := make([]string, len(slots))
	for i, s := range slots {
		out[i] = s.At.Format(time.RFC3339)
	}
	return out
}
