package scaffold

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// everyDay are the day fields of a cron that matches on every day.
const everyDay = "* * *"

// slotTick is a tick of a new workflow at one minute of one hour on certain days.
type slotTick struct {
	days         string
	hour, minute int
	agents       []string // whose slots it follows
}

// wish is a slot that needs a tick after the minute low, and not after high.
type wish struct {
	agent     string
	low, high int
}

// slotTicks collects a tick shortly after each slot.
type slotTicks struct {
	hash  int
	days  []string                   // in the order of the entries, every day first
	wants map[string]map[int][]wish  // by days and hour
	known map[cron.Expression]string // one text for all texts of the same days
	ticks []*slotTick
}

// maxSlots is how many slots a day may have, which bounds the work of the plan.
const maxSlots = 20_000

// newSlotTicks plans the ticks for the slots of entries. It plans none if the slots are
// too many, or closer together than ticks can be.
func newSlotTicks(entries []*schedule.Entry, hash int) *slotTicks {
	s := &slotTicks{hash: hash, days: []string{everyDay}, wants: map[string]map[int][]wish{everyDay: {}},
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
			s.serve(days, hour, s.wants[days][hour])
		}
	}
	return s
}

// add adds the wishes of an entry: a tick for each slot within half the time to the next
// slot, and within latestTick. Where an entry has several slots an hour, each tick has
// the same distance from its slot, so that two ticks are never closer together than the
// slots.
func (s *slotTicks) add(e *schedule.Entry) {
	days, minutes := s.daysOf(e), e.Slots.Minutes()
	within := max(1, min(latestTick, shortestGap(minutes)/2))
	offset := s.offset(minutes, within)
	for _, hour := range e.Slots.Hours() {
		for _, m := range minutes {
			w := wish{e.Agent, m, m + within}
			if len(minutes) > 1 {
				w.low, w.high = m+offset-1, m+offset
			}
			s.want(days, hour, w)
		}
	}
}

// shortestGap is the shortest time from one minute to the next, over the end of the hour,
// too.
func shortestGap(minutes []int) int {
	gap := minutes[0] + 60 - minutes[len(minutes)-1]
	for i := 1; i < len(minutes); i++ {
		gap = min(gap, minutes[i]-minutes[i-1])
	}
	return gap
}

// offset is a distance from 1 to within after minutes, so that no tick is at a multiple
// of 5 if possible.
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

// want adds a wish for an hour, or for the next one if the hour is over. After the last
// hour of the day it adds it for the first hour of every day, because a cron may be
// unable to say which days follow the given ones.
func (s *slotTicks) want(days string, hour int, w wish) {
	if w.low >= 59 {
		hour, w.low, w.high = hour+1, w.low-60, w.high-60
	}
	if hour == 24 {
		days, hour = everyDay, 0
	}
	w.high = min(w.high, 59)
	s.wants[days][hour] = append(s.wants[days][hour], w)
}

// daysOf is the text of the days on which an entry has slots, the same for all entries
// with the same days, and as a workflow takes it.
func (s *slotTicks) daysOf(e *schedule.Entry) string {
	days := strings.Join(strings.Fields(e.Cron)[2:], " ")
	key := cron.MustParse("0 0 " + days)
	if known, ok := s.known[key]; ok {
		return known
	}
	if _, err := cron.Parse("0 0 "+days, cron.Workflow); err != nil {
		days = withoutSeven(days)
	}
	s.known[key], s.wants[days] = days, make(map[int][]wish)
	s.days = append(s.days, days)
	return days
}

// withoutSeven writes the days of the week as numbers from 0, because a workflow does not
// take 7 for Sunday.
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

// serve adds the fewest ticks that fulfil the wishes for an hour. The wish that ends
// first sets the range of a tick, which serves all wishes that begin before its end.
func (s *slotTicks) serve(days string, hour int, wishes []wish) {
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(a.high, b.high) })
	for i, w := range wishes {
		if s.served(days, hour, w) {
			continue
		}
		low := w.low
		for _, other := range wishes[i+1:] {
			if other.low < w.high {
				low = max(low, other.low)
			}
		}
		minute := usualMinute(s.hash)
		if minute <= low || minute > w.high {
			minute = pick(s.hash, low, w.high)
		}
		s.ticks = append(s.ticks, &slotTick{days: days, hour: hour, minute: minute})
		s.served(days, hour, w)
	}
}

// served reports whether a tick fulfils a wish, and adds the agent to it.
func (s *slotTicks) served(days string, hour int, w wish) bool {
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
