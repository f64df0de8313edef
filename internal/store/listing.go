package store

import (
	"cmp"
	"context"
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

// begun reports whether the pages with the newest artifacts were read, or searches for the
// missing receipts are cheaper. The last page of a server that lists the oldest first may
// hold a single one.
func (l listing) begun(missing int) bool { return !l.oldestFirst || l.pages >= 3 || missing <= 2 }

// read returns the listing, read as far as that is worth the requests: while a page shows
// one of the missing receipts, or the pages left are no more than the names left, each of
// which takes a search of its own.
func (l *ledger) read(ctx context.Context, names []string) (listing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for before := len(names); ; {
		missing, err := l.missing(ctx, names)
		if err != nil {
			return listing{}, err
		}
		fruitless := missing == before
		before = missing
		left := l.listing.left()
		if l.listing.pages > 0 && (missing == 0 || left == 0 || l.listing.begun(missing) && fruitless &&
			left > missing) {
			return l.listing, nil
		}
		if err := l.turn(ctx); err != nil {
			return listing{}, err
		}
	}
}

// turn reads one more page.
func (l *ledger) turn(ctx context.Context) error {
	number := max(l.listing.next, 1)
	page, total, err := l.api.ArtifactPage(ctx, l.repository, number)
	if err != nil {
		return err
	}
	list := &l.listing
	fresh := 0
	artifacts := slices.Clone(list.artifacts) // others read the old slice
	for _, a := range page {
		if l.seen[a.ID] { // an artifact that is stored meanwhile moves another one to the next page
			continue
		}
		l.seen[a.ID] = true
		fresh++
		if bundleid.IsOurs(a.Name) {
			artifacts = append(artifacts, a)
		}
	}
	slices.SortFunc(artifacts, func(a, b gh.Artifact) int { return cmp.Compare(b.ID, a.ID) })
	list.artifacts, list.seen = artifacts, list.seen+fresh
	list.shrunk, list.last = list.shrunk || total < list.last, total
	if list.pages++; list.pages == 1 {
		list.total, list.size, list.oldestFirst = total, max(len(page), 1), gh.OldestFirst(page)
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

// missing counts the names without a receipt in the listing that may be trusted.
func (l *ledger) missing(ctx context.Context, names []string) (int, error) {
	missing := make(map[string]bool, len(names))
	for _, name := range names {
		missing[bundleid.ReceiptName(name)] = true
	}
	for _, a := range l.listing.artifacts {
		if !missing[a.Name] || a.Expired {
			continue
		}
		from, err := l.origin.do(ctx)
		if err != nil {
			return 0, err
		}
		if from.rejects(listedSource(a)) == nil {
			delete(missing, a.Name)
		}
	}
	return len(missing), nil
}

// index finds the artifacts of a listing by what they belong to, newest first.
type index struct {
	listing
	byName map[string][]gh.Artifact
	// receipts are the names of bundles with a receipt, without those of forced runs.
	receipts map[bundleid.Entry][]string
}

func (l listing) index() index {
	x := index{listing: l, byName: map[string][]gh.Artifact{}, receipts: map[bundleid.Entry][]string{}}
	for _, a := range l.artifacts {
		known := x.byName[a.Name]
		x.byName[a.Name] = append(known, a)
		if b, ok := bundleid.ParseReceipt(a.Name); ok && b.Run == "" && len(known) == 0 {
			x.receipts[b.Entry] = append(x.receipts[b.Entry], b.Name())
		}
	}
	return x
}
