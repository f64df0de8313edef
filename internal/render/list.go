package render

import (
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// RosterEntry is one element of `list --format json` and of the output roster.
type RosterEntry struct {
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

// NewRosterEntry returns the roster's element for an entry.
func NewRosterEntry(d schedule.Decision) RosterEntry {
	return RosterEntry{
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
		Next:    timestamps(d.Next),
	}
}

// List is what list shows: the decisions about the selected entries.
type List []schedule.Decision

// JSON returns the roster.
func (l List) JSON() []byte { return indentedJSON(l.roster()) }

func (l List) roster() []RosterEntry {
	roster := make([]RosterEntry, len(l))
	for i, d := range l {
		roster[i] = NewRosterEntry(d)
	}
	return roster
}

// Text returns a table for a terminal, and names the ledger that was read. It needs no
// escapes, because the manifest's rules keep control characters out of names and reasons.
func (l List) Text(ledger string) []byte {
	table := [][]string{{"AGENT", "CADENCE", "CRON", "DUE", "PERIOD", "NEXT", "WHY"}}
	for _, d := range l {
		due := "no"
		switch {
		case d.Due():
			due = "yes"
		case d.State == schedule.Undecided:
			due = "?"
		}
		e := d.Entry
		table = append(table,
			[]string{e.Agent, string(e.Cadence), e.Cron, due, d.Slot.Period, d.Next[0].String(), d.Outlook()})
		for _, next := range d.Next[1:] {
			table = append(table, []string{"", "", "", "", "", next.String(), ""})
		}
	}
	return fmt.Appendf(Table(table), "\nThe ledger is %s.\n", ledger)
}

// Outputs returns the outputs of list; findings are those of the valid manifest.
func (l List) Outputs(findings []diag.Finding) actions.Outputs {
	var out actions.Outputs
	errs, warnings := diag.Count(findings)
	matrix := l.matrix()
	out.SetResult(true, errs, warnings)
	out.SetInt("count", len(matrix))
	setMatrix(&out, matrix)
	out.SetJSON("roster", l.roster())
	return out
}

func (l List) matrix() []matrixEntry {
	matrix := []matrixEntry{}
	for _, d := range l {
		if d.Due() {
			matrix = append(matrix, newMatrixEntry(d.Entry, d.Slot))
		}
	}
	return matrix
}

// Summary returns the job summary, which names the ledger that was read.
func (l List) Summary(ledger string) actions.Summary {
	table := &actions.Table{Header: []string{"Agent", "Cadence", "Cron", "Period", "State", "Why", "Next five"}}
	for _, d := range l {
		table.Rows = append(table.Rows, []actions.Cell{
			{Text: d.Entry.Agent, Code: true}, {Text: string(d.Entry.Cadence)}, {Text: d.Entry.Cron, Code: true},
			{Text: d.Slot.Period},
			{Text: string(d.State)}, {Text: d.Outlook()}, {Text: Instants(d.Next)},
		})
	}
	return actions.Summary{
		Verdict:  fmt.Sprintf("%d of %s due", len(l.matrix()), advice.Count(len(l), "agent")),
		Sections: []actions.Section{{Title: "Agents", Text: "The ledger is " + ledger + ".", Table: table}},
	}
}

// ScheduledRun is one element of the answer of activity-core's resolver
// discover_kaizen_scheduled_repos.
type ScheduledRun struct {
	Repo           string           `json:"repo"`
	Root           string           `json:"root"` // "" if unknown
	Agent          string           `json:"agent"`
	Cadence        schedule.Cadence `json:"cadence"`
	Cron           string           `json:"cron"`
	Timezone       string           `json:"timezone"`
	Enabled        bool             `json:"enabled"`
	PrepareCommand string           `json:"prepare_command"`
}

// NewScheduledRun returns the resolver's element for an entry. Root is the checkout's path
// on the host.
func NewScheduledRun(repo, root string, e *schedule.Entry) ScheduledRun {
	return ScheduledRun{
		Repo: repo, Root: root, Agent: e.Agent, Cadence: e.Cadence, Cron: e.Cron, Timezone: e.Location.String(),
		Enabled: e.Enabled, PrepareCommand: event.PrepareCommand(e.Agent, root, prepare.Markdown),
	}
}

// EncodeScheduledRuns returns the resolver's answer.
func EncodeScheduledRuns(runs []ScheduledRun) []byte {
	return indentedJSON(struct {
		ScheduledRuns []ScheduledRun `json:"scheduled_runs"`
	}{append([]ScheduledRun{}, runs...)})
}

// ScheduledRuns returns entries of a manifest in the form of the resolver.
func ScheduledRuns(m *schedule.Manifest, entries []*schedule.Entry, root string) []byte {
	runs := make([]ScheduledRun, len(entries))
	for i, e := range entries {
		runs[i] = NewScheduledRun(m.Repo, root, e)
	}
	return EncodeScheduledRuns(runs)
}
