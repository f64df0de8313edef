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

// Example returns how a required key of a mapping is written. The example of cadence fits
// the mapping's cron.
func Example(key string, mapping *yamlnode.Node) string {
	switch key {
	case "version":
		return `version: "1"`
	case "agents":
		return "agents: {coach: {cadence: weekly}}"
	}
	if e, ok := validCron(mapping); ok {
		return key + ": " + string(spec.CadenceOf(e))
	}
	return key + ": " + strings.Join(spec.Cadences, ", or ")
}

// TextHint returns the hint for a value that has to be a string and is not.
func TextHint(key string, value *yamlnode.Node) string {
	switch {
	case key == "cadence":
		return "write " + Example(key, nil)
	case key == "cron":
		return cronTextHint(value)
	case value.Kind == yamlnode.Scalar && value.Type() != yamlnode.TypeNull:
		return "quote it: " + diag.Quote(value.Value)
	}
	return "write a value, or remove the key"
}

// cronTextHint returns the hint for a cron that is not a string.
func cronTextHint(value *yamlnode.Node) string {
	inner := value.Get("cron")
	if value.Kind == yamlnode.Sequence && len(value.Items) == 1 {
		inner = value.Items[0]
	}
	if _, err := cron.Parse(inner.Text(), cron.Manifest); err == nil {
		return "write cron: " + diag.Quote(inner.Text())
	}
	if value.Kind == yamlnode.Sequence {
		return `write one cron; a field can be a list, as in cron: "0 9,17 * * *"`
	}
	return `write five fields in quotes, such as cron: "0 9 * * 1", or remove the key`
}

// CadenceHint returns the hint for an invalid cadence of an entry.
func CadenceHint(text string, entry *yamlnode.Node) string {
	hint := DidYouMean(text, spec.Cadences, "")
	if _, isDay := weekdayNumber(strings.ToLower(text)); hint == "" || isDay {
		return cmp.Or(timingHint(text, entry), "use daily, weekly or monthly")
	}
	return hint
}

// timingHint returns the hint for a cadence that describes a schedule, or "". Other keys
// of the entry may complete it.
func timingHint(text string, entry *yamlnode.Node) string {
	t, ok := parseInterval(text)
	if !ok {
		return ""
	}
	if e, ok := validCron(entry); ok && t.cron != "" {
		return "write cadence: " + string(spec.CadenceOf(e)) + ", which fits the cron"
	}
	if whole, ok := entryTiming(entry); ok {
		t = whole
	}
	return "write " + t.lines("")
}

// CronHint returns the hint for an invalid cron that describes a schedule, or "". The
// cadence is that of the entry, or "".
func CronHint(text string, cadence spec.Cadence) string {
	t, ok := parseTiming(text)
	if ok && t.anyCadence && cadence != "" {
		t, ok = parseTiming(string(cadence) + " " + text)
	}
	if _, isMacro := parseCron(text); isMacro {
		t = t.withCadence(cadence)
	}
	switch {
	case !ok:
		return ""
	case t.cron != "":
		return "write " + t.lines(cadence)
	case cadence == t.cadence:
		return "remove the cron: the cadence already says so"
	case cadence == "":
		return "remove the cron, and write cadence: " + string(t.cadence)
	}
	return fmt.Sprintf("remove the cron, and write cadence: %s if you mean that", t.cadence)
}

// MacroHint returns the hint for a line of a manifest with an unquoted macro such as
// @daily, or "". Such a line is not valid YAML, because a plain value cannot start with
// @.
func MacroHint(line string) string {
	before, word, found := strings.Cut(line, "@")
	word, _, _ = strings.Cut(word, " #")
	t, ok := parseTiming("@" + strings.TrimRight(word, ",} \r\n"))
	before = strings.TrimRight(before, " ")
	switch {
	case !found || !ok || t.cron == "":
		return ""
	case strings.HasSuffix(before, "cron:"):
		return "write cron: " + strconv.Quote(t.cron)
	case strings.HasSuffix(before, "cadence:"):
		return "write " + t.lines("")
	}
	return ""
}

// EnabledHint returns the hint for a value of enabled that is not a boolean, or "".
func EnabledHint(text string) string {
	enabled, ok := readBool(text)
	if !ok {
		return ""
	}
	return fmt.Sprintf("write enabled: %t", enabled)
}

// readBool reads a boolean as people and other formats write it.
func readBool(text string) (value, ok bool) {
	switch strings.ToLower(TrimQuotes(text)) {
	case "yes", "on", "y", "1", "true":
		return true, true
	case "no", "off", "n", "0", "false":
		return false, true
	}
	return false, false
}

// AgentsHint returns the hint for a value of agents that is not a mapping.
func AgentsHint(value *yamlnode.Node) string {
	switch {
	case value.Kind == yamlnode.Sequence:
		return listAsAgents(value)
	case value.Type() == yamlnode.TypeString:
		return fmt.Sprintf("write agents: {%s: {cadence: weekly}}", agentOrExample(value.Value))
	}
	return "write " + Example("agents", nil)
}

// EntryHint returns the hint for the settings of an agent that are not a mapping.
func EntryHint(agent string, settings *yamlnode.Node) string {
	t := timing{cadence: spec.Weekly}
	if settings.Kind == yamlnode.Scalar && !settings.Absent && settings.Type() != yamlnode.TypeNull {
		parsed, ok := parseTiming(settings.Value)
		switch key, value, found := strings.Cut(strings.TrimSpace(settings.Value), ":"); {
		case found && slices.Contains(spec.EntryKeys, key):
			return missingSpaceHint(key, value)
		case !ok:
			return fmt.Sprintf("write its settings, such as %s: %s", agentOrExample(agent), t.flow())
		}
		t = parsed
	}
	return fmt.Sprintf("write %s: %s%s", agentOrExample(agent), t.flow(), t.remark())
}

// missingSpaceHint returns the hint for an entry such as cadence:daily, which YAML reads
// as one word.
func missingSpaceHint(key, value string) string {
	if t, ok := parseInterval(value); ok && key == "cadence" {
		return "add a space after the colon: write " + t.lines("")
	}
	return "add a space after each colon, as in cadence: weekly"
}

// agentOrExample returns the name of an agent for a hint. It returns an example if the
// name is invalid.
func agentOrExample(name string) string {
	if _, reserved := spec.ReservedAgents[name]; spec.IsAgent(name) && !reserved {
		return yamlnode.FormatWord(name)
	}
	return "coach"
}
