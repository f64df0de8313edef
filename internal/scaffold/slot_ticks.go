package scaffold

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// everyDay has the last three fields of a cron that matches on every day.
const everyDay = "* * *"

// slotTick is a tick of a new workflow: one minute of one hour on certain days.
type slotTick struct {
	days         string
	hour, minute int
	agents       []string // the agents whose slots it follows
}

// window is the time in which a slot needs a tick: after the minute low, and not after
// high.
type window struct {
	agent     string
	low, high int
}

// slotTicks plans a tick shortly after each slot.
type slotTicks struct {
	hash    int
	days    []string                    // in the order of the entries, after everyDay
	windows map[string]map[int][]window // by days and hour
	known   map[cron.Expression]string  // one text for equal sets of days
	ticks   []*slotTick
}

// maxSlots is the largest number of slots a day that is planned, to bound the work.
const maxSlots = 20_000

// newSlotTicks plans the ticks for entries. It plans none if there are more than maxSlots
// slots a day, or if slots are closer together than ticks can be.
func newSlotTicks(entries []*schedule.Entry, hash int) *slotTicks {
	s := &slotTicks{hash: hash, days: []string{everyDay}, windows: map[string]map[int][]window{everyDay: {}},
		known: map[cron.Expression]string{cron.MustParse("0 0 " + everyDay): everyDay}}
	slots := 0
	for _, e := range entries {
		if slots += e.Slots.PerDay(); slots > maxSlots || e.Slots.Shortest() < cron.Workflow.Shortest {
			return s
		}
		s.add(e)
	}
	for _, days := range s.days {
		for hour := range 24 {
			s.placeTicks(days, hour, s.windows[days][hour])
		}
	}
	return s
}

// add adds the windows of an entry. A window ends after half the time to the next slot,
// and after latestTick minutes at most. If an entry has several slots an hour, each tick
// has the same distance from its slot, so that ticks are never closer together than the
// slots.
func (s *slotTicks) add(e *schedule.Entry) {
	days, minutes := s.daysOf(e), e.Slots.Minutes()
	within := max(1, min(latestTick, shortestGap(minutes)/2))
	offset := s.offset(minutes, within)
	for _, hour := range e.Slots.Hours() {
		for _, m := range minutes {
			w := window{e.Agent, m, m + within}
			if len(minutes) > 1 {
				w.low, w.high = m+offset-1, m+offset
			}
			s.addWindow(days, hour, w)
		}
	}
}

// shortestGap returns the shortest time between neighboring minutes, also across the end
// of the hour.
func shortestGap(minutes []int) int {
	gap := minutes[0] + 60 - minutes[len(minutes)-1]
	for i := 1; i < len(minutes); i++ {
		gap = min(gap, minutes[i]-minutes[i-1])
	}
	return gap
}

// offset returns the distance of ticks from minutes, 1 to within. It avoids ticks at
// multiples of 5 if it can.
func (s *slotTicks) offset(minutes []int, within int) int {
	var all, odd []int
	for offset := 1; offset <= within; offset++ {
		all = append(all, offset)
		if !slices.ContainsFunc(minutes, func(m int) bool { return (m+offset)%5 == 0 }) {
			odd = append(odd, offset)
		}
	}
	if len(odd) > 0 {
		all = odd
	}
	return all[s.hash%len(all)]
}

// addWindow adds a window to an hour, or to the next one if it starts after the hour.
// After the last hour of a day it adds the window to the first hour of every day, because
// a cron may be unable to express "the day after".
func (s *slotTicks) addWindow(days string, hour int, w window) {
	if w.low >= 59 {
		hour, w.low, w.high = hour+1, w.low-60, w.high-60
	}
	if hour == 24 {
		days, hour = everyDay, 0
	}
	w.high = min(w.high, 59)
	s.windows[days][hour] = append(s.windows[days][hour], w)
}

// daysOf returns the last three fields of a cron for the days of an entry. Entries with
// the same days get the same text, which is valid in a workflow.
func (s *slotTicks) daysOf(e *schedule.Entry) string {
	days := strings.Join(strings.Fields(e.Cron)[2:], " ")
	key := cron.MustParse("0 0 " + days)
	if known, ok := s.known[key]; ok {
		return known
	}
	if _, err := cron.Parse("0 0 "+days, cron.Workflow); err != nil {
		days = withoutSeven(days)
	}
	s.known[key], s.windows[days] = days, make(map[int][]window)
	s.days = append(s.days, days)
	return days
}

// withoutSeven writes the days of the week as numbers from 0, because 7 is not valid in a
// workflow.
func withoutSeven(days string) string {
	fields := strings.Fields(days)
	slots := cron.MustParse("0 0 * * " + fields[2])
	var weekdays []int
	for day := range 7 {
		if slots.On(time.Date(2000, 1, 2+day, 0, 0, 0, 0, time.UTC)) { // 2 January 2000 was a Sunday
			weekdays = append(weekdays, day)
		}
	}
	fields[2] = numbers(weekdays)
	return strings.Join(fields, " ")
}

// placeTicks adds as few ticks as the windows of an hour need. The window that ends first
// bounds the next tick, which also counts for all windows that begin before that end.
func (s *slotTicks) placeTicks(days string, hour int, windows []window) {
	slices.SortStableFunc(windows, func(a, b window) int { return cmp.Compare(a.high, b.high) })
	for i, w := range windows {
		if s.covered(days, hour, w) {
			continue
		}
		low := w.low
		for _, other := range windows[i+1:] {
			if other.low < w.high {
				low = max(low, other.low)
			}
		}
		minute := usualMinute(s.hash)
		if minute <= low || minute > w.high {
			minute = pick(s.hash, low, w.high)
		}
		s.ticks = append(s.ticks, &slotTick{days: days, hour: hour, minute: minute})
		s.covered(days, hour, w)
	}
}

// covered reports whether there is a tick in the window, and adds the agent to that tick.
func (s *slotTicks) covered(days string, hour int, w window) bool {
	for _, t := range s.ticks {
		if t.hour == hour && (t.days == days || t.days == everyDay) && w.low < t.minute && t.minute <= w.high {
			if !slices.Contains(t.agents, w.agent) {
				t.agents = append(t.agents, w.agent)
			}
			return true
		}
	}
	return false
}
