package pipeline

import (
	"fmt"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Retention decides how long the artifacts of a manifest's entries are kept.
type Retention struct {
	Manifest *schedule.Manifest
	Wanted   int // days that the user wants, 0 for as long as the cadence needs
	Limit    int // days that the repository allows, 0 if unknown
}

// Days returns how long the bundle of this name is kept: what the user wants, else long
// enough for the cadence of its entry.
func (r Retention) Days(name string) int {
	b, _ := bundleid.Parse(name)
	e := r.Manifest.Entry(b.Agent)
	if e == nil {
		return r.Wanted
	}
	days, _ := e.Cadence.Keep(r.Wanted, r.Limit)
	return days
}

// Findings returns warnings about entries whose receipts expire before the next period
// ends.
func (r Retention) Findings() []diag.Finding {
	var findings []diag.Finding
	for i := range r.Manifest.Entries {
		e := &r.Manifest.Entries[i]
		days, short := e.Cadence.Keep(r.Wanted, r.Limit)
		if !short {
			continue
		}
		pos := e.Pos("cadence")
		findings = append(findings, diag.Retention.At(r.Manifest.File, pos.Line, pos.Column,
			fmt.Sprintf("receipts of %q are kept for %s, too short to outlive a period of a %s entry and the next: "+
				"it may run twice in one", e.Agent, advice.Count(days, "day"), e.Cadence), r.hint(e)))
	}
	return r.Manifest.Unsilenced(findings)
}

// hint returns what to change so that the receipts of an entry are kept long enough.
func (r Retention) hint(e *schedule.Entry) string {
	need, _ := e.Cadence.Keep(0, 0)
	var hints []string
	if r.Wanted > 0 && r.Wanted < need {
		hints = append(hints, fmt.Sprintf("raise retention-days from %d to %d, or leave it out", r.Wanted, need))
	}
	if r.Limit > 0 && r.Limit < need {
		hints = append(hints, fmt.Sprintf("raise the repository's limit for artifacts (Settings, Actions, General) "+
			"from %d to %d days", r.Limit, need))
	}
	return strings.Join(hints, "; ")
}
