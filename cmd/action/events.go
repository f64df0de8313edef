package main

import (
	"cmp"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/trigger"
)

// refuseEvent returns why prepare must not publish on the event of this run, or nil.
// doctor reports the same error. A run on a terminal has no event.
func (a *app) refuseEvent(allowed []string, ledgerBranch string) error {
	if !a.env.Actions && a.env.EventName == "" {
		return nil
	}
	event := trigger.Event{Name: a.env.EventName, Ref: a.env.Ref}
	if err := trigger.Refuse(event, cmp.Or(ledgerBranch, a.env.DefaultBranch()), allowed); err != nil {
		return usageError{err}
	}
	return nil
}

// refuseReceive returns why receive must not run on the event of this run, or nil.
func (a *app) refuseReceive(allowed []string) error {
	if !a.env.Actions && a.env.EventName == "" {
		return nil
	}
	if err := trigger.RefuseReceive(a.env.EventName, allowed); err != nil {
		return usageError{err}
	}
	return nil
}

// refuseTarget returns why validate must not run on the event of this run, or nil. It only
// reads, but its token may be able to write, and a stranger's file must not be read with
// such a token.
func (a *app) refuseTarget(allowed []string) error {
	const event = "pull_request_target"
	if a.env.EventName != event || slices.Contains(allowed, event) {
		return nil
	}
	return usageError{advice.New("use pull_request, or opt in with allow-events: "+event,
		"refused on the event %s, where a stranger's change is read with a token that can write", event)}
}
