package workflow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// maxTicks is the largest number of ticks that a check computes. It is enough for four
// crons that tick every five minutes for a year.
const maxTicks = 500_000

// ticker is a scheduled workflow with the ticks of each of its crons.
type ticker struct {
	workflow *File
	lists    [][]time.Time
}

// checkCoverage warns about entries that the crons of all workflows together serve late
// or never. The position is that of the first cron that serves them.
func checkCoverage(m *schedule.Manifest, uses []Use) []diag.Finding {
	tickers, ok := tickersOf(uses)
	switch {
	case !ok:
		return nil // with so many ticks, no period is missed
	case len(tickers) == 0:
		return checkNoSchedule(uses)
	}
	late := make([][]lateEntry, len(tickers)) // by the first ticker that serves the entry
	waits := make(map[string]wait)            // by timing and tickers
	var findings []diag.Finding
	for i := range m.Entries {
		e := &m.Entries[i]
		serving, known := servedBy(e, uses, tickers)
		switch {
		case !e.Enabled || !known:
			continue
		case len(serving) == 0:
			findings = append(findings, unserved(e, uses)...)
			continue
		}
		key := fmt.Sprint(e.Timing(), serving)
		w, ok := waits[key]
		if !ok {
			w = longestWait(e, listsOf(tickers, serving))
			waits[key] = w
		}
		switch {
		case !w.bad():
		case e.Slots.Shortest() < cron.Workflow.Shortest:
			findings = append(findings, tooOften(e, m.File))
		default:
			late[serving[0]] = append(late[serving[0]], lateEntry{e, w})
		}
	}
	for i, entries := range late {
		if len(entries) > 0 {
			w := tickers[i].workflow
			findings = append(findings, w.finding(diag.CronCoverage, w.crons[0].pos, describeLate(entries),
				coverageHint(entries))...)
		}
	}
	return findings
}

// tooOften returns the finding about an entry that is due more often than the platform
// ticks.
func tooOften(e *schedule.Entry, file string) diag.Finding {
	pos := e.Pos("cron")
	return diag.CronCoverage.At(file, pos.Line, pos.Column,
		fmt.Sprintf("agent %q is due again after %s, but the platform ticks at most every %d minutes, so some "+
			"periods are missed",
			e.Agent, advice.Count(e.Slots.Shortest(), "minute"), cron.Workflow.Shortest),
		`write a cron with longer intervals, such as "*/5 * * * *"`)
}

// coverageHint returns the longest interval of ticks that serves the entries in time. The
// shortest interval always does, because no slot waits longer than that.
func coverageHint(late []lateEntry) string {
	const cost = ": a tick with nothing due takes seconds"
	for _, minutes := range []int{60, 30, 15, 10} {
		text := fmt.Sprintf("*/%d * * * *", minutes)
		if minutes == 60 {
			text = "17 * * * *"
		}
		t := tick{loc: time.UTC, slots: cron.MustParse(text)}
		instants, _ := t.instants(maxTicks)
		isLate := func(l lateEntry) bool { return longestWait(l.entry, [][]time.Time{instants}).bad() }
		switch {
		case slices.ContainsFunc(late, isLate):
		case minutes == 60:
			return "tick every hour" + cost
		default:
			return tickEvery(minutes) + cost
		}
	}
	return tickEvery(cron.Workflow.Shortest) + cost
}

// tickEvery returns the hint to tick at an interval.
func tickEvery(minutes int) string {
	return fmt.Sprintf("tick every %[1]d minutes, as in - cron: \"*/%[1]d * * * *\"", minutes)
}

// finding returns the finding in a list, which is empty if a comment silences it.
func (w *File) finding(rule diag.Rule, pos yamlnode.Pos, message, hint string) []diag.Finding {
	return w.unsilenced([]diag.Finding{rule.At(w.Path, pos.Line, pos.Column, message, hint)})
}

// tickersOf computes the ticks of the scheduled workflows among uses. ok is false if
// there are too many.
func tickersOf(uses []Use) (tickers []ticker, ok bool) {
	left := maxTicks
	for i, u := range uses {
		if !u.File.scheduled || i > 0 && uses[i-1].File == u.File {
			continue
		}
		t := ticker{workflow: u.File}
		for _, c := range u.File.crons {
			ticks, ok := c.instants(left)
			if !ok {
				return nil, false
			}
			left -= len(ticks) + 5000 // the search of a year is slow even for few ticks
			t.lists = append(t.lists, ticks)
		}
		tickers = append(tickers, t)
	}
	return tickers, true
}

// listsOf returns the ticks of all crons of the tickers with these indexes.
func listsOf(tickers []ticker, indexes []int) (lists [][]time.Time) {
	for _, i := range indexes {
		lists = append(lists, tickers[i].lists...)
	}
	return lists
}

// servedBy returns the indexes of the tickers whose workflow may prepare the entry. known
// is false if another event may start such a workflow, or if one of its crons is invalid;
// invalid crons have their own findings.
func servedBy(e *schedule.Entry, uses []Use, tickers []ticker) (indexes []int, known bool) {
	for _, u := range uses {
		if !u.serves(e) {
			continue
		}
		if u.File.external || len(u.File.badCrons) > 0 {
			return nil, false
		}
		i := slices.IndexFunc(tickers, func(t ticker) bool { return t.workflow == u.File })
		if i >= 0 && len(u.File.crons) > 0 && !slices.Contains(indexes, i) {
			indexes = append(indexes, i)
		}
	}
	return indexes, true
}

// checkNoSchedule warns about a workflow that prepares due entries and has no schedule.
func checkNoSchedule(uses []Use) []diag.Finding {
	if slices.ContainsFunc(uses, func(u Use) bool { return u.File.external }) {
		return nil
	}
	if slices.ContainsFunc(uses, func(u Use) bool { return len(u.File.badCrons) > 0 }) {
		return nil // a finding about the cron exists
	}
	i := slices.IndexFunc(uses, func(u Use) bool { return u.servesAll() })
	if i < 0 || uses[i].File.on == nil {
		return nil
	}
	w := uses[i].File
	return w.finding(diag.CronCoverage, w.on.Pos, "no workflow prepares the agents of the manifest on a schedule",
		`add on.schedule with a cron such as "17 * * * *"`)
}

// unserved warns about an entry that the inputs of all scheduled steps exclude.
func unserved(e *schedule.Entry, uses []Use) []diag.Finding {
	for _, u := range uses {
		if !u.File.scheduled || len(u.File.crons) == 0 {
			continue
		}
		pos := u.step.Get("uses").Pos
		for _, name := range []string{"cadence", "agents"} {
			if n := u.step.Get("with").Get(name); n != nil {
				pos = n.Pos
			}
		}
		return u.File.finding(diag.CronCoverage, pos,
			fmt.Sprintf("no scheduled step prepares the %s agent %q", e.Cadence, e.Agent),
			"remove the inputs agents and cadence, or disable the agent in the manifest")
	}
	return nil
}

// lateEntry is an entry with its longest wait.
type lateEntry struct {
	entry *schedule.Entry
	wait  wait
}

// describeLate describes the entry that waits longest, and counts the others.
func describeLate(entries []lateEntry) string {
	worst := slices.MaxFunc(entries, func(a, b lateEntry) int {
		return int(a.wait.lateness()*1000) - int(b.wait.lateness()*1000)
	})
	e, w := worst.entry, worst.wait
	var b strings.Builder
	fmt.Fprintf(&b, "the %s agent %q is due %s, but ", e.Cadence, e.Agent, dueAt(e, w.slot))
	if w.ticked {
		fmt.Fprintf(&b, "may wait %s for the next tick", roughly(w.delay))
	} else {
		b.WriteString("some periods pass without a tick")
	}
	if n := len(entries) - 1; n > 0 {
		fmt.Fprintf(&b, "; the same applies to %s", advice.Count(n, "other agent"))
	}
	return b.String()
}

// dueAt describes when a slot of the entry is, in words that are true in every year.
func dueAt(e *schedule.Entry, at time.Time) string {
	clock := at.Format("15:04 MST")
	switch e.Cadence {
	case schedule.Weekly:
		return fmt.Sprintf("on %s at %s", at.Weekday(), clock)
	case schedule.Monthly:
		return fmt.Sprintf("on day %d at %s", at.Day(), clock)
	}
	return "at " + clock
}

// roughly formats a duration in days and hours, or in hours and minutes.
func roughly(d time.Duration) string {
	const day = 24 * time.Hour
	minutes := int(d / time.Minute)
	switch {
	case d >= day && d%day < time.Hour:
		return advice.Count(int(d/day), "day")
	case d >= day:
		return advice.Count(int(d/day), "day") + " " + advice.Count(int(d%day/time.Hour), "hour")
	case minutes%60 == 0:
		return advice.Count(minutes/60, "hour")
	}
	return advice.Count(minutes/60, "hour") + " " + advice.Count(minutes%60, "minute")
}
