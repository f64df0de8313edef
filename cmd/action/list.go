package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// listed is one element of `list --format json`.
type listed struct {
	Agent   string           `json:"agent"`
	Cadence schedule.Cadence `json:"cadence"`
	Cron    string           `json:"cron"`
	Enabled bool             `json:"enabled"`
	Due     bool             `json:"due"`
	Reason  string           `json:"reason"`
	Period  string           `json:"period"`
	Slot    string           `json:"slot"`   // RFC 3339
	First   bool             `json:"first"`  // the ledger has no record of the entry
	Missed  []string         `json:"missed"` // periods
	Next    []string         `json:"next"`   // five RFC 3339 instants
}

func newListed(d schedule.Decision) listed {
	return listed{
		Agent:   d.Entry.Agent,
		Cadence: d.Entry.Cadence,
		Cron:    d.Entry.Cron,
		Enabled: d.Entry.Enabled,
		Due:     d.Due(),
		Reason:  d.Outlook(),
		Period:  d.Slot.Period,
		Slot:    d.Slot.At.Format(time.RFC3339),
		First:   d.First,
		Missed:  append([]string{}, d.Missed...),
		Next:    dates(d.Next),
	}
}

// scheduledRuns is the answer of the resolver discover_kaizen_scheduled_repos for one
// repository.
type scheduledRuns struct {
	ScheduledRuns []scheduledRun `json:"scheduled_runs"`
}

type scheduledRun struct {
	Repo           string           `json:"repo"`
	Root           string           `json:"root"`
	Agent          string           `json:"agent"`
	Cadence        schedule.Cadence `json:"cadence"`
	Cron           string           `json:"cron"`
	Timezone       string           `json:"timezone"`
	Enabled        bool             `json:"enabled"`
	PrepareCommand string           `json:"prepare_command"`
}

func newScheduledRuns(m *schedule.Manifest, entries []*schedule.Entry, root string) scheduledRuns {
	runs := make([]scheduledRun, len(entries))
	for i, e := range entries {
		runs[i] = scheduledRun{
			Repo: m.Repo, Root: root, Agent: e.Agent, Cadence: e.Cadence, Cron: e.Cron, Timezone: e.Location.String(),
			Enabled: e.Enabled, PrepareCommand: event.PrepareCommand(e.Agent, root, prepare.Markdown),
		}
	}
	return scheduledRuns{runs}
}

// listOptions holds the options of list.
type listOptions struct {
	stores    pipeline.StoreOptions
	selection pipeline.Selection
	format    string // text, json or scheduled-runs
}

func (r *reader) listing() listOptions {
	return listOptions{
		format:    cmp.Or(r.oneOf(optFormat, "", "text", "json", formatRuns), "text"),
		selection: r.selection(), stores: r.stores(),
	}
}

// formatRuns is the resolver's format.
const formatRuns = "scheduled-runs"

// runList lists every entry.
func runList(ctx context.Context, a *app, r *reader) (int, error) {
	o := r.listing()
	if r.err != nil {
		return exitUsage, r.err
	}
	p, err := a.openProject()
	if err != nil {
		return exitUsage, err
	}
	defer p.Close()
	if p.Manifest == nil {
		return a.reportInvalid(p)
	}
	if o.format == formatRuns {
		return a.listScheduledRuns(p, o.selection)
	}
	plans, err := a.plan(ctx, p, o)
	if err != nil && plans == nil {
		return exitUnavailable, err
	}
	decisions := make([]schedule.Decision, len(plans))
	for i, plan := range plans {
		decisions[i] = plan.Decision
	}
	return exitOf(err), errors.Join(err, a.reportList(p, decisions, o.format))
}

// listScheduledRuns prints the entries for the resolver. It does not read the ledger,
// because the resolver's answer has no due date.
func (a *app) listScheduledRuns(p *pipeline.Project, s pipeline.Selection) (int, error) {
	entries, err := s.Entries(p.Manifest)
	if err != nil {
		return exitUsage, usageError{err}
	}
	var report bytes.Buffer
	if err := writeJSON(&report, newScheduledRuns(p.Manifest, entries, p.Root)); err != nil {
		return exitUnavailable, err
	}
	err = errors.Join(a.logFindings(p.Findings, p.SourceOf), write(a.stdout, report.Bytes()))
	return exitOf(err), err
}

// writeJSON writes indented JSON without HTML escapes.
func writeJSON(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func exitOf(err error) int {
	if err != nil {
		return exitUnavailable
	}
	return exitOK
}

// plan looks up every selected entry in the ledger. It only reads, so it creates no
// directory.
func (a *app) plan(ctx context.Context, p *pipeline.Project, o listOptions) ([]*pipeline.Planned, error) {
	stores, err := a.services().OpenStores(p, o.stores)
	if err != nil {
		return nil, usageError{err}
	}
	planner := pipeline.Planner{Manifest: p.Manifest, Ledger: stores.Ledger(), Selection: o.selection, Now: a.now,
		Look: true}
	plans, err := planner.Plan(ctx)
	if err != nil {
		return nil, usageError{err}
	}
	plans = slices.DeleteFunc(plans, func(plan *pipeline.Planned) bool { return !plan.Selected })
	var failed agentErrors
	for _, plan := range plans {
		if plan.Err != nil {
			failed.add(plan.Entry.Agent, plan.Err)
		}
	}
	return plans, errors.Join(failed.errors()...)
}

func (a *app) reportList(p *pipeline.Project, decisions []schedule.Decision, format string) error {
	rows := make([]listed, len(decisions))
	matrix := []matrixEntry{}
	for i, d := range decisions {
		rows[i] = newListed(d)
		if d.Due() {
			matrix = append(matrix, newMatrixEntry(d.Entry, d.Slot))
		}
	}
	var report bytes.Buffer
	if format == "json" {
		if err := writeJSON(&report, rows); err != nil {
			return err
		}
	} else {
		writeListText(&report, decisions)
	}
	errs, warnings := diag.Count(p.Findings)
	return errors.Join(
		a.logFindings(p.Findings, p.SourceOf),
		write(a.stdout, report.Bytes()),
		outputs{
			{"valid", "true"}, {"errors", strconv.Itoa(errs)}, {"warnings", strconv.Itoa(warnings)},
			{"count", strconv.Itoa(len(matrix))},
			{"matrix", matrixJSON(matrix)},
			{"roster", compactJSON(rows)},
		}.set(a.runner),
		a.runner.WriteSummary(listSummary(decisions, len(matrix))),
	)
}

// writeListText writes the table. The manifest's rules keep control characters out of its
// names and reasons.
func writeListText(b *bytes.Buffer, decisions []schedule.Decision) {
	table := [][]string{{"AGENT", "CADENCE", "CRON", "DUE", "PERIOD", "NEXT", "WHY"}}
	for _, d := range decisions {
		due := "no"
		if d.Due() {
			due = "yes"
		}
		e := d.Entry
		table = append(table,
			[]string{e.Agent, string(e.Cadence), e.Cron, due, d.Slot.Period, d.Next[0].String(), d.Outlook()})
		for _, next := range d.Next[1:] {
			table = append(table, []string{"", "", "", "", "", next.String(), ""})
		}
	}
	writeTable(b, table)
}

// writeTable aligns columns and trims trailing spaces.
func writeTable(b *bytes.Buffer, rows [][]string) {
	var aligned bytes.Buffer
	w := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush() // a bytes.Buffer never fails
	for line := range strings.Lines(aligned.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

func listSummary(decisions []schedule.Decision, due int) actions.Summary {
	table := &actions.Table{Header: []string{"Agent", "Cadence", "Cron", "Period", "State", "Why", "Next five"}}
	for _, d := range decisions {
		table.Rows = append(table.Rows, []actions.Cell{
			{Text: d.Entry.Agent, Code: true}, {Text: string(d.Entry.Cadence)}, {Text: d.Entry.Cron, Code: true},
			{Text: d.Slot.Period},
			{Text: string(d.State)}, {Text: d.Outlook()}, {Text: instants(d.Next)},
		})
	}
	return actions.Summary{
		Verdict:  fmt.Sprintf("%d of %s due", due, advice.Count(len(decisions), "agent")),
		Sections: []actions.Section{{Title: "Agents", Table: table}},
	}
}

// reportInvalid reports why list or doctor cannot use a manifest.
func (a *app) reportInvalid(p *pipeline.Project) (int, error) {
	errs, warnings := diag.Count(p.Findings)
	hidden := a.annotate(p.Findings)
	return exitFindings, errors.Join(
		a.logFindings(p.Findings, p.SourceOf),
		outputs{{"valid", "false"}, {"errors", strconv.Itoa(errs)}, {"warnings", strconv.Itoa(warnings)},
			{"count", "0"},
			{"matrix", matrixJSON([]matrixEntry{})}, {"roster", "[]"}}.set(a.runner),
		a.runner.WriteSummary(actions.Summary{
			Verdict:  fmt.Sprintf("❌ %s is not valid", p.File),
			Sections: findingsSections(p.Findings, hidden),
		}),
	)
}
