package schedule

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is one cron expression of a workflow.
type cron struct {
	text string
	pos  Pos
	loc  *time.Location
	// fields are the values at which it ticks.
	fields cronFields
}

// cronFields hold a bit for each value of a field.
type cronFields struct {
	minutes, hours, days, months, weekdays uint64
	// eitherDay says that a day of the month or of the week is enough, as cron has it when both are restricted.
	eitherDay bool
}

// cronField is what GitHub takes in one of the five fields.
type cronField struct {
	name     string
	min, max int
	names    string // three letters each, for min, min+1, …
}

// GitHub documents 0–6 for the weekday; 7 is common for Sunday and no reason to alarm anybody.
var (
	minuteField  = cronField{"minute", 0, 59, ""}
	hourField    = cronField{"hour", 0, 23, ""}
	dayField     = cronField{"day of the month", 1, 31, ""}
	monthField   = cronField{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}
	weekdayField = cronField{"day of the week", 0, 7, "sunmontuewedthufrisat"}
)

var cronElement = pattern(`^(?:\*|([0-9]{1,2}|[A-Za-z]{3})(?:-([0-9]{1,2}|[A-Za-z]{3}))?)(?:/([0-9]{1,3}))?$`)

// parseCron reads an expression of POSIX cron as GitHub takes it: five fields, names for months and weekdays, lists, ranges and steps.
// What the libraries take beyond that (seconds, years, @daily, L, W, #) GitHub refuses.
func parseCron(text string) (c cronFields, err error) {
	words := strings.Fields(text)
	fields := []struct {
		cronField
		values *uint64
	}{{minuteField, &c.minutes}, {hourField, &c.hours}, {dayField, &c.days}, {monthField, &c.months}, {weekdayField, &c.weekdays}}
	if len(words) != len(fields) {
		return c, fmt.Errorf("it has %d fields instead of five", len(words))
	}
	for i, f := range fields {
		for element := range strings.SplitSeq(words[i], ",") {
			values, err := f.parse(element)
			if err != nil {
				return c, fmt.Errorf("its %s %q %w", f.name, element, err)
			}
			*f.values |= values
		}
	}
	if c.weekdays&(1<<7) != 0 {
		c.weekdays |= 1 << time.Sunday
	}
	c.eitherDay = words[2][0] != '*' && words[4][0] != '*'
	return c, nil
}

// parse reads *, a value or a range, each with a step or without; a value with a step goes on to the end.
func (f cronField) parse(element string) (values uint64, err error) {
	match := cronElement().FindStringSubmatch(element)
	if match == nil {
		return 0, errors.New("is not a value, a range or a step")
	}
	first, last, step := f.min, f.max, 1
	if match[1] != "" {
		first = f.number(match[1])
	}
	switch {
	case match[2] != "":
		last = f.number(match[2])
	case match[1] != "" && match[3] == "":
		last = first
	}
	if first < f.min || last > f.max || last < first {
		return 0, fmt.Errorf("is out of range, which is %d to %d", f.min, f.max)
	}
	if match[3] != "" {
		if step, _ = strconv.Atoi(match[3]); step == 0 {
			return 0, errors.New("has a step of 0")
		}
	}
	for v := first; v <= last; v += step {
		values |= 1 << v
	}
	return values, nil
}

// number is -1 for what is neither a number nor a name.
func (f cronField) number(value string) int {
	if n, err := strconv.Atoi(value); err == nil {
		return n
	}
	if i := strings.Index(f.names, strings.ToLower(value)); i >= 0 && i%3 == 0 {
		return f.min + i/3
	}
	return -1
}

func has(values uint64, v int) bool { return values&(1<<v) != 0 }

// onTheHour reports whether every tick is at minute 0, when most of GitHub's schedules start.
func (c *cronFields) onTheHour() bool { return c.minutes == 1 }

// on reports whether there are ticks on a date.
func (c *cronFields) on(date time.Time) bool {
	day, weekday := has(c.days, date.Day()), has(c.weekdays, int(date.Weekday()))
	return has(c.months, int(date.Month())) && (day && weekday || c.eitherDay && (day || weekday))
}

// The year over which coverage is judged is a fixed one, so that a check says the same today and tomorrow. It is a leap year, and
// holds both changes of the clock wherever there are any.
var (
	coverageStart = time.Date(2028, 1, 3, 0, 0, 0, 0, time.UTC)
	coverageEnd   = time.Date(2029, 2, 1, 0, 0, 0, 0, time.UTC)
)

// ticks are the instants of the cron around that year, in order, at most limit (ok is false if there are more). A local time that
// does not exist ticks when the clock has moved on, as GitHub says of its time zones.
func (c *cron) ticks(limit int) (instants []time.Time, ok bool) {
	perDay := bits.OnesCount64(c.fields.hours) * bits.OnesCount64(c.fields.minutes)
	for date := coverageStart.AddDate(0, 0, -2); date.Before(coverageEnd.AddDate(0, 0, 2)); date = date.AddDate(0, 0, 1) {
		if !c.fields.on(date) {
			continue
		}
		if len(instants)+perDay > limit {
			return nil, false
		}
		for at := range 24 * 60 {
			if has(c.fields.hours, at/60) && has(c.fields.minutes, at%60) {
				instants = append(instants, firstAt(date.Add(time.Duration(at)*time.Minute), c.loc))
			}
		}
	}
	return instants, true
}

// wait is the longest time that an entry's slots wait for a tick, with the slot and the length of its period.
type wait struct {
	slot   Slot
	ticked bool // a tick comes before the next slot
	delay  time.Duration
	period time.Duration
}

// bad reports whether the tick is nearer to the next slot than to its own, so that a usual delay of the platform may lose the period.
func (w wait) bad() bool { return w.lateness() > 0.5 }

// lateness is the share of the period that passes before the tick, more than 1 if none comes.
func (w wait) lateness() float64 {
	if !w.ticked {
		return 2
	}
	return float64(w.delay) / float64(w.period)
}

// longestWait looks for the slot that waits longest for the first tick of any list.
func (e *Entry) longestWait(lists [][]time.Time) (longest wait) {
	slots := e.Next(coverageStart, int(coverageEnd.Sub(coverageStart)/(24*time.Hour)))
	longest.ticked = true
	for i, s := range slots[:len(slots)-1] {
		next := slots[i+1].At
		if next.After(coverageEnd) {
			break
		}
		w := wait{slot: s, period: next.Sub(s.At), delay: next.Sub(s.At)}
		for _, ticks := range lists {
			j, _ := slices.BinarySearchFunc(ticks, s.At, time.Time.Compare)
			if j < len(ticks) && ticks[j].Before(next) {
				w.ticked = true
				w.delay = min(w.delay, ticks[j].Sub(s.At))
			}
		}
		// Where only the change of the clock makes a difference, the first slot is the plainest example.
		if longest.ticked && (!w.ticked || w.delay > longest.delay+2*time.Hour) {
			longest = w
		}
	}
	return longest
}
