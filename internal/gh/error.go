package gh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/go-github/v62/github"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/gh/pace"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Kind says what went wrong, as far as a caller or a user reacts to it differently.
type Kind string

// The kinds of Error.
const (
	Unauthorized Kind = "unauthorized" // 401: the token is wrong or expired
	Forbidden    Kind = "forbidden"    // 403: the token lacks a permission
	NotFound     Kind = "not-found"    // 404: missing or not permitted
	Invalid      Kind = "invalid"      // 422 and other 4xx, an impossible name, more bytes than the limit
	RateLimited  Kind = "rate-limited" // the limit does not reset before the deadline
	Unavailable  Kind = "unavailable"  // network, proxy, 5xx, or an answer that is not the API's
	Overloaded   Kind = "overloaded"   // the server gave up on a query, or its answer is too large
)

// Error is what every method returns for a request that failed. Its text never holds a
// token, a query or a signed URL.
type Error struct {
	Kind    Kind
	Status  int    // HTTP status, 0 when there was no answer
	Op      string // what was tried: "dispatch to acme/web"
	Message string // what is wrong
	Hint    string // the next step, "" for none
	Cause   string // the name of a transfer.Cause; "" where the status says all that is known

	// uncertain says that the server may have acted on the request, which was not sent again
	// for that reason.
	uncertain bool

	// cause is the end of ctx or a *transfer.TooLarge, for errors.Is and errors.As; within
	// this package also an *externalRedirectError.
	cause error
}

func (e *Error) Error() string {
	text := e.Message
	if e.Status != 0 {
		text = strconv.Itoa(e.Status) + " " + text
	}
	if e.Op != "" {
		text = e.Op + ": " + text
	}
	return advice.Join(text, e.Hint)
}

// Advice returns the hint, for advice.Split.
func (e *Error) Advice() string { return e.Hint }

// Unwrap returns context.Canceled or context.DeadlineExceeded when ctx ended the request, and
// a *transfer.TooLarge when the answer is too large.
func (e *Error) Unwrap() error { return e.cause }

// operation says what a request is for, as its errors name it.
type operation struct {
	name       string // "dispatch to acme/web"
	repository string
	permission string // what the token needs there
	input      string // the action's input that holds the token
	token      string // never printed
	host       string // of the API, without its port
	check      string // what to check where the API finds nothing
}

func (op operation) invalid(format string, args ...any) *Error {
	return &Error{Kind: Invalid, Op: op.name, Message: fmt.Sprintf(format, args...)}
}

// split checks the name of the repository, which becomes part of a path. The error does not
// repeat it: it says that action failed.
func (op operation) split(action string) (owner, name string, err error) {
	owner, name, _ = strings.Cut(op.repository, "/")
	if !bundleid.IsRepository(op.repository) {
		return "", "", &Error{
			Kind: Invalid, Op: action, Hint: "want owner/name",
			Message: transfer.Quote(op.repository) + " is not the name of a repository",
		}
	}
	return owner, name, nil
}

// failed makes the Error of what go-github or the transport returned.
func (op operation) failed(err error) *Error {
	var (
		e      *Error
		answer *github.ErrorResponse
	)
	switch {
	case errors.As(err, &e):
		named := *e
		named.Op = op.name
		if away := (*externalRedirectError)(nil); errors.As(e.cause, &away) {
			named.cause = nil // its address may be signed
		}
		return &named
	case errors.As(err, &answer):
		return op.refused(answer)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		named := ended(err)
		named.Op = op.name
		return named
	default:
		message := "the answer is not the API's: " + transfer.Reason(err, op.token)
		return &Error{Kind: Unavailable, Op: op.name, Message: message}
	}
}

// refused explains a 4xx: what the server says, and which token needs which permission
// where.
func (op operation) refused(answer *github.ErrorResponse) *Error {
	e := &Error{Status: answer.Response.StatusCode, Op: op.name}
	said := answer.Message
	for _, d := range answer.Errors {
		if d.Message != "" {
			said += "; " + d.Message
		}
	}
	switch e.Status {
	case http.StatusUnauthorized:
		e.Kind, e.Message = Unauthorized, "the token is missing, wrong or expired"
		e.Hint = fmt.Sprintf("give input `%s` a valid one", op.input)
		said = "" // it repeats that
	case http.StatusForbidden:
		e.Kind, e.Message = Forbidden, "refused"
		e.Hint = fmt.Sprintf("the token of input `%s` needs the permission `%s` on %s%s",
			op.input, op.permission, op.repository, op.jobTokenHint())
	case http.StatusNotFound:
		e.Kind, e.Message = NotFound, fmt.Sprintf("not found, or the token of input `%s` may not see it", op.input)
		e.Hint = fmt.Sprintf("%s, and give the token `%s` on %s%s",
			op.check, op.permission, op.repository, op.jobTokenHint())
	default:
		e.Kind, e.Message = Invalid, "the API refused the request"
	}
	if op.token == "" && e.Kind != Invalid {
		e.Hint = fmt.Sprintf("input `%s` is empty: give it a token; a secret that does not exist is empty, too",
			op.input)
	}
	cause, known := transfer.CauseOf(transfer.Refusal{
		Status: e.Status, Header: answer.Response.Header, Said: answer.Message, Host: op.host,
		Input: op.input, Repository: op.repository, IsTarget: op.input == dispatchInput,
	})
	if known {
		e.Cause, e.Hint = cause.Name, cause.Hint
	}
	if said != "" {
		e.Message += "; the server says " + transfer.Quote(said, op.token)
	}
	return e
}

func (op operation) jobTokenHint() string {
	if op.input != dispatchInput {
		return ""
	}
	return "; the job's own token reaches its own repository only: for another one give `" + dispatchInput + "`"
}

// ended is the error of a request that ctx ended.
func ended(err error) *Error {
	message := "the deadline passed"
	if errors.Is(err, context.Canceled) {
		message = "cancelled"
	}
	return &Error{Kind: Unavailable, Message: message, cause: err}
}

// held is the error of a request that the pacer did not let pass.
func held(err error) *Error {
	if limit, ok := errors.AsType[*pace.LimitError](err); ok {
		return &Error{Kind: RateLimited, Message: limit.Message, Hint: runAgainAfter(limit.Until)}
	}
	return ended(err)
}
