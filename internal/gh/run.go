package gh

import (
	"context"
	"fmt"
	"net/http"
)

// Run is where a workflow run comes from. A field that the server does not give is zero:
// Gitea gives no head repository, and no branch for a run of a tag or of a pull request.
type Run struct {
	ID               int64
	Event            string // push, schedule, pull_request, …
	HeadBranch       string
	Path             string // of the workflow file; Gitea appends @ and the full ref of the run
	RepositoryID     int64
	HeadRepositoryID int64
}

// Run describes a workflow run of repository. It needs actions: read.
func (c *Client) Run(ctx context.Context, repository string, id int64) (Run, error) {
	op := c.operation(fmt.Sprintf("read run %d of %s", id, repository), repository, "actions: read", tokenInput)
	owner, name, err := op.split("read run")
	if err != nil {
		return Run{}, err
	}
	req, err := c.hub.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/actions/runs/%d", owner, name, id), nil)
	if err != nil {
		return Run{}, op.failed(err)
	}
	type repositoryID struct {
		ID int64 `json:"id"`
	}
	var answer struct {
		ID             int64        `json:"id"`
		Event          string       `json:"event"`
		HeadBranch     string       `json:"head_branch"`
		Path           string       `json:"path"`
		Repository     repositoryID `json:"repository"`
		HeadRepository repositoryID `json:"head_repository"`
	}
	if _, err := c.hub.Do(ctx, req, &answer); err != nil {
		return Run{}, op.failed(err)
	}
	if answer.ID != id {
		return Run{}, op.invalid("the API describes run %d instead", answer.ID)
	}
	return Run{
		ID:               answer.ID,
		Event:            answer.Event,
		HeadBranch:       answer.HeadBranch,
		Path:             answer.Path,
		RepositoryID:     answer.Repository.ID,
		HeadRepositoryID: answer.HeadRepository.ID,
	}, nil
}
