package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// splitList splits an option's comma or newline separated list.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' || r == ' ' || r == '\t' })
}

// oneOf returns the option's value when it is allowed.
func (a *app) oneOf(name string, allowed ...string) (string, error) {
	if v := a.opts[name]; slices.Contains(allowed, v) {
		return v, nil
	}
	shown := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	return "", usagef("%s is %q, must be %s", name, a.opts[name], strings.Join(shown, ", "))
}

// channels is where an event goes.
type channels struct{ summary, artifact, dispatch, nats, stdout bool }

// channels reads --emit, whose default depends on where the program runs and which targets it has.
func (a *app) channels() (channels, error) {
	targets, err := emit.ParseTargets(a.opts["dispatch-to"]) // a list of comments alone has no target; a wrong one is told where it is used
	haveDispatch, haveNATS := len(targets) > 0 || err != nil, strings.TrimSpace(a.opts["nats-url"]) != ""
	list := splitList(a.opts["emit"])
	if len(list) == 0 {
		return channels{summary: a.env.actions, artifact: a.env.actions, dispatch: haveDispatch, nats: haveNATS}, nil
	}
	var c channels
	fields := map[string]*bool{"summary": &c.summary, "artifact": &c.artifact, "dispatch": &c.dispatch, "nats": &c.nats, "stdout": &c.stdout}
	for _, name := range list {
		field, ok := fields[name]
		if !ok {
			return c, usagef("emit has %q, must be a list of summary, artifact, dispatch, nats, stdout", name)
		}
		*field = true
	}
	// A target that would silently get nothing is a mistake, and so is a channel without a target.
	for _, pair := range []struct {
		channel, target string
		on, have        bool
	}{{"dispatch", "dispatch-to", c.dispatch, haveDispatch}, {"nats", "nats-url", c.nats, haveNATS}} {
		if pair.on && !pair.have {
			return c, usagef("emit lists %s but %s names none: name a target or drop %s", pair.channel, pair.target, pair.channel)
		}
		if pair.have && !pair.on {
			return c, usagef("%s is set but emit does not list %s: add it to emit or drop %s", pair.target, pair.channel, pair.target)
		}
	}
	return c, nil
}

// selection reads the positional agents, else the option agents, and cadence.
func (a *app) selection() (pipeline.Selection, error) {
	cadence, err := a.oneOf("cadence", "", "daily", "weekly", "monthly")
	if err != nil {
		return pipeline.Selection{}, err
	}
	list := a.args
	if len(list) == 0 {
		list = splitList(a.opts["agents"])
	}
	s, err := pipeline.NewSelection(list, schedule.Cadence(cadence))
	if err != nil {
		return s, usageError{err}
	}
	return s, nil
}

// days reads retention-days; 0 leaves it to the cadence.
func (a *app) days() (int, error) {
	text := a.opts["retention-days"]
	if text == "" || text == "0" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 90 {
		return 0, usagef("retention-days is %q, must be a whole number from 1 to 90", text)
	}
	return n, nil
}

// refuseEvent refuses events on which a stranger's change could make this run publish or use its token.
func (a *app) refuseEvent(refused ...string) error {
	if !slices.Contains(refused, a.env.eventName) || slices.Contains(splitList(a.opts["allow-events"]), a.env.eventName) {
		return nil
	}
	return usagef("refused on the event %s, where a stranger's change decides what runs: %s",
		a.env.eventName, fmt.Sprintf("use schedule or workflow_dispatch, or opt in with allow-events: %s", a.env.eventName))
}
