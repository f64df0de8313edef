package diag

import (
	"cmp"
	"slices"
)

// Rank chooses which findings to show when there is room for only perType of each
// severity, as with annotations. Errors come before warnings. The first finding of every
// file comes before the second of any file, so that one file cannot hide the others.
// Hidden has the remaining findings in their original order.
func Rank(findings []Finding, perType int) (shown, hidden []Finding) {
	chosen := make([]bool, len(findings))
	for _, severity := range []Severity{Error, Warning} {
		order := spread(findings, severity)
		for _, i := range order[:min(max(perType, 0), len(order))] {
			shown = append(shown, findings[i])
			chosen[i] = true
		}
	}
	for i, f := range findings {
		if !chosen[i] {
			hidden = append(hidden, f)
		}
	}
	return shown, hidden
}

// spread returns the indexes of the findings of one severity: the first of each file,
// then the second of each, and so on.
func spread(findings []Finding, severity Severity) []int {
	var order []int
	nth := make([]int, len(findings)) // position among the findings of the same file and severity
	seen := make(map[string]int)
	for i, f := range findings {
		if f.Severity != severity {
			continue
		}
		nth[i] = seen[f.File]
		seen[f.File]++
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(nth[a], nth[b]) })
	return order
}
