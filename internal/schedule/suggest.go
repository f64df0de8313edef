package schedule

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxSuggest is the longest word, in characters, for which a similar one is looked for.
const maxSuggest = 64

// Suggest returns the candidate that word was probably meant to be, or "". It answers only when one is really near: the same but for
// case, or a few slips away (one in three characters at most), or the only one that word abbreviates. Of two equally near, one with the same
// first letter counts, else the first.
func Suggest(word string, candidates []string) string {
	if word == "" || utf8.RuneCountInString(word) > maxSuggest {
		return ""
	}
	lower := []rune(strings.ToLower(word))
	best, bestDistance := "", len(lower)/3+1
	if len(lower) <= 2 {
		bestDistance = 1
	}
	for _, c := range candidates {
		runes := []rune(strings.ToLower(c))
		d := distance(lower, runes, bestDistance+1)
		if d < bestDistance || d == bestDistance && best != "" && runes[0] == lower[0] && !startsWith(best, lower[0]) {
			best, bestDistance = c, d
		}
	}
	if best != "" {
		return best
	}
	return completion(string(lower), candidates)
}

func startsWith(s string, lower rune) bool {
	return strings.HasPrefix(strings.ToLower(s), string(lower))
}

// completion is the only candidate that starts with word, if word is at least two characters.
func completion(word string, candidates []string) string {
	if utf8.RuneCountInString(word) < 2 {
		return ""
	}
	found := ""
	for _, c := range candidates {
		if strings.HasPrefix(strings.ToLower(c), word) {
			if found != "" {
				return ""
			}
			found = c
		}
	}
	return found
}

// distance is the number of insertions, deletions, substitutions and swaps of neighbours between a and b, or limit if that is less.
func distance(a, b []rune, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return min(old[len(b)], limit)
}

// didYouMean is a hint that names the suggestion, or else the fallback.
func didYouMean(word string, candidates []string, fallback string) string {
	if s := Suggest(word, candidates); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return fallback
}
