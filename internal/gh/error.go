package gh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v62/github"
)

// Kind is what went wrong, as far as a caller or a user acts on it differently.
type Kind string

// The kinds of Error.
const (
	Unauthorized Kind = "unauthorized" // 401: the token is wrong or expired
	Forbidden    Kind = "forbidden"    // 403: the token lacks a permission
	NotFound     Kind = "not-found"    // 404: missing or not permitted
	Invalid      Kind = "invalid"      // 422 and other 4xx, a name that can't be, more bytes than the limit
	RateLimited  Kind = "rate-limited" // the limit would not reset before the deadline
	Unavailable  Kind = "unavailable"  // network, 5xx, or an answer that is not the API's
)

// Error is what every method returns for a request that failed. Its text never holds a token, a query or a signed URL.
type Error struct {
	Kind   Kind
	Status int    // HTTP status, 0 when there was no answer
	Op     string // what was tried: "dispatch to acme/web"
	Detail string // the reason, and the next step where there is one

	cause error // the end of ctx, for errors.Is; within this package also an *elsewhere
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %s", e.Op, e.Detail)
	}
	return fmt.Sprintf("%s: %d %s", e.Op, e.Status, e.Detail)
}

// Unwrap gives context.Canceled or context.DeadlineExceeded when ctx ended the request.
func (e *Error) Unwrap() error { return e.cause }

// operation is what a request is for, in the words of its errors.
type operation struct {
	name       string // "dispatch to acme/web"
	repository string
	permission string // what the token needs there
	input      string // the action's input that holds the token
}

func (op operation) invalid(format string, args ...any) *Error {
	return &Error{Kind: Invalid, Op: op.name, Detail: fmt.Sprintf(format, args...)}
}

// failed makes the Error of what go-github or the transport returned.
func (op operation) failed(err error) *Error {
	var (
		e      *Error
		answer *github.ErrorResponse
	)
	switch {
	case errors.As(err, &e):
		told := *e
		told.Op = op.name
		if away := (*elsewhere)(nil); errors.As(e.cause, &away) {
			told.cause = nil // its address may be signed
		}
		return &told
	case errors.As(err, &answer):
		return op.refused(answer.Response.StatusCode, answer.Message, answer.Errors)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: Unavailable, Op: op.name, Detail: ended(err), cause: err}
	default:
		return &Error{Kind: Unavailable, Op: op.name, Detail: "the answer is not the API's: " + reason(err)}
	}
}

// refused explains a 4xx: which token, which permission, which repository.
func (op operation) refused(status int, message string, details []github.Error) *Error {
	e := &Error{Status: status, Op: op.name}
	switch status {
	case http.StatusUnauthorized:
		e.Kind = Unauthorized
		e.Detail = fmt.Sprintf("the token is missing, wrong or expired: give input `%s` a valid one", op.input)
	case http.StatusForbidden:
		e.Kind = Forbidden
		e.Detail = fmt.Sprintf("refused: the token of input `%s` needs the permission `%s` on %s", op.input, op.permission, op.repository)
	case http.StatusNotFound:
		e.Kind = NotFound
		e.Detail = fmt.Sprintf("not found, or the token of input `%s` may not see it (it needs `%s` on %s)", op.input, op.permission, op.repository)
	default:
		e.Kind = Invalid
		e.Detail = "the API refused the request"
	}
	for _, d := range details {
		if d.Message != "" {
			message += "; " + d.Message
		}
	}
	if message != "" && status != http.StatusUnauthorized {
		e.Detail += "; the server says " + quote(message)
	}
	if op.input == dispatchInput && (status == http.StatusForbidden || status == http.StatusNotFound) {
		e.Detail += "; the job's own token reaches its own repository only: for another one give `" + dispatchInput + "`"
	}
	return e
}

func ended(err error) string {
	if errors.Is(err, context.Canceled) {
		return "cancelled"
	}
	return "the deadline passed"
}

// reason is err without the URL that *url.Error prints, on one bounded line.
func reason(err error) string {
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	text := quote(err.Error())
	if plain := text[1 : len(text)-1]; !strings.Contains(plain, `\`) {
		return plain
	}
	return text
}

// maxQuote bounds text of others in our errors.
const maxQuote = 200 // code points

// quote makes untrusted text safe to print: one line, bounded.
func quote(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxQuote {
			s = s[:i] + "…"
			break
		}
	}
	return fmt.Sprintf("%q", s)
}
