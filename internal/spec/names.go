package spec

import "strings"

// The names are checked without patterns: compiling one with such counts would add a
// tenth of a millisecond to every start of the program.

// IsAgent reports whether s is valid as an agent's name or a pointer's label: 1 to 64
// letters, digits, hyphens and underscores, the first a letter or digit.
func IsAgent(s string) bool { return isName(s, 64, "-_") }

// ReservedAgents are names that are not valid for an agent, with their meaning in the
// input agents.
var ReservedAgents = map[string]string{"all": "every enabled agent", "due": "whatever is due"}

// IsSlug reports whether s is valid as a State Hub slug: 1 to 100 letters, digits, dots,
// hyphens and underscores, the first a letter or digit.
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

// AsSlug is the valid slug nearest to the name of a repository or a directory, such as
// "github" for .github, or "".
func AsSlug(name string) string {
	var b strings.Builder
	for _, r := range name {
		if !isAlphanumeric(r) && !strings.ContainsRune("._-", r) {
			r = '-'
		}
		b.WriteRune(r)
	}
	slug := strings.TrimLeft(b.String(), "._-")
	return strings.TrimRight(slug[:min(len(slug), 100)], "-")
}
