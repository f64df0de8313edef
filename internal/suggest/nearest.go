// Package suggest works out what the author of an invalid manifest meant, and suggests
// what to write instead: a similar name, the cron for a schedule in words, or the current
// form of a key or an entry.
//
// Functions whose names end in Hint return the text of a finding's hint. Functions return
// "" if they cannot be sure what the author meant.
package suggest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLength is the length of the longest text that is compared or parsed, in characters.
const maxLength = 64

// Nearest returns the candidate that word probably means, or "". A candidate matches if
// it differs only in case or by a few typing errors, or if it is the only one that starts
// with word. Of two equally near candidates, the one with the same first letter wins, or
// else the first one.
func Nearest(word string, candidates []string) string {
	if word == "" || utf8.RuneCountInString(word) > maxLength {
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

// maxSlips is the largest number of typing errors in a word. A word may have one for
// every four characters.
const maxSlips = 3

// slips counts the typing errors between a and b, both in lower case, and reports whether
// they are few enough that b was probably meant. A common prefix up to the last slash is
// ignored, because a common continent does not make two cities similar.
func slips(a, b string) (n int, near bool) {
	if a == b {
		return 0, true
	}
	if digits(a) != digits(b) || strings.Count(a, "/") != strings.Count(b, "/") {
		return 0, false // a different number or depth means something else
	}
	if i := strings.LastIndexByte(a, '/') + 1; strings.HasPrefix(b, a[:i]) {
		a, b = a[i:], b[i:]
	}
	x, y := []rune(a), []rune(b)
	switch {
	case len(x) == 0 || len(y) == 0:
		return 0, false
	case len(x) <= 3: // another letter makes another word, such as PST and EST
		return 1, swapped(x, y)
	case x[0] != y[0] && !slices.Equal(x[1:], y[1:]) && !swapped(x, y):
		return 0, false // a wrong first letter is rare, and then the only error
	}
	most := min(len(x)/4, maxSlips)
	n = distance(x, y, most+1)
	return n, n <= most
}

// swapped reports whether a is b with two adjacent characters swapped.
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

// completion returns the only candidate that starts with word, or "". The word needs at
// least two characters.
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

// distance returns the number of insertions, deletions, substitutions and swaps of
// adjacent characters between a and b, but at most limit.
func distance(a, b []rune, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		// Outside this band around the diagonal, the distance exceeds the limit.
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

// DidYouMean returns a hint that names the candidate nearest to word, or else fallback.
func DidYouMean(word string, candidates []string, fallback string) string {
	if s := Nearest(word, candidates); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return fallback
}

// OneSlip reports whether two names differ only in case, or by one letter that is
// missing, added, wrong or swapped with the next one. Names with different numbers do not
// match, and neither do names of up to three characters with different letters.
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
