// Package diag defines findings, the result of every check, and renders them.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says how serious a finding is.
type Severity string

// The two severities. An error makes the checked file invalid. A warning does so only
// with `--fail-on warning`.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one problem at one place in one file. `validate --format json` prints its
// JSON form.
type Finding struct {
	// File is slash-separated and relative to the checkout.
	File string `json:"file"`
	// Line is 1-based. It is 0 if the finding is about the whole file.
	Line int `json:"line"`
	// Column is 1-based and counts Unicode code points; a tab counts as one. It is 0 if
	// Line is 0.
	Column int `json:"column"`
	// Rule is the ID of a rule in Rules. Annotations also have "usage" for wrong options,
	// and codes of package receive for what it refuses.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Message says what is wrong, and Hint is the next step or "". Both may quote
	// untrusted text, which the renderers escape.
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Place returns file:line:column, or only the file if the finding has no line.
func (f Finding) Place() string {
	if f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
}

// Sort orders findings by file, line, column, rule and message, so that equal runs print
// equal output.
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
