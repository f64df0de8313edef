package schedule

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
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

// manifestForeign explains top-level keys of another form.
func manifestForeign(root *node) func(field) (explanation, bool) {
	const what = "the manifest"
	return func(f field) (explanation, bool) {
		alias := aliasOf(f.name)
		switch {
		case f.name == listKey:
			message := fmt.Sprintf("%q is not read: agents are a mapping of names to settings", listKey)
			return explanation{diag.ListForm, message, listHint(f.value, root), "agents"}, true
		case alias == "timezone" || alias == "repo":
			return unknown(f, what, alias, "write "+keyWithValue(alias, f.value)), true
		case f.value.get("cadence") != nil:
			return unknown(f, what, "", "move it below agents, and indent it further"), true
		case slices.Contains(entryKeys, f.name):
			return unknown(f, what, "", "move it below the name of its agent, and indent it further"), true
		case Suggest(f.name, []string{listKey}) != "":
			return unknown(f, what, "agents", `did you mean "agents"?`), true
		}
		return explanation{}, false
	}
}

// listHint is what to write in the place of the value of listKey.
func listHint(value, root *node) string {
	switch {
	case root.get("agents") != nil:
		return "remove it: agents is there already"
	case value.kind == sequenceNode:
		return newForm(value)
	case value.kind == mappingNode:
		return "write agents in place of " + listKey
	}
	return "write " + example("agents")
}

// listKey is the key of a list of entries, which earlier builds of this program read.
const listKey = "schedules"

func unknown(f field, what, meant, hint string) explanation {
	return explanation{diag.UnknownKey, fmt.Sprintf("unknown key %s in %s", quote(f.name), what), hint, meant}
}

// keyWithValue is the key with the value that another key has, if that is a short string.
func keyWithValue(key string, value *node) string {
	if value.kind != scalarNode || value.absent || len(value.value) > maxSuggest {
		return key + ": and its value"
	}
	s := trimQuotes(value.value)
	if key == "repo" {
		s = path.Base(s) // without the owner
	}
	return key + ": " + yamlText(s)
}

// yamlText writes a scalar, in quotes unless it is a plain word or path.
func yamlText(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("/_-", r) }) {
		return quote(s)
	}
	return yamlWord(s)
}

// maxShownAgents is how many entries a hint writes out.
const maxShownAgents = 5

// newForm writes a list of entries as the mapping that it should be.
func newForm(list *node) string {
	var entries []string
	left := 0
	for _, item := range list.items {
		name, p := oldEntry(item)
		switch {
		case name == "":
		case len(entries) == maxShownAgents:
			left++
		default:
			entries = append(entries, yamlWord(name)+": "+p.flow())
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

// oldEntry is the agent of an element of a list and when it runs; the name is "" if there is none.
func oldEntry(item *node) (name string, p proposal) {
	if item.kind == scalarNode && IsAgent(item.value) {
		return item.value, proposal{cadence: Weekly}
	}
	isName := func(n *node) bool {
		return n != nil && n.kind == scalarNode && IsAgent(n.value) && !slices.Contains(entryKeys, n.value)
	}
	for _, key := range []string{"agent", "name"} {
		if n := item.get(key); isName(n) {
			return n.value, entryProposal(item)
		}
	}
	if len(item.pairs) == 1 && isName(item.pairs[0].key) {
		return item.pairs[0].key.value, entryProposal(item.pairs[0].value) // - coach: {cadence: weekly}
	}
	return "", p
}

// entryProposal is entryWords, and weekly for an entry that does not say when it runs.
func entryProposal(n *node) proposal {
	if p, ok := entryWords(n); ok {
		return p
	}
	return proposal{cadence: Weekly}
}

// timeKeys are the keys in which people write when an entry runs, beside cadence and cron.
var timeKeys = []string{"day", "days", "weekday", "time", "at", "hour", "every", "interval", "frequency", "schedule", "when"}

// entryWords is the proposal that all keys of an entry add up to. ok is false when no key says when it runs.
func entryWords(n *node) (p proposal, ok bool) {
	cadence := Cadence(text(n.get("cadence")))
	if p, ok = propose(text(n.get("cron"))); ok {
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
		for _, word := range valueWords(n.get(key)) {
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
func valueWords(n *node) []string {
	switch n = n.resolve(); {
	case n == nil || n.absent:
		return nil
	case n.kind == mappingNode:
		return []string{"?"} // no word
	case n.kind != sequenceNode:
		return []string{text(n)}
	}
	var words []string
	for _, item := range n.items {
		words = append(words, text(item))
	}
	return words
}

// known reports whether the cadence is one of the contract's.
func (c Cadence) known() bool { return c == Daily || c == Weekly || c == Monthly }

// entryForeign explains keys of an entry that say in another form when it runs.
func entryForeign(what string, n *node) func(field) (explanation, bool) {
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
			return unknown(f, what, "", boolHint(text(f.value), `did you mean "enabled"?`)), true
		case alias != "" && f.value.kind == scalarNode && !f.value.absent && slices.Contains(entryKeys, alias):
			return unknown(f, what, "", "write "+keyWithValue(alias, f.value)), true
		case alias != "":
			return unknown(f, what, "", fmt.Sprintf("did you mean %q?", alias)), true
		}
		return explanation{}, false
	}
}

// disabledHint is enabled with the opposite of a value.
func disabledHint(n *node) string {
	if boolHint(text(n), "") == "write enabled: false" {
		return "write enabled: true"
	}
	return "write enabled: false"
}

// entryExample is how a required key of an entry is written, with the cadence that fits its cron.
func entryExample(n *node) func(string) string {
	return func(key string) string {
		if e, err := cron.Parse(text(n.get("cron")), cron.Manifest); err == nil && key == "cadence" {
			return "cadence: " + string(cadenceOf(e))
		}
		return example(key)
	}
}

// foreignTime explains a key such as day or time with the cron that all such keys of the entry add up to.
func foreignTime(what string, n *node, f field) explanation {
	meant := ""
	if n.get("cadence") == nil {
		meant = "cadence"
	}
	p, ok := entryWords(n)
	if !ok {
		return unknown(f, what, meant, `say when it runs with cadence and cron, such as cadence: weekly and cron: "0 9 * * 1"`)
	}
	has := Cadence(text(n.get("cadence")))
	if p.cron == "" && p.cadence == has {
		return unknown(f, what, meant, "remove it: cadence says it already")
	}
	return unknown(f, what, meant, "write "+p.lines(has)+" instead")
}
