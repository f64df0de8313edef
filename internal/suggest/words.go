package suggest

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// separator comes between the values of different keys. A context such as "at" ends
// there.
const separator = ";"

// fillers are words without a meaning of their own.
var fillers = []string{"a", "of", "once", "per", "in", "o'clock", "cron", "cadence"}

// contexts maps words that give the next number a meaning to the name of that meaning.
var contexts = map[string]string{"at": "at", "on": "on", "the": "the", "every": "every", "each": "every"}

// units maps words that can follow a count to the unit of time.
var units = map[string]string{
	"minutes": "minute", "minute": "minute", "mins": "minute", "min": "minute", "m": "m",
	"hours": "hour", "hour": "hour", "hrs": "hour", "hr": "hour", "h": "h",
	"days": "day", "day": "day", "d": "day", "weeks": "week", "week": "week", "w": "week",
	"months": "month", "month": "month",
}

// reader reads the words of a schedule from left to right.
type reader struct {
	words   []string // the words that are left
	context string   // a value of contexts, for the next number, or ""
	order   string   // a "d" for each run of days and a "t" for each run of times
	halves  string   // the same for hours: "b" without am and pm, "h" with one of them
	w       wording
}

// readWords reads a schedule in words. ok is false if any word is unknown.
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
	// A cron runs at each of its times on each of its days. So "monday at 9 and friday at
	// 17" needs two crons.
	r.w.clash = r.w.clash || len(r.order) > 2 || r.halves == "bh" || r.halves == "hb"
	return r.w, r.w != wording{}
}

// next returns the next word without reading it, or "".
func (r *reader) next() string {
	if len(r.words) == 0 {
		return ""
	}
	return r.words[0]
}

// read reads one word. It returns false if the word is unknown.
func (r *reader) read(word string) bool {
	switch context, ok := contexts[word]; {
	case ok:
		r.context = context
		return true
	case word == "and" || slices.Contains(fillers, word):
		return true
	case word == separator:
		r.context = ""
		return true
	case word == "day" && (r.w.days != "" && r.context != "every" ||
		isNumber(r.next()) && (r.context == "on" || r.context == "the")):
		r.context = "the" // as in "the 15th day" or "on day 15"
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

// add adds the meaning of a word.
func (r *reader) add(o wording) {
	switch {
	case o.hours != "":
		r.order = addRun(r.order, "t")
	case o.days != "" || o.weekdays != "":
		r.order = addRun(r.order, "d")
	}
	r.w.add(o)
}

// addRun appends kind to a list of runs, unless the last run is of that kind.
func addRun(runs, kind string) string {
	if strings.HasSuffix(runs, kind) {
		return runs
	}
	return runs + kind
}

// time reads a time of day. 17h is a time only after "at", because it may be an interval.
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

var clockPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{1,2})(?:[:.h]([0-9]{2}))?(?::00)?(am|pm|h)?$`)
})

// timeOfDay reads a time such as 05:00, 5am, 5:30pm or 17h. half is am or pm if that is
// the next word.
func timeOfDay(word, half string) (hour, minute int, ok bool) {
	match := clockPattern().FindStringSubmatch(word)
	if match == nil {
		return 0, 0, false
	}
	half = cmp.Or(match[3], half)
	if half == "" && match[2] == "" {
		return 0, 0, false
	}
	hour, _ = strconv.Atoi(match[1]) // at most two digits, like the minute
	minute, _ = strconv.Atoi(match[2])
	if half == "am" || half == "pm" {
		if hour < 1 || hour > 12 {
			return 0, 0, false
		}
		hour %= 12
		if half == "pm" {
			hour += 12
		}
	}
	return hour, minute, hour < 24 && minute < 60
}

var numberPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{1,4})([a-z]*)$`)
})

// number reads a count of units of time, or a day of the month.
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
		return false // as in "the 2nd week"
	case counted && (suffix == "" || ordinal && r.context == "every"):
		r.words = r.words[1:]
		return r.count(n, unit)
	case units[suffix] != "":
		return r.count(n, units[suffix])
	case ordinal, suffix == "" && (r.context == "the" || r.context == "on"):
		return r.day(n, !ordinal && r.context == "on")
	}
	return false // a number without context is ambiguous
}

// day reads a day of the month.
func (r *reader) day(n int, monthly bool) bool {
	day := wording{days: strconv.Itoa(n)}
	if n > 28 {
		day = fixedWords["last"]
	}
	day.monthly = monthly
	r.add(day)
	return n >= 1 && n <= 31
}

// count reads a number of units of time. It returns false if no cron comes close to it.
func (r *reader) count(n int, unit string) bool {
	if unit == "h" && r.context != "every" && n != 24 {
		return false // it may be a time of day
	}
	r.context = ""
	w, ok := everyN(n, unit)
	r.add(w)
	return ok
}

// countedWords maps counts to the word with the same meaning.
var countedWords = map[string]string{
	"1 hour": "hour", "60 minute": "hour", "1 day": "day", "24 hour": "day", "1 week": "week", "7 day": "week",
	"2 week": "fortnight", "14 day": "fortnight", "1 month": "month", "12 month": "year",
}

// everyN returns the meaning of "every n units". ok is false if no cron comes close to
// it.
func everyN(n int, unit string) (w wording, ok bool) {
	if unit == "m" {
		unit = "minute"
		if n == 0 || 12%n == 0 {
			return w, false // it may mean months
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
		return wording{days: step, note: "it restarts on day 1 of each month"}, n >= 2 && n <= 6
	case "month":
		return wording{months: step}, n > 1 && n < 12 && 12%n == 0
	}
	return w, false
}

var weekdayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// weekdayNumber returns the number of a weekday for a cron. The name may be in the
// plural, misspelt, or cut to three letters or more.
func weekdayNumber(word string) (string, bool) {
	word = strings.TrimSuffix(word, "s")
	for i, name := range weekdayNames {
		if len(word) >= 3 && (strings.HasPrefix(name, word) || word+"s" == name) {
			return strconv.Itoa(i), true
		}
	}
	if near := Nearest(word, weekdayNames); near != "" && len(word) > 4 {
		return strconv.Itoa(slices.Index(weekdayNames, near)), true
	}
	return "", false
}
