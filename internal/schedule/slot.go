package schedule

import (
	"fmt"
	"iter"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
)

// Slot is an instant at which an entry's cron matches the clock of its time zone.
type Slot struct {
	At time.Time
	// Period identifies the run: it is the calendar day, ISO week or month of the slot's
	// local date (2026-11-23, 2026-W48, 2026-11). If that unit has several slots, the
	// period is the slot itself in UTC: 2026-11-23T0900Z.
	Period string
}

// Current returns the latest slot at or before now.
func (e *Entry) Current(now time.Time) Slot {
	return e.slot(e.Slots.AtOrBefore(now, e.Location))
}

// Next returns the n slots after now, in order.
func (e *Entry) Next(now time.Time, n int) []Slot {
	slots := make([]Slot, 0, max(n, 0))
	for at := now; len(slots) < n; {
		at = e.Slots.After(at, e.Location)
		slots = append(slots, e.slot(at))
	}
	return slots
}

// Previous yields the slots before the current one, latest first. The sequence is
// endless.
func (e *Entry) Previous(now time.Time) iter.Seq[Slot] {
	return func(yield func(Slot) bool) {
		at := e.Slots.AtOrBefore(now, e.Location)
		for {
			at = e.Slots.AtOrBefore(at.Add(-1), e.Location)
			if !yield(e.slot(at)) {
				return
			}
		}
	}
}

func (e *Entry) slot(at time.Time) Slot {
	if e.isOnlySlot(at) {
		return Slot{at, e.unit(at)}
	}
	return Slot{at, at.UTC().Format(bundleid.SlotLayout)}
}

// unit returns the calendar unit of an instant's local date.
func (e *Entry) unit(at time.Time) string {
	local := at.In(e.Location)
	switch e.Cadence {
	case Weekly:
		year, week := local.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case Monthly:
		return local.Format("2006-01")
	default:
		return local.Format(time.DateOnly)
	}
}

// maxOffset is larger than the UTC offset of any time zone.
const maxOffset = 26 * time.Hour

// isOnlySlot reports whether the slot at an instant is the only one in its unit.
func (e *Entry) isOnlySlot(at time.Time) bool {
	unit := e.unit(at)
	// With many slots in the unit, this saves the walk below, which begins a day before the unit.
	if e.unit(e.Slots.After(at, e.Location)) == unit {
		return false
	}
	start, end := e.bounds(at)
	slots := 0
	// A clock change may repeat a local date, so each slot is checked by its own date.
	for s := e.Slots.After(start.Add(-maxOffset), e.Location); s.Before(end.Add(maxOffset)); {
		if e.unit(s) == unit {
			slots++
		}
		if slots > 1 {
			return false
		}
		s = e.Slots.After(s, e.Location)
	}
	return true
}

// bounds returns the first date of an instant's unit and of the next unit, as midnight
// UTC.
func (e *Entry) bounds(at time.Time) (start, end time.Time) {
	year, month, day := at.In(e.Location).Date()
	start = time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	switch e.Cadence {
	case Weekly:
		start = start.AddDate(0, 0, -(int(start.Weekday())+6)%7)
		return start, start.AddDate(0, 0, 7)
	case Monthly:
		start = start.AddDate(0, 0, 1-day)
		return start, start.AddDate(0, 1, 0)
	}
	return start, start.AddDate(0, 0, 1)
}

// String formats the slot for people: Mon 2026-11-30 09:00 CET.
func (s Slot) String() string { return s.At.Format("Mon 2006-01-02 15:04 MST") }
