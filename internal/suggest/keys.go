package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// aliases maps keys of other formats to the keys with the same meaning.
var aliases = map[string]string{
	"tz": "timezone", "time_zone": "timezone", "time-zone": "timezone", "timeZone": "timezone", "zone": "timezone",
	"slug": "repo", "repository": "repo",
	"crons": "cron", "crontab": "cron", "cron_expression": "cron",
	"enable": "enabled", "active": "enabled",
	"metric": "metrics", "memories": "memory", "prompt_file": "prompt",
}

// listKey is the key of the list of entries in the old form of the manifest.
const listKey = "schedules"

// Key explains an unknown key.
type Key struct {
	// Means is the required key of the same mapping that this one replaces, or "".
	Means string
	// Hint is what to do about the key.
	Hint string
	// ListForm is true for the key of the list of entries in the old form of the
	// manifest.
	ListForm bool
}

// KeyHint returns the hint for an unknown key of a mapping that allows keys.
func KeyHint(key string, keys []string) string {
	return keyHint(cmp.Or(Nearest(key, keys), aliases[key]), keys)
}

func keyHint(meant string, keys []string) string {
	if meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return "allowed here: " + strings.Join(keys, ", ")
}

// similarKey explains a key by a similar one among keys.
func similarKey(key string, keys []string) Key {
	near := Nearest(TrimQuotes(key), keys)
	return Key{Means: near, Hint: keyHint(near, keys)}
}

// ManifestKey explains an unknown top-level key of a manifest.
func ManifestKey(key string, value, manifest *yamlnode.Node) Key {
	alias := aliases[key]
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
	return similarKey(key, spec.ManifestKeys)
}

// listHint returns the hint for listKey.
func listHint(value, manifest *yamlnode.Node) string {
	switch {
	case manifest.Get("agents") != nil:
		return "remove it: agents is already set"
	case value.Kind == yamlnode.Sequence:
		return listAsAgents(value)
	case value.Kind == yamlnode.Mapping:
		return "rename " + listKey + " to agents"
	}
	return "write " + Example("agents", nil)
}

// aliasHint returns the hint for a key of a mapping that means the key alias.
func aliasHint(alias string, value, mapping *yamlnode.Node) string {
	if line := lineOf(mapping, alias); line > 0 {
		return fmt.Sprintf("remove it: %s is set on line %d", alias, line)
	}
	if text, ok := keyWithValue(alias, value); ok {
		return "write " + text
	}
	switch alias {
	case "timezone":
		return "rename it to timezone, with an IANA name such as Europe/Berlin"
	case "repo":
		return "rename it to repo, with the State Hub slug as its value"
	}
	return fmt.Sprintf("did you mean %q?", alias)
}

// lineOf returns the line of a key of the mapping, or 0 if it has no such key.
func lineOf(mapping *yamlnode.Node, key string) int {
	for _, p := range mapping.Pairs {
		if p.Key.Kind == yamlnode.Scalar && p.Key.Value == key {
			return p.Key.Pos.Line
		}
	}
	return 0
}

// EntryKey explains an unknown key of an entry. The zone is the manifest's key timezone,
// or the zero Pair if it has none.
func EntryKey(key string, value, entry *yamlnode.Node, zone yamlnode.Pair) Key {
	alias := aliases[key]
	switch {
	case slices.Contains(timeKeys, key):
		return timeKey(entry)
	case key == "agent" || key == "name":
		return Key{Hint: "remove it: the key above the entry is the agent's name"}
	case alias == "timezone" || key == "timezone":
		return Key{Hint: entryZoneHint(value, zone)}
	case alias == "cron" && entry.Get("cron") == nil:
		return cronKey(entry)
	case alias == "enabled" || key == "disabled" || key == "paused":
		return Key{Hint: enabledKeyHint(key, value, entry)}
	case alias != "":
		return Key{Hint: aliasHint(alias, value, entry)}
	}
	return similarKey(key, spec.EntryKeys)
}

// entryZoneHint returns the hint for a time zone in an entry.
func entryZoneHint(value *yamlnode.Node, zone yamlnode.Pair) string {
	text, ok := keyWithValue("timezone", value)
	switch {
	case zone.Key == nil && ok:
		return "write " + text + " at the top level, for all entries"
	case zone.Key == nil:
		return "set timezone at the top level, for all entries, to an IANA name such as Europe/Berlin"
	case ok && value.Text() != zone.Value.Text():
		return fmt.Sprintf("remove it: timezone is set on line %d, for all entries; change it there to %s",
			zone.Key.Pos.Line, strings.TrimPrefix(text, "timezone: "))
	}
	return fmt.Sprintf("remove it: timezone is set on line %d, for all entries", zone.Key.Pos.Line)
}

// enabledKeyHint returns the hint for a key such as disabled or active.
func enabledKeyHint(key string, value, entry *yamlnode.Node) string {
	if line := lineOf(entry, "enabled"); line > 0 {
		return fmt.Sprintf("remove it: enabled is set on line %d", line)
	}
	enabled, ok := isEnabled(key, value)
	if !ok {
		return "write enabled, with true or false"
	}
	return fmt.Sprintf("write enabled: %t", enabled)
}

// isEnabled returns what a key such as disabled or active says about its entry. ok is
// false if its value is unclear.
func isEnabled(key string, value *yamlnode.Node) (enabled, ok bool) {
	enabled, ok = readBool(value.Text())
	if key == "disabled" || key == "paused" {
		enabled = !enabled
	}
	return enabled, ok
}

// cronKey explains a key that holds the entry's cron under another name.
func cronKey(entry *yamlnode.Node) Key {
	k := Key{Means: cadenceIfMissing(entry)}
	has := cadenceOf(entry)
	switch t, ok := entryTiming(entry); {
	case !ok:
		return Key{Hint: `did you mean "cron"?`}
	case t.cron != "":
		k.Hint = "write " + t.lines(has)
	case t.cadence == has:
		k.Hint = sameAsCadence
	default:
		k.Hint = "write " + t.lines("") + " instead"
	}
	return k
}

const sameAsCadence = "remove it: the cadence already says so"

// cadenceIfMissing returns "cadence" if the entry has no such key. Then a key that says
// when the entry runs replaces it.
func cadenceIfMissing(entry *yamlnode.Node) string {
	if entry.Get("cadence") == nil {
		return "cadence"
	}
	return ""
}

// timeKey explains a key such as day or time. The hint is the cron for all such keys of
// the entry together.
func timeKey(entry *yamlnode.Node) Key {
	if e, ok := validCron(entry); ok {
		return Key{Hint: besideCron(entry, e)}
	}
	k := Key{Means: cadenceIfMissing(entry)}
	has := cadenceOf(entry)
	switch t, ok := entryTiming(entry); {
	case !ok:
		k.Hint = `set cadence and cron instead, such as cadence: weekly and cron: "0 9 * * 1"`
	case t.cron == "" && t.cadence == has:
		k.Hint = sameAsCadence
	default:
		k.Hint = "write " + t.lines(has) + " instead"
	}
	return k
}

// besideCron returns the hint for a key such as day or time beside a valid cron.
func besideCron(entry *yamlnode.Node, e cron.Expression) string {
	t, ok := contradiction(entry, e)
	if !ok {
		return "remove it: the cron says when the agent runs"
	}
	return "remove it, as the cron runs at other times, or write " + t.lines(cadenceOf(entry))
}
