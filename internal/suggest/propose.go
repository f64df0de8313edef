package suggest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// proposal is a cadence and a cron that say what somebody wrote in another form. An empty cron is the
// cadence's default.
type proposal struct {
	cadence spec.Cadence
	cron    string
	note    string // why the two are not quite what was written, or ""
	// anyCadence says that the text is a time of day, which every cadence can have.
	anyCadence bool
}

// lines are the keys to write into an entry. One that has the right cadence already needs only its cron.
func (p proposal) lines(has spec.Cadence) string {
	text := "cadence: " + string(p.cadence)
	if p.cron != "" {
		text += " and cron: " + strconv.Quote(p.cron)
		if has == p.cadence {
			text = "cron: " + strconv.Quote(p.cron)
		}
	}
	if p.note != "" {
		text += " (" + p.note + ")"
	}
	return text
}

// flow is the entry's value on one line.
func (p proposal) flow() string {
	if p.cron == "" {
		return fmt.Sprintf("{cadence: %s}", p.cadence)
	}
	return fmt.Sprintf("{cadence: %s, cron: %q}", p.cadence, p.cron)
}

// wording is what the words of a schedule say. A field is "" if no word says it.
type wording struct {
	cadence                spec.Cadence // by a word for a unit of time
	days, weekdays, months string       // fields of a cron
	hours, minute          string       // times of day that share their minute
	clock                  string       // minute and hour, in place of times of day
	usual                  string       // minute and hour where no word says the time
	note                   string
	monthly                bool // the days are days of the month only where the cadence is monthly
	clash                  bool // two words contradict each other, or no cron says both
}

// fixedWords are words that stand for a schedule as a whole.
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
	rarer     = "with # kaizen-ignore: " + diag.CronCadence.ID + " on the line of the cron"
)

// Cron is the cron that a text says: in words, as a time of day, or in quotes of another kind. It
// is "" where the text says none.
func Cron(text string) string {
	p, _ := propose(text)
	return p.cron
}

// propose reads a schedule that is written in words, as a time of day, or as a cron. ok is false when any word
// is unknown, or can mean more than one thing.
func propose(text string) (p proposal, ok bool) {
	text = TrimQuotes(strings.TrimSpace(text))
	if len(text) > maxSuggest {
		return p, false
	}
	if expression, ok := cron.Macro(text); ok {
		text = expression
	}
	if e, err := cron.Parse(text, cron.Manifest); err == nil {
		return fitted(strings.Join(strings.Fields(text), " "), spec.CadenceOf(e), "")
	}
	w, ok := readWords(text)
	if !ok {
		return p, false
	}
	return w.proposal()
}

// proposeEvery is propose for a value that says how often, as cadence does: 6h is an interval there.
func proposeEvery(text string) (p proposal, ok bool) {
	if p, ok = propose(text); !ok {
		p, ok = propose("every " + TrimQuotes(text))
	}
	return p, ok
}

// fitted is the proposal of a cron. ok is false if it is none, or runs less often than the cadence; only
// monthly may be less often, with a note.
func fitted(expression string, c spec.Cadence, note string) (p proposal, ok bool) {
	e, err := cron.Parse(expression, cron.Manifest)
	if err != nil {
		return p, false
	}
	if !e.EveryUnit(c.Unit()) {
		if c != spec.Monthly {
			return p, false
		}
		note = strings.TrimPrefix(strings.TrimSuffix(note, rarer)+"; "+rarer, "; ")
	}
	return proposal{cadence: c, cron: expression, note: note}, true
}

// proposal is the cadence and the cron of the words; ok is false if no cron says the same.
func (w wording) proposal() (p proposal, ok bool) {
	atSomeDay := w.days != "" || w.weekdays != ""
	switch {
	case w.clash, w.clock != "" && w.hours != "", w.days != "" && w.weekdays != "",
		w.months != "" && w.weekdays != "", w.monthly && w.cadence != spec.Monthly,
		w.clock != "" && w.cadence != "" && w.cadence != spec.Daily && !atSomeDay:
		return p, false
	case w == wording{cadence: w.cadence}:
		return proposal{cadence: w.cadence}, true
	case w.cadence == spec.Monthly && w.weekdays != "":
		w.weekdays, w.note = "", "a cron cannot say a day of the week in a month"
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
	said := w.cadence
	if said == "" {
		if e, err := cron.Parse(expression, cron.Manifest); err == nil {
			said = spec.CadenceOf(e)
		}
	}
	p, ok = fitted(expression, said, w.note)
	p.anyCadence = w == wording{hours: w.hours, minute: w.minute}
	return p, ok
}

// over is a cron with what the words say in place of its own fields.
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

// add joins what another word says.
func (w *wording) add(o wording) {
	w.clash = w.clash || o.clash || differ(string(w.cadence), string(o.cadence)) || differ(w.clock, o.clock) ||
		differ(w.months, o.months) || differ(w.minute, o.minute) ||
		w.days != "" && o.days != "" && w.note+o.note != ""
	w.cadence, w.clock, w.usual = cmp.Or(w.cadence, o.cadence), cmp.Or(w.clock, o.clock), cmp.Or(w.usual, o.usual)
	w.months, w.minute, w.note = cmp.Or(w.months, o.months), cmp.Or(w.minute, o.minute), cmp.Or(w.note, o.note)
	w.days, w.weekdays, w.hours = join(w.days, o.days), join(w.weekdays, o.weekdays), join(w.hours, o.hours)
	w.monthly = w.monthly || o.monthly
}

// differ reports whether two words say different things; one that says nothing agrees with any.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// join is the sorted list of two values of a cron's field, each once.
func join(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	all := slices.Concat(strings.Split(a, ","), strings.Split(b, ","))
	slices.SortFunc(all, func(a, b string) int {
		x, _ := strconv.Atoi(a) // a range or step counts as 0
		y, _ := strconv.Atoi(b)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	})
	return strings.Join(slices.Compact(all), ",")
}

var weekdayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// weekdayNumber knows a day of the week by its name, in the plural, or cut to three letters and more.
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

var clockPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{1,2})(?:[:.h]([0-9]{2}))?(?::00)?(am|pm|h)?$`)
})

// timeOfDay reads 05:00, 5am, 5:30pm, and 17h. half is am or pm where that is the next word.
func timeOfDay(word, half string) (hour, minute int, ok bool) {
	match := clockPattern().FindStringSubmatch(word)
	if match == nil {
		return 0, 0, false
	}
	half = cmp.Or(match[3], half)
	if half == "" && match[2] == "" {
		return 0, 0, false
	}
	hour, _ = strconv.Atoi(match[1]) // at most two digits, as the minute has
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
