package render

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// Validation is what validate shows.
type Validation struct {
	*check.Result
	FailOn diag.Severity // the least severe finding that fails the check
}

// Failed reports whether the findings fail the check.
func (v Validation) Failed() bool {
	errs, warnings := diag.Count(v.Findings)
	return errs > 0 || v.FailOn == diag.Warning && warnings > 0
}

// Text returns findings, changes and agents without an entry for a terminal. The error is
// that of diag.WriteText.
func (v Validation) Text(color bool) ([]byte, error) {
	var b bytes.Buffer
	if err := diag.WriteText(&b, v.Findings, secrets.MaskSource(v.Source), color); err != nil {
		return nil, err
	}
	if v.Comparison != nil {
		b.WriteString(changesVerdict(v.Comparison) + "\n")
		b.Write(Table(changesTable(v.Comparison)))
	}
	if text := v.unscheduled(); text != "" {
		b.WriteString(text + "\n")
	}
	return b.Bytes(), nil
}

// Line returns the line of the log that counts the findings.
func (v Validation) Line() string {
	errs, warnings := diag.Count(v.Findings)
	line := fmt.Sprintf("%s: %s, %s", v.files(), advice.Count(errs, "error"), advice.Count(warnings, "warning"))
	if v.Unfinished {
		line += "; not everything was checked"
	}
	return line
}

func (v Validation) files() string { return strings.Join(v.Files, ", ") }

// Outputs returns the outputs of validate.
func (v Validation) Outputs() actions.Outputs {
	var out actions.Outputs
	errs, warnings := diag.Count(v.Findings)
	out.SetResult(errs == 0 && !v.Unfinished, errs, warnings)
	roster := make([]RosterEntry, len(v.Decisions))
	for i, d := range v.Decisions {
		roster[i] = NewRosterEntry(d)
		if d.Entry.Enabled { // without the ledger it is unknown whether this is the first run
			roster[i].First, roster[i].Reason = false, "the ledger was not read"
		}
	}
	out.SetJSON("roster", roster)
	return out
}

// Summary returns the job summary. Hidden is how many findings have no annotation.
func (v Validation) Summary(hidden int) actions.Summary {
	errs, warnings := diag.Count(v.Findings)
	s := actions.Summary{Verdict: fmt.Sprintf("✅ %s is valid", v.files())}
	switch {
	case v.Unfinished:
		s.Verdict = "❌ Not finished: not everything was checked; run again"
	case v.Failed():
		s.Verdict = fmt.Sprintf("❌ %s: %s, %s", v.files(), advice.Count(errs, "error"),
			advice.Count(warnings, "warning"))
	case warnings > 0:
		s.Verdict = fmt.Sprintf("⚠️ %s is valid, with %s", v.files(), advice.Count(warnings, "warning"))
	}
	s.Sections = FindingsSections(v.Findings, hidden)
	if v.Comparison != nil {
		s.Sections = append(s.Sections, changesSection(v.Comparison))
	}
	if text := v.unscheduled(); text != "" {
		s.Sections = append(s.Sections, actions.Section{Title: "Agents without an entry", Text: text})
	}
	return s
}

// maxUnscheduled is how many agents without an entry, and how many skipped files, are
// listed.
const maxUnscheduled = 20

// unscheduled lists agents with a prompt and without an entry, and skipped files that look
// like prompts. It is information, not a finding; "" if there are none.
func (v Validation) unscheduled() string {
	var sentences []string
	if len(v.Unscheduled) > 0 {
		sentences = append(sentences,
			"These agents have a prompt and no entry in the manifest, so nothing schedules them: "+
				advice.Some(v.Unscheduled, maxUnscheduled)+".")
	}
	if len(v.Skipped) > 0 {
		reasons := make([]string, len(v.Skipped))
		for i, s := range v.Skipped {
			reasons[i] = strconv.Quote(s.Path) + " " + s.Reason
		}
		sentences = append(sentences, "These look like prompts and give no agent: "+
			advice.Some(reasons, maxUnscheduled)+".")
	}
	return strings.Join(sentences, " ")
}
