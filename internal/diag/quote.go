package diag

import (
	"strconv"
	"unicode/utf8"
)

// Quote quotes untrusted text for a message, shortened.
func Quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(string([]rune(s)[:most])) + "…"
}
