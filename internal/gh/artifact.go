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

// Artifact is one job artifact as the API lists it.
type Artifact struct {
	ID               int64
	Name             string
	Size             int64  // bytes of the zip
	Digest           string // sha256:<hex> of the zip, "" on old servers
	Expired          bool
	CreatedAt        time.Time
	ExpiresAt        time.Time
	RunID            int64
	HeadBranch       string
	RepositoryID     int64
	HeadRepositoryID int64
}

// PerPage is the API's largest page; maxPages bounds a search among artifacts of one
// name.
const (
	PerPage  = 100
	maxPages = 10
)

// Artifacts lists repository's artifacts of exactly this name, newest first, at most
// limit. It needs actions: read.
func (c *Client) Artifacts(ctx context.Context, repository, name string, limit int) ([]Artifact, error) {
	op := c.operation("list artifacts "+transfer.Quote(name)+" of "+repository, repository, "actions: read", tokenInput)
	var found []Artifact
	for page := 1; page <= maxPages && len(found) < limit; page++ {
		list, total, err := c.page(ctx, op, page, url.Values{"name": {name}})
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if a.Name == name { // an old server may not know the filter
				found = append(found, a)
			}
		}
		if len(list) < PerPage || page*PerPage >= total {
			break
		}
	}
	sortNewestFirst(found)
	return found[:min(len(found), max(limit, 0))], nil
}

// ArtifactPage lists one page of repository's artifacts of all names, and returns how
// many there are in all. Pages count from 1, come newest first, and all but the last have
// PerPage artifacts. It needs actions: read.
func (c *Client) ArtifactPage(ctx context.Context, repository string, page int) (
	artifacts []Artifact, total int, err error,
) {
	op := c.operation("list artifacts of "+repository, repository, "actions: read", tokenInput)
	return c.page(ctx, op, page, url.Values{})
}

// sortNewestFirst sorts by id: ids grow, while the times of artifacts of one run are the
// same.
func sortNewestFirst(list []Artifact) {
	slices.SortFunc(list, func(a, b Artifact) int { return cmp.Compare(b.ID, a.ID) })
}

// page asks for one page of the artifacts that match query. go-github v62 knows neither
// the filter by name nor the digest.
func (c *Client) page(ctx context.Context, op operation, page int, query url.Values) ([]Artifact, int, error) {
	owner, name, err := op.split("list artifacts")
	if err != nil {
		return nil, 0, err
	}
	query.Set("per_page", strconv.Itoa(PerPage))
	query.Set("page", strconv.Itoa(page))
	path := fmt.Sprintf("repos/%s/%s/actions/artifacts?%s", owner, name, query.Encode())
	req, err := c.hub.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, 0, op.failed(err)
	}
	var answer struct {
		TotalCount int        `json:"total_count"`
		Artifacts  []artifact `json:"artifacts"`
	}
	if _, err := c.hub.Do(ctx, req, &answer); err != nil {
		return nil, 0, op.failed(err)
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
		if answer != nil && answer.StatusCode == http.StatusForbidden {
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

// storage asks the API for the signed URL of a zip, which is valid for a minute.
func (c *Client) storage(ctx context.Context, op operation, path string) (*url.URL, error) {
	req, err := c.hub.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, op.failed(err)
	}
	_, err = c.hub.Do(ctx, req, io.Discard)
	unavailable := func(message string) error { return &Error{Kind: Unavailable, Op: op.name, Message: message} }
	var away *externalRedirectError
	switch {
	case err == nil:
		return nil, unavailable("the API gives no address of the zip")
	case !errors.As(err, &away):
		return nil, op.failed(err)
	case away.to.Scheme != "https" && (c.api.base.Scheme == "https" || !secure(away.to)):
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
		f.NotBefore, _ = transfer.RetryAfter(answer.Header, c.api.pace.now())
	case status == http.StatusForbidden:
		e.Message = "storage refuses the signed URL"
	default:
		f.Again = false
	}
	return answer, f
}
