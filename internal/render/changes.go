package render

import (
	"fmt"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// changesSection returns a comparison as a section of the summary.
func changesSection(c *check.Comparison) actions.Section {
	s := actions.Section{Title: "What changes", Text: changesVerdict(c)}
	if c.None {
		return s
	}
	s.Table = &actions.Table{Header: []string{"Agent", "Change", "After the merge", "Runs a month", "Next five slots"}}
	for _, e := range c.Entries {
		s.Table.Rows = append(s.Table.Rows, []actions.Cell{
			{Text: e.Agent, Code: true}, {Text: changes(e)}, {Text: effect(e)}, {Text: rates(e.Before, e.After)},
			{Text: Instants(e.Next)},
		})
	}
	return s
}

// changesTable returns the rows of a comparison for a terminal, without a base version
// none.
func changesTable(c *check.Comparison) [][]string {
	if c.None {
		return nil
	}
	table := [][]string{{"AGENT", "CHANGE", "AFTER THE MERGE", "RUNS A MONTH", "NEXT FIVE SLOTS"}}
	for _, e := range c.Entries {
		table = append(table, []string{e.Agent, changes(e), effect(e), rates(e.Before, e.After), Instants(e.Next)})
	}
	return table
}

func changesVerdict(c *check.Comparison) string {
	if c.None {
		return c.Note
	}
	text := fmt.Sprintf("Runs a month: %s.", rates(c.Before, c.After))
	switch {
	case c.Note != "":
		text = c.Note + " " + text
	case !c.Changed():
		text = "The roster does not change. " + text
	}
	if c.Repo != "" {
		text += fmt.Sprintf(" The slug changes (%s), so every entry becomes due again.", c.Repo)
	}
	return text
}

// effect describes what the change does at the next tick.
func effect(e schedule.EntryDiff) string {
	switch {
	case e.Effect != "":
		return e.Effect
	case e.Next == nil:
		return "no more runs"
	case !e.Enabled:
		return "no runs while disabled"
	}
	return "as before"
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
