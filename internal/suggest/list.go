package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// maxShownAgents is the number of entries, and of omissions, in a hint.
const maxShownAgents = 5

// maxSetting is the length of the longest setting in a hint, in bytes.
const maxSetting = 120

// listed is an item of a list of entries, converted to an entry.
type listed struct {
	name string
	timing
	unclear  bool     // the item does not clearly say when the agent runs, or whether it does
	settings string   // the keys beside cadence and cron
	omitted  []string // keys that are not converted
	repeated bool     // another item of the agent is not converted
}

// listAsAgents returns the hint for a list of entries: the mapping with the same meaning,
// and what it omits.
func listAsAgents(list *yamlnode.Node) string {
	entries, nameless := convertList(list)
	var shown, omissions, remarks []string
	more := 0
	for _, e := range entries {
		switch omissions = append(omissions, e.omissions()...); {
		case e.unclear:
		case len(shown) == maxShownAgents:
			more++
		default:
			shown = append(shown, yamlnode.FormatWord(e.name)+": "+e.flow())
			if e.note != "" {
				remarks = append(remarks, e.name+": "+e.note)
			}
		}
	}
	if len(omissions) > maxShownAgents {
		omissions = append(omissions[:maxShownAgents], "and more")
	}
	if nameless > 0 {
		omissions = append(omissions, advice.Count(nameless, "list item")+" without an agent's name")
	}
	if len(shown) == 0 {
		return "list each agent with its cadence, such as " + Example("agents", nil)
	}
	hint := "write agents: {" + strings.Join(shown, ", ") + "}"
	if more > 0 {
		hint += fmt.Sprintf(", and so on for %d more", more)
	}
	if len(remarks) > 0 {
		hint += " (" + strings.Join(remarks, "; ") + ")"
	}
	if len(omissions) > 0 {
		hint += "; left out: " + strings.Join(omissions, ", ")
	}
	return hint
}

// convertList converts the items of a list, and merges the items of an agent if a single
// cron has the same meaning. nameless is the number of items without an agent's name.
func convertList(list *yamlnode.Node) (entries []*listed, nameless int) {
	byName := map[string]*listed{}
	for _, item := range list.Items {
		e, ok := convertItem(item)
		switch first := byName[e.name]; {
		case !ok:
			nameless++
		case first == nil:
			entries = append(entries, &e)
			byName[e.name] = &e
		case !first.merge(e):
			first.repeated = true
		}
	}
	return entries, nameless
}

// convertItem converts an item of a list. ok is false if it names no agent.
func convertItem(item *yamlnode.Node) (e listed, ok bool) {
	if isAgentName(item) { // - coach
		return listed{name: item.Value, timing: timing{cadence: spec.Weekly}}, true
	}
	for _, key := range []string{"agent", "name"} {
		if n := item.Get(key); isAgentName(n) {
			return convertSettings(n.Value, item), true
		}
	}
	if len(item.Pairs) == 1 && isAgentName(item.Pairs[0].Key) { // - coach: {cadence: weekly}
		return convertSettings(item.Pairs[0].Key.Value, item.Pairs[0].Value), true
	}
	return e, false
}

// isAgentName reports whether a value can be the name of an agent.
func isAgentName(n *yamlnode.Node) bool {
	if n == nil || n.Kind != yamlnode.Scalar || !spec.IsAgent(n.Value) || slices.Contains(spec.EntryKeys, n.Value) {
		return false
	}
	_, reserved := spec.ReservedAgents[n.Value]
	return !reserved
}

// convertSettings converts the settings of an agent.
func convertSettings(name string, n *yamlnode.Node) listed {
	e := listed{name: name, timing: timing{cadence: spec.Weekly}}
	n = n.Resolve()
	switch {
	case n == nil:
	case n.Kind == yamlnode.Scalar && n.Type() == yamlnode.TypeNull:
	case n.Kind == yamlnode.Scalar: // - coach: daily
		t, ok := parseTiming(n.Value)
		e.timing, e.unclear = t, !ok
	case n.Kind == yamlnode.Mapping:
		e.readSettings(n)
		e.readTiming(n)
	default:
		e.unclear = true
	}
	return e
}

// readTiming reads when the agent runs. An entry that does not say so is weekly.
func (e *listed) readTiming(n *yamlnode.Node) {
	isSet := func(key string) bool {
		value := n.Get(key)
		return value != nil && !value.Absent
	}
	t, ok := entryTiming(n)
	if ok {
		e.timing = t
	} else if slices.ContainsFunc(slices.Concat([]string{"cadence"}, cronKeys, timeKeys), isSet) {
		e.unclear = true
	}
	if expression, isValid := validCron(n); isValid {
		_, contradicts := contradiction(n, expression)
		e.unclear = e.unclear || contradicts
	}
}

// readSettings reads the keys that do not say when the agent runs.
func (e *listed) readSettings(n *yamlnode.Node) {
	known := slices.Concat([]string{"agent", "name", "cadence"}, cronKeys, timeKeys)
	var settings []string
	has := map[string]bool{}
	for _, p := range n.Pairs {
		key, text, ok := convertSetting(p.Key.Text(), p.Value)
		switch {
		case slices.Contains(known, key):
		case !ok && key == "enabled":
			e.unclear = true // the agent may be disabled
		case !ok || has[key]:
			e.omitted = append(e.omitted, p.Key.Text())
		case text != "":
			settings = append(settings, text)
			has[key] = true
		}
	}
	e.settings = strings.Join(settings, ", ")
}

// convertSetting returns the key that name means, and the key with its value on one line.
// The text is "" if the value is the default. ok is false if the value is invalid or
// long.
func convertSetting(name string, value *yamlnode.Node) (key, text string, ok bool) {
	switch key, value = cmp.Or(aliases[name], name), value.Resolve(); key {
	case "enabled", "disabled", "paused":
		enabled, ok := isEnabled(key, value)
		if enabled || !ok {
			return "enabled", "", ok
		}
		return "enabled", "enabled: false", true
	case "prompt", "memory", "metrics":
		text, ok = keyWithValue(key, value)
	case "pointers":
		text, ok = flowPointers(value)
	case "session_close":
		text, ok = flowCommands(value)
	}
	return key, text, ok && len(text) <= maxSetting
}

// flowPointers writes pointers on one line. ok is false if they are invalid.
func flowPointers(n *yamlnode.Node) (text string, ok bool) {
	if n == nil || n.Kind != yamlnode.Mapping || len(n.Pairs) == 0 {
		return "", false
	}
	var pairs []string
	for _, p := range n.Pairs {
		label, value := p.Key.Text(), p.Value.Text()
		if reason, _ := spec.CheckPath(value); !spec.IsAgent(label) || reason != "" {
			return "", false
		}
		pairs = append(pairs, yamlnode.FormatWord(label)+": "+quoteUnlessPlain(value))
	}
	return "pointers: {" + strings.Join(pairs, ", ") + "}", true
}

// flowCommands writes session_close on one line. ok is false if it is invalid.
func flowCommands(n *yamlnode.Node) (text string, ok bool) {
	if n == nil || n.Kind != yamlnode.Sequence || len(n.Items) == 0 {
		return "", false
	}
	var commands []string
	for _, item := range n.Items {
		if reason, _ := spec.CheckCommand(item.Text()); reason != "" {
			return "", false
		}
		commands = append(commands, strconv.Quote(item.Text()))
	}
	return "session_close: [" + strings.Join(commands, ", ") + "]", true
}

// flow returns all settings of the entry on one line.
func (e *listed) flow() string {
	if e.settings == "" {
		return e.timing.flow()
	}
	return strings.TrimSuffix(e.timing.flow(), "}") + ", " + e.settings + "}"
}

// omissions lists what the converted entry does not include.
func (e *listed) omissions() []string {
	if e.unclear {
		return []string{e.name + ", whose settings are unclear"}
	}
	var list []string
	for _, key := range e.omitted {
		list = append(list, diag.Quote(key)+" of "+e.name)
	}
	if e.repeated {
		list = append(list, "the second "+e.name+" (an agent has one entry)")
	}
	return list
}

// merge adds another item of the same agent. ok is false if no single cron covers both.
func (e *listed) merge(o listed) (ok bool) {
	if e.unclear || o.unclear || e.settings != o.settings || e.note != o.note {
		return false
	}
	a, b := strings.Fields(e.expression()), strings.Fields(o.expression())
	differing := 0
	for i := range a {
		switch {
		case a[i] == b[i]:
		case a[i] == "*" || b[i] == "*":
			return false
		default:
			a[i] = join(a[i], b[i])
			differing++
		}
	}
	if differing > 1 {
		return false
	}
	t := e.timing
	if differing == 1 {
		t, ok = newTiming(strings.Join(a, " "), e.cadence, e.note)
	}
	if differing == 1 && !ok || e.cadence != o.cadence {
		return false
	}
	e.timing, e.omitted = t, append(e.omitted, o.omitted...)
	return true
}
