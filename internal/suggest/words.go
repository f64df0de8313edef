package suggest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// between separates the values of different keys: what the numbers of one mean ends with it.
const between = ";"

// fillers are words that change nothing.
var fillers = []string{"a", "of", "once", "per", "in", "o'clock", "cron", "cadence"}

// contexts are words that say what the numbers behind them mean.
var contexts = map[string]string{"at": "at", "on": "on", "the": "the", "every": "every", "each": "every"}

// units are the words for units of time that are counted.
var units = map[string]string{
	"minutes": "minute", "minute": "minute", "mins": "minute", "min": "minute", "m": "m",
	"hours": "hour", "hour": "hour", "hrs": "hour", "hr": "hour", "h": "h",
	"days": "day", "day": "day", "d": "day", "weeks": "week", "week": "week", "w": "week",
	"months": "month", "month": "month",
}

// reader reads the words of a schedule one after the other.
type reader struct {
	words   []string // not read yet
	context string   // the value of contexts for the next number, or ""
	order   string   // d for days and t for times, each run of them once
	halves  string   // "b" for a bare hour, "h" for one with am or pm
	w       wording
}

// readWords reads a schedule in words. ok is false when any word is unknown.
func readWords(text string) (w wording, ok bool) {
	text = strings.ToLower(TrimQuotes(strings.TrimSpace(text)))
	if fixed, ok := fixedWords[text]; ok {
		return fixed, true
	}
	text = strings.ReplaceAll(text, "@", " at ")
	isGap := func(r rune) bool { return strings.ContainsRune(" \t\n,_", r) }
	r := reader{words: strings.FieldsFunc(text, isGap)}
	for len(r.words) > 0 {
		word := r.words[0]
		r.words = r.words[1:]
		if !r.read(word) {
			return w, false
		}
	}
	// With two days and two times, a cron runs at each time on each day.
	r.w.clash = r.w.clash || len(r.order) > 2 || r.halves == "bh" || r.halves == "hb"
	return r.w, r.w != wording{}
}

// next is the next word, or "".
func (r *reader) next() string {
	if len(r.words) == 0 {
		return ""
	}
	return r.words[0]
}

// read takes in one word.
func (r *reader) read(word string) bool {
	switch context, ok := contexts[word]; {
	case ok:
		r.context = context
		return true
	case word == "and" || slices.Contains(fillers, word):
		return true
	case word == between:
		r.context = ""
		return true
	case word == "day" && (r.w.days != "" && r.context != "every" ||
		isNumber(r.next()) && (r.context == "on" || r.context == "the")):
		r.context = "the" // the 15th day, or on day 15
		return true
	}
	if fixed, ok := fixedWords[word]; ok {
		r.context = ""
		r.add(fixed)
		return true
	}
	if day, ok := weekdayNumber(word); ok {
		r.context = ""
		r.add(wording{weekdays: day})
		return true
	}
	return r.time(word) || r.number(word)
}

func isNumber(s string) bool { return s != "" && digits(s) == s }

// add takes in what a word says.
func (r *reader) add(o wording) {
	kind := ""
	switch {
	case o.hours != "":
		kind = "t"
	case o.days != "" || o.weekdays != "":
		kind = "d"
	}
	if !strings.HasSuffix(r.order, kind) {
		r.order += kind
	}
	r.w.add(o)
}

// time takes in a time of day. 17h is one only behind at: elsewhere it may be an interval.
func (r *reader) time(word string) bool {
	half := r.next()
	if half != "am" && half != "pm" {
		half = ""
	}
	if half == "" && isNumber(strings.TrimSuffix(word, "h")) && r.context != "at" {
		return false
	}
	if n, err := strconv.Atoi(word); err == nil && half == "" && n >= 1 {
		word += "h"
		r.halves = addRun(r.halves, "b")
	}
	hour, minute, ok := timeOfDay(word, half)
	if !ok {
		return false
	}
	if half != "" {
		r.words = r.words[1:]
	}
	if half != "" || strings.HasSuffix(word, "m") {
		r.halves = addRun(r.halves, "h")
	}
	r.add(wording{hours: strconv.Itoa(hour), minute: strconv.Itoa(minute)})
	return true
}

// addRun is order with kind behind it, unless that is the last one.
func addRun(order, kind string) string {
	if strings.HasSuffix(order, kind) {
		return order
	}
	return order + kind
}

var numberPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{1,4})([a-z]*)$`)
})

// number takes in a count of units, or a day of the month.
func (r *reader) number(word string) bool {
	match := numberPattern().FindStringSubmatch(word)
	if match == nil {
		return false
	}
	n, _ := strconv.Atoi(match[1]) // at most four digits
	suffix := match[2]
	ordinal := slices.Contains([]string{"st", "nd", "rd", "th"}, suffix)
	unit, counted := units[r.next()]
	switch {
	case ordinal && counted && unit != "day" && r.context != "every":
		return false // the 2nd week
	case counted && (suffix == "" || ordinal && r.context == "every"):
		r.words = r.words[1:]
		return r.count(n, unit)
	case units[suffix] != "":
		return r.count(n, units[suffix])
	case ordinal, suffix == "" && (r.context == "the" || r.context == "on"):
		return r.day(n, !ordinal && r.context == "on")
	}
	return false // a bare number may mean anything
}

// day takes in a day of the month.
func (r *reader) day(n int, monthly bool) bool {
	day := wording{days: strconv.Itoa(n)}
	if n > 28 {
		day = fixedWords["last"]
	}
	day.monthly = monthly
	r.add(day)
	return n >= 1 && n <= 31
}

// count takes in a number of units of time, if a cron can say it or nearly so.
func (r *reader) count(n int, unit string) bool {
	if unit == "h" && r.context != "every" && n != 24 {
		return false // it may be a time of day
	}
	r.context = ""
	w, ok := everyN(n, unit)
	r.add(w)
	return ok
}

// countedWords are counts that a word stands for.
var countedWords = map[string]string{
	"1 hour": "hour", "60 minute": "hour", "1 day": "day", "24 hour": "day", "1 week": "week", "7 day": "week",
	"2 week": "fortnight", "14 day": "fortnight", "1 month": "month", "12 month": "year",
}

// everyN is what a number of units of time says.
func everyN(n int, unit string) (w wording, ok bool) {
	if unit == "m" {
		unit = "minute"
		if n == 0 || 12%n == 0 {
			return w, false // it may be months
		}
	}
	if unit == "h" {
		unit = "hour"
	}
	if word, ok := countedWords[strconv.Itoa(n)+" "+unit]; ok {
		return fixedWords[word], true
	}
	step := "*/" + strconv.Itoa(n)
	switch unit {
	case "minute":
		return wording{clock: step + " *"}, n > 1 && n < 60 && 60%n == 0
	case "hour":
		return wording{clock: "0 " + step}, n > 1 && n < 24 && 24%n == 0
	case "day":
		return wording{days: step, note: "it starts anew on day 1 of each month"}, n >= 2 && n <= 6
	case "month":
		return wording{months: step}, n > 1 && n < 12 && 12%n == 0
	}
	return w, false
}
