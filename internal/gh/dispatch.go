package gh

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/go-github/v62/github"

	"github.com/kaizen-agentic/schedule-action/internal/target"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// The action's inputs that hold tokens, as errors name them.
const (
	tokenInput    = "token"
	dispatchInput = "dispatch-token"
)

// Dispatch sends a repository_dispatch to repository owner/name. It needs contents: write
// there.
//
// Delivery is at least once: an attempt with an unknown result is made again. Gitea has
// no repository_dispatch: there it fails without a request.
func (c *Client) Dispatch(ctx context.Context, repository, eventType string, payload json.RawMessage) error {
	op := c.operation("dispatch to "+repository, repository, "contents: write", dispatchInput)
	owner, name, err := op.split("dispatch")
	if err != nil {
		return err
	}
	if err := c.CheckTarget(target.Target{Repository: repository}); err != nil {
		return err
	}
	options := github.DispatchRequestOptions{EventType: eventType, ClientPayload: &payload}
	_, resp, err := c.hub.Repositories.Dispatch(ctx, owner, name, options)
	switch {
	case err != nil:
		return op.failed(err)
	case resp.StatusCode != http.StatusNoContent:
		return &Error{
			Kind: Unavailable, Status: resp.StatusCode, Op: op.name,
			Message: "the answer is not the API's, which is 204", Hint: transfer.LookForProxy,
		}
	}
	return nil
}
