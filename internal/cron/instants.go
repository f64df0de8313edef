package cron

import (
	"math/bits"
	"time"
)

// Clock changes: a local time that is skipped is replaced by the first instant after the
// gap, and a local time that occurs twice counts the first time. If the hour field is *
// or has a step, real hours count instead: a skipped time does not count, and a repeated
// one counts twice.
//
// The search goes from one stretch of constant UTC offset to the next. Within a stretch
// the local clock runs evenly, so clock changes matter only where two stretches meet. A
// local time is called a wall and stored as a time.Time in UTC.

// After returns the first instant after t at which the expression matches the clock of
// loc.
func (e Expression) After(t time.Time, loc *time.Location) time.Time {
	s := stretchAt(t, loc)
	from := s.wall(t).Truncate(time.Minute).Add(time.Minute)
	for {
		if at, ok := e.first(s, from); ok {
			return at
		}
		end := s.end
		s = stretchAt(end, loc)
		if s.start.Equal(end) && e.inGap(s) {
			return s.start
		}
		from = s.wall(end)
	}
}

// first returns the first match in the stretch at which its clock shows from or later.
func (e *Expression) first(s stretch, from time.Time) (time.Time, bool) {
	if low := e.low(s); from.Before(low) {
		from = low
	}
	from = ceil(from)
	var end time.Time
	if !s.end.IsZero() {
		end = s.wall(s.end)
	}
	wall, ok := e.wallFrom(from, end)
	return wall.Add(-s.offset).In(s.loc), ok
}

// AtOrBefore returns the latest instant at or before t at which the expression matches
// the clock of loc.
func (e Expression) AtOrBefore(t time.Time, loc *time.Location) time.Time {
	s := stretchAt(t, loc)
	wall := s.wall(t).Truncate(time.Minute)
	for {
		if at, ok := e.last(s, wall); ok {
			return at
		}
		if e.inGap(s) {
			return s.start
		}
		s = s.previous()
		wall = s.wall(s.end).Add(-1).Truncate(time.Minute)
	}
}

// last returns the latest match in the stretch at which its clock shows wall or earlier.
func (e *Expression) last(s stretch, wall time.Time) (time.Time, bool) {
	var start time.Time
	if !s.start.IsZero() {
		start = ceil(e.low(s))
	}
	wall, ok := e.wallTo(wall, start)
	return wall.Add(-s.offset).In(s.loc), ok
}

// low returns the local time from which the stretch's clock counts. Unless real hours
// count, local times that an earlier stretch has shown are excluded.
func (e *Expression) low(s stretch) time.Time {
	if s.start.IsZero() {
		return time.Time{}
	}
	if e.realHours {
		return s.startWall()
	}
	return s.shown()
}

// inGap reports whether the expression matches a local time that was skipped at the start
// of the stretch.
func (e *Expression) inGap(s stretch) bool {
	if s.start.IsZero() || e.realHours {
		return false
	}
	before := s.previous()
	gapStart := before.wall(s.start)
	_, ok := e.wallFrom(ceil(gapStart), s.startWall())
	return ok
}

// stretch is a span of time with a constant UTC offset, from start up to but not
// including end. A zero start or end means that there is no bound. The neighbouring
// stretch may have the same offset.
type stretch struct {
	loc        *time.Location
	start, end time.Time
	offset     time.Duration
}

func stretchAt(t time.Time, loc *time.Location) stretch {
	t = t.In(loc)
	_, seconds := t.Zone()
	s := stretch{loc: loc, offset: time.Duration(seconds) * time.Second}
	s.start, s.end = t.ZoneBounds()
	if !s.end.IsZero() && !s.end.After(t) {
		// ZoneBounds assumes that every year has 365 days after the last known change, so
		// on 31 December of a leap year it returns a bound in the past.
		s.end = t.Add(time.Hour)
	}
	return s
}

// wall returns the local time that the stretch's clock shows at t.
func (s stretch) wall(t time.Time) time.Time { return t.UTC().Add(s.offset) }

func (s stretch) startWall() time.Time { return s.wall(s.start) }

func (s stretch) previous() stretch {
	p := stretchAt(s.start.Add(-1), s.loc)
	p.end = s.start
	return p
}

// reach is longer than any clock change so far.
const reach = 26 * time.Hour

// shown returns the first local time that no earlier stretch has shown.
func (s stretch) shown() time.Time {
	latest := s.startWall()
	for p := s; !p.start.IsZero() && s.start.Sub(p.start) < reach; {
		p = p.previous()
		if wall := p.wall(p.end); wall.After(latest) {
			latest = wall
		}
	}
	return latest
}

// ceil returns the first whole minute at or after wall.
func ceil(wall time.Time) time.Time {
	if whole := wall.Truncate(time.Minute); !whole.Equal(wall) {
		return whole.Add(time.Minute)
	}
	return wall
}

// wallFrom returns the first matching wall at or after from, which is a whole minute, and
// before end. A zero end is no limit.
func (e *Expression) wallFrom(from, end time.Time) (time.Time, bool) {
	day := midnight(from)
	minute := int(from.Sub(day) / time.Minute)
	for end.IsZero() || day.Before(end) {
		year, month, dayOfMonth := day.Date()
		if !has(e.months, int(month)) {
			day, minute = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC), 0
			continue
		}
		if e.on(int(month), dayOfMonth, int(day.Weekday())) {
			if m, ok := e.minuteFrom(minute); ok {
				wall := day.Add(time.Duration(m) * time.Minute)
				return wall, end.IsZero() || wall.Before(end)
			}
		}
		day, minute = day.AddDate(0, 0, 1), 0
	}
	return time.Time{}, false
}

// wallTo returns the latest matching wall at or before to, which is a whole minute, and
// not before start. A zero start is no limit.
func (e *Expression) wallTo(to, start time.Time) (time.Time, bool) {
	day := midnight(to)
	minute := int(to.Sub(day) / time.Minute)
	first := midnight(start)
	for start.IsZero() || !day.Before(first) {
		year, month, dayOfMonth := day.Date()
		if !has(e.months, int(month)) {
			day, minute = time.Date(year, month, 0, 0, 0, 0, 0, time.UTC), lastMinute
			continue
		}
		if e.on(int(month), dayOfMonth, int(day.Weekday())) {
			if m, ok := e.minuteTo(minute); ok {
				wall := day.Add(time.Duration(m) * time.Minute)
				return wall, start.IsZero() || !wall.Before(start)
			}
		}
		day, minute = day.AddDate(0, 0, -1), lastMinute
	}
	return time.Time{}, false
}

func midnight(wall time.Time) time.Time {
	year, month, day := wall.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// lastMinute is the last minute of a day.
const lastMinute = 24*60 - 1

// minuteFrom returns the first matching minute of a day at or after minute.
func (e *Expression) minuteFrom(minute int) (int, bool) {
	hour := minute / 60
	if has(e.hours, hour) {
		if rest := e.minutes >> (minute % 60) << (minute % 60); rest != 0 {
			return hour*60 + bits.TrailingZeros64(rest), true
		}
	}
	later := e.hours >> (hour + 1) << (hour + 1)
	return bits.TrailingZeros64(later)*60 + bits.TrailingZeros64(e.minutes), later != 0
}

// minuteTo returns the latest matching minute of a day at or before minute.
func (e *Expression) minuteTo(minute int) (int, bool) {
	hour := minute / 60
	if has(e.hours, hour) {
		if rest := e.minutes & (1<<(minute%60+1) - 1); rest != 0 {
			return hour*60 + 63 - bits.LeadingZeros64(rest), true
		}
	}
	earlier := e.hours & (1<<hour - 1)
	return (63-bits.LeadingZeros64(earlier))*60 + 63 - bits.LeadingZeros64(e.minutes), earlier != 0
}
