package workflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/trigger"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// readTriggers reads on, and on.schedule in it. A workflow_run starts nothing unless a
// step of uses allows it.
func (w *File) readTriggers(uses []Use) {
	w.on = w.root.Get("on").Resolve()
	w.external = w.hasTrigger("workflow_call") || w.hasTrigger("repository_dispatch")
	const run = "workflow_run"
	if w.hasTrigger(run) && slices.ContainsFunc(uses, func(u Use) bool { return u.allows(run) }) {
		w.external = true
	}
	schedule := w.on.Get("schedule").Resolve()
	if schedule == nil {
		w.misplacedSchedule()
		return
	}
	w.scheduled = true
	switch isNull := schedule.Kind == yamlnode.Scalar && schedule.Type() == yamlnode.TypeNull; {
	case schedule.Kind == yamlnode.Mapping:
		item := itemsHint(cmp.Or(schedule.Get("cron"), schedule.Get("crons")))
		w.badCron(schedule.Pos, "on.schedule is a mapping, not a list of crons, so the workflow never ticks",
			"add a hyphen before it, as in "+strings.TrimPrefix(item, "write "))
	case isNull, schedule.Kind == yamlnode.Sequence && len(schedule.Items) == 0:
		pos := schedule.Pos
		i := slices.IndexFunc(w.on.Pairs, func(p yamlnode.Pair) bool { return p.Value == schedule })
		if i >= 0 && schedule.Absent {
			pos = w.on.Pairs[i].Key.Pos
		}
		w.badCron(pos, "on.schedule has no cron, so the workflow never ticks", `add one such as - cron: "17 * * * *"`)
	case schedule.Kind == yamlnode.Scalar:
		message := "on.schedule is " + schedule.Describe() + ", not a list of crons, so the workflow never ticks"
		w.badCron(schedule.Pos, message, itemsHint(schedule))
	}
	for _, item := range schedule.Items {
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

// allows reports whether the step runs on an event that prepare refuses otherwise.
func (u Use) allows(event string) bool {
	value := u.input("allow-events")
	return hasExpression(value) || slices.Contains(list(value), event)
}

// checkEvents warns about the events of the workflow on which the step always fails.
func (u Use) checkEvents(r *reporter) {
	if u.job.Get("if") != nil || u.step.Get("if") != nil || u.File.on == nil {
		return // the condition may exclude them
	}
	events := append([]*yamlnode.Node{u.File.on}, u.File.on.Items...)
	for _, p := range u.File.on.Pairs {
		events = append(events, p.Key)
	}
	for _, n := range events {
		if event := n.Text(); trigger.IsRefused(event) && !u.allows(event) {
			r.at(diag.WorkflowStep, n.Pos, "prepare refuses to run on the event "+event+", so the job fails",
				"remove the event, give the step an if, or accept the risk with allow-events: "+event)
		}
	}
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
