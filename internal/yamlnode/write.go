package yamlnode

import (
	"slices"
	"strconv"
	"strings"
)

// yamlReserved are words that some version of YAML does not read as strings.
var yamlReserved = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// FormatWord writes a slug or an agent's name, in quotes if YAML would not read it as a
// string.
func FormatWord(s string) string {
	first := s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z'
	if first && !slices.Contains(yamlReserved, strings.ToLower(s)) {
		return s
	}
	return `"` + s + `"`
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// FormatLine writes a path or any other text on one line, in quotes unless it is
// certainly plain.
func FormatLine(s string) string {
	if s != "" && strings.IndexByte(alphanumeric+".", s[0]) >= 0 && strings.Trim(s, alphanumeric+"._-/+") == "" &&
		!slices.Contains(yamlReserved, strings.ToLower(s)) && strings.Trim(s, "0123456789.") != "" {
		return s
	}
	return strconv.Quote(s)
}
