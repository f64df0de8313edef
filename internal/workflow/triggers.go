package workflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// readTriggers reads on, and on.schedule in it.
func (w *File) readTriggers() {
	w.on = w.root.Get("on").Resolve()
	for _, event := range []string{"workflow_call", "workflow_run", "repository_dispatch"} {
		w.external = w.external || w.hasTrigger(event)
	}
	trigger := w.on.Get("schedule").Resolve()
	if trigger == nil {
		w.misplacedSchedule()
		return
	}
	w.scheduled = true
	switch isNull := trigger.Kind == yamlnode.Scalar && trigger.Type() == yamlnode.TypeNull; {
	case trigger.Kind == yamlnode.Mapping:
		item := itemsHint(cmp.Or(trigger.Get("cron"), trigger.Get("crons")))
		w.badCron(trigger.Pos, "on.schedule is a mapping, not a list of crons, so the workflow never ticks",
			"add a hyphen before it, as in "+strings.TrimPrefix(item, "write "))
	case isNull, trigger.Kind == yamlnode.Sequence && len(trigger.Items) == 0:
		pos := trigger.Pos
		i := slices.IndexFunc(w.on.Pairs, func(p yamlnode.Pair) bool { return p.Value == trigger })
		if i >= 0 && trigger.Absent {
			pos = w.on.Pairs[i].Key.Pos
		}
		w.badCron(pos, "on.schedule has no cron, so the workflow never ticks", `add one such as - cron: "17 * * * *"`)
	case trigger.Kind == yamlnode.Scalar:
		message := "on.schedule is " + trigger.Describe() + ", not a list of crons, so the workflow never ticks"
		w.badCron(trigger.Pos, message, itemsHint(trigger))
	}
	for _, item := range trigger.Items {
		w.readCron(item)
	}
}

// badCron adds a problem of on.schedule.
func (w *File) badCron(pos yamlnode.Pos, message, hint string) {
	w.badCrons = append(w.badCrons, problem{pos, message, hint})
}

// misplacedSchedule reports a key that was probably meant as on.schedule.
func (w *File) misplacedSchedule() {
	if w.on == nil {
		w.misplacedTriggers()
		return
	}
	events := append([]*yamlnode.Node{w.on}, w.on.Items...)
	for _, p := range w.on.Pairs {
		events = append(events, p.Key)
	}
	for _, n := range events {
		name := n.Text()
		isCron := name == "cron" || name == "crons"
		if isCron || name != "schedule" && suggest.Nearest(name, []string{"schedule"}) != "" {
			w.badCron(n.Pos, diag.Quote(name)+" is not an event, so the workflow never ticks",
				`did you mean "schedule"?`)
		}
	}
}

// misplacedTriggers reports a key that was probably meant as on, in a workflow without
// on.
func (w *File) misplacedTriggers() {
	for _, p := range w.root.Pairs {
		switch name := p.Key.Text(); {
		case strings.EqualFold(name, "on"):
			w.badCron(p.Key.Pos, diag.Quote(name)+" is not a known key, so the workflow never starts",
				`did you mean "on"?`)
			return
		case name == "schedule":
			w.badCron(p.Key.Pos, "schedule is not below on, so the workflow never ticks",
				"write on: in the line before it, and indent schedule further")
			return
		}
	}
	w.badCron(w.root.Pos, "the workflow has no key on, so it never starts",
		`add on.schedule with a cron such as "17 * * * *"`)
}

// hasTrigger reports whether the event starts the workflow. on may be a word, a list or a
// mapping.
func (w *File) hasTrigger(event string) bool {
	if w.on == nil {
		return false
	}
	isEvent := func(n *yamlnode.Node) bool { return n.Text() == event }
	return isEvent(w.on) || slices.ContainsFunc(w.on.Items, isEvent) ||
		slices.ContainsFunc(w.on.Pairs, func(p yamlnode.Pair) bool { return isEvent(p.Key) })
}

// PerMonth returns the average number of ticks of the workflow's crons in a month.
func (w *File) PerMonth() (ticks float64) {
	for _, c := range w.crons {
		ticks += c.slots.PerMonth()
	}
	return ticks
}

// HasBadCrons reports whether the workflow's on.schedule has a problem.
func (w *File) HasBadCrons() bool { return len(w.badCrons) > 0 }

// checkCrons reports the problems of on.schedule, and crons that tick on the hour.
func (w *File) checkCrons(r *reporter) {
	for _, c := range w.badCrons {
		r.at(diag.WorkflowSchedule, c.pos, c.message, c.hint)
	}
	for _, c := range w.crons {
		if c.onTheHour() {
			r.at(diag.CronOnTheHour, c.pos,
				fmt.Sprintf("cron %q ticks on the hour, when GitHub delays and drops the most runs", c.text),
				"choose another minute, such as 17")
		}
	}
}
