package report

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// maxPages is how many pages of artifacts are read of one repository.
const maxPages = 50

// recorded is a trusted artifact of a ledger: a bundle, a receipt, an unfinished delivery,
// or a consumer's record.
type recorded struct {
	gh.Artifact
	url string // of the page of its run
}

// history reads the ledger of one repository.
type history struct {
	api        *gh.Client
	repository string
	trust      store.Trust
	page       string // of the repository, "" if unknown
	since      time.Time
	seen       map[int64]bool
	list       []recorded
	undecided  error // why it is not known whether an artifact counts
}

// read lists the trusted artifacts since an instant. It takes one request for each 100
// artifacts, and on Gitea one more for each run that stored one.
func (h *history) read(ctx context.Context) error {
	h.seen = map[int64]bool{}
	oldestFirst, size := false, 0
	for number, pages := 1, 1; number > 0; pages++ {
		page, total, err := h.api.ArtifactPage(ctx, h.repository, number)
		if err != nil {
			return err
		}
		if pages == 1 {
			oldestFirst, size = gh.OldestFirst(page), max(len(page), 1)
		}
		// The first page of a server that lists the oldest first has the oldest.
		isEnd := h.add(ctx, page) && !(oldestFirst && pages == 1)
		last := (total + size - 1) / size
		switch {
		case isEnd, len(page) == 0, len(h.seen) >= total:
			return h.undecided
		case pages == maxPages:
			return advice.New("report a shorter window with --days", "%s has more than %d artifacts in the window",
				h.repository, maxPages*size)
		case !oldestFirst:
			number++
		case pages == 1:
			number = last
		default:
			number--
		}
		if oldestFirst && number == 1 { // it was read first
			return h.undecided
		}
	}
	return h.undecided
}

// add adds the trusted artifacts of a page, and reports whether it has an older one.
func (h *history) add(ctx context.Context, page []gh.Artifact) (isOlder bool) {
	for _, a := range page {
		if a.CreatedAt.Before(h.since) {
			isOlder = true
			continue
		}
		if h.seen[a.ID] || !bundleid.IsOurs(a.Name) {
			h.seen[a.ID] = true
			continue
		}
		h.seen[a.ID] = true
		counts, address, err := h.trust.Counts(ctx, a)
		if h.undecided = cmp.Or(h.undecided, err); counts {
			if address == "" && h.page != "" {
				address = fmt.Sprintf("%s/actions/runs/%d", h.page, a.RunID)
			}
			h.list = append(h.list, recorded{a, address})
		}
	}
	return isOlder
}
