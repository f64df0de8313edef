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

// aliases are keys of other programs, and the keys that they mean here.
var aliases = map[string]string{
	"tz": "timezone", "time_zone": "timezone", "time-zone": "timezone", "timeZone": "timezone", "zone": "timezone",
	"slug": "repo", "repository": "repo",
	"crons": "cron", "crontab": "cron", "cron_expression": "cron",
	"enable": "enabled", "active": "enabled",
	"metric": "metrics", "memories": "memory", "prompt_file": "prompt",
}

// aliasOf is the key that a key of another program means, or "".
func aliasOf(key string) string { return aliases[key] }

// Key says what an unknown key probably means: the key of the same mapping that it
// replaces, or "", and what to do.
type Key struct {
	Means, Hint string
	// ListForm says that the key holds a list of entries, which earlier builds read.
	ListForm bool
}

// KeyHint says what to write in place of an unknown key of a mapping with the given keys.
func KeyHint(key string, keys []string) string {
	return keyHint(cmp.Or(Nearest(key, keys), aliasOf(key)), keys)
}

func keyHint(meant string, keys []string) string {
	if meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return "allowed here: " + strings.Join(keys, ", ")
}

// nearKey explains a key by a similar one among keys.
func nearKey(key string, keys []string) Key {
	near := Nearest(TrimQuotes(key), keys)
	return Key{Means: near, Hint: keyHint(near, keys)}
}

// ManifestKey explains an unknown top-level key of a manifest.
func ManifestKey(key string, value, manifest *yamlnode.Node) Key {
	alias := aliasOf(key)
	switch {
	case key == listKey:
		return Key{Means: "agents", Hint: listHint(value, manifest), ListForm: true}
	case alias == "timezone" || alias == "repo":
		return Key{Means: alias, Hint: aliasHint(alias, value, manifest)}
	case value.Get("cadence") != nil:
		return Key{Hint: "move it below agents, and indent it further"}
	case slices.Contains(spec.EntryKeys, key):
		return Key{Hint: "move it below the name of its agent, and indent it further"}
	case Nearest(key, []string{listKey}) != "":
		return Key{Means: "agents", Hint: `did you mean "agents"?`}
	}
	return nearKey(key, spec.ManifestKeys)
}

// listHint is what to write in the place of the value of listKey.
func listHint(value, root *yamlnode.Node) string {
	switch {
	case root.Get("agents") != nil:
		return "remove it: agents is there already"
	case value.Kind == yamlnode.Sequence:
		return newForm(value)
	case value.Kind == yamlnode.Mapping:
		return "write agents in place of " + listKey
	}
	return "write " + Example("agents", nil)
}

// listKey is the key of a list of entries, which earlier builds of this program read.
const listKey = "schedules"

// aliasHint is what to do about a key of n that means the key alias here.
func aliasHint(alias string, value, n *yamlnode.Node) string {
	if at, ok := lineOf(n, alias); ok {
		return fmt.Sprintf("remove it: %s is set on line %d", alias, at)
	}
	if written, ok := keyWithValue(alias, value); ok {
		return "write " + written
	}
	switch alias {
	case "timezone":
		return "name it timezone, with an IANA name such as Europe/Berlin"
	case "repo":
		return "name it repo, with the State Hub slug as its value"
	}
	return fmt.Sprintf("did you mean %q?", alias)
}

// lineOf is the line of a key of n.
func lineOf(n *yamlnode.Node, key string) (line int, ok bool) {
	for _, p := range n.Pairs {
		if p.Key.Kind == yamlnode.Scalar && p.Key.Value == key {
			return p.Key.Pos.Line, true
		}
	}
	return 0, false
}

// timeKeys are the keys in which people write when an entry runs, beside cadence and cron. Those for days come
// first, then those for times of day, then those for any words.
var timeKeys = slices.Concat(dayKeys, weekdayKeys, monthDayKeys, hourKeys, []string{"minute"}, everyKeys,
	[]string{"schedule", "when"})

var (
	dayKeys      = []string{"day", "days"}
	weekdayKeys  = []string{"weekday", "weekdays", "day_of_week", "dayOfWeek"}
	monthDayKeys = []string{"day_of_month", "dayOfMonth"}
	hourKeys     = []string{"time", "times", "at", "hour"}
	everyKeys    = []string{"every", "interval", "frequency"}
)

// cronKeys are the keys that hold a cron here or in other programs.
var cronKeys = []string{"cron", "crontab", "cron_expression", "crons"}

// cronOf is the text of the first key that holds a cron, or "".
func cronOf(n *yamlnode.Node) string {
	for _, key := range cronKeys {
		if values := valueWords(n.Get(key)); len(values) == 1 {
			return values[0]
		}
	}
	return ""
}

// entryWords is the proposal that all keys of an entry add up to. ok is false when no key says when it runs, or
// when that is not certain.
func entryWords(n *yamlnode.Node) (p proposal, ok bool) {
	has := spec.Cadence(n.Get("cadence").Text())
	if p, isCron := proposeCron(cronOf(n)); isCron {
		return p.keep(has), true
	}
	words := slices.Concat(cadenceWords(n), valueWords(n.Get("cron")), timeWords(n))
	if n.Get("cron") == nil {
		words = append(words, cronOf(n))
	}
	return propose(strings.TrimSuffix(strings.Join(words, " "+between+" "), " "+between+" "))
}

// keep is the proposal with the cadence that the entry has, if its cron runs often enough for that.
func (p proposal) keep(has spec.Cadence) proposal {
	if e, err := cron.Parse(p.cron, cron.Manifest); err == nil && has.Valid() && e.EveryUnit(has.Unit()) {
		p.cadence, p.note = has, ""
	}
	return p
}

// proposeCron is propose for a text that is a cron, or a macro for one.
func proposeCron(text string) (p proposal, ok bool) {
	_, isMacro := cron.Macro(text)
	if _, err := cron.Parse(text, cron.Manifest); err != nil && !isMacro {
		return p, false
	}
	return propose(text)
}

// cadenceWords are the words of an entry's cadence as it was probably meant; ? stands for what is not certain.
func cadenceWords(n *yamlnode.Node) []string {
	words := valueWords(n.Get("cadence"))
	for i, word := range words {
		if _, ok := propose(word); ok {
			continue
		}
		if _, ok := proposeEvery(word); ok {
			words[i] = "every " + word
			continue
		}
		words[i] = cmp.Or(Nearest(word, spec.Cadences), "?")
	}
	return words
}

// timeWords are the words in the values of an entry's timeKeys.
func timeWords(n *yamlnode.Node) []string {
	var words []string
	cadence := spec.Cadence(strings.Join(cadenceWords(n), " "))
	for _, key := range timeKeys {
		for _, word := range valueWords(n.Get(key)) {
			switch key {
			case "hour":
				word = hourWord(word, n.Get("minute"))
			case "minute":
				if n.Get("hour") != nil {
					continue // read with the hour
				}
				word = "?"
			default:
				word = asWord(key, word, cadence)
			}
			words = append(words, word)
		}
	}
	return words
}

// hourWord is the time of day of an hour and a minute; ? stands for what is not certain.
func hourWord(hour string, minute *yamlnode.Node) string {
	switch m := minute.Text(); {
	case minute == nil && !isNumber(hour):
		return "at " + hour
	case minute == nil:
		return hour + ":00"
	case isNumber(hour) && isNumber(m):
		return fmt.Sprintf("%s:%02s", hour, m)
	}
	return "?"
}

// asWord is the value of a key with words around it that say what its numbers mean.
func asWord(key, value string, cadence spec.Cadence) string {
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

// valueWords are the texts of a value or of the elements of a list.
func valueWords(n *yamlnode.Node) []string {
	switch n = n.Resolve(); {
	case n == nil || n.Absent:
		return nil
	case n.Kind == yamlnode.Mapping:
		return []string{"?"} // no word
	case n.Kind != yamlnode.Sequence:
		return []string{n.Text()}
	}
	var words []string
	for _, item := range n.Items {
		words = append(words, item.Text())
	}
	return words
}

// EntryKey explains an unknown key of an entry, such as one that says in another form when it
// runs. zone is the manifest's key timezone, the zero Pair if it has none.
func EntryKey(key string, value, entry *yamlnode.Node, zone yamlnode.Pair) Key {
	alias := aliasOf(key)
	switch {
	case slices.Contains(timeKeys, key):
		return timeKey(entry)
	case key == "agent" || key == "name":
		return Key{Hint: "remove it: the key above the entry is the agent's name"}
	case alias == "timezone" || key == "timezone":
		return Key{Hint: zoneHint(value, zone)}
	case alias == "cron" && entry.Get("cron") == nil:
		return cronKey(entry)
	case alias == "enabled" || key == "disabled" || key == "paused":
		return Key{Hint: enabledKeyHint(key, value, entry)}
	case alias != "":
		return Key{Hint: aliasHint(alias, value, entry)}
	}
	return nearKey(key, spec.EntryKeys)
}

// zoneHint is what to do about a time zone of one entry.
func zoneHint(value *yamlnode.Node, zone yamlnode.Pair) string {
	written, ok := keyWithValue("timezone", value)
	switch {
	case zone.Key == nil && ok:
		return "write " + written + " at the top level, for all entries"
	case zone.Key == nil:
		return "set timezone at the top level, for all entries, to an IANA name such as Europe/Berlin"
	case ok && value.Text() != zone.Value.Text():
		return fmt.Sprintf("remove it: timezone is set on line %d, for all entries; change it there to %s",
			zone.Key.Pos.Line, strings.TrimPrefix(written, "timezone: "))
	}
	return fmt.Sprintf("remove it: timezone is set on line %d, for all entries", zone.Key.Pos.Line)
}

// enabledKeyHint is enabled with the value that a key of another name says.
func enabledKeyHint(key string, value, entry *yamlnode.Node) string {
	if at, ok := lineOf(entry, "enabled"); ok {
		return fmt.Sprintf("remove it: enabled is set on line %d", at)
	}
	on, ok := switchedOn(key, value)
	if !ok {
		return "write enabled, with true or false"
	}
	return fmt.Sprintf("write enabled: %t", on)
}

// switchedOn reads a key that says whether an entry is enabled. ok is false when its value is not clear.
func switchedOn(key string, value *yamlnode.Node) (on, ok bool) {
	on, ok = readBool(value.Text())
	if key == "disabled" || key == "paused" {
		on = !on
	}
	return on, ok
}

// cronKey explains a key that holds the entry's cron under another name.
func cronKey(entry *yamlnode.Node) Key {
	e := Key{Means: cadenceIfMissing(entry)}
	has := spec.Cadence(entry.Get("cadence").Text())
	switch p, ok := entryWords(entry); {
	case !ok:
		return Key{Hint: `did you mean "cron"?`}
	case p.cron != "":
		e.Hint = "write " + p.lines(has)
	case p.cadence == has:
		e.Hint = "remove it: cadence says it already"
	default:
		e.Hint = "write " + p.lines("") + " instead"
	}
	return e
}

// cadenceIfMissing is cadence if the entry has no such key: what another key says replaces it.
func cadenceIfMissing(entry *yamlnode.Node) string {
	if entry.Get("cadence") == nil {
		return "cadence"
	}
	return ""
}

// timeKey explains a key such as day or time with the cron that all such keys of the entry add up to.
func timeKey(entry *yamlnode.Node) Key {
	if e, err := cron.Parse(entry.Get("cron").Text(), cron.Manifest); err == nil {
		return Key{Hint: besideCron(entry, e)}
	}
	e := Key{Means: cadenceIfMissing(entry)}
	has := spec.Cadence(entry.Get("cadence").Text())
	switch p, ok := entryWords(entry); {
	case !ok:
		e.Hint = `say when it runs with cadence and cron, such as cadence: weekly and cron: "0 9 * * 1"`
	case p.cron == "" && p.cadence == has:
		e.Hint = "remove it: cadence says it already"
	default:
		e.Hint = "write " + p.lines(has) + " instead"
	}
	return e
}

// besideCron is the hint for keys beside a valid cron.
func besideCron(n *yamlnode.Node, e cron.Expression) string {
	p, ok := conflict(n, e)
	if !ok {
		return "remove it: the cron says when the agent runs"
	}
	return "remove it, as the cron runs at other times, or write " + p.lines(spec.Cadence(n.Get("cadence").Text()))
}

// conflict is the proposal of an entry whose timeKeys say something else than its valid cron.
func conflict(n *yamlnode.Node, e cron.Expression) (p proposal, ok bool) {
	w, ok := readWords(strings.Join(timeWords(n), " "+between+" "))
	if _, possible := w.proposal(); !ok || !possible {
		return p, false
	}
	p, ok = propose(w.over(n.Get("cron").Text()))
	if !ok {
		return p, false
	}
	other, err := cron.Parse(p.cron, cron.Manifest)
	return p.keep(spec.Cadence(n.Get("cadence").Text())), err == nil && other != e
}
