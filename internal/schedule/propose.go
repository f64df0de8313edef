package schedule

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
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// proposal is a cadence and a cron for a schedule that was written in another form. An
// empty cron is the default of the cadence.
type proposal struct {
	cadence Cadence
	cron    string
	note    string // why the two are not quite what was written, or ""
	// anyCadence says that the text is a time of day, which every cadence can have.
	anyCadence bool
}

// lines are the keys to write into an entry. One that has the right cadence already needs
// only its cron.
func (p proposal) lines(has Cadence) string {
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

// cadenceOf is the shortest cadence that the expression satisfies, monthly if none.
func cadenceOf(e cron.Expression) Cadence {
	switch {
	case e.EveryUnit(cron.Day):
		return Daily
	case e.EveryUnit(cron.Week):
		return Weekly
	}
	return Monthly
}

// wording is the meaning of the words of a schedule.
type wording struct {
	cadence      Cadence
	days         string // field of cron, "" if no word says it
	weekdays     string
	months       string
	hour, minute int
	timed        bool   // a time of day is said
	counted      bool   // a number of units of time is said
	clock        string // minute and hour, in place of a time of day
	note         string
}

// fixedWords are words that describe a whole schedule.
var fixedWords = map[string]wording{
	"hourly": everyHour, "hour": everyHour,
	"daily": {cadence: Daily}, "day": {cadence: Daily}, "nightly": {cadence: Daily, timed: true, hour: 1},
	"weekly": {cadence: Weekly}, "week": {cadence: Weekly},
	"monthly": {cadence: Monthly}, "month": {cadence: Monthly},
	"weekdays": {cadence: Weekly, weekdays: "1-5"}, "weekday": {cadence: Weekly, weekdays: "1-5"},
	"workdays": {cadence: Weekly, weekdays: "1-5"}, "weekend": {cadence: Weekly, weekdays: "6"},
	"weekends":    {cadence: Weekly, weekdays: "0,6"},
	"fortnightly": fortnight, "biweekly": fortnight, "bi-weekly": fortnight, "fortnight": fortnight,
	"twice a day": {cadence: Daily, clock: "0 9,17"}, "twice a week": {cadence: Weekly, weekdays: "1,4"},
	"twice a month": {cadence: Monthly, days: "1,15"},
	"quarterly":     quarter, "quarter": quarter,
	"yearly":   {cadence: Monthly, days: "1", months: "1", note: rarer},
	"annually": {cadence: Monthly, days: "1", months: "1", note: rarer},
	"year":     {cadence: Monthly, days: "1", months: "1", note: rarer},
	"noon":     {timed: true, hour: 12}, "midnight": {timed: true},
	"last": {cadence: Monthly, days: "28", note: "a day that every month has"},
}

var (
	quarter   = wording{cadence: Monthly, days: "1", months: "1,4,7,10", note: rarer}
	everyHour = wording{cadence: Daily, clock: "0 *"}
	fortnight = wording{cadence: Monthly, days: "1,15", note: "a cron cannot count weeks; this is twice a month"}
	rarer     = "with # kaizen-ignore: " + diag.CronCadence.ID + " on the line of the cron"
)

// fillers are words that change nothing.
var fillers = []string{"every", "each", "at", "on", "the", "a", "of", "once", "per", "in", "and", "o'clock", "cron"}

// propose reads a schedule written in words, as a time of day, or as a cron. ok is false
// when a word is unknown.
func propose(text string) (p proposal, ok bool) {
	text = trimQuotes(strings.TrimSpace(text))
	if len(text) > maxSuggest {
		return p, false
	}
	if e, err := cron.Parse(text, cron.Manifest); err == nil {
		return proposal{cadence: cadenceOf(e), cron: strings.Join(strings.Fields(text), " ")}, true
	}
	if fixed, ok := fixedWords[strings.ToLower(text)]; ok {
		return fixed.proposal(), true
	}
	words := strings.FieldsFunc(strings.ToLower(text),
		func(r rune) bool { return r == ' ' || r == ',' || r == '_' || r == '@' })
	var w wording
	for i, word := range words {
		if !w.read(word, words[i+1:]) {
			return p, false
		}
	}
	if w == (wording{}) {
		return p, false
	}
	return w.proposal(), true
}

// read reads one word; rest are the words after it.
func (w *wording) read(word string, rest []string) bool {
	if slices.Contains(fillers, word) {
		return true
	}
	if fixed, ok := fixedWords[word]; ok {
		w.add(fixed)
		return true
	}
	if day, ok := weekdayNumber(word); ok {
		w.add(wording{cadence: Weekly, weekdays: day})
		return true
	}
	if hour, minute, ok := timeOfDay(word, rest); ok {
		w.add(wording{timed: true, hour: hour, minute: minute})
		return true
	}
	if word == "am" || word == "pm" {
		return w.timed // read with the number before it
	}
	if slices.Contains(units, word) {
		return w.counted // read with the number before it
	}
	n, err := strconv.Atoi(strings.TrimRight(word, "stndrh."))
	if err != nil || n < 1 {
		return false
	}
	if len(rest) > 0 && slices.Contains(units, rest[0]) {
		every, ok := everyN(n, rest[0])
		every.counted = true
		w.add(every)
		return ok
	}
	if n > 28 {
		w.add(fixedWords["last"])
	} else {
		w.add(wording{cadence: Monthly, days: strconv.Itoa(n)})
	}
	return n <= 31
}

// units are the words for units of time that are counted.
var units = []string{"minutes", "minute", "mins", "min", "hours", "days", "weeks", "months"}

// everyN is what a number of units of time says, if a cron can say it or nearly so.
func everyN(n int, unit string) (w wording, ok bool) {
	step := "*/" + strconv.Itoa(n)
	switch unit[:2] {
	case "mi":
		return wording{cadence: Daily, clock: step + " *"}, n < 60 && 60%n == 0
	case "ho":
		return wording{cadence: Daily, clock: "0 " + step}, n < 24 && 24%n == 0
	case "da":
		return wording{cadence: Weekly, days: step, note: "it starts anew on day 1 of each month"}, n >= 2 && n <= 6
	case "we":
		return fortnight, n == 2
	}
	return wording{cadence: Monthly, days: "1", months: step, note: rarer}, n > 1 && n < 12 && 12%n == 0
}

// add adds the meaning of another word. The first word counts where two disagree.
func (w *wording) add(o wording) {
	if w.days == "" && o.days != "" {
		w.cadence = "" // a day of the month says more than a unit
	}
	w.cadence, w.counted = cmp.Or(w.cadence, o.cadence), w.counted || o.counted
	w.weekdays, w.days = join(w.weekdays, o.weekdays), join(w.days, o.days)
	w.months, w.note, w.clock = cmp.Or(w.months, o.months), cmp.Or(w.note, o.note), cmp.Or(w.clock, o.clock)
	if !w.timed && o.timed {
		w.timed, w.hour, w.minute = true, o.hour, o.minute
	}
}

// join is the list of two values of a cron's field.
func join(a, b string) string {
	if a == "" || b == "" || a == b {
		return cmp.Or(a, b)
	}
	return a + "," + b
}

// proposal is the cadence and the cron of the words.
func (w wording) proposal() proposal {
	p := proposal{cadence: w.cadence, note: w.note}
	if p.cadence == "" {
		p.cadence, p.anyCadence = Daily, true
	}
	plain := w.days == "" && w.weekdays == "" && w.months == "" && !w.timed && w.clock == ""
	if plain {
		return p
	}
	if p.cadence == Monthly && w.weekdays != "" {
		w.weekdays, p.note = "", "a cron cannot say a day of the week in a month"
	}
	clock := cmp.Or(w.clock, "0 9")
	if w.timed && w.clock == "" {
		clock = fmt.Sprintf("%d %d", w.minute, w.hour)
	}
	days, weekdays := cmp.Or(w.days, "*"), cmp.Or(w.weekdays, "*")
	switch {
	case p.cadence == Weekly && weekdays == "*" && days == "*":
		weekdays = "1"
	case p.cadence == Monthly && days == "*":
		days = "1"
	}
	p.cron = fmt.Sprintf("%s %s %s %s", clock, days, cmp.Or(w.months, "*"), weekdays)
	return p
}

var weekdayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// weekdayNumber finds a day of the week by its name, in the plural, or cut to three
// letters or more.
func weekdayNumber(word string) (string, bool) {
	word = strings.TrimSuffix(word, "s")
	for i, name := range weekdayNames {
		if len(word) >= 3 && (strings.HasPrefix(name, word) || word+"s" == name) {
			return strconv.Itoa(i), true
		}
	}
	if near := Suggest(word, weekdayNames); near != "" && len(word) > 4 {
		return strconv.Itoa(slices.Index(weekdayNames, near)), true
	}
	return "", false
}

var clockPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{1,2})(?:[:.h]([0-9]{2}))?(?::00)?(am|pm|h)?$`)
})

// timeOfDay reads 05:00, 5am, 5:30pm, 17h; also a number before a word am or pm. A number
// alone is a day.
func timeOfDay(word string, rest []string) (hour, minute int, ok bool) {
	match := clockPattern().FindStringSubmatch(word)
	if match == nil {
		return 0, 0, false
	}
	half := match[3]
	if half == "" && len(rest) > 0 && (rest[0] == "am" || rest[0] == "pm") {
		half = rest[0]
	}
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

// typographic are quotes that word processors write in place of straight ones.
const typographic = "“”„‟‘’‚‛«»‹›＂＇`´"

// trimQuotes drops typographic quotes around a text.
func trimQuotes(s string) string { return strings.Trim(s, typographic) }

// cadenceHint is the entry's lines for a cadence that is written in another form, or "".
func cadenceHint(s string, fields map[string]field) string {
	p, ok := propose(s)
	if !ok {
		return ""
	}
	if f, has := fields["cron"]; has && p.cron != "" && f.value.Kind == yamlnode.Scalar {
		if e, err := cron.Parse(f.value.Value, cron.Manifest); err == nil {
			return "write cadence: " + string(cadenceOf(e)) + ", which fits the cron"
		}
	}
	return "write " + p.lines("")
}

// entryHint is the entry to write for an agent whose settings are not a mapping.
func entryHint(f field) string {
	p := proposal{cadence: Weekly}
	if f.value.Kind == yamlnode.Scalar && f.value.Type() == yamlnode.TypeString {
		if said, ok := propose(f.value.Value); ok {
			p = said
		}
	}
	return fmt.Sprintf("write %s: %s", shortName(f.name), p.flow())
}

// shortName is the agent's name for a hint, or an example if the name is not valid.
func shortName(name string) string {
	if IsAgent(name) {
		return yamlnode.FormatWord(name)
	}
	return "coach"
}
