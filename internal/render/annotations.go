package render

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// Annotations returns what a run shows beside the findings: an error for every target that
// failed and for every other error, and a warning for every agent with missed periods and
// for a first run without a target. None has a place in a file.
func (r *Run) Annotations() []diag.Finding {
	var list []diag.Finding
	add := func(rule string, severity diag.Severity, message, hint string) {
		list = append(list, diag.Finding{Rule: rule, Severity: severity, Message: message, Hint: hint})
	}
	for _, f := range r.failures() {
		add("delivery", diag.Error, f.err, "not delivered for "+advice.Some(f.agents, maxNames))
	}
	for _, err := range r.otherErrors() {
		message, hint := advice.Split(err)
		add("run", diag.Error, message, hint)
	}
	if first := r.firstWithoutTarget(); len(first) > 0 {
		add("no-target", diag.Warning, "no target is set, so only the outputs of this step have the event of "+
			advice.Some(first, maxNames), "set dispatch-to or nats-url, or let a later step read the output payloads")
	}
	for _, m := range r.missed() {
		add("missed", diag.Warning, fmt.Sprintf("%s: %s missed: %s", m.Agent, advice.Count(len(m.Periods), "period"),
			advice.Some(m.Periods, maxNames)), "no tick ran in them; they are not prepared later")
	}
	return list
}

// firstWithoutTarget lists the agents whose first run has no target. Later runs do not
// warn, because a later step may read the outputs.
func (r *Run) firstWithoutTarget() (agents []string) {
	for _, o := range r.prepared {
		if r.OutputsOnly && o.Decision.First {
			agents = append(agents, o.Entry.Agent)
		}
	}
	return agents
}
