package gh

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Listing says which repositories of an owner are listed.
type Listing struct {
	Owner string // a user or an organisation
	File  string // the path of the file that is read of each
	// Forks and Archived include such repositories.
	Forks, Archived bool
	Visibility      string // public, private or internal; "" is all
}

// Listed is a repository of a page, and its file.
type Listed struct {
	Repository
	Visibility string
	Topics     []string // sorted
	Commit     string   // head of the default branch, "" for an empty repository
	File       *Blob    // nil if there is none
	// Cursor continues the listing after this repository.
	Cursor string
	// Failed is why the answer has nothing about the repository, or not its file; "" if it
	// has. It may be shown as it is. Without its name, nothing of the repository is known.
	Failed string
}

// Blob is a file as the API describes it, without its content where that is not plain
// text.
type Blob struct {
	ID   string // git's
	Type string // Blob, or Tree for a directory
	Size int64
	// Text is the content if Whole. It is UTF-8, and a character that is not may have been
	// replaced: its id tells.
	Text  string
	Whole bool
}

// ListPage is a part of a listing.
type ListPage struct {
	Repositories []Listed
	Total        int // of the listing
	Next         string
	More         bool
	// Limited says that the server ran out of its limit for one query.
	Limited bool
}

const listQuery = `query($owner: String!, $first: Int!, $after: String, $file: String!, $fork: Boolean, ` +
	`$archived: Boolean, $visibility: RepositoryVisibility) {
  repositoryOwner(login: $owner) {
    repositories(first: $first, after: $after, ownerAffiliations: [OWNER], isFork: $fork, isArchived: $archived, ` +
	`visibility: $visibility, orderBy: {field: NAME, direction: ASC}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        cursor
        node {
          databaseId nameWithOwner isArchived isFork visibility
          defaultBranchRef { name target { oid } }
          repositoryTopics(first: 20) { nodes { topic { name } } }
          object(expression: $file) { __typename oid ... on Blob { byteSize isBinary isTruncated text } }
        }
      }
    }
  }
  rateLimit { cost remaining resetAt }
}`

// ListRepositories lists up to size repositories after a cursor by name, and reads a file
// of each, in one query of GitHub's GraphQL API. An error of kind Overloaded asks for a
// smaller page; otherwise what the server could not give is marked as Failed. It needs
// metadata: read and contents: read on the repositories.
func (c *Client) ListRepositories(ctx context.Context, l Listing, after string, size int) (*ListPage, error) {
	op := c.operation("list the repositories of "+l.Owner, l.Owner, "metadata: read and contents: read", tokenInput)
	op.check = "check the name of the owner"
	variables := map[string]any{"owner": l.Owner, "first": size, "file": "HEAD:" + l.File}
	if after != "" {
		variables["after"] = after
	}
	if !l.Forks {
		variables["fork"] = false
	}
	if !l.Archived {
		variables["archived"] = false
	}
	if l.Visibility != "" {
		variables["visibility"] = strings.ToUpper(l.Visibility)
	}
	answer, err := c.query(ctx, op, listQuery, variables)
	if err != nil {
		return nil, err
	}
	var data struct {
		Owner *struct {
			Repositories *listedPage `json:"repositories"`
		} `json:"repositoryOwner"`
		RateLimit budget `json:"rateLimit"`
	}
	if len(answer.Data) > 0 {
		if err := json.Unmarshal(answer.Data, &data); err != nil {
			return nil, op.failed(err)
		}
	}
	c.spend(data.RateLimit)
	if data.Owner == nil || data.Owner.Repositories == nil {
		return nil, refusedQuery(op, answer.Errors)
	}
	page := data.Owner.Repositories.page(answer.Errors)
	if len(data.Owner.Repositories.Edges) > 0 && len(page.Repositories) == 0 {
		return nil, refusedQuery(op, answer.Errors)
	}
	return page, nil
}

// listedPage is a page as the API writes it.
type listedPage struct {
	TotalCount int `json:"totalCount"`
	PageInfo   struct {
		HasNextPage bool   `json:"hasNextPage"`
		EndCursor   string `json:"endCursor"`
	} `json:"pageInfo"`
	Edges []*struct {
		Cursor string      `json:"cursor"`
		Node   *listedNode `json:"node"`
	} `json:"edges"`
}

type listedNode struct {
	DatabaseID       int64  `json:"databaseId"`
	NameWithOwner    string `json:"nameWithOwner"`
	IsArchived       bool   `json:"isArchived"`
	IsFork           bool   `json:"isFork"`
	Visibility       string `json:"visibility"`
	DefaultBranchRef *struct {
		Name   string `json:"name"`
		Target struct {
			OID string `json:"oid"`
		} `json:"target"`
	} `json:"defaultBranchRef"`
	RepositoryTopics struct {
		Nodes []struct {
			Topic struct {
				Name string `json:"name"`
			} `json:"topic"`
		} `json:"nodes"`
	} `json:"repositoryTopics"`
	Object *struct {
		TypeName    string  `json:"__typename"`
		OID         string  `json:"oid"`
		ByteSize    int64   `json:"byteSize"`
		IsBinary    *bool   `json:"isBinary"`
		IsTruncated bool    `json:"isTruncated"`
		Text        *string `json:"text"`
	} `json:"object"`
}

// page marks as Failed what the errors name. One that names no place in the list may
// concern every repository that has no file in the answer.
func (p *listedPage) page(errs []graphqlError) *ListPage {
	page := &ListPage{Total: p.TotalCount, Next: p.PageInfo.EndCursor, More: p.PageInfo.HasNextPage,
		Limited: hasType(errs, typeResourceLimits)}
	if len(p.Edges) == 0 {
		page.More = false
	}
	failed := make(map[int]string)
	general := ""
	for _, e := range errs {
		if i, ok := edgeOf(e.Path); ok {
			failed[i] = e.Message
		} else {
			general = e.Message
		}
	}
	for i, edge := range p.Edges {
		if edge == nil || edge.Cursor == "" { // the rest has to be asked for again
			page.More = true
			break
		}
		var listed Listed
		if edge.Node != nil {
			listed = edge.Node.listed()
		}
		listed.Cursor, page.Next = edge.Cursor, edge.Cursor
		message, isFailed := failed[i]
		switch {
		case listed.FullName != "" && listed.File != nil && !isFailed:
		case isFailed:
			listed.Failed = "the API says " + transfer.Quote(message)
		case listed.FullName == "":
			listed.Failed = "the API gives no data about it"
		case general != "":
			listed.Failed = "the API says " + transfer.Quote(general)
		}
		page.Repositories = append(page.Repositories, listed)
	}
	return page
}

// edgeOf returns the index after "edges" in the path of an error.
func edgeOf(path []any) (int, bool) {
	at := slices.Index(path, any("edges"))
	if at < 0 || at+1 >= len(path) {
		return 0, false
	}
	index, ok := path[at+1].(float64)
	return int(index), ok
}

func (n *listedNode) listed() Listed {
	l := Listed{Repository: Repository{ID: n.DatabaseID, FullName: n.NameWithOwner, Fork: n.IsFork,
		Archived: n.IsArchived}, Visibility: strings.ToLower(n.Visibility)}
	l.Private = l.Visibility != "public"
	if ref := n.DefaultBranchRef; ref != nil {
		l.DefaultBranch, l.Commit = ref.Name, ref.Target.OID
	}
	for _, t := range n.RepositoryTopics.Nodes {
		l.Topics = append(l.Topics, t.Topic.Name)
	}
	slices.Sort(l.Topics)
	if o := n.Object; o != nil {
		l.File = &Blob{ID: o.OID, Type: o.TypeName, Size: o.ByteSize}
		if o.Text != nil && !o.IsTruncated && (o.IsBinary == nil || !*o.IsBinary) {
			l.File.Text, l.File.Whole = *o.Text, true
		}
	}
	return l
}

// OwnedRepositories lists one page of the repositories of a user or an organisation of
// Gitea, whose API has no GraphQL. Pages count from 1. More reports whether there may be
// another one. It needs read:organization or read:user, and read:repository.
func (c *Client) OwnedRepositories(ctx context.Context, owner string, page int) (list []Listed, more bool, err error) {
	op := c.operation("list the repositories of "+owner, owner, "the scopes read:organization, read:user and "+
		"read:repository", tokenInput)
	op.check = "check the name of the owner"
	for _, kind := range []string{"orgs", "users"} {
		list, err = c.ownedRepositories(ctx, op, kind, page)
		if e, ok := err.(*Error); !ok || e.Kind != NotFound {
			break
		}
	}
	return list, len(list) > 0, err
}

func (c *Client) ownedRepositories(ctx context.Context, op operation, kind string, page int) ([]Listed, error) {
	query := url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(perPage)}}
	path := fmt.Sprintf("%s/%s/repos?%s", kind, url.PathEscape(op.repository), query.Encode())
	var answer []struct {
		ID            int64    `json:"id"`
		FullName      string   `json:"full_name"`
		DefaultBranch string   `json:"default_branch"`
		Private       bool     `json:"private"`
		Internal      bool     `json:"internal"`
		Fork          bool     `json:"fork"`
		Archived      bool     `json:"archived"`
		Topics        []string `json:"topics"`
	}
	if err := c.call(ctx, op, http.MethodGet, path, nil, &answer); err != nil {
		return nil, err
	}
	list := make([]Listed, len(answer))
	for i, r := range answer {
		visibility := map[bool]string{true: "private", false: "public"}[r.Private]
		if r.Internal {
			visibility = "internal"
		}
		slices.Sort(r.Topics)
		list[i] = Listed{
			Repository: Repository{ID: r.ID, FullName: r.FullName, DefaultBranch: r.DefaultBranch, Private: r.Private,
				Fork: r.Fork, Archived: r.Archived},
			Visibility: visibility, Topics: r.Topics,
		}
	}
	return list, nil
}
