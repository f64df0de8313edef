package bundleid

import "strings"

// IsRepository reports whether s has the form owner/name of a repository. Both have up to
// 100 letters, digits, dots, hyphens and underscores: on GitHub an owner has no dots, on
// Gitea it may. The owner begins with none of the marks but an underscore. The name is
// neither . nor .., so that it can be a part of a path.
func IsRepository(s string) bool {
	owner, name, ok := strings.Cut(s, "/")
	return ok && !strings.HasPrefix(owner, "-") && !strings.HasPrefix(owner, ".") && isWord(owner, ".-_") &&
		isWord(name, ".-_") && name != "." && name != ".."
}

// isWord reports whether s has 1 to 100 ASCII letters, digits and marks.
func isWord(s, marks string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !alphanumeric && !strings.ContainsRune(marks, r)
	})
}
