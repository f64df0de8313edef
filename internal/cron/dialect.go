package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// Dialect describes the program that reads an expression, where such programs differ.
type Dialect struct {
	// Reader is how messages name the reader, such as "a manifest".
	Reader string
	// SundayIs7 is true if 7 means Sunday, as 0 does.
	SundayIs7 bool
	// Shortest is the shortest interval between two runs that the reader supports, in
	// minutes.
	Shortest int
}

// The dialects of this program.
var (
	// Manifest is the dialect of a manifest's entries.
	Manifest = Dialect{Reader: "a manifest", SundayIs7: true, Shortest: 1}
	// Workflow is the dialect of on.schedule in a workflow:
	// https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule.
	// The library that Gitea uses, robfig/cron, does not accept 7 either.
	Workflow = Dialect{Reader: "a workflow", SundayIs7: false, Shortest: 5}
)

// Error describes an invalid expression. Message continues a sentence whose subject is
// the expression, and Hint is the next step.
type Error struct{ Message, Hint string }

// Error implements the error interface.
func (e *Error) Error() string { return e.Message }

// field describes one of the five fields.
type field struct {
	name     string
	min, max int
	names    string // three letters each, for min, min+1, …
}

var fields = [...]field{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of the month", 1, 31, ""},
	{"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
	{"day of the week", 0, 7, "SUNMONTUEWEDTHUFRISAT"},
}

const fiveFields = "write five fields: minute, hour, day of the month, month, day of the week"

// macros maps the nicknames that other readers accept to equivalent expressions.
var macros = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// Macro returns the expression for a nickname such as @daily.
func Macro(name string) (expression string, ok bool) {
	expression, ok = macros[strings.ToLower(strings.TrimSpace(name))]
	return expression, ok
}

// extensions lists special characters of other readers, with their meaning there.
var extensions = []struct{ character, meaning, hint string }{
	{"?", "? for any day", "write * instead"},
	{"#", "# for the n-th weekday of a month", "choose days of the month instead, such as 1-7"},
	{"L", "L for the last day", "choose a day that every month has, such as 28"},
	{"W", "W for the nearest working day", "choose days of the week instead: 1-5"},
}

// checkForm returns an error for a macro and for a wrong number of fields.
func checkForm(text string, words []string, d Dialect) *Error {
	if strings.HasPrefix(strings.TrimSpace(text), "@") {
		hint := fiveFields
		if expression, ok := Macro(text); ok {
			hint = "write " + strconv.Quote(expression)
		}
		return &Error{"is a macro, but " + d.Reader + " needs five fields", hint}
	}
	switch len(words) {
	case 5:
		return nil
	case 6, 7:
		message := fmt.Sprintf("has %d fields; seconds and years are not supported", len(words))
		return &Error{message, withoutSeconds(words, d)}
	}
	return &Error{fmt.Sprintf("has %s instead of five", count(len(words))), fiveFields}
}

// maxShown is the length of the longest expression in a hint, in bytes.
const maxShown = 60

// withoutSeconds returns the hint for six or seven fields: the expression without seconds
// and year, if that is valid and means the same.
func withoutSeconds(words []string, d Dialect) string {
	last := words[len(words)-1]
	switch year := len(last) == 4 && strings.Trim(last, "0123456789") == ""; {
	case len(words) == 6 && year:
		words = words[:5]
	case words[0] == "0":
		words = words[1:6]
	default:
		return fiveFields // other seconds cannot be left out
	}
	text := strings.Join(words, " ")
	if _, err := Parse(text, d); err != nil || len(text) > maxShown {
		return fiveFields
	}
	return "write " + strconv.Quote(text)
}

func count(n int) string {
	if n == 1 {
		return "1 field"
	}
	return strconv.Itoa(n) + " fields"
}

func (f field) error(element, message, hint string) *Error {
	return &Error{fmt.Sprintf("has the %s %s, which %s", f.name, shorten(element), message), hint}
}

// shorten quotes untrusted text and cuts it to 20 characters.
func shorten(s string) string {
	const most = 20
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strconv.Quote(s)
}

// parse reads one element of a list: an asterisk, a value or a range, with or without a
// step. A value with a step extends to the end of the field, as GitHub documents it.
func (f field) parse(element string, d Dialect) (values uint64, err error) {
	if element == "" {
		message := fmt.Sprintf("has an empty value in the list of its %s", f.name)
		return 0, &Error{message, "write a value on both sides of each comma, without spaces"}
	}
	span, stepText, stepped := strings.Cut(element, "/")
	firstText, lastText, ranged := strings.Cut(span, "-")
	limit := f.max
	if limit == 7 && !d.SundayIs7 {
		limit = 6
	}
	first, last, step := f.min, limit, 1
	if span != "*" {
		if first, err = f.value(element, firstText, limit); err != nil {
			return 0, err
		}
		switch {
		case ranged:
			if last, err = f.value(element, lastText, limit); err != nil {
				return 0, err
			}
		case !stepped:
			last = first
		}
	}
	if last < first {
		return 0, f.error(element, "runs backwards", f.split(firstText, lastText, limit))
	}
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > 99 || !isNumber(stepText) {
			return 0, f.error(element, "needs a step from 1 to 99 after the slash",
				"write a step such as */2, or remove the slash")
		}
	}
	for v := first; v <= last; v += step {
		values |= 1 << v
	}
	return values, nil
}

// split returns the hint for a range that runs backwards.
func (f field) split(first, last string, limit int) string {
	return fmt.Sprintf("write it as two ranges: %s-%d,%d-%s", first, limit, f.min, last)
}

func isNumber(s string) bool { return s != "" && len(s) <= 2 && strings.Trim(s, "0123456789") == "" }

// value reads a number or a name.
func (f field) value(element, text string, limit int) (int, error) {
	if isNumber(text) {
		n, _ := strconv.Atoi(text) // at most two digits
		if n >= f.min && n <= limit {
			return n, nil
		}
		hint := fmt.Sprintf("write a number from %d to %d", f.min, limit)
		if n == 7 && f.max == 7 {
			hint = "write 0 or SUN for Sunday"
		}
		return 0, f.error(element, fmt.Sprintf("is outside %d to %d", f.min, limit), hint)
	}
	upper := strings.ToUpper(text)
	if len(text) == 3 {
		if i := strings.Index(f.names, upper); i >= 0 && i%3 == 0 {
			return f.min + i/3, nil
		}
	}
	return 0, f.invalid(element, upper)
}

// invalid returns the error for text that is neither a number nor a name of the field.
func (f field) invalid(element, upper string) *Error {
	name, rest := "", upper
	for i := 0; i < len(f.names); i += 3 {
		if after, ok := strings.CutPrefix(upper, f.names[i:i+3]); ok {
			name, rest = f.names[i:i+3], after
		}
	}
	for _, x := range extensions {
		if strings.Contains(rest, x.character) && strings.Trim(rest, "0123456789LW#?-") == "" {
			message := fmt.Sprintf("has the %s %s, and %s is not supported", f.name, shorten(element), x.meaning)
			return &Error{message, x.hint}
		}
	}
	if name != "" {
		return f.error(element, "is not a three-letter name", "write "+name)
	}
	hint := fmt.Sprintf("write numbers from %d to %d, *, ranges such as %d-%d, or steps such as */2",
		f.min, f.max, f.min, f.min+4)
	if f.names != "" {
		hint = fmt.Sprintf("write numbers from %d to %d, or names such as %s", f.min, f.max, f.names[:3])
	}
	return f.error(element, "is not a value, a range or a step", hint)
}
