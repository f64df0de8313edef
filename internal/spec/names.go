package spec

import "strings"

// Names are checked by hand because compiling a pattern with such large counts would add
// 0.1 ms to every start of the program.

// IsAgent reports whether s is a valid agent name or pointer label: 1 to 64 letters,
// digits, hyphens and underscores, starting with a letter or digit.
func IsAgent(s string) bool { return isName(s, 64, "-_") }

// ReservedAgents maps each name that an agent cannot have to its meaning in the input
// agents. It is read-only.
var ReservedAgents = map[string]string{"all": "every enabled agent", "due": "whatever is due"}

// IsSlug reports whether s is a valid State Hub slug: 1 to 100 letters, digits, dots,
// hyphens and underscores, starting with a letter or digit.
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

// AsSlug turns the name of a repository or directory into a similar slug, such as .github
// into github. It returns "" if no letter or digit is left.
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
