// Package doctor checks everything that a run of prepare needs. It stores, dispatches and
// publishes nothing: it only reads, and writes one file that it removes again.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Verdict is the result of a check.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Warning Verdict = "warning" // it works, or doctor cannot decide
	Failed  Verdict = "failed"
)

// Check is one line of doctor, and one element of `doctor --format json`.
type Check struct {
	Name    string  `json:"check"` // manifest, event, token, …; with a target "dispatch acme/web"
	Verdict Verdict `json:"verdict"`
	Message string  `json:"message"`
	Hint    string  `json:"hint"` // the next step, "" when there is none

	unanswered bool // failed because a service did not answer, so there is nothing to fix
	silent     bool // because the API gave no answer at all
}

func passed(name, format string, args ...any) Check {
	return Check{Name: name, Verdict: OK, Message: fmt.Sprintf(format, args...)}
}

func warned(name, hint, format string, args ...any) Check {
	return Check{Name: name, Verdict: Warning, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func failed(name, hint, format string, args ...any) Check {
	return Check{Name: name, Verdict: Failed, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// failedBy returns a failed check for err, with the next step that the error knows.
func failedBy(name string, err error) Check {
	message, hint := advice.Split(err)
	return failed(name, hint, "%s", message)
}

// Sentence returns the message and the next step.
func (c Check) Sentence() string {
	if c.Hint == "" {
		return c.Message
	}
	return c.Message + ": " + c.Hint
}

// Options holds the input of a run of prepare.
type Options struct {
	*pipeline.Project
	pipeline.Services
	// Entries are the entries whose events are built.
	Entries []*schedule.Entry
	// Builder builds their bundles and events. It is used only with a valid manifest.
	Builder pipeline.Builder
	Now     time.Time // the instant of the run
	// Refused is why prepare refuses this event, or nil.
	Refused error
	Stores  pipeline.StoreOptions
	Targets pipeline.Targets
}

// Names of inputs in messages.
const (
	inputToken         = "token"
	inputDispatchTo    = "dispatch-to"
	inputDispatchToken = "dispatch-token"
)

// doctor is one run of all checks.
type doctor struct {
	Options
	checks []Check
	// silent means that the API gave a request no answer. Others are then left out, because
	// each would take as long.
	silent atomic.Bool
}

// Run runs all checks and returns them in a fixed order.
func Run(ctx context.Context, o Options) []Check {
	d := &doctor{Options: o}
	if o.Refused != nil {
		message, hint := advice.Split(o.Refused)
		d.add(failed("trigger", hint, "prepare is %s", message))
	}
	for _, check := range []func(context.Context){
		d.checkManifest, d.checkEvents, d.checkWorkflows, d.checkRetention, d.checkStore, d.checkAPI, d.checkLedger,
		d.checkTargets, d.checkNATS, d.checkClock,
	} {
		before := len(d.checks)
		if check(ctx); ctx.Err() != nil { // what was checked last may be wrong
			d.checks = append(d.checks[:before], unfinished(ctx))
			break
		}
	}
	return d.checks
}

// unfinished says why the rest is not checked.
func unfinished(ctx context.Context) Check {
	message, hint := advice.Split(context.Cause(ctx))
	if errors.Is(ctx.Err(), context.Canceled) {
		message, hint = "the run was cancelled", "run again"
	}
	c := failed("the rest", hint, "not checked: %s", message)
	c.unanswered = true
	return c
}

func (d *doctor) add(checks ...Check) {
	for _, c := range checks {
		d.hear(c)
	}
	d.checks = append(d.checks, checks...)
}

func (d *doctor) hear(c Check) {
	if c.silent {
		d.silent.Store(true)
	}
}

// Tally counts the checks that did not pass.
type Tally struct {
	Failures, Warnings int
	// Fix means that the user has to fix something, and Unanswered that a service did not
	// answer.
	Fix, Unanswered bool
}

// Count counts the checks that did not pass.
func Count(checks []Check) (t Tally) {
	for _, c := range checks {
		switch c.Verdict {
		case Failed:
			t.Failures++
			t.Fix, t.Unanswered = t.Fix || !c.unanswered, t.Unanswered || c.unanswered
		case Warning:
			t.Warnings++
		}
	}
	return t
}
