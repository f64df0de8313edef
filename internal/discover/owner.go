package discover

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// owners lists the repositories of all owners, from where a cut-off run stopped.
func (r *run) owners(ctx context.Context) error {
	if len(r.Owners) == 0 {
		return nil
	}
	client, err := r.Client()
	if err != nil {
		return err
	}
	if r.state, err = r.Cursor.read(ctx, &r.Options); err != nil {
		return err
	}
	if r.state.Seen > 0 || r.state.Owner > 0 {
		r.Log("continuing with %s after %s", r.Owners[r.state.Owner], advice.Count(r.state.Scanned, "repository"))
	}
	for ; r.state.Owner < len(r.Owners); r.state.Owner++ {
		o := &ownerListing{run: r, client: client, owner: r.Owners[r.state.Owner], seen: map[string]bool{}}
		if err := o.list(ctx); err != nil {
			return err
		}
		r.state.After, r.state.Seen = "", 0
	}
	return nil
}

// ownerListing lists the repositories of one owner.
type ownerListing struct {
	*run
	client *gh.Client
	owner  string
	pages  int
	total  int // 0 if unknown
	// seen are the cursors of this run, so that a server that repeats a page ends the run.
	seen  map[string]bool
	pager *pager
	lost  int // repositories that the API leaves out even alone
}

// maxSeen is far above the number of repositories that an owner may have: 100,000.
const maxSeen = 2 * fleet.MaxRepositories

func (o *ownerListing) list(ctx context.Context) error {
	next := o.graphqlPage
	if o.client.Forge() == gh.Gitea {
		next = o.giteaPage
	}
	o.pager = newPager()
	for {
		listed, after, more, err := next(ctx)
		if err != nil {
			return err
		}
		o.pages++
		o.state.Seen += len(listed)
		o.addAll(ctx, listed)
		if err := ctx.Err(); err != nil { // what was read since is not of the repositories
			return err
		}
		o.state.After = after
		o.Progress(Progress{Owner: o.owner, Page: o.pages, Size: len(listed), Seen: o.state.Seen, Total: o.total,
			Scheduled: o.scheduled(), Done: !more})
		if !more {
			return nil
		}
		if o.seen[after] || len(after) > maxCursor || o.state.Seen > maxSeen {
			return &gh.Error{Kind: gh.Unavailable, Op: "list the repositories of " + o.owner,
				Message: "the server's pages do not end", Hint: transfer.LookForProxy}
		}
		o.seen[after] = true
		if err := o.Cursor.write(&o.state); err != nil {
			return err
		}
	}
}

// parallel is how many manifests are read at once where each takes a request.
const parallel = 8

// addAll adds the repositories of a page. What takes a request of its own is done in
// parallel; the order stays that of the page.
func (o *ownerListing) addAll(ctx context.Context, listed []gh.Listed) {
	repositories := make([]fleet.Repository, len(listed))
	exists := make([]bool, len(listed))
	var group sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i := range listed {
		l, repo := &listed[i], &repositories[i]
		if !o.describe(l, repo) || !o.Filter.includes(repo) {
			repo.Name = ""
			continue
		}
		if l.Failed != "" {
			setError(repo, advice.New(transfer.RunAgain, "%s", l.Failed))
			continue
		}
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			exists[i] = o.manifest(ctx, l, repo)
		})
	}
	group.Wait()
	for i, repo := range repositories {
		if repo.Name != "" {
			o.add(repo, exists[i])
		}
	}
}

// manifest reads the manifest of a listed repository, if there is one.
func (o *ownerListing) manifest(ctx context.Context, l *gh.Listed, repo *fleet.Repository) (exists bool) {
	switch {
	case l.File != nil:
		readBlob(ctx, o.client, repo, l.File)
		return true
	case o.client.Forge() == gh.Gitea:
		return fetch(ctx, o.client, repo)
	}
	return false
}

// describe fills in what a forge says about a repository, as far as a roster may have it.
// It returns false for one that it cannot name.
func (o *ownerListing) describe(l *gh.Listed, repo *fleet.Repository) bool {
	owner, _, _ := strings.Cut(l.FullName, "/")
	switch {
	case l.FullName == "":
		o.state.fail("a repository of %s is unknown: %s", o.owner, l.Failed)
		return false
	case !bundleid.IsRepository(l.FullName) || !strings.EqualFold(owner, o.owner):
		o.state.fail("the API lists %s as a repository of %s", transfer.Quote(l.FullName), o.owner)
		return false
	}
	*repo = fleet.Repository{
		Name: l.FullName, ID: max(l.ID, 0), Forge: fleet.GitHub, Server: o.ServerURL, DefaultBranch: l.DefaultBranch,
		Visibility: l.Visibility, Archived: l.Archived, Fork: l.Fork, Topics: l.Topics, Slug: slugOf(l.FullName),
		Manifest: o.File, Commit: objectID(l.Commit),
	}
	if o.client.Forge() == gh.Gitea {
		repo.Forge = fleet.Gitea
	}
	repo.Clean()
	return true
}

// giteaPage lists the next page of a Gitea, where the cursor is the number of the last
// page.
func (o *ownerListing) giteaPage(ctx context.Context) (listed []gh.Listed, after string, more bool, err error) {
	last, err := strconv.Atoi("0" + o.state.After)
	if err != nil {
		return nil, "", false, errors.New("the cursor is not the number of a page")
	}
	o.Requests++
	listed, more, err = o.client.OwnedRepositories(ctx, o.owner, last+1)
	return listed, strconv.Itoa(last + 1), more, err
}
