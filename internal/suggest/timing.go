package suggest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// timing is the cadence and the cron for a schedule in another form. An empty cron is the
// default of the cadence.
type timing struct {
	cadence spec.Cadence
	cron    string
	note    string // how the timing differs from what was written, or ""
	// anyCadence is true if only a time of day was written, which fits every cadence.
	anyCadence bool
}

// Cron returns the cron for a schedule in words, a time of day, a macro, or a cron in
// typographic quotes. It returns "" for any other text.
func Cron(text string) string {
	t, _ := parseTiming(text)
	return t.cron
}

// parseTiming reads a schedule in words, a time of day, a macro or a cron. ok is false if
// any word is unknown or ambiguous.
func parseTiming(text string) (t timing, ok bool) {
	text = TrimQuotes(strings.TrimSpace(text))
	if len(text) > maxLength {
		return t, false
	}
	if expression, ok := cron.Macro(text); ok {
		text = expression
	}
	if e, err := cron.Parse(text, cron.Manifest); err == nil {
		return newTiming(strings.Join(strings.Fields(text), " "), spec.CadenceOf(e), "")
	}
	w, ok := readWords(text)
	if !ok {
		return t, false
	}
	return w.timing()
}

// parseInterval is parseTiming for a value that says how often something happens: there
// 6h is an interval.
func parseInterval(text string) (t timing, ok bool) {
	if t, ok = parseTiming(text); !ok {
		t, ok = parseTiming("every " + TrimQuotes(text))
	}
	return t, ok
}

// parseCron is parseTiming for a cron or a macro only.
func parseCron(text string) (t timing, ok bool) {
	_, isMacro := cron.Macro(text)
	if _, err := cron.Parse(text, cron.Manifest); err != nil && !isMacro {
		return t, false
	}
	return parseTiming(text)
}

// silenced is the note for a cron that runs less often than once a month.
var silenced = "with # kaizen-ignore: " + diag.CronCadence.ID + " on the line of the cron"

// newTiming returns a timing with this cron. ok is false if the expression is invalid, or
// runs less often than the cadence. A monthly one may run less often, with a note.
func newTiming(expression string, c spec.Cadence, note string) (t timing, ok bool) {
	e, err := cron.Parse(expression, cron.Manifest)
	if err != nil {
		return t, false
	}
	if !e.EveryUnit(c.Unit()) {
		if c != spec.Monthly {
			return t, false
		}
		note = strings.TrimPrefix(strings.TrimSuffix(note, silenced)+"; "+silenced, "; ")
	}
	return timing{cadence: c, cron: expression, note: note}, true
}

// withCadence returns the timing with the cadence that the entry has, if the cron runs
// often enough for it.
func (t timing) withCadence(has spec.Cadence) timing {
	if e, err := cron.Parse(t.cron, cron.Manifest); err == nil && has.Valid() && e.EveryUnit(has.Unit()) {
		t.cadence, t.note = has, ""
	}
	return t
}

// expression returns the cron, or else the default of the cadence.
func (t timing) expression() string {
	if t.cron == "" {
		return t.cadence.DefaultCron()
	}
	return t.cron
}

// lines returns the keys to write into an entry. If the entry already has the right
// cadence, that is only its cron.
func (t timing) lines(has spec.Cadence) string {
	text := "cadence: " + string(t.cadence)
	if t.cron != "" {
		text += " and cron: " + strconv.Quote(t.cron)
		if has == t.cadence {
			text = "cron: " + strconv.Quote(t.cron)
		}
	}
	return text + t.remark()
}

// remark returns the note in parentheses, or "".
func (t timing) remark() string {
	if t.note == "" {
		return ""
	}
	return " (" + t.note + ")"
}

// flow returns the settings of an entry on one line.
func (t timing) flow() string {
	if t.cron == "" {
		return fmt.Sprintf("{cadence: %s}", t.cadence)
	}
	return fmt.Sprintf("{cadence: %s, cron: %q}", t.cadence, t.cron)
}
