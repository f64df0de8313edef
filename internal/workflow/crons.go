package workflow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// scheduleKeys lists the keys of an item of on.schedule.
var scheduleKeys = []string{"cron", "timezone"}

const writeItem = `write - cron: "17 * * * *"`

// maxItems is the largest number of items in a hint.
const maxItems = 5

// itemsHint returns the hint for crons in another form: the items of on.schedule to
// write.
func itemsHint(n *yamlnode.Node) string {
	n = n.Resolve()
	if n == nil {
		return writeItem
	}
	var items []string
	for _, value := range append([]*yamlnode.Node{n}, n.Items...) {
		if text := cronOf(value); text != "" && len(items) < maxItems {
			items = append(items, "- cron: "+strconv.Quote(text))
		}
	}
	if len(items) == 0 {
		return writeItem
	}
	return "write " + strings.Join(items, " and ")
}

// cronOf returns the cron that a string describes, in other quotes or in words, or "".
func cronOf(n *yamlnode.Node) string {
	if n = n.Resolve(); n == nil || n.Kind != yamlnode.Scalar || n.Type() != yamlnode.TypeString {
		return ""
	}
	text := suggest.Cron(n.Value)
	if _, err := cron.Parse(text, cron.Workflow); err != nil {
		return ""
	}
	return text
}

// readCron reads one item of on.schedule.
func (w *File) readCron(item *yamlnode.Node) {
	mapping := item.Resolve()
	if mapping == nil || mapping.Kind != yamlnode.Mapping {
		w.badCron(item.Pos, "an item of on.schedule is "+item.Describe()+", not a mapping with the key cron",
			itemsHint(mapping))
		return
	}
	var values []*yamlnode.Node
	for _, p := range mapping.Pairs {
		switch hint := itemsHint(p.Value); {
		case p.Key.Value == "cron":
			values = append(values, p.Value)
		case !slices.Contains(scheduleKeys, p.Key.Value):
			if hint == writeItem {
				hint = suggest.KeyHint(p.Key.Value, scheduleKeys)
			}
			w.badCron(p.Key.Pos, "unknown key "+diag.Quote(p.Key.Value)+" in an item of on.schedule", hint)
		}
	}
	if len(values) > 1 {
		all := &yamlnode.Node{Kind: yamlnode.Sequence, Items: values}
		w.badCron(mapping.Pairs[lastCron(mapping)].Key.Pos, "an item of on.schedule has more than one cron",
			itemsHint(all))
		return
	}
	value := item.Get("cron").Resolve()
	switch {
	case value == nil:
		if item.Get("crons") == nil {
			w.badCron(item.Pos, "an item of on.schedule has no cron", writeItem)
		}
	case value.Kind != yamlnode.Scalar || value.Type() != yamlnode.TypeString:
		hint := itemsHint(value)
		if hint == writeItem {
			hint += ", one item for each cron"
		}
		w.badCron(value.Pos, "the cron of a schedule is "+value.Describe()+", not a string", hint)
	default:
		w.readTick(item, value)
	}
}

// lastCron returns the index of the last key cron in a mapping.
func lastCron(mapping *yamlnode.Node) int {
	last := 0
	for i, p := range mapping.Pairs {
		if p.Key.Value == "cron" {
			last = i
		}
	}
	return last
}

// readTick reads a cron and its time zone.
func (w *File) readTick(item, value *yamlnode.Node) {
	c := tick{text: value.Value, pos: value.Pos, loc: time.UTC}
	var err error
	if c.slots, err = cron.Parse(c.text, cron.Workflow); err != nil {
		message, hint := cron.Explain(err)
		if text := cronOf(value); text != "" {
			hint = "write " + strconv.Quote(text)
		}
		w.badCron(c.pos, fmt.Sprintf("cron %s %s", diag.Quote(c.text), message), hint)
		return
	}
	if zone := item.Get("timezone").Resolve(); zone != nil {
		if c.loc, err = time.LoadLocation(zone.Text()); err != nil || zone.Text() == "" || zone.Text() == "Local" {
			w.badCron(zone.Pos, fmt.Sprintf("timezone %s is not an IANA name", diag.Quote(zone.Text())),
				"write a name such as Europe/Berlin")
			return
		}
	}
	if gap := c.slots.Shortest(); gap < cron.Workflow.Shortest {
		w.badCron(c.pos,
			fmt.Sprintf("cron %s ticks every %s, but the shortest interval of the platform is %d minutes",
				diag.Quote(c.text), advice.Count(gap, "minute"), cron.Workflow.Shortest),
			`write a longer interval, such as "*/5 * * * *"`)
	}
	w.crons = append(w.crons, c)
}
