package gh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// graphqlURL is the address of the GraphQL API beside the REST API at base. On GitHub
// Enterprise Server it is /api/graphql beside /api/v3:
// https://docs.github.com/en/enterprise-server/graphql/guides/forming-calls-with-graphql
func graphqlURL(base *url.URL) *url.URL {
	u := *base
	if above, ok := strings.CutSuffix(base.Path, "/v3/"); ok {
		u.Path = above + "/graphql"
	} else {
		u.Path += "graphql"
	}
	return &u
}

// The types of errors in an answer with status 200 that mean something here:
// https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
const (
	typeRateLimited    = "RATE_LIMITED"
	typeResourceLimits = "RESOURCE_LIMITS_EXCEEDED"
	typeForbidden      = "FORBIDDEN"
	typeScopes         = "INSUFFICIENT_SCOPES"
	typeNotFound       = "NOT_FOUND"
)

// graphqlAnswer is the body of every answer with status 200.
type graphqlAnswer struct {
	Data   json.RawMessage `json:"data"`
	Errors []graphqlError  `json:"errors"`
}

type graphqlError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Path    []any  `json:"path"`
}

// hasType reports whether one of the errors is of this type.
func hasType(errs []graphqlError, name string) bool {
	return slices.ContainsFunc(errs, func(e graphqlError) bool { return e.Type == name })
}

// budget is what a query may ask for besides its data: how many points are left.
type budget struct {
	Cost      int       `json:"cost"`
	Remaining int       `json:"remaining"`
	ResetAt   time.Time `json:"resetAt"`
}

// query sends a GraphQL query, which only reads. It waits while the token's points are
// used up. A server that gives up on the query returns an error of kind Overloaded: ask
// for less. It is sent again only where the server did not begin with it.
//
// Queries have limits of their own, so they use another transport than the REST API: a
// query must not take from the budget of dispatches, and its limit must not hold them up.
func (c *Client) query(ctx context.Context, op operation, text string, variables map[string]any) (
	*graphqlAnswer, error,
) {
	body := map[string]any{"query": text, "variables": variables}
	for limited := 0; ; limited++ {
		answer, err := c.queryOnce(ctx, op, body)
		switch {
		case err != nil:
			return nil, err
		case !hasType(answer.Errors, typeRateLimited):
			return answer, nil
		case limited == transfer.Attempts:
			return nil, &Error{Kind: RateLimited, Op: op.name, Message: "the token's points for GraphQL are used up",
				Hint: transfer.RunAgain}
		}
		c.queries.pace.Pause(c.queries.pace.Now().Add(minLimited << limited))
	}
}

func (c *Client) queryOnce(ctx context.Context, op operation, body map[string]any) (*graphqlAnswer, error) {
	req, err := c.hub.NewRequest(http.MethodPost, c.queries.base.String(), body)
	if err != nil {
		return nil, op.failed(err)
	}
	resp, err := c.queries.RoundTrip(req.WithContext(context.WithValue(ctx, sendOnce{}, true)))
	if err != nil {
		return nil, overloaded(op.failed(err))
	}
	defer resp.Body.Close()
	if err := github.CheckResponse(resp); err != nil {
		return nil, op.failed(err)
	}
	var answer graphqlAnswer
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, op.failed(err)
	}
	return &answer, nil
}

// overloaded returns e as an error of kind Overloaded if a smaller query may help: the
// server failed or took too long, or the answer is too large.
func overloaded(e *Error) *Error {
	var large *transfer.TooLarge
	ended := errors.Is(e.cause, context.Canceled) || errors.Is(e.cause, context.DeadlineExceeded)
	if errors.As(e.cause, &large) || e.uncertain && e.Kind == Unavailable && !ended {
		e.Kind = Overloaded
	}
	return e
}

// refusedQuery returns the error of an answer without the data that was asked for.
func refusedQuery(op operation, errs []graphqlError) *Error {
	e := &Error{Kind: Overloaded, Op: op.name, Message: "the API gives no data", Hint: transfer.RunAgain}
	if len(errs) > 0 {
		e.Message += "; the server says " + transfer.Quote(errs[0].Message, op.token)
	}
	switch {
	case hasType(errs, typeForbidden), hasType(errs, typeScopes):
		e.Kind = Forbidden
		e.Hint = fmt.Sprintf("the token of input `%s` needs %s on the repositories of %s", op.input, op.permission,
			op.repository)
	case hasType(errs, typeNotFound), len(errs) == 0:
		e.Kind, e.Message = NotFound, fmt.Sprintf("not found, or the token of input `%s` may not see it", op.input)
		e.Hint = op.check
	}
	if op.token == "" && e.Kind != Overloaded {
		e.Hint = fmt.Sprintf("input `%s` is empty: give it a token", op.input)
	}
	return e
}

// spend waits before the next query until there are points for it.
func (c *Client) spend(b budget) {
	if b.ResetAt.IsZero() || b.Remaining >= max(b.Cost, 1) {
		return
	}
	if until := b.ResetAt.Add(time.Second); until.After(c.queries.pace.Now()) {
		c.queries.pace.Pause(until)
	}
}
