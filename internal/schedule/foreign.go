package schedule

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
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

// KeyHint says what to write in place of an unknown key of a mapping with the given keys.
func KeyHint(key string, keys []string) string {
	return keyHint(cmp.Or(Suggest(key, keys), aliasOf(key)), keys)
}

// manifestForeign explains top-level keys of another form.
func manifestForeign(root *yamlnode.Node) func(field) (explanation, bool) {
	const what = "the manifest"
	return func(f field) (explanation, bool) {
		alias := aliasOf(f.name)
		switch {
		case f.name == listKey:
			message := fmt.Sprintf("%q is not read: agents are a mapping of names to settings", listKey)
			return explanation{diag.ListForm, message, listHint(f.value, root), "agents"}, true
		case alias == "timezone" || alias == "repo":
			return unknown(f, what, alias, aliasHint(alias, f.value, root)), true
		case f.value.Get("cadence") != nil:
			return unknown(f, what, "", "move it below agents, and indent it further"), true
		case slices.Contains(spec.EntryKeys, f.name):
			return unknown(f, what, "", "move it below the name of its agent, and indent it further"), true
		case Suggest(f.name, []string{listKey}) != "":
			return unknown(f, what, "agents", `did you mean "agents"?`), true
		}
		return explanation{}, false
	}
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
	return "write " + example("agents")
}

// listKey is the key of a list of entries, which earlier builds of this program read.
const listKey = "schedules"

func unknown(f field, what, meant, hint string) explanation {
	return explanation{diag.UnknownKey, fmt.Sprintf("unknown key %s in %s", diag.Quote(f.name), what), hint, meant}
}

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

// keyWithValue is the key with the value that another key has. ok is false if that is no valid one.
func keyWithValue(key string, value *yamlnode.Node) (written string, ok bool) {
	s := trimQuotes(strings.TrimSpace(value.Text()))
	if s == "" || len(s) > maxSuggest || value.Type() == yamlnode.TypeNull {
		return "", false
	}
	switch key {
	case "timezone":
		s, ok = zoneFor(s)
	case "repo":
		s = strings.TrimSuffix(path.Base(s), ".git") // without the owner
		ok = spec.IsSlug(s)
	case "prompt", "memory", "metrics":
		reason, _ := spec.CheckPath(s)
		ok = reason == ""
	}
	return key + ": " + yamlText(s), ok
}

// zoneFor is the name of a time zone that is written in about the same way. A zone of a fixed offset is none:
// it is seldom what is meant.
func zoneFor(s string) (zone string, ok bool) {
	names := spec.Zones()
	if !slices.Contains(names, s) {
		s = suggestZone(s, names)
	}
	return s, s != "" && spec.FixedOffsetCity(s) == ""
}

// yamlText writes a scalar, in quotes unless it is a plain word or path.
func yamlText(s string) string {
	if strings.Trim(s, alphanumeric+"/_-.") != "" || s == "" {
		return strconv.Quote(s)
	}
	return yamlnode.FormatWord(s)
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
	has := Cadence(n.Get("cadence").Text())
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
func (p proposal) keep(has Cadence) proposal {
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
		words[i] = cmp.Or(Suggest(word, spec.Cadences), "?")
	}
	return words
}

// timeWords are the words in the values of an entry's timeKeys.
func timeWords(n *yamlnode.Node) []string {
	var words []string
	cadence := Cadence(strings.Join(cadenceWords(n), " "))
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
func asWord(key, value string, cadence Cadence) string {
	number, err := strconv.Atoi(value)
	isWeekday := slices.Contains(weekdayKeys, key) || slices.Contains(dayKeys, key) && cadence == Weekly
	isMonthDay := slices.Contains(monthDayKeys, key) ||
		slices.Contains(dayKeys, key) && (cadence == Monthly || cadence == "" && number > 7)
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

// entryForeign explains keys of an entry that say in another form when it runs.
func (l *loader) entryForeign(what string, n *yamlnode.Node) func(field) (explanation, bool) {
	return func(f field) (explanation, bool) {
		alias := aliasOf(f.name)
		switch {
		case slices.Contains(timeKeys, f.name):
			return foreignTime(what, n, f), true
		case f.name == "agent" || f.name == "name":
			return unknown(f, what, "", "remove it: the key above the entry is the agent's name"), true
		case alias == "timezone" || f.name == "timezone":
			return unknown(f, what, "", l.zoneHint(f.value)), true
		case alias == "cron" && n.Get("cron") == nil:
			return foreignCron(what, n, f), true
		case alias == "enabled" || f.name == "disabled" || f.name == "paused":
			return unknown(f, what, "", enabledHint(f, n)), true
		case alias != "":
			return unknown(f, what, "", aliasHint(alias, f.value, n)), true
		}
		return explanation{}, false
	}
}

// zoneHint is what to do about a time zone of one entry.
func (l *loader) zoneHint(value *yamlnode.Node) string {
	written, ok := keyWithValue("timezone", value)
	switch {
	case l.zone.key == nil && ok:
		return "write " + written + " at the top level, for all entries"
	case l.zone.key == nil:
		return "set timezone at the top level, for all entries, to an IANA name such as Europe/Berlin"
	case ok && value.Text() != l.zone.value.Text():
		return fmt.Sprintf("remove it: timezone is set on line %d, for all entries; change it there to %s",
			l.zone.key.Pos.Line, strings.TrimPrefix(written, "timezone: "))
	}
	return fmt.Sprintf("remove it: timezone is set on line %d, for all entries", l.zone.key.Pos.Line)
}

// enabledHint is enabled with the value that a key of another name says.
func enabledHint(f field, n *yamlnode.Node) string {
	if at, ok := lineOf(n, "enabled"); ok {
		return fmt.Sprintf("remove it: enabled is set on line %d", at)
	}
	on, ok := switchedOn(f.name, f.value)
	if !ok {
		return "write enabled, with true or false"
	}
	return fmt.Sprintf("write enabled: %t", on)
}

// switchedOn reads a key that says whether an entry is enabled. ok is false when its value is not clear.
func switchedOn(key string, value *yamlnode.Node) (on, ok bool) {
	switch boolHint(trimQuotes(value.Text()), "") {
	case "write enabled: true":
		on, ok = true, true
	case "write enabled: false":
		on, ok = false, true
	}
	if key == "disabled" || key == "paused" {
		on = !on
	}
	return on, ok
}

// foreignCron explains a key that holds the entry's cron under another name.
func foreignCron(what string, n *yamlnode.Node, f field) explanation {
	meant := ""
	if n.Get("cadence") == nil {
		meant = "cadence"
	}
	has := Cadence(n.Get("cadence").Text())
	switch p, ok := entryWords(n); {
	case ok && p.cron != "":
		return unknown(f, what, meant, "write "+p.lines(has))
	case ok && p.cadence == has:
		return unknown(f, what, meant, "remove it: cadence says it already")
	case ok:
		return unknown(f, what, meant, "write "+p.lines("")+" instead")
	}
	return unknown(f, what, "", `did you mean "cron"?`)
}

// entryExample is how a required key of an entry is written, with the cadence that fits its cron.
func entryExample(n *yamlnode.Node) func(string) string {
	return func(key string) string {
		if e, err := cron.Parse(n.Get("cron").Text(), cron.Manifest); err == nil && key == "cadence" {
			return "cadence: " + string(spec.CadenceOf(e))
		}
		return example(key)
	}
}

// foreignTime explains a key such as day or time with the cron that all such keys of the entry add up to.
func foreignTime(what string, n *yamlnode.Node, f field) explanation {
	meant := ""
	if n.Get("cadence") == nil {
		meant = "cadence"
	}
	if e, err := cron.Parse(n.Get("cron").Text(), cron.Manifest); err == nil {
		return unknown(f, what, "", besideCron(n, e))
	}
	p, ok := entryWords(n)
	if !ok {
		return unknown(f, what, meant,
			`say when it runs with cadence and cron, such as cadence: weekly and cron: "0 9 * * 1"`)
	}
	has := Cadence(n.Get("cadence").Text())
	if p.cron == "" && p.cadence == has {
		return unknown(f, what, meant, "remove it: cadence says it already")
	}
	return unknown(f, what, meant, "write "+p.lines(has)+" instead")
}

// besideCron is the hint for keys beside a valid cron.
func besideCron(n *yamlnode.Node, e cron.Expression) string {
	p, ok := conflict(n, e)
	if !ok {
		return "remove it: the cron says when the agent runs"
	}
	return "remove it, as the cron runs at other times, or write " + p.lines(Cadence(n.Get("cadence").Text()))
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
	return p.keep(Cadence(n.Get("cadence").Text())), err == nil && other != e
}
