package render

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// Annotations returns what a run shows beside the findings: an error for every target that
// failed and for every other error, and a warning for every agent with missed periods.
// None has a place in a file.
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
	for _, m := range r.missed() {
		add("missed", diag.Warning, fmt.Sprintf("%s: %s missed: %s", m.Agent, advice.Count(len(m.Periods), "period"),
			advice.Some(m.Periods, maxNames)), "no tick ran in them; they are not prepared later")
	}
	return list
}
