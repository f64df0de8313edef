package gh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Artifact is one job artifact as the API lists it. Gitea lists neither its digest nor the
// branch and head repository of its run.
type Artifact struct {
	ID               int64
	Name             string
	Size             int64  // bytes of the zip
	Digest           string // sha256:<hex> of the zip, "" on old servers
	Expired          bool
	CreatedAt        time.Time
	ExpiresAt        time.Time
	RunID            int64
	HeadBranch       string // "" when not listed
	RepositoryID     int64  // 0 when not listed
	HeadRepositoryID int64  // 0 when not listed
}

// perPage is the page that is asked for, the largest of GitHub's API; Gitea hands out at
// most 50. maxPages bounds a search among artifacts of one name.
const (
	perPage  = 100
	maxPages = 20
)

// Artifacts lists repository's artifacts of exactly this name, newest first, at most
// limit. Complete reports whether the search saw as many artifacts as the API counts:
// otherwise one that is not found may exist. It needs actions: read.
func (c *Client) Artifacts(ctx context.Context, repository, name string, limit int) (
	found []Artifact, complete bool, err error,
) {
	op := c.operation("list artifacts "+transfer.Quote(name)+" of "+repository, repository, "actions: read", tokenInput)
	for range 2 { // artifacts that disappear during a pass may hide others from it
		var list []Artifact
		if list, complete, err = c.search(ctx, op, name, limit); err != nil {
			return nil, false, err
		}
		found = append(found, list...)
		if complete || len(list) >= limit {
			break
		}
	}
	slices.SortFunc(found, newerFirst)
	found = slices.CompactFunc(found, func(a, b Artifact) bool { return a.ID == b.ID })
	return found[:min(len(found), max(limit, 0))], complete && len(found) <= limit, nil
}

// newerFirst compares ids, which grow. The times of artifacts of one run are the same.
func newerFirst(a, b Artifact) int { return cmp.Compare(b.ID, a.ID) }

// search is one pass of Artifacts, in the server's order. It stops at the limit only if
// the server lists the newest first.
func (c *Client) search(ctx context.Context, op operation, name string, limit int) (
	found []Artifact, complete bool, err error,
) {
	seen := map[int64]bool{}
	first, last := 0, 0 // the total in the answers
	shrunk := false
	for page := 1; page <= maxPages; page++ {
		list, total, err := c.page(ctx, op, "", page, url.Values{"name": {name}})
		if err != nil {
			return nil, false, err
		}
		if page == 1 {
			first = total
		}
		shrunk, last = shrunk || total < last, total
		before := len(seen)
		for _, a := range list {
			if a.Name == name && !seen[a.ID] { // an old server may not know the filter
				found = append(found, a)
			}
			seen[a.ID] = true
		}
		if len(seen) >= first {
			return found, !shrunk, nil
		}
		if len(seen) == before || len(found) >= limit && !OldestFirst(list) {
			break
		}
	}
	return found, false, nil
}

// OldestFirst reports whether a page with several artifacts begins with the oldest, as
// Gitea's do.
func OldestFirst(page []Artifact) bool { return len(page) > 1 && page[0].ID < page[len(page)-1].ID }

// ArtifactPage lists one page of repository's artifacts of all names in the server's
// order, and returns how many there are in all. Pages count from 1, and all but the last
// have the same size, which the server chooses. It needs actions: read.
func (c *Client) ArtifactPage(ctx context.Context, repository string, page int) (
	artifacts []Artifact, total int, err error,
) {
	op := c.operation("list artifacts of "+repository, repository, "actions: read", tokenInput)
	return c.page(ctx, op, "", page, url.Values{})
}

// RunArtifactPage is ArtifactPage for the artifacts of one run.
func (c *Client) RunArtifactPage(ctx context.Context, repository string, run int64, page int) (
	artifacts []Artifact, total int, err error,
) {
	what := fmt.Sprintf("list artifacts of run %d of %s", run, repository)
	op := c.operation(what, repository, "actions: read", tokenInput)
	return c.page(ctx, op, fmt.Sprintf("runs/%d/", run), page, url.Values{})
}

// page asks for one page of the artifacts that match query. Prefix is "" for all runs, or
// runs/ID/ for one. go-github v62 knows neither the filter by name nor the digest.
func (c *Client) page(ctx context.Context, op operation, prefix string, page int, query url.Values) (
	[]Artifact, int, error,
) {
	owner, name, err := op.split("list artifacts")
	if err != nil {
		return nil, 0, err
	}
	query.Set("per_page", strconv.Itoa(perPage))
	query.Set("limit", strconv.Itoa(perPage)) // Gitea's name for it
	query.Set("page", strconv.Itoa(page))
	path := fmt.Sprintf("repos/%s/%s/actions/%sartifacts?%s", owner, name, prefix, query.Encode())
	var answer struct {
		TotalCount int        `json:"total_count"`
		Artifacts  []artifact `json:"artifacts"`
	}
	if err := c.call(ctx, op, http.MethodGet, path, nil, &answer); err != nil {
		return nil, 0, err
	}
	list := make([]Artifact, 0, len(answer.Artifacts))
	for _, a := range answer.Artifacts {
		list = append(list, a.public())
	}
	return list, answer.TotalCount, nil
}

// artifact is an Artifact as the API writes it.
type artifact struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	SizeInBytes int64     `json:"size_in_bytes"`
	Digest      string    `json:"digest"`
	Expired     bool      `json:"expired"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	WorkflowRun struct {
		ID               int64  `json:"id"`
		HeadBranch       string `json:"head_branch"`
		RepositoryID     int64  `json:"repository_id"`
		HeadRepositoryID int64  `json:"head_repository_id"`
	} `json:"workflow_run"`
}

func (a artifact) public() Artifact {
	return Artifact{
		ID:               a.ID,
		Name:             a.Name,
		Size:             a.SizeInBytes,
		Digest:           a.Digest,
		Expired:          a.Expired,
		CreatedAt:        a.CreatedAt,
		ExpiresAt:        a.ExpiresAt,
		RunID:            a.WorkflowRun.ID,
		HeadBranch:       a.WorkflowRun.HeadBranch,
		RepositoryID:     a.WorkflowRun.RepositoryID,
		HeadRepositoryID: a.WorkflowRun.HeadRepositoryID,
	}
}

// Artifact describes one artifact of repository. It needs actions: read.
func (c *Client) Artifact(ctx context.Context, repository string, id int64) (Artifact, error) {
	op := c.operation(fmt.Sprintf("read artifact %d of %s", id, repository), repository, "actions: read", tokenInput)
	owner, name, err := op.split("read artifact")
	if err != nil {
		return Artifact{}, err
	}
	var answer artifact
	path := fmt.Sprintf("repos/%s/%s/actions/artifacts/%d", owner, name, id)
	if err := c.call(ctx, op, http.MethodGet, path, nil, &answer); err != nil {
		return Artifact{}, err
	}
	if answer.ID != id {
		return Artifact{}, op.invalid("the API describes artifact %d instead", answer.ID)
	}
	return answer.public(), nil
}

// DownloadArtifact returns the zip of an artifact, at most limit bytes. It follows the
// one redirect to storage without the token. It needs actions: read.
func (c *Client) DownloadArtifact(ctx context.Context, repository string, id, limit int64) ([]byte, error) {
	op := c.operation(fmt.Sprintf("download artifact %d of %s", id, repository), repository, "actions: read",
		tokenInput)
	owner, name, err := op.split("download artifact")
	if err != nil {
		return nil, err
	}
	path := fmt.Sprintf("repos/%s/%s/actions/artifacts/%d/zip", owner, name, id)
	var data []byte
	refusals := 0
	failed := c.api.loop(op.name, path).Do(ctx, func(int) *transfer.Failure {
		storage, err := c.storage(ctx, op, path)
		if err != nil {
			return &transfer.Failure{Err: err}
		}
		answer, f := c.fetch(ctx, storage, limit)
		if f == nil {
			data = answer.Data
			return nil
		}
		if answer != nil && isExpired(answer.StatusCode) {
			refusals++ // the signed URL may have expired: one fresh one is enough
		}
		f.Again = f.Again && refusals < 2
		return f
	})
	if failed != nil {
		return nil, op.failed(failed.Err)
	}
	return data, nil
}

// isExpired reports whether storage answers so to a signed URL that has expired.
func isExpired(status int) bool {
	return status == http.StatusForbidden || status == http.StatusUnauthorized
}

// storage asks the API for the signed URL of a zip, which is valid for a minute.
func (c *Client) storage(ctx context.Context, op operation, path string) (*url.URL, error) {
	req, err := c.hub.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, op.failed(err)
	}
	_, err = c.hub.Do(context.WithValue(ctx, wantsStorage{}, true), req, io.Discard)
	unavailable := func(message string) error { return &Error{Kind: Unavailable, Op: op.name, Message: message} }
	var away *externalRedirectError
	switch {
	case err == nil:
		return nil, unavailable("the API gives no address of the zip")
	case !errors.As(err, &away):
		return nil, op.failed(err)
	case away.to.Scheme != "https" && (c.api.base.Scheme == "https" || !secure(away.to) && !c.IsPlain()):
		return nil, unavailable("the API redirects to storage without https")
	}
	away.to.User = nil
	return away.to, nil
}

// fetch gets a signed URL once, without the token, and follows no further redirect. It
// returns the answer, if there was one, even with a failure.
func (c *Client) fetch(ctx context.Context, storage *url.URL, limit int64) (*transfer.Answer, *transfer.Failure) {
	attempt, cancel := context.WithTimeout(ctx, c.api.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(attempt, http.MethodGet, storage.String(), nil)
	if err != nil {
		return nil, &transfer.Failure{Err: &Error{Kind: Unavailable, Message: "unusable address of storage"}}
	}
	req.Header.Set("User-Agent", c.hub.UserAgent)
	answer, err := transfer.Send(c.api.next, req, limit)
	if err != nil {
		return nil, c.api.classifyError(ctx, storage.Host, err)
	}
	e := &Error{
		Kind: Unavailable, Status: answer.StatusCode,
		Message: "storage does not give the zip", Hint: transfer.RunAgain,
	}
	f := &transfer.Failure{Err: e, Again: true}
	switch status := answer.StatusCode; {
	case status == http.StatusOK:
		return answer, nil
	case transfer.Temporary(status):
		f.NotBefore, _ = transfer.RetryAfter(answer.Header, c.api.pace.Now())
	case isExpired(status):
		e.Message = "storage refuses the signed URL"
	default:
		f.Again = false
	}
	return answer, f
}
