package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// TextHint says what to write in place of a value that is not a string.
func TextHint(key string, value *yamlnode.Node) string {
	switch {
	case key == "cadence":
		return "write " + Example(key, nil)
	case key == "cron":
		return cronText(value)
	case value.Kind == yamlnode.Scalar && value.Type() != yamlnode.TypeNull:
		return "quote it: " + diag.Quote(value.Value)
	}
	return "write a value, or remove the key"
}

// cronText is the cron to write in place of a value that is not a string.
func cronText(n *yamlnode.Node) string {
	inner := n.Get("cron")
	if n.Kind == yamlnode.Sequence && len(n.Items) == 1 {
		inner = n.Items[0]
	}
	if _, err := cron.Parse(inner.Text(), cron.Manifest); err == nil {
		return "write cron: " + diag.Quote(inner.Text())
	}
	if n.Kind == yamlnode.Sequence {
		return `write one cron; its fields take lists, as in cron: "0 9,17 * * *"`
	}
	return `write five fields in quotes, such as cron: "0 9 * * 1", or remove the key`
}

// CadenceHint is what to write in place of a cadence that is not valid. For one in another form,
// the entry's other keys show what was meant.
func CadenceHint(s string, entry *yamlnode.Node) string {
	hint := DidYouMean(s, spec.Cadences, "")
	if _, isDay := weekdayNumber(strings.ToLower(s)); hint == "" || isDay {
		return cmp.Or(cadenceLines(s, entry), "use daily, weekly or monthly")
	}
	return hint
}

// cadenceLines are the entry's lines for a cadence that is written in another form, or "".
func cadenceLines(s string, n *yamlnode.Node) string {
	said, ok := proposeEvery(s)
	if !ok {
		return ""
	}
	if e, err := cron.Parse(n.Get("cron").Text(), cron.Manifest); err == nil && said.cron != "" {
		return "write cadence: " + string(spec.CadenceOf(e)) + ", which fits the cron"
	}
	if p, ok := entryWords(n); ok { // other keys may say more
		said = p
	}
	return "write " + said.lines("")
}

// CronHint is the hint for a cron in words, or "".
func CronHint(s string, has spec.Cadence) string {
	p, ok := propose(s)
	if ok && p.anyCadence && has != "" {
		p, ok = propose(string(has) + " " + s)
	}
	if _, isMacro := proposeCron(s); isMacro {
		p = p.keep(has)
	}
	switch {
	case !ok:
		return ""
	case p.cron != "":
		return "write " + p.lines(has)
	case has == p.cadence:
		return "remove the cron: cadence says it already"
	case has == "":
		return "remove the cron, and write cadence: " + string(p.cadence)
	}
	return fmt.Sprintf("remove the cron, and write cadence: %s if that is what is meant", p.cadence)
}

// MacroHint is what to write for an unquoted macro such as @daily in a line of a manifest, or
// "". A value in YAML cannot start with an @.
func MacroHint(line string) string {
	before, word, found := strings.Cut(line, "@")
	word, _, _ = strings.Cut(word, " #")
	p, ok := propose("@" + strings.TrimRight(word, ",} \r\n"))
	before = strings.TrimRight(before, " ")
	switch {
	case !found || !ok || p.cron == "":
		return ""
	case strings.HasSuffix(before, "cron:"):
		return "write cron: " + strconv.Quote(p.cron)
	case strings.HasSuffix(before, "cadence:"):
		return "write " + p.lines("")
	}
	return ""
}

// EnabledHint is what to write in place of a value of enabled that is no boolean, or "".
func EnabledHint(text string) string {
	on, ok := readBool(text)
	if !ok {
		return ""
	}
	return fmt.Sprintf("write enabled: %t", on)
}

// readBool reads a boolean in the words of people and other programs.
func readBool(text string) (value, ok bool) {
	switch strings.ToLower(TrimQuotes(text)) {
	case "yes", "on", "y", "1", "true":
		return true, true
	case "no", "off", "n", "0", "false":
		return false, true
	}
	return false, false
}

// AgentsHint is what to write in place of a value of agents that is no mapping.
func AgentsHint(value *yamlnode.Node) string {
	switch {
	case value.Kind == yamlnode.Sequence:
		return newForm(value)
	case value.Type() == yamlnode.TypeString:
		return fmt.Sprintf("write agents: {%s: {cadence: weekly}}", shortName(value.Value))
	}
	return "write " + Example("agents", nil)
}

// EntryHint is the entry of an agent whose settings are no mapping.
func EntryHint(agent string, settings *yamlnode.Node) string {
	p := proposal{cadence: spec.Weekly}
	if settings.Kind == yamlnode.Scalar && !settings.Absent && settings.Type() != yamlnode.TypeNull {
		said, ok := propose(settings.Value)
		switch key, value, found := strings.Cut(strings.TrimSpace(settings.Value), ":"); {
		case found && slices.Contains(spec.EntryKeys, key):
			return missingBlank(key, value)
		case !ok:
			return fmt.Sprintf("write its settings, such as %s: %s", shortName(agent), p.flow())
		}
		p = said
	}
	hint := fmt.Sprintf("write %s: %s", shortName(agent), p.flow())
	if p.note != "" {
		hint += " (" + p.note + ")"
	}
	return hint
}

// missingBlank is the hint for an entry such as cadence:daily, which YAML takes for one word.
func missingBlank(key, value string) string {
	if p, ok := proposeEvery(value); ok && key == "cadence" {
		return "put a blank after the colon: write " + p.lines("")
	}
	return "put a blank after each colon, as in cadence: weekly"
}

// shortName is the agent's name for a hint, or a stand-in for what is none.
func shortName(name string) string {
	if _, reserved := spec.ReservedAgents[name]; spec.IsAgent(name) && !reserved {
		return yamlnode.FormatWord(name)
	}
	return "coach"
}

// Example is how a required key of a mapping is written: cadence, with the value that fits the
// mapping's cron.
func Example(key string, n *yamlnode.Node) string {
	switch key {
	case "version":
		return `version: "1"`
	case "agents":
		return "agents: {coach: {cadence: weekly}}"
	}
	if e, err := cron.Parse(n.Get("cron").Text(), cron.Manifest); err == nil {
		return key + ": " + string(spec.CadenceOf(e))
	}
	return key + ": " + strings.Join(spec.Cadences, ", or ")
}
