// Package advice is errors for people: what is wrong and the next step, as two fields.
package advice

import (
	"errors"
	"fmt"
	"strings"
)

// Error says what is wrong, and what to do next.
type Error struct {
	Message string
	Hint    string // the next step, "" for none
	Err     error  // the cause, for errors.Is and errors.As; Message says what is worth reading of it
}

// Error returns message and hint.
func (e *Error) Error() string { return Join(e.Message, e.Hint) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Advice returns the hint.
func (e *Error) Advice() string { return e.Hint }

// New returns an error with a message, which may wrap a cause with %w, and a hint.
func New(hint, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Message: err.Error(), Hint: hint, Err: err}
}

// Join writes a message and its hint in the one form that the program uses.
func Join(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + ": " + hint
}

// Split returns the text of err without its hint, and the hint. The hint is that of the
// first error in err's chain that has one, in its method Advice. Whatever wraps such an
// error only adds text before it.
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

// Count writes a number of things: "1 agent", "3 agents".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
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
