package render

import (
	"bytes"
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// Verification is what verify shows. Names of files are untrusted.
type Verification struct{ *check.Bundles }

// Failed reports whether a bundle differs.
func (v Verification) Failed() bool { return v.differing() > 0 }

func (v Verification) differing() (n int) {
	for _, b := range v.Checked {
		if len(b.Findings) > 0 {
			n++
		}
	}
	return n
}

// Text returns one line for each bundle that matches, and the findings about the others.
// It is safe for a terminal, but not for the runner's log. The error is that of
// diag.WriteText.
func (v Verification) Text() ([]byte, error) {
	var text bytes.Buffer
	for _, b := range v.Checked {
		if len(b.Findings) == 0 {
			fmt.Fprintf(&text, "%s matches its sources.json\n", safetext.OneLine(b.Dir))
			continue
		}
		if len(v.Checked) > 1 {
			fmt.Fprintf(&text, "%s differs\n", safetext.OneLine(b.Dir))
		}
		if err := diag.WriteText(&text, b.Findings, func(string) []byte { return nil }, false); err != nil {
			return nil, err
		}
	}
	for _, dir := range v.Skipped {
		fmt.Fprintf(&text, "%s has no bundle\n", safetext.OneLine(dir))
	}
	return text.Bytes(), nil
}

// Line returns the line of the log that counts the bundles.
func (v Verification) Line() string {
	line := fmt.Sprintf("%s checked, %d differ", advice.Count(len(v.Checked), "bundle"), v.differing())
	if len(v.Skipped) > 0 {
		line += fmt.Sprintf("; %d without a bundle", len(v.Skipped))
	}
	if v.Stopped != nil {
		line += "; the rest is not checked: " + stopReason(v.Stopped)
	}
	return line
}

// Outputs returns the outputs of verify.
func (v Verification) Outputs() actions.Outputs {
	var out actions.Outputs
	errs, warnings := diag.Count(v.Findings())
	out.SetResult(errs == 0 && v.Stopped == nil, errs, warnings)
	out.SetInt("count", len(v.Checked))
	return out
}

// Summary returns the job summary. Hidden is how many findings have no annotation.
func (v Verification) Summary(hidden int) actions.Summary {
	s := actions.Summary{Verdict: "✅ " + advice.Count(len(v.Checked), "bundle") + " checked, none differs"}
	switch {
	case v.Failed():
		s.Verdict = fmt.Sprintf("❌ %s checked, %d differ", advice.Count(len(v.Checked), "bundle"), v.differing())
	case v.Stopped != nil:
		s.Verdict = "❌ Not finished: " + v.Line()
	}
	table := &actions.Table{Header: []string{"Bundle", "Result"}}
	for _, b := range v.Checked {
		result := "✅ matches"
		if n := len(b.Findings); n > 0 {
			result = "❌ " + advice.Count(n, "difference")
		}
		table.Rows = append(table.Rows, []actions.Cell{{Text: b.Dir, Code: true}, {Text: result}})
	}
	for _, dir := range v.Skipped {
		table.Rows = append(table.Rows, []actions.Cell{{Text: dir, Code: true}, {Text: "no bundle"}})
	}
	s.Sections = append([]actions.Section{{Title: "Bundles", Table: table}}, FindingsSections(v.Findings(), hidden)...)
	return s
}
