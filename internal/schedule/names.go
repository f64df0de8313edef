package schedule

import (
	"path"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// The names are checked by hand: compiling a pattern with such counts would cost every start of the program a tenth of a millisecond.

// IsAgent reports whether s can be an agent's name or a pointer's label: 1 to 64 letters, digits, hyphens and underscores, the first
// a letter or digit (design §3).
func IsAgent(s string) bool { return isName(s, 64, "-_") }

// asAgent is the agent's name nearest to a text, "" if the text is one already or would lose a letter. Of a
// prompt's path it is the agent's name.
func asAgent(text string) string {
	plain := trimQuotes(text)
	if stem, ok := strings.CutSuffix(plain, ".md"); ok {
		plain = strings.TrimPrefix(strings.TrimSuffix(path.Base(stem), ".agent"), "agent-")
	}
	var b strings.Builder
	for _, r := range plain {
		if r > unicode.MaxASCII {
			return ""
		}
		if !isAlphanumeric(r) && r != '-' && r != '_' {
			r = '-'
		}
		b.WriteRune(r)
	}
	name := strings.Trim(b.String(), "-_")
	if name == text || !IsAgent(name) {
		return ""
	}
	return name
}

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
