package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// maxTicks is how many instants of crons one check looks at: four crons that tick every five minutes of a year.
const maxTicks = 500_000

// ticker is a workflow whose every cron is known, and the instants at which each ticks.
type ticker struct {
	workflow *workflow
	lists    [][]time.Time
}

// checkCoverage warns where the crons of all workflows together serve entries late or not at all: at the first cron that serves them.
func checkCoverage(m *Manifest, uses []use) []diag.Finding {
	tickers, ok := tickersOf(uses)
	switch {
	case !ok:
		return nil // so many ticks miss nothing, or are no person's work
	case len(tickers) == 0:
		return checkNoSchedule(uses)
	}
	late := make([][]lateEntry, len(tickers)) // by the first ticker that serves the entry
	judged := make(map[string]wait)           // entries with the same timing and tickers wait alike
	var findings []diag.Finding
	for i := range m.Entries {
		e := &m.Entries[i]
		serving, known := e.servedBy(uses, tickers)
		switch {
		case !e.Enabled || !known:
			continue
		case len(serving) == 0:
			findings = append(findings, unserved(e, uses)...)
			continue
		}
		key := fmt.Sprint(e.timing(), serving)
		w, ok := judged[key]
		if !ok {
			w = e.longestWait(listsOf(tickers, serving))
			judged[key] = w
		}
		if w.bad() {
			late[serving[0]] = append(late[serving[0]], lateEntry{e, w})
		}
	}
	for i, entries := range late {
		if len(entries) > 0 {
			w := tickers[i].workflow
			findings = append(findings, w.finding(diag.CronCoverage, w.crons[0].pos, describeLate(entries),
				"tick every hour: a tick with nothing due costs seconds")...)
		}
	}
	return findings
}

// finding is the one finding, or none if a comment silences it.
func (w *workflow) finding(rule diag.Rule, pos Pos, message, hint string) []diag.Finding {
	return w.unsilenced([]diag.Finding{rule.At(w.file, pos.Line, pos.Column, message, hint)})
}

// tickersOf computes the ticks of the scheduled workflows among uses; ok is false if there are too many.
func tickersOf(uses []use) (tickers []ticker, ok bool) {
	left := maxTicks
	for i, u := range uses {
		if !u.workflow.scheduled || i > 0 && uses[i-1].workflow == u.workflow {
			continue
		}
		t := ticker{workflow: u.workflow}
		for _, c := range u.workflow.crons {
			ticks, ok := c.instants(left)
			if !ok {
				return nil, false
			}
			left -= len(ticks) + 5000 // a cron that hardly ticks costs a year's walk, too
			t.lists = append(t.lists, ticks)
		}
		tickers = append(tickers, t)
	}
	return tickers, true
}

func listsOf(tickers []ticker, indexes []int) (lists [][]time.Time) {
	for _, i := range indexes {
		lists = append(lists, tickers[i].lists...)
	}
	return lists
}

// servedBy lists the tickers whose workflow may prepare the entry. Known is false when something else may start such a workflow, or
// when one of its crons can't be read, which is reported already.
func (e *Entry) servedBy(uses []use, tickers []ticker) (indexes []int, known bool) {
	for _, u := range uses {
		if !u.serves(e) {
			continue
		}
		if u.workflow.foreign || len(u.workflow.badCrons) > 0 {
			return nil, false
		}
		i := slices.IndexFunc(tickers, func(t ticker) bool { return t.workflow == u.workflow })
		if i >= 0 && len(u.workflow.crons) > 0 && !slices.Contains(indexes, i) {
			indexes = append(indexes, i)
		}
	}
	return indexes, true
}

// checkNoSchedule warns at the triggers of a workflow that would prepare what is due, if only something started it.
func checkNoSchedule(uses []use) []diag.Finding {
	if slices.ContainsFunc(uses, func(u use) bool { return u.workflow.foreign }) {
		return nil
	}
	i := slices.IndexFunc(uses, func(u use) bool { return u.servesAll() })
	if i < 0 || uses[i].workflow.on == nil {
		return nil
	}
	w := uses[i].workflow
	return w.finding(diag.CronCoverage, w.on.pos, "no workflow prepares the manifest's agents on a schedule",
		`add on.schedule with a cron such as "17 * * * *"`)
}

// unserved warns at the step whose inputs leave the entry out.
func unserved(e *Entry, uses []use) []diag.Finding {
	for _, u := range uses {
		if !u.workflow.scheduled || len(u.workflow.crons) == 0 {
			continue
		}
		pos := u.step.get("uses").pos
		for _, name := range []string{"cadence", "agents"} {
			if n := u.step.get("with").get(name); n != nil {
				pos = n.pos
			}
		}
		return u.workflow.finding(diag.CronCoverage, pos, fmt.Sprintf("no scheduled step prepares the %s agent %q", e.Cadence, e.Agent),
			"leave out the inputs agents and cadence, or disable the agent in the manifest")
	}
	return nil
}

// lateEntry is an entry with its longest wait.
type lateEntry struct {
	entry *Entry
	wait  wait
}

// describeLate tells about the entry that waits longest, and how many others there are.
func describeLate(entries []lateEntry) string {
	worst := slices.MaxFunc(entries, func(a, b lateEntry) int {
		return int(a.wait.lateness()*1000) - int(b.wait.lateness()*1000)
	})
	e, w := worst.entry, worst.wait
	var b strings.Builder
	fmt.Fprintf(&b, "the %s agent %q is due %s, but ", e.Cadence, e.Agent, e.dueAt(w.slot))
	if w.ticked {
		fmt.Fprintf(&b, "may wait %s for the next tick", roughly(w.delay))
	} else {
		b.WriteString("some periods pass without a tick")
	}
	if n := len(entries) - 1; n > 0 {
		fmt.Fprintf(&b, "; so with %s more", plural(n, "agent"))
	}
	return b.String()
}

// dueAt says when a slot of the entry is, in words that hold for every year.
func (e *Entry) dueAt(at time.Time) string {
	clock := at.Format("15:04 MST")
	switch e.Cadence {
	case Weekly:
		return fmt.Sprintf("on %s at %s", at.Weekday(), clock)
	case Monthly:
		return fmt.Sprintf("on day %d at %s", at.Day(), clock)
	}
	return "at " + clock
}

// roughly is a duration in days and hours, or hours and minutes.
func roughly(d time.Duration) string {
	const day = 24 * time.Hour
	minutes := int(d / time.Minute)
	switch {
	case d >= day && d%day < time.Hour:
		return plural(int(d/day), "day")
	case d >= day:
		return plural(int(d/day), "day") + " " + plural(int(d%day/time.Hour), "hour")
	case minutes%60 == 0:
		return plural(minutes/60, "hour")
	}
	return plural(minutes/60, "hour") + " " + plural(minutes%60, "minute")
}
