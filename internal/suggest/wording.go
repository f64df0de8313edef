package suggest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// wording is the meaning of the words of a schedule. A field is empty if no word sets it.
type wording struct {
	cadence                spec.Cadence // from a word for a unit of time
	days, weekdays, months string       // fields of a cron
	hours, minute          string       // times of day, which share their minute
	clock                  string       // minute and hour fields, instead of times of day
	usual                  string       // minute and hour fields if no word sets the time
	note                   string
	monthly                bool // days are days of the month only if the cadence is monthly
	clash                  bool // two words contradict each other, or need two crons
}

// fixedWords maps words to the schedule that they stand for.
var fixedWords = map[string]wording{
	"hourly": everyHour, "hour": everyHour,
	"daily": {cadence: spec.Daily}, "day": {cadence: spec.Daily}, "nightly": {cadence: spec.Daily, usual: "0 1"},
	"weekly": {cadence: spec.Weekly}, "week": {cadence: spec.Weekly},
	"monthly": {cadence: spec.Monthly}, "month": {cadence: spec.Monthly},
	"weekdays": {weekdays: workdays}, "weekday": {weekdays: workdays}, "workdays": {weekdays: workdays},
	"weekend": {weekdays: "6"}, "weekends": {weekdays: "0,6"},
	"fortnightly": fortnight, "biweekly": fortnight, "bi-weekly": fortnight, "fortnight": fortnight,
	"twice a day": {cadence: spec.Daily, clock: "0 9,17"}, "twice a week": {cadence: spec.Weekly, weekdays: "1,4"},
	"twice a month": {cadence: spec.Monthly, days: "1,15"},
	"quarterly":     {months: "1,4,7,10"}, "quarter": {months: "1,4,7,10"},
	"yearly": {months: "1"}, "annually": {months: "1"}, "year": {months: "1"},
	"noon": {hours: "12", minute: "0"}, "midnight": {hours: "0", minute: "0"},
	"last": {days: "28", note: "a day that every month has"},
}

const workdays = "1-5"

var (
	everyHour = wording{clock: "0 *"}
	fortnight = wording{days: "1,15", note: "a cron cannot count weeks; this is twice a month"}
)

// timing returns the cadence and the cron of the words. ok is false if no cron has the
// same meaning.
func (w wording) timing() (t timing, ok bool) {
	hasDay := w.days != "" || w.weekdays != ""
	switch {
	case w.clash, w.clock != "" && w.hours != "", w.days != "" && w.weekdays != "",
		w.months != "" && w.weekdays != "", w.monthly && w.cadence != spec.Monthly,
		w.clock != "" && w.cadence != "" && w.cadence != spec.Daily && !hasDay:
		return t, false
	case w == wording{cadence: w.cadence}:
		return timing{cadence: w.cadence}, true
	case w.cadence == spec.Monthly && w.weekdays != "":
		w.weekdays, w.note = "", "a cron cannot select a weekday of the month"
	case w.cadence == spec.Daily && w.weekdays == workdays:
		w.cadence = spec.Weekly
	}
	switch {
	case w.days != "" || w.weekdays != "":
	case w.months != "" || w.cadence == spec.Monthly:
		w.days = "1"
	case w.cadence == spec.Weekly:
		w.weekdays = "1"
	}
	expression := w.over(cmp.Or(w.usual, "0 9") + " * * *")
	cadence := w.cadence
	if cadence == "" {
		if e, err := cron.Parse(expression, cron.Manifest); err == nil {
			cadence = spec.CadenceOf(e)
		}
	}
	t, ok = newTiming(expression, cadence, w.note)
	t.anyCadence = w == wording{hours: w.hours, minute: w.minute}
	return t, ok
}

// over returns the expression with the fields that the words set.
func (w wording) over(expression string) string {
	fields := strings.Fields(expression)
	if w.hours != "" {
		fields[0], fields[1] = w.minute, w.hours
	}
	if w.clock != "" {
		fields[0], fields[1], _ = strings.Cut(w.clock, " ")
	}
	if w.days != "" || w.weekdays != "" {
		fields[2], fields[4] = cmp.Or(w.days, "*"), cmp.Or(w.weekdays, "*")
	}
	fields[3] = cmp.Or(w.months, fields[3])
	return strings.Join(fields, " ")
}

// add adds the meaning of another word.
func (w *wording) add(o wording) {
	w.clash = w.clash || o.clash || differ(string(w.cadence), string(o.cadence)) || differ(w.clock, o.clock) ||
		differ(w.months, o.months) || differ(w.minute, o.minute) ||
		w.days != "" && o.days != "" && w.note+o.note != ""
	w.cadence, w.clock, w.usual = cmp.Or(w.cadence, o.cadence), cmp.Or(w.clock, o.clock), cmp.Or(w.usual, o.usual)
	w.months, w.minute, w.note = cmp.Or(w.months, o.months), cmp.Or(w.minute, o.minute), cmp.Or(w.note, o.note)
	w.days, w.weekdays, w.hours = join(w.days, o.days), join(w.weekdays, o.weekdays), join(w.hours, o.hours)
	w.monthly = w.monthly || o.monthly
}

// differ reports whether both values are set and different.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// join merges two values of a cron's field into a sorted list without duplicates.
func join(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	all := slices.Concat(strings.Split(a, ","), strings.Split(b, ","))
	slices.SortFunc(all, func(a, b string) int {
		x, _ := strconv.Atoi(a) // 0 for a range or a step
		y, _ := strconv.Atoi(b)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	})
	return strings.Join(slices.Compact(all), ",")
}
