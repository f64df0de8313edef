package main

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// diffSection shows what a pull request changes, for the summary.
func diffSection(d schedule.Diff) emit.Section {
	table := &emit.Table{Header: []string{"Agent", "Change", "Runs a month", "Next five"}}
	for _, e := range d.Entries {
		table.Rows = append(table.Rows, []emit.Cell{
			{Text: e.Agent, Code: true}, {Text: changes(e)}, {Text: rates(e.Before, e.After)}, {Text: instants(e.Next)},
		})
	}
	return emit.Section{Title: "What changes", Text: diffVerdict(d), Table: table}
}

func diffVerdict(d schedule.Diff) string {
	text := fmt.Sprintf("Runs a month: %s.", rates(d.Before, d.After))
	if d.New {
		text = "There is no base version: the manifest is new. " + text
	}
	if d.Repo != "" {
		text += fmt.Sprintf(" The slug changes (%s), so every entry becomes due again.", d.Repo)
	}
	return text
}

func changes(e schedule.EntryDiff) string {
	if len(e.Changes) == 0 {
		return "as before"
	}
	out := make([]string, len(e.Changes))
	for i, c := range e.Changes {
		out[i] = string(c.Kind)
		if c.Detail != "" {
			out[i] += ": " + c.Detail
		}
	}
	return strings.Join(out, "; ")
}

func rates(before, after schedule.Rate) string {
	if before == after {
		return after.String()
	}
	return before.String() + " → " + after.String()
}

// writeDiffText shows the same for a terminal.
func writeDiffText(b *bytes.Buffer, d schedule.Diff) {
	fmt.Fprintln(b, diffVerdict(d))
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, e := range d.Entries {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.Agent, changes(e), rates(e.Before, e.After), instants(e.Next))
	}
	w.Flush() // a bytes.Buffer never fails
}
