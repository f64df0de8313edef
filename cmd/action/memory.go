package main

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// loadedLines is how many lines of a memory file agents load when a session begins. They
// see the rest only if they search for it.
const loadedLines = 200

// memoryLines describes how much of the memory agents load.
func memoryLines(m *pipeline.Memory) string {
	switch {
	case m.Size > prepare.MaxFile:
		return fmt.Sprintf("⚠️ over %d KiB: the bundle has only its end", prepare.MaxFile>>10)
	case m.Lines > loadedLines:
		return fmt.Sprintf("⚠️ %d, over the %d that agents load", m.Lines, loadedLines)
	}
	return fmt.Sprint(m.Lines)
}

// memorySection lists the memories of the prepared entries.
func memorySection(entries []*pipeline.Outcome) (actions.Section, bool) {
	table := &actions.Table{Header: []string{"Agent", "Memory", "Size", "Since the last receipt", "Lines"}}
	for _, r := range entries {
		if m := r.Memory; m != nil {
			table.Rows = append(table.Rows, []actions.Cell{
				{Text: r.Entry.Agent, Code: true}, {Text: m.Path, Code: true},
				{Text: advice.Count(int(m.Size), "byte")}, {Text: m.Change()}, {Text: memoryLines(m)},
			})
		}
	}
	return actions.Section{Title: "Memory", Table: table}, len(table.Rows) > 0
}
