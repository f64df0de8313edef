package render

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// FindingsSections returns a section of the summary that lists findings, or none. Hidden
// is how many of them have no annotation.
func FindingsSections(findings []diag.Finding, hidden int) []actions.Section {
	if len(findings) == 0 {
		return nil
	}
	errs, warnings := diag.Count(findings)
	section := actions.Section{Title: "Findings",
		Text: fmt.Sprintf("%s, %s.", advice.Count(errs, "error"), advice.Count(warnings, "warning"))}
	if hidden > 0 {
		section.Text += fmt.Sprintf(" %d of them are not shown as annotations, which the platform limits to ten of "+
			"each type.", hidden)
	}
	section.Table = &actions.Table{Header: []string{"Place", "Rule", "Finding"}}
	for _, f := range findings {
		section.Table.Rows = append(section.Table.Rows, []actions.Cell{
			{Text: f.Place(), Code: true}, {Text: f.Rule, Code: true}, {Text: advice.Join(f.Message, f.Hint)},
		})
	}
	return []actions.Section{section}
}

// InvalidManifest returns what list reports about a manifest that it cannot use.
func InvalidManifest(file string, findings []diag.Finding, hidden int) (actions.Outputs, actions.Summary) {
	errs, warnings := diag.Count(findings)
	var out actions.Outputs
	out.SetResult(false, errs, warnings)
	setNoEntries(&out)
	return out, actions.Summary{
		Verdict:  fmt.Sprintf("❌ %s is not valid", file),
		Sections: FindingsSections(findings, hidden),
	}
}

// UsageError returns what every command reports about wrong usage. A step with
// `if: always()` can decode these outputs.
func UsageError(err error) (actions.Outputs, actions.Summary) {
	var out actions.Outputs
	out.SetResult(false, 0, 0)
	setNoEntries(&out)
	for _, name := range []string{"prepared", "missed", "failed", "payloads", "deliveries"} {
		out.SetJSON(name, []string{})
	}
	return out, actions.Summary{Verdict: "❌ " + err.Error()}
}

// setNoEntries sets the outputs of list for no entries.
func setNoEntries(out *actions.Outputs) {
	out.SetInt("count", 0)
	setMatrix(out, []matrixEntry{})
	out.SetJSON("roster", []RosterEntry{})
}
