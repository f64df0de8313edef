package event

import "strings"

// IsRepository reports whether s has the form owner/name of a GitHub repository: an owner of up to 100 letters, digits, hyphens and
// underscores (those of managed users have one), and a name of up to 100 letters, digits, dots, hyphens and underscores that is no
// part of a path.
func IsRepository(s string) bool {
	owner, name, ok := strings.Cut(s, "/")
	return ok && owner[:min(1, len(owner))] != "-" && isWord(owner, "-_") && isWord(name, ".-_") && name != "." && name != ".."
}

func isWord(s, marks string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !alphanumeric && !strings.ContainsRune(marks, r)
	})
}
