package schedule

import (
	"regexp"
	"strings"
	"sync"
)

// The names are checked by hand: compiling a pattern with such counts would cost every start of the program a tenth of a millisecond.

// IsAgent reports whether s can be an agent's name or a pointer's label: 1 to 64 letters, digits, hyphens and underscores, the first
// a letter or digit (design §3).
func IsAgent(s string) bool { return isName(s, 64, "-_") }

// reservedAgents are names that no agent can have, and what they mean where agents are named (design §8).
var reservedAgents = map[string]string{"all": "every enabled agent", "due": "whatever is due"}

// IsSlug reports whether s can be a State Hub slug: 1 to 100 letters, digits, dots, hyphens and underscores, the first a letter or
// digit (design §3).
func IsSlug(s string) bool { return isName(s, 100, "._-") }

func isName(s string, longest int, marks string) bool {
	if s == "" || len(s) > longest || !isAlphanumeric(rune(s[0])) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune(marks, r) })
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// pattern compiles expr when it is first used: most runs need few patterns, and --help none.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
