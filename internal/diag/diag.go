// Package diag holds the one type every check reports with, and its renderings.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says whether a finding makes what was checked invalid.
type Severity string

// The two severities. Only errors fail a check unless the user asks otherwise (--fail-on).
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one observation about one place in one file.
// Its JSON form is what `validate --format json` prints (design §8).
type Finding struct {
	// File is slash-separated and relative to the checkout.
	File string `json:"file"`
	// Line is 1-based; 0 means the file as a whole.
	Line int `json:"line"`
	// Column is 1-based and counts Unicode code points, a tab being one; 0 with Line 0.
	Column int `json:"column"`
	// Rule is the ID of a rule in Rules.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Message names the thing and the reason; Hint, when not empty, is the next step.
	// Both may quote untrusted text: renderers escape, callers need not.
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Place is where the finding is: file:line:column, or the file alone.
func (f Finding) Place() string {
	if f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
}

// Sort orders findings by file, line, column, then rule and message, so that every rendering is the same on every run.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Message, b.Message),
		)
	})
}

// Count returns how many findings are errors and how many are warnings.
func Count(findings []Finding) (errors, warnings int) {
	for _, f := range findings {
		if f.Severity == Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}
