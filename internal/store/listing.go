package store

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
)

// listing is the repository's bundles and receipts, newest first, as far as its artifacts
// have been read.
type listing struct {
	artifacts []gh.Artifact
	pages     int // that were read
	seen      int // distinct artifacts of all names
	total     int // artifacts of all names that the first page counted
	last      int // the same, counted by the latest page
	size      int // of a page
	// next is the page to read next, 0 if none is left. A server that lists the oldest
	// first is read from its last page backwards, after the first one.
	next        int
	oldestFirst bool
	// since is the id of the oldest artifact of the newest ones, of which all were read.
	// Between the first page of a server that lists the oldest first and these is a gap.
	since int64
	// shrunk says that artifacts disappeared between two pages, so that others may have
	// moved to a page that was already read.
	shrunk bool
}

// complete reports whether what is not listed does not exist.
func (l listing) complete() bool { return l.pages > 0 && l.seen >= l.total && !l.shrunk }

// left is how many pages have not been read, at most.
func (l listing) left() int {
	if l.next == 0 {
		return 0
	}
	return max(1, (min(l.total, l.last)-l.seen+l.size-1)/l.size)
}

// begun reports whether the pages with the newest artifacts were read. The last page of a
// server that lists the oldest first may hold a single one; where searches for the missing
// receipts cost less than another page, it is enough.
func (l listing) begun(missing int) bool {
	return l.pages > 0 && (!l.oldestFirst || l.pages >= 3 || l.pages == 2 && missing <= 2)
}

// read returns the listing, read as far as that is worth the requests: while a page shows
// one of the missing receipts, or the pages left are no more than the names left, each of
// which takes one or two searches of its own.
func (l *ledger) read(ctx context.Context, names []string) (listing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for before := len(names); ; {
		missing, err := l.missing(ctx, names)
		if err != nil {
			return listing{}, err
		}
		left := l.listing.left()
		if l.listing.pages > 0 && (len(missing) == 0 || left == 0) {
			return l.listing, nil
		}
		fruitless := len(missing) >= before
		before = len(missing)
		if fruitless && l.listing.begun(len(missing)) {
			found, err := l.probe(ctx, missing, left)
			switch {
			case err != nil:
				return listing{}, err
			case found:
				before = 0 // another probe may help more than the next page
				continue
			case left > len(missing):
				return l.listing, nil
			}
		}
		if err := l.turn(ctx); err != nil {
			return listing{}, err
		}
	}
}

// probe searches for the receipt of a missing name, and then lists all artifacts of its
// run, because a run stores the receipts of many names. It does so only on a server that
// lists the oldest first, whose pages are small, if more than two are left, and spends no
// more requests than that. Of a period without such a receipt it searches for one name only.
// found reports that fewer names are missing.
func (l *ledger) probe(ctx context.Context, missing []string, left int) (found bool, err error) {
	if !l.listing.oldestFirst || len(missing) <= 2 || left <= 2 {
		return false, nil
	}
	for _, name := range missing {
		b, _ := bundleid.Parse(name)
		if l.absent[b.Period] || l.spent >= left {
			continue
		}
		l.spent++
		result, err := l.searches.Do(ctx, bundleid.ReceiptName(name))
		if err != nil {
			return false, err
		}
		a, _ := l.trusted(ctx, bundleid.ReceiptName(name), result.artifacts) // find reports why it is unknown
		if a == nil {
			l.absent[b.Period] = true
			continue
		}
		l.keep([]gh.Artifact{*a})
		return true, l.listRun(ctx, a.RunID, left)
	}
	return false, nil
}

// listRun adds the artifacts of a run to the listing, as far as probes may spend requests. A
// server that does not list them is not asked again.
func (l *ledger) listRun(ctx context.Context, run int64, limit int) error {
	ids := map[int64]bool{}
	for number := 1; l.spent < limit; number++ {
		l.spent++
		page, total, err := l.api.RunArtifactPage(ctx, l.repository, run, number)
		if err != nil && gone(err) {
			l.spent = math.MaxInt
			return nil
		}
		if err != nil {
			return err
		}
		before := len(ids)
		for _, a := range page {
			ids[a.ID] = true
		}
		l.keep(slices.DeleteFunc(page, func(a gh.Artifact) bool { return a.RunID != run }))
		if len(ids) >= total || len(ids) == before {
			break
		}
	}
	return nil
}

// keep adds those of the artifacts to the listing that are ours, each once.
func (l *ledger) keep(page []gh.Artifact) {
	artifacts := slices.Clone(l.listing.artifacts) // others read the old slice
	for _, a := range page {
		if bundleid.IsOurs(a.Name) && !l.kept[a.ID] {
			l.kept[a.ID] = true
			artifacts = append(artifacts, a)
		}
	}
	slices.SortFunc(artifacts, func(a, b gh.Artifact) int { return cmp.Compare(b.ID, a.ID) })
	l.listing.artifacts = artifacts
}

// turn reads one more page.
func (l *ledger) turn(ctx context.Context) error {
	number := max(l.listing.next, 1)
	page, total, err := l.api.ArtifactPage(ctx, l.repository, number)
	if err != nil {
		return err
	}
	l.keep(page)
	list := &l.listing
	fresh := 0
	for _, a := range page {
		if !l.seen[a.ID] { // an artifact that is stored meanwhile moves another one to the next page
			l.seen[a.ID] = true
			fresh++
		}
	}
	list.seen += fresh
	list.shrunk, list.last = list.shrunk || total < list.last, total
	if list.pages++; list.pages == 1 {
		list.total, list.size, list.oldestFirst = total, max(len(page), 1), gh.OldestFirst(page)
	}
	if list.oldestFirst {
		list.since = math.MaxInt64 // of the first page
		if list.pages > 1 && len(page) > 0 {
			list.since = page[0].ID
		}
	}
	switch {
	case list.seen >= min(list.total, total), fresh == 0 && !list.oldestFirst:
		list.next = 0
	case !list.oldestFirst:
		list.next = number + 1
	case number == 1:
		list.next = (total + list.size - 1) / list.size
	default:
		list.next = number - 1
	}
	if list.oldestFirst && list.pages > 1 && list.next == 1 { // the first page was read first
		list.next = 0
	}
	return nil
}

// missing returns the names without a receipt in the listing that may be trusted.
func (l *ledger) missing(ctx context.Context, names []string) ([]string, error) {
	missing := make(map[string]bool, len(names))
	for _, name := range names {
		missing[bundleid.ReceiptName(name)] = true
	}
	for _, a := range l.listing.artifacts {
		if !missing[a.Name] || a.Expired {
			continue
		}
		from, err := l.origin.Do(ctx)
		if err != nil {
			return nil, err
		}
		if from.rejects(listedSource(a)) == nil {
			delete(missing, a.Name)
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !missing[bundleid.ReceiptName(name)]
	}), nil
}

// index finds the artifacts of a listing by what they belong to, newest first.
type index struct {
	listing
	byName map[string][]gh.Artifact
	// receipts are the names of bundles with a receipt, without those of forced runs, as far
	// back as the listing has no gap. Those before a gap would make the periods in it look
	// missed.
	receipts map[bundleid.Entry][]string
}

func (l listing) index() index {
	x := index{listing: l, byName: map[string][]gh.Artifact{}, receipts: map[bundleid.Entry][]string{}}
	for _, a := range l.artifacts {
		known := x.byName[a.Name]
		x.byName[a.Name] = append(known, a)
		if len(known) > 0 || a.ID < l.since && !l.complete() {
			continue
		}
		if b, ok := bundleid.ParseReceipt(a.Name); ok && b.Run == "" {
			x.receipts[b.Entry] = append(x.receipts[b.Entry], b.Name())
		}
	}
	return x
}
