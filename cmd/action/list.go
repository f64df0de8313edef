package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// listed is one element of `list --format json` (design §8).
type listed struct {
	Agent   string           `json:"agent"`
	Cadence schedule.Cadence `json:"cadence"`
	Enabled bool             `json:"enabled"`
	Due     bool             `json:"due"`
	Reason  string           `json:"reason"`
	Period  string           `json:"period"`
	Slot    string           `json:"slot"` // RFC 3339
	Next    []string         `json:"next"` // five RFC 3339 instants
}

func newListed(d schedule.Decision) listed {
	return listed{
		Agent:   d.Entry.Agent,
		Cadence: d.Entry.Cadence,
		Enabled: d.Entry.Enabled,
		Due:     d.Due(),
		Reason:  d.Reason,
		Period:  d.Slot.Period,
		Slot:    d.Slot.At.Format(time.RFC3339),
		Next:    dates(d.Next),
	}
}

// runList shows every entry.
func runList(ctx context.Context, a *app) (int, error) {
	format, err := a.oneOf("format", "", "text", "json")
	if err != nil {
		return exitUsage, err
	}
	selection, err := a.selection()
	if err != nil {
		return exitUsage, err
	}
	p, err := a.openProject()
	if err != nil {
		return exitUsage, err
	}
	defer p.Close()
	if p.manifest == nil {
		return a.reportInvalid(p)
	}
	decisions, err := a.decisions(ctx, p, selection)
	if err != nil && decisions == nil {
		return exitOutside, err
	}
	return exitOf(err), errors.Join(err, a.reportList(p, decisions, format))
}

func exitOf(err error) int {
	if err != nil {
		return exitOutside
	}
	return exitOK
}

// decisions asks the ledger about every selected entry. Reading needs no directory to exist, so nothing is created.
func (a *app) decisions(ctx context.Context, p *project, s selection) ([]schedule.Decision, error) {
	entries, err := s.entries(p.manifest)
	if err != nil {
		return nil, err
	}
	stores, err := a.openStores(p)
	if err != nil {
		return nil, err
	}
	decisions := make([]schedule.Decision, len(entries))
	var enabled []*schedule.Entry
	var open []*schedule.Decision // that of enabled
	for i, e := range entries {
		decisions[i] = schedule.Decide(e, a.now, schedule.Known{})
		if e.Enabled {
			enabled, open = append(enabled, e), append(open, &decisions[i])
		}
	}
	var failed agentErrors
	for i, known := range askLedger(ctx, stores.ledger(), p.manifest.Repo, enabled, a.now) {
		if known.err != nil {
			failed.add(enabled[i].Agent, known.err)
			open[i].State, open[i].Reason = schedule.NotDue, "the ledger could not be read"
			continue
		}
		*open[i] = schedule.Decide(enabled[i], a.now, known.Known)
	}
	return decisions, errors.Join(failed.errors()...)
}

func (a *app) reportList(p *project, decisions []schedule.Decision, format string) error {
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
		enc := json.NewEncoder(&report)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(rows); err != nil {
			return err
		}
	} else {
		writeListText(&report, rows)
	}
	errs, warnings := diag.Count(p.findings)
	return errors.Join(
		a.logFindings(p.findings, p.sourceOf),
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

// writeListText writes the table; names and reasons hold no untrusted text but what the manifest's rules allow.
func writeListText(b *bytes.Buffer, rows []listed) {
	table := [][]string{{"AGENT", "CADENCE", "DUE", "PERIOD", "NEXT", "WHY"}}
	for _, r := range rows {
		due := "no"
		if r.Due {
			due = "yes"
		}
		table = append(table, []string{r.Agent, string(r.Cadence), due, r.Period, r.Next[0], r.Reason})
		for _, next := range r.Next[1:] {
			table = append(table, []string{"", "", "", "", next, ""})
		}
	}
	writeTable(b, table)
}

// writeTable aligns columns, without blanks at the ends of lines.
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

func listSummary(decisions []schedule.Decision, due int) emit.Summary {
	table := &emit.Table{Header: []string{"Agent", "Cadence", "Period", "State", "Why", "Next five"}}
	for _, d := range decisions {
		table.Rows = append(table.Rows, []emit.Cell{
			{Text: d.Entry.Agent, Code: true}, {Text: string(d.Entry.Cadence)}, {Text: d.Slot.Period},
			{Text: string(d.State)}, {Text: d.Reason}, {Text: instants(d.Next)},
		})
	}
	return emit.Summary{
		Verdict:  fmt.Sprintf("%d of %s due", due, count(len(decisions), "agent")),
		Sections: []emit.Section{{Title: "Agents", Table: table}},
	}
}

// reportInvalid tells why a manifest can't be used: the end of list and doctor.
func (a *app) reportInvalid(p *project) (int, error) {
	errs, warnings := diag.Count(p.findings)
	hidden := a.annotate(p.findings)
	return exitFindings, errors.Join(
		a.logFindings(p.findings, p.sourceOf),
		outputs{{"valid", "false"}, {"errors", strconv.Itoa(errs)}, {"warnings", strconv.Itoa(warnings)}, {"count", "0"},
			{"matrix", matrixJSON([]matrixEntry{})}, {"roster", "[]"}}.set(a.runner),
		a.runner.WriteSummary(emit.Summary{
			Verdict:  fmt.Sprintf("❌ %s is not valid", p.file),
			Sections: findingsSections(p.findings, hidden),
		}),
	)
}
