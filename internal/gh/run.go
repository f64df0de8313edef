package gh

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
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
	// Status is queued, in_progress, completed, …; Conclusion is success, failure,
	// cancelled, … of a completed run.
	Status, Conclusion string
	URL                string // of its page, "" if it may not be shown
	UpdatedAt          time.Time
}

// Run describes a workflow run of repository. It needs actions: read.
func (c *Client) Run(ctx context.Context, repository string, id int64) (Run, error) {
	op := c.operation(fmt.Sprintf("read run %d of %s", id, repository), repository, "actions: read", tokenInput)
	owner, name, err := op.split("read run")
	if err != nil {
		return Run{}, err
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
		Status         string       `json:"status"`
		Conclusion     string       `json:"conclusion"`
		URL            string       `json:"html_url"`
		UpdatedAt      time.Time    `json:"updated_at"`
		CompletedAt    time.Time    `json:"completed_at"` // Gitea's name
	}
	path := fmt.Sprintf("repos/%s/%s/actions/runs/%d", owner, name, id)
	if err := c.call(ctx, op, http.MethodGet, path, nil, &answer); err != nil {
		return Run{}, err
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
		Status:           answer.Status,
		Conclusion:       answer.Conclusion,
		URL:              c.pageURL(answer.URL),
		UpdatedAt:        later(answer.UpdatedAt, answer.CompletedAt),
	}, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// NamedRun is a run as a listing describes it. Times are zero where it has none.
type NamedRun struct {
	ID          int64     `json:"id"`
	Title       string    `json:"display_title"`
	Status      string    `json:"status"`
	Conclusion  string    `json:"conclusion"`
	URL         string    `json:"html_url"` // "" if it may not be shown
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	CompletedAt time.Time `json:"completed_at"` // Gitea's name for UpdatedAt, which has it, too
}

// maxRunPages bounds a listing of runs.
const maxRunPages = 10

// Runs lists the runs of a repository that an event of this kind started, newest first.
// GitHub lists those since an instant. Gitea lists all, and Runs stops at the page with one
// that ended before it. Complete is false where there are more than 10 pages: 1,000 runs on
// GitHub, 500 on Gitea. It needs actions: read.
func (c *Client) Runs(ctx context.Context, repository, event string, since time.Time) (
	runs []NamedRun, complete bool, err error,
) {
	op := c.operation("list runs of "+repository, repository, "actions: read", tokenInput)
	owner, name, err := op.split("list runs")
	if err != nil {
		return nil, false, err
	}
	seen := map[int64]bool{}
	for page := 1; page <= maxRunPages; page++ {
		query := url.Values{"event": {event}, "per_page": {"100"}, "limit": {"50"}, "page": {strconv.Itoa(page)}}
		if c.Forge() == GitHub {
			query.Set("created", ">="+since.UTC().Format(time.RFC3339))
		}
		path := fmt.Sprintf("repos/%s/%s/actions/runs?%s", owner, name, query.Encode())
		var answer struct {
			Total int        `json:"total_count"`
			Runs  []NamedRun `json:"workflow_runs"`
		}
		if err := c.call(ctx, op, http.MethodGet, path, nil, &answer); err != nil {
			return nil, false, err
		}
		for _, r := range answer.Runs {
			if r.URL, r.UpdatedAt = c.pageURL(r.URL), later(r.UpdatedAt, r.CompletedAt); !seen[r.ID] {
				runs = append(runs, r)
			}
			seen[r.ID] = true
		}
		if len(answer.Runs) == 0 || len(seen) >= answer.Total || olderFollow(answer.Runs, since) {
			return runs, true, nil
		}
	}
	return runs, false, nil
}

// olderFollow reports whether all runs after a page of Gitea were created before an
// instant. That is so after a run that ended before it, if the newest runs are listed
// first. The time of a run that did not end is that of Unix 0.
func olderFollow(page []NamedRun, since time.Time) bool {
	return len(page) > 1 && page[0].ID > page[len(page)-1].ID && slices.ContainsFunc(page, func(r NamedRun) bool {
		return r.CompletedAt.Unix() > 0 && r.CompletedAt.Before(since)
	})
}
