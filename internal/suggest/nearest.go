// Package suggest finds out what the author of a wrong value in a manifest meant, and says
// what to write instead: a similar name, the cron for a schedule in words, or the present
// form of a key or an entry.
//
// A function whose name ends in Hint returns the text of a finding's hint. Without a
// certain answer, functions return "".
package suggest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxSuggest is the longest word, in characters, for which a similar one is looked for.
const maxSuggest = 64

// Nearest returns the candidate that word probably means, or "". The candidate is the
// same except for case, or a few typing errors away, or the only one that word
// abbreviates. Of two equally near candidates, one with the same first letter wins, then
// the first.
func Nearest(word string, candidates []string) string {
	if word == "" || utf8.RuneCountInString(word) > maxSuggest {
		return ""
	}
	lower := strings.ToLower(word)
	first, _ := utf8.DecodeRuneInString(lower)
	best, bestSlips := "", maxSlips+1
	for _, c := range candidates {
		n, near := slips(lower, strings.ToLower(c))
		if near && (n < bestSlips || n == bestSlips && startsWith(c, first) && !startsWith(best, first)) {
			best, bestSlips = c, n
		}
	}
	if best != "" {
		return best
	}
	return completion(lower, candidates)
}

// maxSlips is how many typing errors the longest word may have; a shorter one may have
// one in four characters.
const maxSlips = 3

// slips counts the typing errors between a and b, both in lower case, and reports whether
// they are so few that b was probably meant. Text up to the last slash counts only if it
// differs: a common continent does not make two cities similar.
func slips(a, b string) (n int, near bool) {
	if a == b {
		return 0, true
	}
	if digits(a) != digits(b) || strings.Count(a, "/") != strings.Count(b, "/") {
		return 0, false // another number is another thing, and so is another depth
	}
	if i := strings.LastIndexByte(a, '/') + 1; strings.HasPrefix(b, a[:i]) {
		a, b = a[i:], b[i:]
	}
	x, y := []rune(a), []rune(b)
	switch {
	case len(x) == 0 || len(y) == 0:
		return 0, false
	case len(x) <= 3: // so short that another letter makes another word, as with PST and EST
		return 1, swapped(x, y)
	case x[0] != y[0] && !slices.Equal(x[1:], y[1:]) && !swapped(x, y):
		return 0, false // people rarely miss the first letter, and then nothing else
	}
	most := min(len(x)/4, maxSlips)
	n = distance(x, y, most+1)
	return n, n <= most
}

// swapped reports whether a is b with two neighbours swapped.
func swapped(a, b []rune) bool {
	if len(a) != len(b) {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

func startsWith(s string, lower rune) bool {
	return strings.HasPrefix(strings.ToLower(s), string(lower))
}

// completion is the only candidate that starts with word, if word is at least two
// characters.
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

// distance is the number of insertions, deletions, substitutions and swaps of neighbours
// between a and b, or limit if that is less.
func distance(a, b []rune, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		// Outside of this band around the diagonal, the distance exceeds the limit.
		from, to := max(1, i-limit), min(len(b), i+limit)
		row[from-1] = i
		for j := from; j <= to; j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		if to < len(b) {
			row[to+1] = limit
		}
		older, old, row = old, row, older
	}
	return min(old[len(b)], limit)
}

// DidYouMean is a hint that names the suggestion, or else the fallback.
func DidYouMean(word string, candidates []string, fallback string) string {
	if s := Nearest(word, candidates); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return fallback
}

// OneSlip reports whether two names differ in case only, or in one letter that is
// missing, added, wrong or swapped with its neighbour. Names with different numbers are
// different, and so are very short names with different letters.
func OneSlip(a, b string) bool {
	switch x, y := []rune(a), []rune(b); {
	case a == b || digits(a) != digits(b):
		return false
	case strings.EqualFold(a, b):
		return true
	case min(len(x), len(y)) <= 3:
		return swapped(x, y)
	default:
		return distance(x, y, 2) == 1
	}
}
