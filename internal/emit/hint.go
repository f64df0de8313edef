package emit

import "fmt"

// HintError says what is wrong and, in a field of its own, the next step.
type HintError struct {
	Message, Hint string
	cause         error // for errors.Is
}

// Error returns the message and the hint.
func (e *HintError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}

// Unwrap returns the cause.
func (e *HintError) Unwrap() error { return e.cause }

// withHint returns an error with a message, which may wrap a cause, and a hint.
func withHint(hint, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &HintError{Message: err.Error(), Hint: hint, cause: err}
}
