package suggest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// maxShownAgents is how many entries a hint writes out.
const maxShownAgents = 5

// maxSetting is the longest setting that a hint writes out, in bytes.
const maxSetting = 120

// converted is an element of a list in the form of an entry.
type converted struct {
	name string
	proposal
	unclear  bool     // when the agent runs, or whether, is not certain
	settings string   // the keys beside cadence and cron
	left     []string // the keys that are not carried over
	twice    bool     // the list has another element for the agent, which is not carried over
}

// newForm writes a list of entries as the mapping that it should be.
func newForm(list *yamlnode.Node) string {
	entries, nameless := convertAll(list)
	var shown, notes, remarks []string
	more := 0
	for _, c := range entries {
		switch notes = append(notes, c.notes()...); {
		case c.unclear:
		case len(shown) == maxShownAgents:
			more++
		default:
			shown = append(shown, yamlnode.FormatWord(c.name)+": "+c.entry())
			if c.note != "" {
				remarks = append(remarks, c.name+": "+c.note)
			}
		}
	}
	if len(notes) > maxShownAgents {
		notes = append(notes[:maxShownAgents], "and more")
	}
	if nameless > 0 {
		notes = append(notes, advice.Count(nameless, "element")+" of the list without an agent's name")
	}
	if len(shown) == 0 {
		return "name each agent with its cadence, such as " + Example("agents", nil)
	}
	hint := "write agents: {" + strings.Join(shown, ", ") + "}"
	if more > 0 {
		hint += fmt.Sprintf(", and so on for %d more", more)
	}
	if len(remarks) > 0 {
		hint += " (" + strings.Join(remarks, "; ") + ")"
	}
	if len(notes) > 0 {
		hint += "; left out: " + strings.Join(notes, ", ")
	}
	return hint
}

// convertAll converts the elements of a list, those of one agent into one where that is possible.
func convertAll(list *yamlnode.Node) (entries []*converted, nameless int) {
	byName := map[string]*converted{}
	for _, item := range list.Items {
		c, ok := oldEntry(item)
		switch first := byName[c.name]; {
		case !ok:
			nameless++
		case first == nil:
			entries = append(entries, &c)
			byName[c.name] = &c
		case !first.merge(c):
			first.twice = true
		}
	}
	return entries, nameless
}

// oldEntry converts an element of a list. ok is false if it names no agent.
func oldEntry(item *yamlnode.Node) (c converted, ok bool) {
	if isAgentName(item) {
		return converted{name: item.Value, proposal: proposal{cadence: spec.Weekly}}, true
	}
	for _, key := range []string{"agent", "name"} {
		if n := item.Get(key); isAgentName(n) {
			return convert(n.Value, item), true
		}
	}
	if len(item.Pairs) == 1 && isAgentName(item.Pairs[0].Key) { // - coach: {cadence: weekly}
		return convert(item.Pairs[0].Key.Value, item.Pairs[0].Value), true
	}
	return c, false
}

// isAgentName reports whether a value can be the name of an agent.
func isAgentName(n *yamlnode.Node) bool {
	if n == nil || n.Kind != yamlnode.Scalar || !spec.IsAgent(n.Value) || slices.Contains(spec.EntryKeys, n.Value) {
		return false
	}
	_, reserved := spec.ReservedAgents[n.Value]
	return !reserved
}

// convert converts the settings of an agent.
func convert(name string, n *yamlnode.Node) converted {
	c := converted{name: name, proposal: proposal{cadence: spec.Weekly}}
	n = n.Resolve()
	switch {
	case n == nil:
	case n.Kind == yamlnode.Scalar && n.Type() == yamlnode.TypeNull:
	case n.Kind == yamlnode.Scalar: // - coach: daily
		p, ok := propose(n.Value)
		c.proposal, c.unclear = p, !ok
	case n.Kind == yamlnode.Mapping:
		c.readSettings(n)
		c.readTimes(n)
	default:
		c.unclear = true
	}
	return c
}

// readTimes takes in when the agent runs. An entry that says nothing about it is weekly.
func (c *converted) readTimes(n *yamlnode.Node) {
	said := slices.DeleteFunc(slices.Concat([]string{"cadence"}, cronKeys, timeKeys), func(key string) bool {
		value := n.Get(key)
		return value == nil || value.Absent
	})
	p, ok := entryWords(n)
	if ok {
		c.proposal = p
	}
	differs := false
	if e, err := cron.Parse(n.Get("cron").Text(), cron.Manifest); err == nil {
		_, differs = conflict(n, e)
	}
	c.unclear = c.unclear || differs || !ok && len(said) > 0
}

// readSettings takes in the keys that do not say when the agent runs.
func (c *converted) readSettings(n *yamlnode.Node) {
	known := slices.Concat([]string{"agent", "name", "cadence"}, cronKeys, timeKeys)
	var settings []string
	has := map[string]bool{}
	for _, p := range n.Pairs {
		key, written, ok := setting(p.Key.Text(), p.Value)
		switch {
		case slices.Contains(known, key):
		case !ok && key == "enabled":
			c.unclear = true // it may be paused
		case !ok || has[key]:
			c.left = append(c.left, p.Key.Text())
		case written != "":
			settings = append(settings, written)
			has[key] = true
		}
	}
	c.settings = strings.Join(settings, ", ")
}

// setting is a key and its value, "" for a value that is the default. ok is false if the value is wrong, or long.
func setting(name string, value *yamlnode.Node) (key, written string, ok bool) {
	key = name
	if alias := aliasOf(name); alias != "" {
		key = alias
	}
	switch value = value.Resolve(); key {
	case "enabled", "disabled", "paused":
		on, ok := switchedOn(key, value)
		if on || !ok {
			return "enabled", "", ok
		}
		return "enabled", "enabled: false", true
	case "prompt", "memory", "metrics":
		written, ok = keyWithValue(key, value)
	case "pointers":
		written, ok = flowPointers(value)
	case "session_close":
		written, ok = flowCommands(value)
	}
	return key, written, ok && len(written) <= maxSetting
}

// flowPointers writes pointers on one line; ok is false if they are not valid.
func flowPointers(n *yamlnode.Node) (written string, ok bool) {
	if n == nil || n.Kind != yamlnode.Mapping || len(n.Pairs) == 0 {
		return "", false
	}
	var pairs []string
	for _, p := range n.Pairs {
		label, value := p.Key.Text(), p.Value.Text()
		if reason, _ := spec.CheckPath(value); !spec.IsAgent(label) || reason != "" {
			return "", false
		}
		pairs = append(pairs, yamlnode.FormatWord(label)+": "+yamlText(value))
	}
	return "pointers: {" + strings.Join(pairs, ", ") + "}", true
}

// flowCommands writes session_close on one line; ok is false if it is not valid.
func flowCommands(n *yamlnode.Node) (written string, ok bool) {
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

// entry is the entry's value on one line.
func (c *converted) entry() string {
	if c.settings == "" {
		return c.flow()
	}
	return strings.TrimSuffix(c.flow(), "}") + ", " + c.settings + "}"
}

// notes say what the entry does not carry over.
func (c *converted) notes() []string {
	var notes []string
	if c.unclear {
		return []string{c.name + ", whose settings are not clear"}
	}
	for _, key := range c.left {
		notes = append(notes, diag.Quote(key)+" of "+c.name)
	}
	if c.twice {
		notes = append(notes, "the second "+c.name+", as an agent has one entry")
	}
	return notes
}

// merge takes in another element for the same agent. ok is false if no single cron says both.
func (c *converted) merge(o converted) (ok bool) {
	if c.unclear || o.unclear || c.settings != o.settings || c.note != o.note {
		return false
	}
	a, b := strings.Fields(c.expression()), strings.Fields(o.expression())
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
	p := c.proposal
	if differing == 1 {
		p, ok = fitted(strings.Join(a, " "), c.cadence, c.note)
	}
	if differing == 1 && !ok || c.cadence != o.cadence {
		return false
	}
	c.proposal, c.left = p, append(c.left, o.left...)
	return true
}

// expression is the proposal's cron, or the default of its cadence.
func (p proposal) expression() string {
	if p.cron == "" {
		return p.cadence.DefaultCron()
	}
	return p.cron
}
