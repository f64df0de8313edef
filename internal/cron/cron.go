// Package cron parses five-field cron expressions and finds the instants at which they
// match the clock of a time zone.
//
// The fields are those of POSIX crontab,
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/crontab.html: minute, hour,
// day of the month, month and day of the week, with lists, ranges and steps, and the
// names MON…SUN and JAN…DEC. If both day fields are restricted, a match of one is enough.
package cron

import (
	"errors"
	"math/bits"
	"strings"
	"time"
)

// Expression is a parsed cron expression that matches at least once. It is comparable:
// equal expressions match at the same local times.
type Expression struct {
	// Each field is a set of values: bit v stands for value v.
	minutes, hours, days, months, weekdays uint64
	// eitherDay is true if both day fields are restricted: a match of one is enough.
	eitherDay bool
	// realHours is true if the hour field is * or has a step: a skipped hour does not
	// count, and a repeated one counts twice.
	realHours bool
}

// Parse parses an expression of a dialect. The error is always an *Error.
func Parse(text string, d Dialect) (Expression, error) {
	words := strings.Fields(text)
	if err := checkForm(text, words, d); err != nil {
		return Expression{}, err
	}
	var e Expression
	for i, values := range []*uint64{&e.minutes, &e.hours, &e.days, &e.months, &e.weekdays} {
		for element := range strings.SplitSeq(words[i], ",") {
			matched, err := fields[i].parse(element, d)
			if err != nil {
				return Expression{}, err
			}
			*values |= matched
		}
	}
	if has(e.weekdays, 7) {
		e.weekdays = e.weekdays&^(1<<7) | 1<<time.Sunday
	}
	// As in Vixie cron, a day field that starts with an asterisk counts as unrestricted.
	e.eitherDay = words[2][0] != '*' && words[4][0] != '*'
	e.realHours = strings.ContainsAny(words[1], "*/")
	if e.neverMatches() {
		return Expression{}, &Error{
			Message: "never matches: none of its months has that day",
			Hint:    "choose a day that exists in the month, such as 28",
		}
	}
	return e, nil
}

// MustParse parses an expression of the Manifest dialect. It panics if the expression is
// invalid.
func MustParse(text string) Expression {
	e, err := Parse(text, Manifest)
	if err != nil {
		panic("cron " + text + ": " + err.Error())
	}
	return e
}

func has(values uint64, v int) bool { return values&(1<<v) != 0 }

// maxDays[m] is the number of days that month m has at most.
var maxDays = [...]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// neverMatches reports whether no date of any year matches.
func (e *Expression) neverMatches() bool {
	if e.eitherDay {
		return false
	}
	for month := 1; month <= 12; month++ {
		if has(e.months, month) && bits.TrailingZeros64(e.days) <= maxDays[month] {
			return false
		}
	}
	return true
}

// On reports whether the expression matches at any time of a date. It ignores the clock
// time and the location of date.
func (e Expression) On(date time.Time) bool {
	return e.on(int(date.Month()), date.Day(), int(date.Weekday()))
}

func (e *Expression) on(month, day, weekday int) bool {
	byDay, byWeekday := has(e.days, day), has(e.weekdays, weekday)
	return has(e.months, month) && (byDay && byWeekday || e.eitherDay && (byDay || byWeekday))
}

// Minutes returns the minutes of an hour at which the expression matches, in order.
func (e Expression) Minutes() []int { return members(e.minutes) }

// Hours returns the hours of a day at which the expression matches, in order.
func (e Expression) Hours() []int { return members(e.hours) }

func members(values uint64) []int {
	list := make([]int, 0, bits.OnesCount64(values))
	for ; values != 0; values &= values - 1 {
		list = append(list, bits.TrailingZeros64(values))
	}
	return list
}

// PerDay returns the number of matches on a matching day without a clock change.
func (e Expression) PerDay() int { return bits.OnesCount64(e.minutes) * bits.OnesCount64(e.hours) }

// Shortest returns the shortest time between two matches in consecutive hours, in
// minutes. It is 60 for one match per hour, even if the hours are further apart.
func (e Expression) Shortest() int {
	minutes := e.Minutes()
	shortest := 60
	for i, m := range minutes {
		next := minutes[(i+1)%len(minutes)]
		if gap := (next-m+59)%60 + 1; gap < 60 && (next > m || e.PerDay() > len(minutes)) {
			shortest = min(shortest, gap)
		}
	}
	return shortest
}

// cycle is the number of days after which the dates and weekdays of the Julian calendar
// repeat.
const cycle = 28*365 + 7

// PerMonth returns the average number of matches in a month over 28 years, without clock
// changes.
func (e Expression) PerMonth() float64 {
	days := 0
	for d := range dates {
		if e.on(d.month, d.day, d.weekday) {
			days++
		}
	}
	return float64(days*e.PerDay()) / (28 * 12)
}

// Unit is a span of the calendar.
type Unit int

// The spans of EveryUnit.
const (
	Day Unit = iota
	Week
	Month
)

// EveryUnit reports whether the expression matches at least once in every unit of the
// calendar: a day, a week from Monday to Sunday, or a month.
//
// Over the years, each date falls on every day of the week. So checking each combination
// once covers all years.
func (e Expression) EveryUnit(u Unit) bool {
	const all = 1<<13 - 1<<1
	if e.months != all {
		return false // every month contains at least one whole unit
	}
	shortest := 28
	if u == Day {
		shortest = 31 // a month of 31 days covers the shorter ones
	}
	for length := shortest; length <= 31; length++ {
		for start := range length * 7 {
			day, weekday := start/7+1, start%7
			whole := u == Day || u == Week && weekday == int(time.Monday) || u == Month && day == 1
			if whole && !e.within(u, length, day, weekday) {
				return false
			}
		}
	}
	return true
}

// within reports whether the expression matches in the unit that begins on the given day
// of a month with length days.
func (e *Expression) within(u Unit, length, day, weekday int) bool {
	for i := range [...]int{Day: 1, Week: 7, Month: length}[u] {
		if e.on(1, (day-1+i)%length+1, (weekday+i)%7) { // every month is matched, so the number does not matter
			return true
		}
	}
	return false
}

// date is a day of the calendar.
type date struct{ month, day, weekday int }

// dates yields every date of the 28 years from Saturday, 1 January 2000. They contain
// each date on every day of the week.
func dates(yield func(date) bool) {
	d := date{1, 1, int(time.Saturday)}
	for year, n := 2000, 0; n < cycle; n++ {
		if !yield(d) {
			return
		}
		d.day, d.weekday = d.day+1, (d.weekday+1)%7
		if d.day > maxDays[d.month] || d.month == 2 && d.day == 29 && year%4 != 0 {
			d.day, d.month = 1, d.month+1
		}
		if d.month > 12 {
			d.month, year = 1, year+1
		}
	}
}

// Explain returns the message and the hint of an error of Parse.
func Explain(err error) (message, hint string) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message, e.Hint
	}
	return err.Error(), ""
}
