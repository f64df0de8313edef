package schedule

import (
	"slices"
	"strconv"
	"strings"
)

// asSlug is the slug nearest to a repository's or a directory's name, such as "github" for .github; "" if
// nothing is left of it.
func asSlug(name string) string {
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

// yamlReserved are words that some version of YAML does not take for strings.
var yamlReserved = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// yamlWord writes a slug or an agent's name, quoting what YAML would not take for a string.
func yamlWord(s string) string {
	first := s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z'
	if first && !slices.Contains(yamlReserved, strings.ToLower(s)) {
		return s
	}
	return `"` + s + `"`
}

// yamlLine writes a path or any other text on one line, quoting what is not surely plain.
func yamlLine(s string) string {
	plain := func(r rune) bool { return isAlphanumeric(r) || strings.ContainsRune("._-/+", r) }
	if s != "" && (s[0] == '.' || isAlphanumeric(rune(s[0]))) && strings.TrimFunc(s, plain) == "" &&
		!slices.Contains(yamlReserved, strings.ToLower(s)) && strings.Trim(s, "0123456789.") != "" {
		return s
	}
	return strconv.Quote(s)
}
