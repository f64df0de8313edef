package schedule

import (
	"fmt"
	"iter"
	"time"
)

// Slot is an instant at which an entry falls due (design §4).
type Slot struct {
	At time.Time
	// Period is the key of the slot's local date: 2026-11-23, 2026-W48 (ISO week) or 2026-11.
	Period string
}

// Current is the latest slot not after now.
func (e *Entry) Current(now time.Time) Slot {
	return e.slot(e.current(now))
}

// Next returns the n slots after now, in order.
func (e *Entry) Next(now time.Time, n int) []Slot {
	slots := make([]Slot, 0, max(n, 0))
	for d := e.current(now); len(slots) < n; {
		d = e.step(d, 1)
		slots = append(slots, e.slot(d))
	}
	return slots
}

// Previous yields the slots before the current one, latest first and without end; the ledger is asked about them to count missed periods.
func (e *Entry) Previous(now time.Time) iter.Seq[Slot] {
	return func(yield func(Slot) bool) {
		for d := e.step(e.current(now), -1); yield(e.slot(d)); d = e.step(d, -1) {
		}
	}
}

// A nominal date is the date that the manifest's day names, as midnight UTC. The slot's instant may show another local date, where the
// day was skipped altogether; the period is always that of the nominal date, so no two slots share one.

// current is the nominal date of the latest slot not after now.
func (e *Entry) current(now time.Time) time.Time {
	y, m, d := now.In(e.Location).Date()
	// A clock put back by up to a day leaves slots behind us whose date is still to come.
	nominal := e.onOrBefore(time.Date(y, m, d+2, 0, 0, 0, 0, time.UTC))
	for e.slot(nominal).At.After(now) {
		nominal = e.step(nominal, -1)
	}
	return nominal
}

// onOrBefore is the entry's latest nominal date that is not after date.
func (e *Entry) onOrBefore(date time.Time) time.Time {
	switch e.Cadence {
	case Weekly:
		return date.AddDate(0, 0, -(int(date.Weekday()-e.Weekday)+7)%7)
	case Monthly:
		if nominal := e.inMonth(date.Year(), date.Month()); !nominal.After(date) {
			return nominal
		}
		return e.inMonth(date.Year(), date.Month()-1)
	default:
		return date
	}
}

// step is the nominal date n periods from the nominal date.
func (e *Entry) step(nominal time.Time, n int) time.Time {
	switch e.Cadence {
	case Weekly:
		return nominal.AddDate(0, 0, 7*n)
	case Monthly:
		return e.inMonth(nominal.Year(), nominal.Month()+time.Month(n))
	default:
		return nominal.AddDate(0, 0, n)
	}
}

// inMonth is the entry's day in a month, which may be out of range as for time.Date; a short month uses its last day.
func (e *Entry) inMonth(year int, month time.Month) time.Time {
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC)
	return last.AddDate(0, 0, min(e.MonthDay, last.Day())-last.Day())
}

func (e *Entry) slot(nominal time.Time) Slot {
	wall := nominal.Add(time.Duration(e.Hour)*time.Hour + time.Duration(e.Minute)*time.Minute)
	return Slot{At: firstAt(wall, e.Location), Period: e.period(nominal)}
}

func (e *Entry) period(nominal time.Time) string {
	switch e.Cadence {
	case Weekly:
		year, week := nominal.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case Monthly:
		return nominal.Format("2006-01")
	default:
		return nominal.Format(time.DateOnly)
	}
}

// maxOffset is more than any zone has ever been away from UTC.
const maxOffset = 26 * time.Hour

// firstAt is the earliest instant at which a clock in loc shows wall (a local time written as UTC) or later. So a local time that does
// not exist becomes the end of its gap, and one that exists twice its first occurrence, which time.Date guarantees for neither.
func firstAt(wall time.Time, loc *time.Location) time.Time {
	for t := wall.Add(-maxOffset).In(loc); ; {
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		if !end.IsZero() && !end.After(t) {
			// Go ends every year after 365 days here, so on 31 December of a leap year the bound lies behind us.
			end = t.Add(time.Hour)
		}
		at := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if end.IsZero() || at.Before(end) {
			if at.Before(t) {
				return t
			}
			return at
		}
		t = end
	}
}
