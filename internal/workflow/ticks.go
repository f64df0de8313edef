package workflow

import (
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// tick is one cron of a workflow's on.schedule.
type tick struct {
	text  string
	pos   yamlnode.Pos
	loc   *time.Location
	slots cron.Expression
}

// onTheHour reports whether all ticks are at minute 0, when most schedules on GitHub
// start.
func (c *tick) onTheHour() bool { return slices.Equal(c.slots.Minutes(), []int{0}) }

// Coverage is computed for a fixed year, so that a check has the same result every day.
// The year is a leap year with both clock changes of every zone with daylight saving
// time.
var (
	coverageStart = time.Date(2028, 1, 3, 0, 0, 0, 0, time.UTC)
	coverageEnd   = time.Date(2029, 2, 1, 0, 0, 0, 0, time.UTC)
)

// instants returns the ticks of the cron around that year, in order. ok is false if there
// are more than limit.
func (c *tick) instants(limit int) (list []time.Time, ok bool) {
	const margin = 48 * time.Hour
	at := coverageStart.Add(-margin)
	for end := coverageEnd.Add(margin); ; {
		if at = c.slots.After(at, c.loc); at.After(end) {
			return list, true
		}
		if len(list) >= limit {
			return nil, false
		}
		list = append(list, at)
	}
}

// wait describes how long a slot waits for a tick.
type wait struct {
	slot   time.Time
	ticked bool          // whether a tick comes before the next slot
	delay  time.Duration // until the tick, or until the next slot
	period time.Duration // until the next slot
}

// bad reports whether the tick is nearer to the next slot than to its own. Then a usual
// delay of the platform may lose the period. A wait up to the platform's shortest
// interval is never bad.
func (w wait) bad() bool {
	return w.lateness() > 0.5 && !(w.ticked && w.delay <= time.Duration(cron.Workflow.Shortest)*time.Minute)
}

// lateness returns the share of the period that passes before the tick, or 2 without a
// tick.
func (w wait) lateness() float64 {
	if !w.ticked {
		return 2
	}
	return float64(w.delay) / float64(w.period)
}

// margin returns by how much a wait has to exceed the longest one so far. If the waits
// differ only by a clock change, the first slot is the clearest example.
func (w wait) margin() time.Duration {
	if w.period < 12*time.Hour {
		return 0
	}
	return 2 * time.Hour
}

// maxSlots is the number of slots of an entry that are checked: more than a year of daily
// ones, or almost three months of hourly ones.
const maxSlots = 2000

// longestWait returns the longest wait of a slot for the first tick of any list.
func longestWait(e *schedule.Entry, lists [][]time.Time) (longest wait) {
	next := e.Slots.After(coverageStart, e.Location)
	for i := range maxSlots {
		slot := next
		if next = e.Slots.After(slot, e.Location); next.After(coverageEnd) {
			break
		}
		w := wait{slot: slot, period: next.Sub(slot), delay: next.Sub(slot)}
		for _, ticks := range lists {
			j, _ := slices.BinarySearchFunc(ticks, slot, time.Time.Compare)
			if j < len(ticks) && ticks[j].Before(next) {
				w.ticked = true
				w.delay = min(w.delay, ticks[j].Sub(slot))
			}
		}
		if i == 0 || longest.ticked && (!w.ticked || w.delay > longest.delay+w.margin()) {
			longest = w
		}
	}
	return longest
}

// InTime reports whether a workflow with these crons in loc is valid and ticks early
// enough for every entry. Then Check has no findings about its coverage.
func InTime(entries []*schedule.Entry, crons []cron.Expression, loc *time.Location) bool {
	var lists [][]time.Time
	for _, c := range crons {
		t := tick{loc: loc, slots: c}
		instants, ok := t.instants(maxTicks)
		if !ok || c.Shortest() < cron.Workflow.Shortest {
			return false
		}
		lists = append(lists, instants)
	}
	known := make(map[string]bool) // entries with the same timing have the same waits
	for _, e := range entries {
		if known[e.Timing()] {
			continue
		}
		known[e.Timing()] = true
		if longestWait(e, lists).bad() {
			return false
		}
	}
	return true
}
