package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// Dialect is what one reader of cron expressions accepts beyond what all readers accept.
type Dialect struct {
	// Reader names the reader in messages.
	Reader string
	// SundayIs7 says that 7 is Sunday, as 0 is.
	SundayIs7 bool
	// Shortest is the shortest interval between two matches that the reader keeps, in
	// minutes.
	Shortest int
}

// These are all the differences between the dialects.
var (
	// Manifest is the cron of a manifest's entry.
	Manifest = Dialect{Reader: "a manifest", SundayIs7: true, Shortest: 1}
	// Workflow is the cron of a workflow's on.schedule:
	// https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule.
	// Gitea's reader, robfig/cron, refuses 7, too.
	Workflow = Dialect{Reader: "a workflow", SundayIs7: false, Shortest: 5}
)

// Error is what is wrong with an expression. Message continues a sentence whose subject
// is the expression; Hint is the next step.
type Error struct{ Message, Hint string }

// Error implements the error interface.
func (e *Error) Error() string { return e.Message }

// field is one of the five fields.
type field struct {
	name     string
	min, max int
	names    string // of three letters each, for min, min+1, …
}

var fields = [...]field{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of the month", 1, 31, ""},
	{"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
	{"day of the week", 0, 7, "SUNMONTUEWEDTHUFRISAT"},
}

const fiveFields = "write five fields: minute, hour, day of the month, month, day of the week"

// macros are nicknames that some readers know, and the crons to write for them.
var macros = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// Macro is the expression that a nickname such as @daily stands for.
func Macro(name string) (expression string, ok bool) {
	expression, ok = macros[strings.ToLower(strings.TrimSpace(name))]
	return expression, ok
}

// extensions are characters of other cron readers, and their meaning there.
var extensions = []struct{ character, meaning, hint string }{
	{"?", "? for any day", "write * instead"},
	{"#", "# for the n-th weekday of a month", "choose days of the month instead, such as 1-7"},
	{"L", "L for the last day", "choose a day that every month has, such as 28"},
	{"W", "W for the nearest working day", "choose days of the week instead: 1-5"},
}

// refuse reports an expression of another kind: a macro, or one with other fields or
// characters.
func refuse(text string, words []string, d Dialect) *Error {
	if strings.HasPrefix(strings.TrimSpace(text), "@") {
		if expression, ok := Macro(text); ok {
			return &Error{"is a macro, which " + d.Reader + " does not take", "write " + strconv.Quote(expression)}
		}
		return &Error{"is a macro, which " + d.Reader + " does not take", fiveFields}
	}
	switch len(words) {
	case 5:
		return nil
	case 6, 7:
		return &Error{fmt.Sprintf("has %d fields; seconds and years are not supported", len(words)), withoutSeconds(words, d)}
	}
	return &Error{fmt.Sprintf("has %s instead of five", count(len(words))), fiveFields}
}

// maxShown is the longest expression that a hint writes out, in bytes.
const maxShown = 60

// withoutSeconds is the hint for six or seven fields: the five without seconds and year,
// if they are right.
func withoutSeconds(words []string, d Dialect) string {
	last := words[len(words)-1]
	switch year := len(last) == 4 && strings.Trim(last, "0123456789") == ""; {
	case len(words) == 6 && year:
		words = words[:5]
	case words[0] == "0":
		words = words[1:6]
	default:
		return fiveFields // no other seconds can be dropped
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

// shorten quotes untrusted text of a message.
func shorten(s string) string {
	const most = 20
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strconv.Quote(s)
}

// parse reads an asterisk, a value or a range, each with a step or without one. A value
// with a step goes on to the end of the field, as GitHub documents it.
func (f field) parse(element string, d Dialect) (values uint64, err error) {
	if element == "" {
		message := fmt.Sprintf("has a comma without a value in the %s", f.name)
		return 0, &Error{message, "write a value on both sides of each comma, and no blank"}
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
			return 0, f.error(element, "has no step from 1 to 99 behind its slash",
				"write a step such as */2, or drop the slash")
		}
	}
	for v := first; v <= last; v += step {
		values |= 1 << v
	}
	return values, nil
}

// split is the hint for a range that runs backwards.
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
		return 0, f.error(element, fmt.Sprintf("is not from %d to %d", f.min, limit), hint)
	}
	upper := strings.ToUpper(text)
	if len(text) == 3 {
		if i := strings.Index(f.names, upper); i >= 0 && i%3 == 0 {
			return f.min + i/3, nil
		}
	}
	return 0, f.unknown(element, upper)
}

// unknown explains what is neither a number nor a name of the field.
func (f field) unknown(element, upper string) *Error {
	name, rest := "", upper
	for i := 0; i < len(f.names); i += 3 {
		if after, ok := strings.CutPrefix(upper, f.names[i:i+3]); ok {
			name, rest = f.names[i:i+3], after
		}
	}
	for _, x := range extensions {
		if strings.Contains(rest, x.character) && strings.Trim(rest, "0123456789LW#?-") == "" {
			return &Error{fmt.Sprintf("has the %s %s, and %s is not supported", f.name, shorten(element), x.meaning), x.hint}
		}
	}
	if name != "" {
		return f.error(element, "is not a name of three letters", "write "+name)
	}
	hint := fmt.Sprintf("write numbers from %d to %d, *, ranges such as %d-%d, or steps such as */2", f.min, f.max, f.min,
		f.min+4)
	if f.names != "" {
		hint = fmt.Sprintf("write numbers from %d to %d, or names such as %s", f.min, f.max, f.names[:3])
	}
	return f.error(element, "is not a value, a range or a step", hint)
}
