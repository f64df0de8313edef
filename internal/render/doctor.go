package render

import (
	"fmt"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/doctor"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// Checks is what doctor shows. Its text is safe to print.
type Checks struct {
	checks []doctor.Check
	doctor.Tally
}

// NewChecks returns the checks with sanitised text: some messages quote servers, and in
// Actions the runner reads standard output for commands.
func NewChecks(checks []doctor.Check) Checks {
	checks = slices.Clone(checks)
	for i, c := range checks {
		checks[i].Message, checks[i].Hint = safetext.Sanitize(c.Message), safetext.Sanitize(c.Hint)
	}
	return Checks{checks, doctor.Count(checks)}
}

// JSON returns the checks as an array.
func (c Checks) JSON() []byte { return indentedJSON(c.checks) }

// Text returns a table for a terminal.
func (c Checks) Text() []byte {
	rows := [][]string{{"VERDICT", "CHECK", "RESULT AND NEXT STEP"}}
	for _, check := range c.checks {
		rows = append(rows, []string{string(check.Verdict), check.Name, check.Sentence()})
	}
	return Table(rows)
}

// Outputs returns the outputs of doctor.
func (c Checks) Outputs() actions.Outputs {
	var out actions.Outputs
	out.SetResult(c.Failures == 0, c.Failures, c.Warnings)
	return out
}

// Summary returns the job summary.
func (c Checks) Summary() actions.Summary {
	s := actions.Summary{Verdict: "✅ A run has everything that it needs"}
	switch {
	case c.Failures > 0:
		s.Verdict = fmt.Sprintf("❌ %s failed, %s", advice.Count(c.Failures, "check"),
			advice.Count(c.Warnings, "warning"))
	case c.Warnings > 0:
		s.Verdict = fmt.Sprintf("⚠️ Nothing failed, %s", advice.Count(c.Warnings, "warning"))
	}
	marks := map[doctor.Verdict]string{doctor.OK: "✅", doctor.Warning: "⚠️", doctor.Failed: "❌"}
	table := &actions.Table{Header: []string{"Check", "Verdict", "Result", "Next step"}}
	for _, check := range c.checks {
		table.Rows = append(table.Rows, []actions.Cell{
			{Text: check.Name}, {Text: marks[check.Verdict] + " " + string(check.Verdict)}, {Text: check.Message},
			{Text: check.Hint},
		})
	}
	s.Sections = []actions.Section{{Title: "Checks", Table: table}}
	return s
}
