package gh

import (
	"context"
	"io/fs"
	"net/http"
	"strings"

	"github.com/google/go-github/v62/github"

	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Repository is what the API says of a repository.
type Repository struct {
	ID            int64
	FullName      string
	DefaultBranch string
	Private       bool
	Fork          bool
	Archived      bool
	// CanPush is permissions.push, the role of the token's user. It does not say what the
	// token itself may do, and is false for every installation token, which has no user.
	CanPush bool
}

// Repository describes repository owner/name. It needs metadata: read.
func (c *Client) Repository(ctx context.Context, repository string) (Repository, error) {
	op := c.operation("read repository "+repository, repository, "metadata: read", tokenInput)
	owner, name, err := op.split("read repository")
	if err != nil {
		return Repository{}, err
	}
	r, _, err := c.hub.Repositories.Get(ctx, owner, name)
	if err != nil {
		return Repository{}, op.failed(err)
	}
	return Repository{
		ID:            r.GetID(),
		FullName:      r.GetFullName(),
		DefaultBranch: r.GetDefaultBranch(),
		Private:       r.GetPrivate(),
		Fork:          r.GetFork(),
		Archived:      r.GetArchived(),
		CanPush:       r.GetPermissions()["push"],
	}, nil
}

// HasTag reports whether the repository has a tag of this name. It needs contents: read,
// and is for GitHub: https://docs.github.com/en/rest/git/refs#get-a-reference.
func (c *Client) HasTag(ctx context.Context, repository, tag string) (bool, error) {
	op := c.operation("read tag "+transfer.Quote(tag)+" of "+repository, repository, "contents: read", tokenInput)
	owner, name, err := op.split("read tag")
	if err != nil {
		return false, err
	}
	_, resp, err := c.hub.Git.GetRef(ctx, owner, name, "tags/"+tag)
	if resp != nil && resp.StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, op.failed(err)
	}
	return true, nil
}

// maxContents is the largest file in bytes that the contents API sends with its
// description.
const maxContents = 1 << 20

// File returns the file at path of repository at ref (a branch, tag or commit; "" is the
// default branch). It returns at most limit bytes, and never more than 1 MiB. It needs
// contents: read.
func (c *Client) File(ctx context.Context, repository, path, ref string, limit int64) ([]byte, error) {
	data, _, err := c.FileAndID(ctx, repository, path, ref, limit)
	return data, err
}

// FileAndID is File, and also returns git's id of the file. The error of a file with more
// bytes than the limit wraps a *transfer.TooLarge.
func (c *Client) FileAndID(ctx context.Context, repository, path, ref string, limit int64) ([]byte, string, error) {
	op := c.operation("read "+transfer.Quote(path)+" of "+repository, repository, "contents: read", tokenInput)
	file, _, err := c.contents(ctx, op, path, ref)
	if err != nil {
		return nil, "", err
	}
	if file == nil || file.GetType() != "file" {
		return nil, "", op.invalid("is not a file")
	}
	limit = min(limit, maxContents)
	tooLarge := func(size int64) error {
		e := op.invalid("the file has %d bytes, the limit is %d", size, limit)
		e.cause = &transfer.TooLarge{Size: size, Limit: limit}
		return e
	}
	if size := int64(file.GetSize()); size > limit {
		return nil, "", tooLarge(size)
	}
	text, err := file.GetContent()
	if err != nil {
		return nil, "", op.failed(err)
	}
	if int64(len(text)) > limit {
		return nil, "", tooLarge(int64(len(text)))
	}
	return []byte(text), file.GetSHA(), nil
}

// Files lists the names of the files in directory path of repository's default branch;
// none when there is no such directory.
func (c *Client) Files(ctx context.Context, repository, path string) ([]string, error) {
	op := c.operation("list "+transfer.Quote(path)+" of "+repository, repository, "contents: read", tokenInput)
	file, entries, err := c.contents(ctx, op, path, "")
	if e, ok := err.(*Error); ok && e.Kind == NotFound {
		// A repository that the token may not see gives the same answer. Only one that it
		// may see has no files.
		_, err := c.Repository(ctx, repository)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if file != nil {
		return nil, op.invalid("is not a directory")
	}
	var names []string
	for _, e := range entries {
		if e.GetType() == "file" {
			names = append(names, e.GetName())
		}
	}
	return names, nil
}

func (c *Client) contents(ctx context.Context, op operation, path, ref string) (
	file *github.RepositoryContent, entries []*github.RepositoryContent, err error,
) {
	owner, name, err := op.split("read contents")
	if err != nil {
		return nil, nil, err
	}
	if !fs.ValidPath(path) || strings.Contains(path, "..") {
		return nil, nil, op.invalid("the path must be relative to the repository's root, without `..`")
	}
	if path == "." {
		path = ""
	}
	options := &github.RepositoryContentGetOptions{Ref: ref}
	file, entries, _, err = c.hub.Repositories.GetContents(ctx, owner, name, path, options)
	if err != nil {
		return nil, nil, op.failed(err)
	}
	return file, entries, nil
}
