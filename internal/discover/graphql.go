package discover

import (
	"context"
	"errors"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// The sizes of pages. Large organisations time out at 100, the API's limit.
const (
	firstPage = 50
	maxPage   = 100
)

// pager chooses the size of the next page. It halves the size when the server gives up,
// and doubles it again after a few good pages. A size at which the server gave up at once
// is tried again only after more and more of them.
type pager struct {
	size    int
	good    int  // pages since the last change
	proven  bool // the size has worked
	ceiling int  // the size that may be too large
	patient int  // good pages before the ceiling is tried
}

// patience is how many good pages precede a larger page, and maxPatience how many precede
// the ceiling at most.
const (
	patience    = 2
	maxPatience = 64
)

func newPager() *pager { return &pager{size: firstPage, ceiling: maxPage, patient: 2 * patience} }

func (p *pager) succeed() {
	p.proven = true
	p.good++
	larger, need := min(2*p.size, maxPage), patience
	if larger >= p.ceiling {
		need = p.patient
	}
	if larger > p.size && p.good >= need {
		p.size, p.good, p.proven = larger, 0, false
	}
}

func (p *pager) fail() {
	if !p.proven {
		p.ceiling, p.patient = p.size, min(2*p.patient, maxPatience)
	}
	p.size, p.good, p.proven = max(p.size/2, 1), 0, true
}

// graphqlPage lists the next page of GitHub. What the server left out is asked for again.
func (o *ownerListing) graphqlPage(ctx context.Context) (listed []gh.Listed, after string, more bool, err error) {
	page, err := o.ask(ctx, o.state.After, maxPage)
	if err != nil {
		return nil, "", false, err
	}
	o.total = page.Total
	if err := o.complete(ctx, o.state.After, page.Repositories); err != nil {
		return nil, "", false, err
	}
	return page.Repositories, page.Next, page.More, nil
}

// ask asks for at most limit repositories, and for fewer each time the server gives up.
func (o *ownerListing) ask(ctx context.Context, after string, limit int) (*gh.ListPage, error) {
	listing := gh.Listing{Owner: o.owner, File: o.File, Forks: o.Filter.Forks, Archived: o.Filter.Archived,
		Visibility: o.Filter.Visibility}
	for attempt, alone := 1, 0; ; attempt++ {
		size := min(o.pager.size, limit)
		o.Requests++
		page, err := o.client.ListRepositories(ctx, listing, after, size)
		var refused *gh.Error
		switch {
		case err == nil && page.Limited:
			o.pager.fail()
			return page, nil
		case err == nil:
			o.pager.succeed()
			return page, nil
		case !errors.As(err, &refused) || refused.Kind != gh.Overloaded:
			return nil, err
		}
		if size == 1 {
			if alone++; alone == transfer.Attempts {
				return nil, err
			}
		}
		o.pager.fail()
		o.Log("a page of %s of %s failed, trying %d: %s", advice.Count(size, "repository"), o.owner,
			min(o.pager.size, limit), refused.Message)
		if err := o.Sleep(ctx, transfer.Backoff(min(attempt, transfer.Attempts))); err != nil {
			return nil, err
		}
	}
}

// complete asks again for the repositories of a page that the server left out, after the
// cursor before each of them. What it leaves out again, alone, stays as it is.
func (o *ownerListing) complete(ctx context.Context, after string, listed []gh.Listed) error {
	for i := 0; i < len(listed); {
		if listed[i].Failed == "" {
			after = listed[i].Cursor
			i++
			continue
		}
		end := i
		for end < len(listed) && listed[end].Failed != "" {
			end++
		}
		if err := o.refill(ctx, after, listed[i:end]); err != nil {
			return err
		}
		i, after = end, listed[end-1].Cursor
	}
	return nil
}

// attemptsAlone is how often one repository is asked for by itself, and maxLost how many
// may stay unknown, before the listing fails.
const (
	attemptsAlone = 3
	maxLost       = 50
)

// refill asks for a run of repositories. Their cursors are known, so a repository that
// was removed meanwhile changes nothing for the others.
func (o *ownerListing) refill(ctx context.Context, after string, missing []gh.Listed) error {
	for attempt := 0; len(missing) > 0; {
		limit := len(missing)
		if attempt > 0 {
			limit = 1
		}
		page, err := o.ask(ctx, after, limit)
		var refused *gh.Error
		if len(missing) == 1 && errors.As(err, &refused) && refused.Kind == gh.Overloaded {
			return nil
		}
		if err != nil {
			return err
		}
		n := 0
		for _, l := range page.Repositories {
			if n == len(missing) || l.Failed != "" || l.Cursor != missing[n].Cursor {
				break
			}
			missing[n] = l
			n++
		}
		if n == 0 {
			if attempt++; attempt <= attemptsAlone {
				continue
			}
			if o.lost++; o.lost > maxLost {
				return &gh.Error{Kind: gh.Unavailable, Op: "list the repositories of " + o.owner,
					Message: "the API leaves out too many", Hint: transfer.RunAgain}
			}
			n = 1 // it stays unknown
		}
		attempt = 0
		after, missing = missing[n-1].Cursor, missing[n:]
	}
	return nil
}
