// Package cron reads five-field cron expressions and finds the instants at which they
// match the clock of a time zone.
//
// The fields are those of POSIX crontab,
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/crontab.html: minute, hour,
// day of the month, month and day of the week, with lists, ranges and steps, and the
// names MON…SUN and JAN…DEC. When both day fields are restricted, either may match.
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
	// A bit for each value of a field.
	minutes, hours, days, months, weekdays uint64
	// eitherDay says that a day of the month or a day of the week is enough: both are
	// restricted.
	eitherDay bool
	// realHours says that the hour field is * or has a step, so that a skipped hour does not
	// count and a repeated one counts twice.
	realHours bool
}

// Parse reads an expression of a dialect. The error is an *Error.
func Parse(text string, d Dialect) (Expression, error) {
	words := strings.Fields(text)
	if err := refuse(text, words, d); err != nil {
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
	// As in Vixie cron, a field that starts with an asterisk restricts nothing by itself.
	e.eitherDay = words[2][0] != '*' && words[4][0] != '*'
	e.realHours = strings.ContainsAny(words[1], "*/")
	if e.never() {
		return Expression{}, &Error{
			Message: "never matches: no chosen month has such a day",
			Hint:    "choose a day that exists in the month, such as 28",
		}
	}
	return e, nil
}

// MustParse is Parse for an expression of the Manifest dialect that is known to be right.
func MustParse(text string) Expression {
	e, err := Parse(text, Manifest)
	if err != nil {
		panic("cron " + text + ": " + err.Error())
	}
	return e
}

func has(values uint64, v int) bool { return values&(1<<v) != 0 }

// longest is the number of days that each month may have, by its number.
var longest = [...]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// never reports whether no year holds a day that matches.
func (e *Expression) never() bool {
	if e.eitherDay {
		return false
	}
	for month := 1; month <= 12; month++ {
		if has(e.months, month) && bits.TrailingZeros64(e.days) <= longest[month] {
			return false
		}
	}
	return true
}

// On reports whether the expression matches at some time of a date. Only the date's year,
// month and day count.
func (e Expression) On(date time.Time) bool {
	return e.on(int(date.Month()), date.Day(), int(date.Weekday()))
}

func (e *Expression) on(month, day, weekday int) bool {
	byDay, byWeekday := has(e.days, day), has(e.weekdays, weekday)
	return has(e.months, month) && (byDay && byWeekday || e.eitherDay && (byDay || byWeekday))
}

// Minutes are the minutes at which the expression matches within an hour, in order.
func (e Expression) Minutes() []int { return members(e.minutes) }

// Hours are the hours at which the expression matches within a day, in order.
func (e Expression) Hours() []int { return members(e.hours) }

func members(values uint64) []int {
	list := make([]int, 0, bits.OnesCount64(values))
	for ; values != 0; values &= values - 1 {
		list = append(list, bits.TrailingZeros64(values))
	}
	return list
}

// PerDay is the number of matches on a day that has any, without a clock change.
func (e Expression) PerDay() int { return bits.OnesCount64(e.minutes) * bits.OnesCount64(e.hours) }

// Shortest is the shortest time between two matches in a row of hours, in minutes; one
// match an hour is 60, whatever the hours.
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

// cycle is the number of days after which dates and days of the week repeat in the Julian
// calendar.
const cycle = 28*365 + 7

// PerMonth is the average number of matches in a month, over 28 years and without clock
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
// Over the years, each date falls on each day of the week, so it looks at every such unit
// once.
func (e Expression) EveryUnit(u Unit) bool {
	const all = 1<<13 - 1<<1
	if e.months != all {
		return false // every month holds whole units
	}
	shortest := 28
	if u == Day {
		shortest = 31 // holds the days of all others
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

// within reports whether the expression matches in the unit that begins on a day of a
// month of this length.
func (e *Expression) within(u Unit, length, day, weekday int) bool {
	for i := range [...]int{Day: 1, Week: 7, Month: length}[u] {
		if e.on(1, (day-1+i)%length+1, (weekday+i)%7) { // any month will do
			return true
		}
	}
	return false
}

// date is a day of the calendar.
type date struct{ month, day, weekday int }

// dates yields every date of 28 years from Saturday, 1 January 2000, which holds each
// date on each day of the week that it can have.
func dates(yield func(date) bool) {
	d := date{1, 1, int(time.Saturday)}
	for year, n := 2000, 0; n < cycle; n++ {
		if !yield(d) {
			return
		}
		d.day, d.weekday = d.day+1, (d.weekday+1)%7
		if d.day > longest[d.month] || d.month == 2 && d.day == 29 && year%4 != 0 {
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
