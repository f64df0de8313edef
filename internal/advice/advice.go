// Package advice defines errors for people: the message and the next step are separate
// fields.
package advice

import (
	"errors"
	"fmt"
	"strings"
)

// Error is an error with a hint.
type Error struct {
	Message string
	Hint    string // the next step, "" for none
	Err     error  // the cause, for errors.Is and errors.As; Error does not print it
}

// Error returns the message and the hint in one text.
func (e *Error) Error() string { return Join(e.Message, e.Hint) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Advice returns the hint.
func (e *Error) Advice() string { return e.Hint }

// New returns an error with a hint. Format and args make the message, as in fmt.Errorf.
func New(hint, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Message: err.Error(), Hint: hint, Err: err}
}

// Join puts a message and its hint into one text. It is the only place that does so.
func Join(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + ": " + hint
}

// Split returns the text of err without its hint, and the hint. It asks each error in the
// chain of err for a hint, by its method Advice, and takes the first one. Errors that
// wrap another may add text before it, but not after it.
func Split(err error) (message, hint string) {
	for next := err; next != nil; {
		var e interface {
			error
			Advice() string
		}
		if !errors.As(next, &e) {
			break
		}
		if hint := e.Advice(); hint != "" {
			return strings.TrimSuffix(err.Error(), Join("", hint)), hint
		}
		next = errors.Unwrap(e)
	}
	return err.Error(), ""
}

// Count returns a number with its noun: "1 agent", "3 agents", "2 entries".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.HasSuffix(stem, "a") && !strings.HasSuffix(stem, "e") {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Some lists names. Of more than most+1 names it lists the first and counts the others.
func Some(names []string, most int) string {
	if more := len(names) - most; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
