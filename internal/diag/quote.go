package diag

import (
	"strconv"
	"unicode/utf8"
)

// Quote returns untrusted text in quotes, cut to 60 characters.
func Quote(s string) string {
	const limit = 60
	if utf8.RuneCountInString(s) <= limit {
		return strconv.Quote(s)
	}
	return strconv.Quote(string([]rune(s)[:limit])) + "…"
}
