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
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// aliases are keys of other programs, with the keys that they mean here.
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
			return unknown(f, what, alias, "write "+keyWithValue(alias, f.value)), true
		case f.value.Get("cadence") != nil:
			return unknown(f, what, "", "move it below agents, and indent it further"), true
		case slices.Contains(entryKeys, f.name):
			return unknown(f, what, "", "move it below the name of its agent, and indent it further"), true
		case Suggest(f.name, []string{listKey}) != "":
			return unknown(f, what, "agents", `did you mean "agents"?`), true
		}
		return explanation{}, false
	}
}

// listHint says what to write in place of the value of listKey.
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

// keyWithValue is the key with the value of another key, if that is a short string.
func keyWithValue(key string, value *yamlnode.Node) string {
	if value.Kind != yamlnode.Scalar || value.Absent || len(value.Value) > maxSuggest {
		return key + ": and its value"
	}
	s := trimQuotes(value.Value)
	if key == "repo" {
		s = path.Base(s) // without the owner
	}
	return key + ": " + yamlText(s)
}

// yamlText writes a scalar, in quotes unless it is a plain word or path.
func yamlText(s string) string {
	special := func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("/_-", r) }
	if s == "" || strings.ContainsFunc(s, special) {
		return diag.Quote(s)
	}
	return yamlnode.FormatWord(s)
}

// maxShownAgents is how many entries a hint writes out.
const maxShownAgents = 5

// newForm writes a list of entries as the mapping that it should be.
func newForm(list *yamlnode.Node) string {
	var entries []string
	left := 0
	for _, item := range list.Items {
		name, p := oldEntry(item)
		switch {
		case name == "":
		case len(entries) == maxShownAgents:
			left++
		default:
			entries = append(entries, yamlnode.FormatWord(name)+": "+p.flow())
		}
	}
	if len(entries) == 0 {
		return "write " + example("agents")
	}
	hint := "write agents: {" + strings.Join(entries, ", ") + "}"
	if left > 0 {
		hint += fmt.Sprintf(", and so on for %d more", left)
	}
	return hint
}

// oldEntry is the agent of an element of a list and when it runs; the name is "" if there
// is none.
func oldEntry(item *yamlnode.Node) (name string, p proposal) {
	if item.Kind == yamlnode.Scalar && IsAgent(item.Value) {
		return item.Value, proposal{cadence: Weekly}
	}
	isName := func(n *yamlnode.Node) bool {
		return n != nil && n.Kind == yamlnode.Scalar && IsAgent(n.Value) && !slices.Contains(entryKeys, n.Value)
	}
	for _, key := range []string{"agent", "name"} {
		if n := item.Get(key); isName(n) {
			return n.Value, entryProposal(item)
		}
	}
	if len(item.Pairs) == 1 && isName(item.Pairs[0].Key) {
		return item.Pairs[0].Key.Value, entryProposal(item.Pairs[0].Value) // - coach: {cadence: weekly}
	}
	return "", p
}

// entryProposal is entryWords, and weekly for an entry that does not say when it runs.
func entryProposal(n *yamlnode.Node) proposal {
	if p, ok := entryWords(n); ok {
		return p
	}
	return proposal{cadence: Weekly}
}

// timeKeys are the keys in which people write when an entry runs, beside cadence and cron.
var timeKeys = []string{"day", "days", "weekday", "time", "at", "hour", "every", "interval", "frequency", "schedule",
	"when"}

// entryWords combines all keys of an entry into one proposal. ok is false when no key
// says when it runs.
func entryWords(n *yamlnode.Node) (p proposal, ok bool) {
	cadence := Cadence(n.Get("cadence").Text())
	if p, ok = propose(n.Get("cron").Text()); ok {
		if cadence.known() {
			p.cadence = cadence
		}
		return p, true
	}
	words := []string{string(cadence)}
	if _, known := propose(string(cadence)); !known {
		words = nil // its own finding says so
	}
	for _, key := range timeKeys {
		for _, word := range valueWords(n.Get(key)) {
			words = append(words, asWord(key, word, cadence))
		}
	}
	return propose(strings.Join(words, " "))
}

// asWord is the value of a key as a word that propose knows.
func asWord(key, value string, cadence Cadence) string {
	number, err := strconv.Atoi(value)
	switch {
	case err != nil:
		return value
	case key == "hour":
		return value + "h"
	case cadence == Weekly && number >= 0 && number <= 7:
		return weekdayNames[number%7]
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

// known reports whether the cadence is valid.
func (c Cadence) known() bool { return c == Daily || c == Weekly || c == Monthly }

// entryForeign explains keys of an entry that say in another form when it runs.
func entryForeign(what string, n *yamlnode.Node) func(field) (explanation, bool) {
	return func(f field) (explanation, bool) {
		alias := aliasOf(f.name)
		switch {
		case slices.Contains(timeKeys, f.name):
			return foreignTime(what, n, f), true
		case f.name == "agent" || f.name == "name":
			return unknown(f, what, "", "remove it: the key above the entry is the agent's name"), true
		case f.name == "disabled" || f.name == "paused":
			return unknown(f, what, "", disabledHint(f.value)), true
		case alias == "timezone" || f.name == "timezone":
			return unknown(f, what, "", "write "+keyWithValue("timezone", f.value)+" at the top level, for all entries"), true
		case alias == "enabled":
			return unknown(f, what, "", boolHint(f.value.Text(), `did you mean "enabled"?`)), true
		case alias != "" && f.value.Kind == yamlnode.Scalar && !f.value.Absent && slices.Contains(entryKeys, alias):
			return unknown(f, what, "", "write "+keyWithValue(alias, f.value)), true
		case alias != "":
			return unknown(f, what, "", fmt.Sprintf("did you mean %q?", alias)), true
		}
		return explanation{}, false
	}
}

// disabledHint is the key enabled with the opposite of a value.
func disabledHint(n *yamlnode.Node) string {
	if boolHint(n.Text(), "") == "write enabled: false" {
		return "write enabled: true"
	}
	return "write enabled: false"
}

// entryExample is how a required key of an entry is written, with the cadence that fits
// its cron.
func entryExample(n *yamlnode.Node) func(string) string {
	return func(key string) string {
		if e, err := cron.Parse(n.Get("cron").Text(), cron.Manifest); err == nil && key == "cadence" {
			return "cadence: " + string(cadenceOf(e))
		}
		return example(key)
	}
}

// foreignTime explains a key such as day or time, with the cron that all such keys of the
// entry make together.
func foreignTime(what string, n *yamlnode.Node, f field) explanation {
	meant := ""
	if n.Get("cadence") == nil {
		meant = "cadence"
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
