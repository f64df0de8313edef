package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// summary returns the job summary of prepare: verdict, entries, deliveries, findings,
// payloads.
func (j *job) summary(o outcome, hidden []diag.Finding) actions.Summary {
	s := actions.Summary{Verdict: j.verdict(o)}
	if len(o.errs) > 0 {
		s.Sections = append(s.Sections, actions.Section{Title: "What failed", Table: errorsTable(o.errs)})
	}
	if len(o.entries) > 0 {
		s.Sections = append(s.Sections, j.entriesSection(o))
	}
	if section, ok := deliveriesSection(o.entries); ok {
		s.Sections = append(s.Sections, section)
	}
	if section, ok := memorySection(o.entries); ok {
		s.Sections = append(s.Sections, section)
	}
	s.Sections = append(s.Sections, findingsSections(o.findings, hidden)...)
	if section, ok := payloadsSection(o.prepared); ok {
		s.Sections = append(s.Sections, section)
	}
	return s
}

func (j *job) verdict(o outcome) string {
	did := "prepared"
	if j.dryRun {
		did = "would be prepared"
	}
	switch {
	case j.Manifest == nil:
		return fmt.Sprintf("❌ %s is not valid; nothing was prepared", j.File)
	case j.cancelled:
		return fmt.Sprintf("❌ Cancelled: %s %s; nothing is lost: run again", advice.Count(len(o.prepared), "agent"),
			did)
	case o.failed > 0:
		return fmt.Sprintf("❌ %s %s, %s not finished; nothing is lost: run again",
			advice.Count(len(o.prepared), "agent"), did, advice.Count(o.failed, "agent"))
	case len(o.errs) > 0:
		return fmt.Sprintf("❌ %s %s, %s failed; nothing is lost: run again", advice.Count(len(o.prepared), "agent"),
			did, advice.Count(len(o.errs), "step"))
	case invalid(o.findings):
		return fmt.Sprintf("❌ %s %s, some stopped by findings", advice.Count(len(o.prepared), "agent"), did)
	case len(o.prepared) == 0:
		return "✅ Nothing is due"
	}
	return fmt.Sprintf("✅ %s %s", advice.Count(len(o.prepared), "agent"), did)
}

func errorsTable(errs []error) *actions.Table {
	table := &actions.Table{Header: []string{"Error"}}
	for _, err := range errs {
		table.Rows = append(table.Rows, []actions.Cell{{Text: err.Error()}})
	}
	return table
}

func (j *job) entriesSection(o outcome) actions.Section {
	table := &actions.Table{Header: []string{"Agent", "Cadence", "Period", "Result", "Next"}}
	for _, r := range o.entries {
		period := actions.Cell{Text: r.Decision.Slot.Period}
		if r.Event != nil && r.Event.Bundle.Artifact != nil {
			period.URL = r.Event.Bundle.Artifact.URL
		}
		table.Rows = append(table.Rows, []actions.Cell{
			{Text: r.Entry.Agent, Code: true},
			{Text: string(r.Entry.Cadence)},
			period,
			{Text: mark(r) + " " + j.state(r)},
			{Text: nextDate(r.Decision.Next)},
		})
	}
	return actions.Section{Title: "Agents", Table: table}
}

func mark(r *pipeline.Outcome) string {
	switch {
	case r.Err != nil || r.Stopped():
		return "❌"
	case r.Payload != nil:
		return "✅"
	}
	return "⏸️"
}

func nextDate(next []schedule.Slot) string {
	if len(next) == 0 {
		return "–"
	}
	return next[0].String()
}

func deliveriesSection(entries []*pipeline.Outcome) (actions.Section, bool) {
	table := &actions.Table{Header: []string{"Agent", "Channel", "Target", "Result"}}
	for _, r := range entries {
		for _, d := range r.Deliveries {
			said := string(d.Status)
			if d.Error != "" {
				said += ": " + d.Error
			}
			table.Rows = append(table.Rows, []actions.Cell{{Text: r.Entry.Agent, Code: true}, {Text: d.Channel},
				{Text: d.Target, Code: true}, {Text: said}})
		}
	}
	return actions.Section{Title: "Deliveries", Table: table}, len(table.Rows) > 0
}

// findingsSections lists the findings, and counts those that are not shown as
// annotations.
func findingsSections(findings, hidden []diag.Finding) []actions.Section {
	if len(findings) == 0 {
		return nil
	}
	errs, warnings := diag.Count(findings)
	section := actions.Section{Title: "Findings",
		Text: fmt.Sprintf("%s, %s.", advice.Count(errs, "error"), advice.Count(warnings, "warning"))}
	if len(hidden) > 0 {
		section.Text += fmt.Sprintf(" %d of them are not shown as annotations, which the platform limits to ten of "+
			"each type.", len(hidden))
	}
	section.Table = &actions.Table{Header: []string{"Place", "Rule", "Finding"}}
	for _, f := range findings {
		section.Table.Rows = append(section.Table.Rows,
			[]actions.Cell{{Text: f.Place(), Code: true}, {Text: f.Rule, Code: true}, {Text: sentence(f)}})
	}
	return []actions.Section{section}
}

func sentence(f diag.Finding) string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + ": " + f.Hint
}

func payloadsSection(prepared []*pipeline.Outcome) (actions.Section, bool) {
	section := actions.Section{Title: "Payloads"}
	for _, r := range prepared {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, r.Payload, "", "  "); err != nil {
			continue // Marshal made it, so it indents
		}
		section.Details = append(section.Details,
			actions.Details{Title: r.ID.Name(), Language: "json", Body: pretty.String()})
	}
	return section, len(section.Details) > 0
}

// instants renders slots for a table cell: each date once, with the times of its slots.
func instants(slots []schedule.Slot) string {
	var b strings.Builder
	date := ""
	for i, s := range slots {
		if i > 0 {
			b.WriteString(", ")
		}
		if day := s.At.Format(time.DateOnly); day != date {
			b.WriteString(day + " ")
			date = day
		}
		b.WriteString(s.At.Format("15:04"))
	}
	return b.String()
}
