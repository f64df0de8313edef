package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Summary returns the job summary. Hidden is how many findings have no annotation.
func (r *Run) Summary(hidden int) actions.Summary {
	s := actions.Summary{Verdict: r.verdict()}
	add := func(title string, table *actions.Table) {
		if len(table.Rows) > 0 {
			s.Sections = append(s.Sections, actions.Section{Title: title, Table: table})
		}
	}
	add("Targets that failed", r.failuresTable())
	add("What failed", r.errorsTable())
	add("Agents", r.agentsTable())
	add("Deliveries", r.deliveriesTable())
	add("Memory", r.memoryTable())
	s.Sections = append(s.Sections, FindingsSections(r.Findings, hidden)...)
	if payloads := r.payloads(); len(payloads) > 0 {
		s.Sections = append(s.Sections, actions.Section{Title: "Payloads", Details: payloads})
	}
	return s
}

func (r *Run) verdict() string {
	prepared := advice.Count(len(r.prepared), "agent") + " " + r.did()
	switch {
	case !r.Valid:
		return fmt.Sprintf("❌ %s is not valid; nothing was prepared", r.File)
	case r.Stopped != nil:
		return fmt.Sprintf("%s: %s; nothing is lost: run again", stopVerdict(r.Stopped), prepared)
	case len(r.failed) > 0:
		return fmt.Sprintf("❌ %s; nothing is lost", r.tally())
	case len(r.Errors) > 0:
		return fmt.Sprintf("❌ %s, %s failed; nothing is lost: run again", prepared,
			advice.Count(len(r.Errors), "step"))
	case r.Invalid():
		return fmt.Sprintf("❌ %s, some stopped by findings", prepared)
	case len(r.prepared) == 0:
		return "✅ Nothing is due"
	case r.OutputsOnly:
		return "✅ " + prepared + ", without a target: the outputs have the events"
	}
	return "✅ " + prepared
}

// tally counts the chosen entries, each once, by what happened to them.
func (r *Run) tally() string {
	var order []string
	counts := map[string]int{}
	for _, o := range r.Entries {
		if !o.Chosen && o.Err == nil {
			continue
		}
		status := r.status(o)
		if counts[status]++; counts[status] == 1 {
			order = append(order, status)
		}
	}
	for i, status := range order {
		order[i] = advice.Count(counts[status], "agent") + " " + status
	}
	return strings.Join(order, ", ")
}

// failure is a target that did not get events, and why.
type failure struct {
	channel, target, err string
	agents               []string
}

// failures groups the deliveries that failed by target and error.
func (r *Run) failures() []*failure {
	var list []*failure
	for _, o := range r.Entries {
		for _, d := range o.Deliveries {
			if d.Status != store.Failed {
				continue
			}
			i := slices.IndexFunc(list, func(f *failure) bool {
				return f.channel == d.Channel && f.target == d.Target && f.err == d.Error
			})
			if i < 0 {
				i, list = len(list), append(list, &failure{channel: d.Channel, target: d.Target, err: d.Error})
			}
			list[i].agents = append(list[i].agents, o.Entry.Agent)
		}
	}
	return list
}

// maxNames is how many agents a table or an annotation names.
const maxNames = 5

func (r *Run) failuresTable() *actions.Table {
	table := &actions.Table{Header: []string{"Channel", "Target", "Agents", "Error"}}
	for _, f := range r.failures() {
		table.Rows = append(table.Rows, []actions.Cell{
			{Text: f.channel}, {Text: f.target, Code: true}, {Text: advice.Some(f.agents, maxNames)}, {Text: f.err},
		})
	}
	return table
}

// otherErrors returns the errors that failuresTable does not show.
func (r *Run) otherErrors() []error {
	return slices.DeleteFunc(slices.Clone(r.Errors), func(err error) bool {
		undelivered, ok := errors.AsType[*pipeline.Undelivered](err)
		return ok && undelivered.Unrecorded == nil
	})
}

func (r *Run) errorsTable() *actions.Table {
	table := &actions.Table{Header: []string{"Error"}}
	for _, err := range r.otherErrors() {
		table.Rows = append(table.Rows, []actions.Cell{{Text: err.Error()}})
	}
	return table
}

func (r *Run) agentsTable() *actions.Table {
	table := &actions.Table{Header: []string{"Agent", "Cadence", "Period", "Status", "Why", "Next"}}
	for _, o := range r.Entries {
		period := actions.Cell{Text: o.Decision.Slot.Period}
		if o.Event != nil && o.Event.Bundle.Artifact != nil {
			period.URL = o.Event.Bundle.Artifact.URL
		}
		table.Rows = append(table.Rows, []actions.Cell{
			{Text: o.Entry.Agent, Code: true},
			{Text: string(o.Entry.Cadence)},
			period,
			{Text: mark(o) + " " + r.status(o)},
			{Text: why(o)},
			{Text: nextDate(o.Decision.Next)},
		})
	}
	return table
}

func mark(o *pipeline.Outcome) string {
	switch {
	case o.Err != nil || o.Stopped():
		return "❌"
	case o.Payload != nil:
		return "✅"
	}
	return "⏸️"
}

func deliveryMark(d store.Delivery) string {
	switch {
	case d.Status.OK():
		return "✅"
	case d.Status == store.Failed:
		return "❌"
	}
	return "⏸️"
}

func nextDate(next []schedule.Slot) string {
	if len(next) == 0 {
		return "–"
	}
	return next[0].String()
}

func (r *Run) deliveriesTable() *actions.Table {
	table := &actions.Table{Header: []string{"Agent", "Channel", "Target", "Result"}}
	for _, o := range r.Entries {
		for _, d := range o.Deliveries {
			table.Rows = append(table.Rows, []actions.Cell{
				{Text: o.Entry.Agent, Code: true}, {Text: d.Channel}, {Text: d.Target, Code: true, URL: d.URL},
				{Text: deliveryMark(d) + " " + status(d)},
			})
		}
	}
	return table
}

// memoryTable lists the memories of the prepared entries.
func (r *Run) memoryTable() *actions.Table {
	table := &actions.Table{Header: []string{"Agent", "Memory", "Size", "Since the last receipt", "Lines"}}
	for _, o := range r.Entries {
		if m := o.Memory; m != nil {
			table.Rows = append(table.Rows, []actions.Cell{
				{Text: o.Entry.Agent, Code: true}, {Text: m.Path, Code: true},
				{Text: advice.Count(int(m.Size), "byte")}, {Text: m.Change()}, {Text: memoryLines(m)},
			})
		}
	}
	return table
}

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

func (r *Run) payloads() []actions.Details {
	var details []actions.Details
	for _, o := range r.prepared {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, o.Payload, "", "  "); err != nil {
			continue // impossible, because Payload is the result of json.Marshal
		}
		details = append(details, actions.Details{Title: o.ID.Name(), Language: "json", Body: pretty.String()})
	}
	return details
}
