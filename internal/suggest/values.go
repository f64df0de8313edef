package suggest

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// Zone is the time zone that a name probably means, or "". It finds a zone by its city, by a similar name, and with blanks for
// underscores. An offset has no suggestion: GMT+2 is not Etc/GMT+2, which is two hours
// behind.
func Zone(s string) string {
	if digits(s) != "" {
		return ""
	}
	names := spec.Zones()
	s = strings.ReplaceAll(strings.TrimSpace(s), " ", "_")
	if near := Nearest(s, names); near != "" {
		return near
	}
	cities := make([]string, len(names))
	for i, name := range names {
		cities[i] = path.Base(name)
	}
	if i := slices.Index(cities, Nearest(s, cities)); i >= 0 {
		return names[i]
	}
	return ""
}

// typographic are the quotes that word processors put in the place of straight ones.
const typographic = "“”„‟‘’‚‛«»‹›＂＇`´"

// trimQuotes drops typographic quotes around a text.
func TrimQuotes(s string) string { return strings.Trim(s, typographic) }

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// Agent is the valid agent's name nearest to a text. It is "" if the text is valid
// already or would lose a letter. For the path of a prompt it is the agent's name.
func Agent(text string) string {
	plain := TrimQuotes(text)
	if stem, ok := strings.CutSuffix(plain, ".md"); ok {
		plain = strings.TrimPrefix(strings.TrimSuffix(path.Base(stem), ".agent"), "agent-")
	}
	var b strings.Builder
	for _, r := range plain {
		if r > unicode.MaxASCII {
			return ""
		}
		if !strings.ContainsRune(alphanumeric+"-_", r) {
			r = '-'
		}
		b.WriteRune(r)
	}
	name := strings.Trim(b.String(), "-_")
	if name == text || !spec.IsAgent(name) {
		return ""
	}
	return name
}

// keyWithValue is the key with the value that another key has. ok is false if that is no valid one.
func keyWithValue(key string, value *yamlnode.Node) (written string, ok bool) {
	s := TrimQuotes(strings.TrimSpace(value.Text()))
	if s == "" || len(s) > maxSuggest || value.Type() == yamlnode.TypeNull {
		return "", false
	}
	switch key {
	case "timezone":
		s, ok = zoneFor(s)
	case "repo":
		s = strings.TrimSuffix(path.Base(s), ".git") // without the owner
		ok = spec.IsSlug(s)
	case "prompt", "memory", "metrics":
		reason, _ := spec.CheckPath(s)
		ok = reason == ""
	}
	return key + ": " + yamlText(s), ok
}

// zoneFor is the name of a time zone that is written in about the same way. A zone of a fixed offset is none:
// it is seldom what is meant.
func zoneFor(s string) (zone string, ok bool) {
	if !slices.Contains(spec.Zones(), s) {
		s = Zone(s)
	}
	return s, s != "" && spec.FixedOffsetCity(s) == ""
}

// yamlText writes a scalar, in quotes unless it is a plain word or path.
func yamlText(s string) string {
	if strings.Trim(s, alphanumeric+"/_-.") != "" || s == "" {
		return strconv.Quote(s)
	}
	return yamlnode.FormatWord(s)
}
