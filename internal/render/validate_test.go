package render

import (
	"fmt"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// validated returns a check of a manifest with one warning, one unchanged entry, one new
// and disabled entry and a removed one.
func validated(t *testing.T) Validation {
	t.Helper()
	base, m := load(t, "coach", "gone"), load(t, "coach", "review")
	m.Entries[1].Enabled = false
	r := &check.Result{
		Files: []string{m.File}, Manifest: m,
		Findings:   []diag.Finding{diag.NoPrompt.At(m.File, 4, 3, `agent "coach" has no prompt`, "add one")},
		Skipped:    []scaffold.SkippedPrompt{{Path: "agents/a\n::error::b.md", Reason: "is odd"}},
		Comparison: &check.Comparison{Diff: schedule.Compare(base, m, now), Note: "This is a note."},
	}
	for i := range 23 {
		r.Unscheduled = append(r.Unscheduled, fmt.Sprintf("a%d", i))
	}
	for i := range m.Entries {
		r.Decisions = append(r.Decisions, schedule.Decide(&m.Entries[i], now, schedule.Known{}))
	}
	return Validation{Result: r, FailOn: diag.Error}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	v := validated(t)
	text, err := v.Text(false)
	fixture.Must(t, err)
	fixture.Golden(t, "testdata/validate.golden", "-- text --\n"+string(text)+"-- log --\n"+v.Line()+
		"\n-- outputs --\n"+written(t, v.Outputs())+"-- summary --\n"+v.Summary(1).Markdown(1<<20))
}

// TestValidationVerdict checks the verdict of the summary, which agrees with the exit code.
func TestValidationVerdict(t *testing.T) {
	t.Parallel()
	warning := diag.NoPrompt.At("a.yml", 4, 3, "no prompt", "")
	failure := diag.Cadence.At("a.yml", 4, 3, "no cadence", "")
	for _, tt := range []struct {
		findings []diag.Finding
		failOn   diag.Severity
		failed   bool
		want     string
	}{
		{nil, diag.Error, false, "✅ a.yml, <stdin> is valid"},
		{nil, diag.Warning, false, "✅ a.yml, <stdin> is valid"},
		{[]diag.Finding{warning}, diag.Error, false, "⚠️ a.yml, <stdin> is valid, with 1 warning"},
		{[]diag.Finding{warning}, diag.Warning, true, "❌ a.yml, <stdin>: 0 errors, 1 warning"},
		{[]diag.Finding{failure, warning}, diag.Error, true, "❌ a.yml, <stdin>: 1 error, 1 warning"},
	} {
		v := Validation{&check.Result{Files: []string{"a.yml", check.StandardInput}, Findings: tt.findings}, tt.failOn}
		if got := v.Summary(0).Verdict; got != tt.want || v.Failed() != tt.failed {
			t.Errorf("verdict %q, failed %t; want %q", got, v.Failed(), tt.want)
		}
	}
}

// TestChanges checks the sentences and cells of a comparison.
func TestChanges(t *testing.T) {
	t.Parallel()
	m, other := load(t, "coach"), load(t, "coach")
	other.Repo = "site"
	for _, tt := range []struct {
		comparison check.Comparison
		want       string
		rows       int
	}{
		{check.Comparison{Diff: schedule.Compare(m, m, now)}, "The roster does not change. Runs a month: 4.3.", 2},
		{check.Comparison{Diff: schedule.Compare(nil, m, now), Note: "It is new."},
			"It is new. Runs a month: 0 → 4.3.", 2},
		{check.Comparison{Diff: schedule.Compare(other, m, now)},
			"Runs a month: 4.3. The slug changes (site → web), so every entry becomes due again.", 2},
		{check.Comparison{None: true, Note: "It could not be read."}, "It could not be read.", 0},
	} {
		c := &tt.comparison
		section := changesSection(c)
		if got := changesVerdict(c); got != tt.want || section.Text != tt.want || len(changesTable(c)) != tt.rows ||
			(section.Table != nil) != (tt.rows > 0) {
			t.Errorf("got %q and %q, want %q", got, changesTable(c), tt.want)
		}
	}
}
