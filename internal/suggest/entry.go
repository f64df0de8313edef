package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// timeKeys are keys of other formats that say when an entry runs. The order is that of
// the words in a sentence: days, times of day, then any words.
var timeKeys = slices.Concat(dayKeys, weekdayKeys, monthDayKeys, hourKeys, []string{"minute"}, everyKeys,
	[]string{"schedule", "when"})

var (
	dayKeys      = []string{"day", "days"}
	weekdayKeys  = []string{"weekday", "weekdays", "day_of_week", "dayOfWeek"}
	monthDayKeys = []string{"day_of_month", "dayOfMonth"}
	hourKeys     = []string{"time", "times", "at", "hour"}
	everyKeys    = []string{"every", "interval", "frequency"}
)

// cronKeys are the keys that hold a cron, here or in other formats.
var cronKeys = []string{"cron", "crontab", "cron_expression", "crons"}

// unclearWord is a word without a meaning. With it, a schedule in words is not valid.
const unclearWord = "?"

// entryTiming returns the timing that all keys of an entry describe together. ok is false
// if no key says when the entry runs, or if that is ambiguous.
func entryTiming(entry *yamlnode.Node) (t timing, ok bool) {
	if t, isCron := parseCron(cronOf(entry)); isCron {
		return t.withCadence(cadenceOf(entry)), true
	}
	words := slices.Concat(cadenceWords(entry), valueWords(entry.Get("cron")), timeWords(entry))
	if entry.Get("cron") == nil {
		words = append(words, cronOf(entry))
	}
	const gap = " " + separator + " "
	return parseTiming(strings.TrimSuffix(strings.Join(words, gap), gap))
}

// cadenceOf returns the cadence that the entry has, which may be invalid, or "".
func cadenceOf(entry *yamlnode.Node) spec.Cadence { return spec.Cadence(entry.Get("cadence").Text()) }

// validCron returns the cron of an entry. ok is false if it is missing or invalid.
func validCron(entry *yamlnode.Node) (e cron.Expression, ok bool) {
	e, err := cron.Parse(entry.Get("cron").Text(), cron.Manifest)
	return e, err == nil
}

// cronOf returns the text of the first key that holds a cron, or "".
func cronOf(entry *yamlnode.Node) string {
	for _, key := range cronKeys {
		if values := valueWords(entry.Get(key)); len(values) == 1 {
			return values[0]
		}
	}
	return ""
}

// cadenceWords returns the words that the entry's cadence probably means.
func cadenceWords(entry *yamlnode.Node) []string {
	words := valueWords(entry.Get("cadence"))
	for i, word := range words {
		if _, ok := parseTiming(word); ok {
			continue
		}
		if _, ok := parseInterval(word); ok {
			words[i] = "every " + word
			continue
		}
		words[i] = cmp.Or(Nearest(word, spec.Cadences), unclearWord)
	}
	return words
}

// timeWords returns the words in the values of the entry's timeKeys.
func timeWords(entry *yamlnode.Node) []string {
	var words []string
	cadence := spec.Cadence(strings.Join(cadenceWords(entry), " "))
	for _, key := range timeKeys {
		for _, word := range valueWords(entry.Get(key)) {
			switch key {
			case "hour":
				word = hourWord(word, entry.Get("minute"))
			case "minute":
				if entry.Get("hour") != nil {
					continue // the hour includes it
				}
				word = unclearWord
			default:
				word = inContext(key, word, cadence)
			}
			words = append(words, word)
		}
	}
	return words
}

// hourWord returns the time of day for an hour and a minute.
func hourWord(hour string, minute *yamlnode.Node) string {
	switch m := minute.Text(); {
	case minute == nil && !isNumber(hour):
		return "at " + hour
	case minute == nil:
		return hour + ":00"
	case isNumber(hour) && isNumber(m):
		return fmt.Sprintf("%s:%02s", hour, m)
	}
	return unclearWord
}

// inContext adds the word to a value that gives its number the meaning of the key.
func inContext(key, value string, cadence spec.Cadence) string {
	number, err := strconv.Atoi(value)
	isWeekday := slices.Contains(weekdayKeys, key) || slices.Contains(dayKeys, key) && cadence == spec.Weekly
	isMonthDay := slices.Contains(monthDayKeys, key) ||
		slices.Contains(dayKeys, key) && (cadence == spec.Monthly || cadence == "" && number > 7)
	switch {
	case slices.Contains(hourKeys, key):
		return "at " + value
	case slices.Contains(everyKeys, key):
		return "every " + value
	case err == nil && isWeekday && number >= 0 && number <= 7:
		return weekdayNames[number%7]
	case err == nil && isMonthDay:
		return "the " + value
	}
	return value
}

// valueWords returns the text of a value, or of each item of a list.
func valueWords(n *yamlnode.Node) []string {
	switch n = n.Resolve(); {
	case n == nil || n.Absent:
		return nil
	case n.Kind == yamlnode.Mapping:
		return []string{unclearWord}
	case n.Kind != yamlnode.Sequence:
		return []string{n.Text()}
	}
	var words []string
	for _, item := range n.Items {
		words = append(words, item.Text())
	}
	return words
}

// contradiction returns the timing of an entry whose timeKeys contradict its valid cron.
// ok is false if they agree with it or are unclear.
func contradiction(entry *yamlnode.Node, e cron.Expression) (t timing, ok bool) {
	w, ok := readWords(strings.Join(timeWords(entry), " "+separator+" "))
	if _, possible := w.timing(); !ok || !possible {
		return t, false
	}
	t, ok = parseTiming(w.over(entry.Get("cron").Text()))
	if !ok {
		return t, false
	}
	other, err := cron.Parse(t.cron, cron.Manifest)
	return t.withCadence(cadenceOf(entry)), err == nil && other != e
}
