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

// Zone returns the time zone that a name probably means, or "". It finds zones by a
// similar name, by their city, and with spaces instead of underscores. It returns "" for
// an offset: GMT+2 is four hours ahead of Etc/GMT+2.
func Zone(name string) string {
	if digits(name) != "" {
		return ""
	}
	zones := spec.Zones()
	name = strings.ReplaceAll(strings.TrimSpace(name), " ", "_")
	if near := Nearest(name, zones); near != "" {
		return near
	}
	cities := make([]string, len(zones))
	for i, zone := range zones {
		cities[i] = path.Base(zone)
	}
	if i := slices.Index(cities, Nearest(name, cities)); i >= 0 {
		return zones[i]
	}
	return ""
}

// typographicQuotes are the quotes that word processors write instead of straight ones.
const typographicQuotes = "“”„‟‘’‚‛«»‹›＂＇`´"

// TrimQuotes removes typographic quotes from both ends of a text.
func TrimQuotes(s string) string { return strings.Trim(s, typographicQuotes) }

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// Agent returns a valid agent name similar to text, or "". It returns "" if text is valid
// or has letters that are not ASCII. For the path of a prompt it returns the agent's name.
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

// keyWithValue returns the key with a value that was written under another key. ok is
// false if the value is invalid.
func keyWithValue(key string, value *yamlnode.Node) (text string, ok bool) {
	s := TrimQuotes(strings.TrimSpace(value.Text()))
	if s == "" || len(s) > maxLength || value.Type() == yamlnode.TypeNull {
		return "", false
	}
	switch key {
	case "timezone":
		s, ok = zoneOfPlace(s)
	case "repo":
		s = strings.TrimSuffix(path.Base(s), ".git") // without the owner
		ok = spec.IsSlug(s)
	case "prompt", "memory", "metrics":
		reason, _ := spec.CheckPath(s)
		ok = reason == ""
	}
	return key + ": " + quoteUnlessPlain(s), ok
}

// zoneOfPlace returns the time zone that a name means. ok is false for a zone with a
// fixed offset, which is rarely intended.
func zoneOfPlace(name string) (zone string, ok bool) {
	if !slices.Contains(spec.Zones(), name) {
		name = Zone(name)
	}
	return name, name != "" && spec.FixedOffsetCity(name) == ""
}

// quoteUnlessPlain writes a scalar, in quotes unless it is a plain word or path.
func quoteUnlessPlain(s string) string {
	if strings.Trim(s, alphanumeric+"/_-.") != "" || s == "" {
		return strconv.Quote(s)
	}
	return yamlnode.FormatWord(s)
}
