package gh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Issue is an issue of a repository.
type Issue struct {
	Number int64  `json:"number"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	State  string `json:"state"` // open or closed
	URL    string `json:"html_url"`
	Author struct {
		Login string `json:"login"`
		Type  string `json:"type"` // GitHub: User or Bot
	} `json:"user"`
	PullRequest *struct{} `json:"pull_request"` // GitHub lists pull requests as issues
}

// IssueChange is what UpdateIssue changes. Empty fields stay as they are.
type IssueChange struct {
	Title string `json:"title,omitempty"`
	Body  string `json:"body,omitempty"`
	State string `json:"state,omitempty"`
}

// jobAuthor is the author of issues that a job of Gitea opens.
const jobAuthor = "gitea-actions"

// IsOwn reports whether the user of the token opened the issue. Login is that of Login. A
// job's token has no user: then the author is an app or the job itself, and neither can be
// a person who may only open issues.
func (c *Client) IsOwn(i Issue, login string) bool {
	switch {
	case login != "":
		return i.Author.Login == login
	case c.Forge() == Gitea:
		return i.Author.Login == jobAuthor
	}
	return i.Author.Type == "Bot"
}

// Login returns the user of the token, "" for the token of a job or an app, which has none.
func (c *Client) Login(ctx context.Context) (string, error) {
	op := c.operation("read the user of the token", "", "", tokenInput)
	var user struct {
		Login string `json:"login"`
	}
	err := c.call(ctx, op, http.MethodGet, "user", nil, &user)
	var e *Error
	if errors.As(err, &e) && (e.Kind == Forbidden || e.Kind == NotFound) || user.Login == jobAuthor {
		return "", nil
	}
	return user.Login, err
}

// maxIssuePages bounds a listing of issues.
const maxIssuePages = 20

// OpenIssues calls each with the open issues of a repository, newest first, until it
// returns false. The error says so if there are more than 20 pages: 2,000 issues and pull
// requests on GitHub, 1,000 issues on Gitea. It needs issues: read; its errors ask for
// issues: write, which the changes need.
func (c *Client) OpenIssues(ctx context.Context, repository string, each func(Issue) (more bool)) error {
	op := c.operation("list issues of "+repository, repository, "issues: write", tokenInput)
	for page := 1; ; page++ {
		query := url.Values{"state": {"open"}, "per_page": {"100"}, "limit": {"50"}, "page": {strconv.Itoa(page)},
			"type": {"issues"}}
		var list []Issue
		if err := c.issues(ctx, op, http.MethodGet, "?"+query.Encode(), nil, &list); err != nil {
			return err
		}
		switch {
		case len(list) == 0:
			return nil
		case page > maxIssuePages:
			return op.invalid("there are more open issues than are searched: close some, or use another repository")
		}
		for _, i := range list {
			if i.PullRequest == nil && !each(i) {
				return nil
			}
		}
	}
}

// CreateIssue opens an issue. A request that the server may have acted on is not sent
// again. It needs issues: write.
func (c *Client) CreateIssue(ctx context.Context, repository, title, body string) (i Issue, err error) {
	op := c.operation("open an issue in "+repository, repository, "issues: write", tokenInput)
	err = c.issues(context.WithValue(ctx, sendOnce{}, true), op, http.MethodPost, "",
		map[string]string{"title": title, "body": body}, &i)
	return i, err
}

// UpdateIssue changes an issue. It needs issues: write.
func (c *Client) UpdateIssue(ctx context.Context, repository string, number int64, change IssueChange) error {
	op := c.operation(fmt.Sprintf("update issue %d of %s", number, repository), repository, "issues: write", tokenInput)
	return c.issues(ctx, op, http.MethodPatch, fmt.Sprintf("/%d", number), change, nil)
}

// CommentIssue adds a comment to an issue. A request that the server may have acted on is
// not sent again. It needs issues: write.
func (c *Client) CommentIssue(ctx context.Context, repository string, number int64, body string) error {
	op := c.operation(fmt.Sprintf("comment on issue %d of %s", number, repository), repository, "issues: write",
		tokenInput)
	return c.issues(context.WithValue(ctx, sendOnce{}, true), op, http.MethodPost, fmt.Sprintf("/%d/comments", number),
		map[string]string{"body": body}, nil)
}

// issues sends a request below the issues of a repository.
func (c *Client) issues(ctx context.Context, op operation, method, rest string, body, answer any) error {
	owner, name, err := op.split("issues")
	if err != nil {
		return err
	}
	return c.call(ctx, op, method, fmt.Sprintf("repos/%s/%s/issues%s", owner, name, rest), body, answer)
}
