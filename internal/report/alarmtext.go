package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// Name is the repository and the agent of an alarm.
func (a *Raised) Name() string {
	name := a.Repository.name()
	if a.Entry != nil {
		name += " " + a.Entry.Agent
	}
	return name
}

// Verdict says in a few words what is wrong.
func Verdict(raised []Raised) string {
	var parts []string
	for _, kind := range []struct {
		alarm      Alarm
		noun, word string
	}{
		{AlarmMissed, "entry", "not prepared in time"}, {AlarmFailed, "entry", "failed"},
		{AlarmUnreceived, "entry", "not received"}, {AlarmInvalid, "manifest", "invalid"},
		{AlarmUnread, "repository", "unreadable"},
	} {
		n := 0
		for _, a := range raised {
			if a.Alarm == kind.alarm {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, advice.Count(n, kind.noun)+" "+kind.word)
		}
	}
	if len(parts) == 0 {
		return "everything on time"
	}
	return strings.Join(parts, ", ")
}

// name is how people know the repository.
func (r *Repository) name() string { return cmp.Or(r.Name, r.Slug) }

// AlarmTable has a row for each alarm.
func AlarmTable(raised []Raised) *actions.Table {
	table := &actions.Table{Header: []string{"Repository", "Agent", "State", "Since", "Periods", "Evidence"}}
	for _, a := range raised {
		row := []actions.Cell{{Text: a.Repository.name(), URL: a.Repository.URL}, {}, {Text: string(a.Alarm)},
			{}, {}, {}}
		if a.Entry != nil {
			first := a.first()
			row[1] = actions.Cell{Text: a.Entry.Agent, Code: true}
			row[2] = actions.Cell{Text: string(a.Period.State)}
			if a.Alarm == AlarmUnreceived {
				row[2].Text = string(Unreceived)
			}
			row[3] = actions.Cell{Text: first.Period + ", " + first.Slot.UTC().Format("Mon 2006-01-02 15:04 MST")}
			row[4] = actions.Cell{Text: fmt.Sprint(a.Count)}
			row[5] = proofOf(a.Period)
		} else if n := len(a.Repository.Findings); n > 0 && a.Alarm == AlarmInvalid {
			row[5] = actions.Cell{Text: a.Repository.Findings[0].Message}
		} else {
			row[5] = actions.Cell{Text: a.Repository.Error}
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// first returns the oldest period in a row that raises the alarm.
func (a *Raised) first() *Period {
	first, left := a.Period, a.Count
	for i := range a.Entry.Periods {
		if p := &a.Entry.Periods[i]; left > 0 {
			if raises, _ := p.raises(a.Alarm); raises {
				first, left = p, left-1
			}
		}
	}
	return first
}

// proofOf links to the newest evidence of a period.
func proofOf(p *Period) actions.Cell {
	for _, e := range slices.Backward(p.Evidence) {
		if e.URL != "" {
			return actions.Cell{Text: string(e.Kind), URL: e.URL}
		}
	}
	return actions.Cell{Text: "no receipt"}
}
