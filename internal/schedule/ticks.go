package schedule

import (
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
)

// tick is one cron of a workflow's on.schedule.
type tick struct {
	text  string
	pos   Pos
	loc   *time.Location
	slots cron.Expression
}

// onTheHour reports whether every tick is at minute 0, when most of GitHub's schedules start.
func (c *tick) onTheHour() bool { return slices.Equal(c.slots.Minutes(), []int{0}) }

// Coverage is judged over a fixed year, so that a check says the same today and tomorrow. It is a leap year and
// holds both changes of the clock of every zone that has them.
var (
	coverageStart = time.Date(2028, 1, 3, 0, 0, 0, 0, time.UTC)
	coverageEnd   = time.Date(2029, 2, 1, 0, 0, 0, 0, time.UTC)
)

// instants are those of the cron around that year, in order, at most limit. ok is false if there are more.
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

// wait is the longest time that an entry's slots wait for a tick, with the slot and the time to the next one.
type wait struct {
	slot   time.Time
	ticked bool // a tick comes before the next slot
	delay  time.Duration
	period time.Duration
}

// bad reports whether the tick is nearer to the next slot than to its own, so that a usual delay of the platform
// may lose the period.
func (w wait) bad() bool { return w.lateness() > 0.5 }

// lateness is the share of the period that passes before the tick, more than 1 if none comes.
func (w wait) lateness() float64 {
	if !w.ticked {
		return 2
	}
	return float64(w.delay) / float64(w.period)
}

// maxJudged is how many slots of an entry are judged: a year of daily ones, three months of hourly ones.
const maxJudged = 2000

// longestWait looks for the slot that waits longest for the first tick of any list.
func (e *Entry) longestWait(lists [][]time.Time) (longest wait) {
	longest.ticked = true
	next := e.Slots.After(coverageStart, e.Location)
	for range maxJudged {
		slot := next
		if next = e.Slots.After(slot, e.Location); next.After(coverageEnd) {
			break
		}
		w := wait{slot: slot, period: next.Sub(slot), delay: next.Sub(slot)}
		for _, ticks := range lists {
			i, _ := slices.BinarySearchFunc(ticks, slot, time.Time.Compare)
			if i < len(ticks) && ticks[i].Before(next) {
				w.ticked = true
				w.delay = min(w.delay, ticks[i].Sub(slot))
			}
		}
		// Where only the change of the clock makes a difference, the first slot is the plainest example.
		if longest.ticked && (!w.ticked || w.delay > longest.delay+2*time.Hour) {
			longest = w
		}
	}
	return longest
}
