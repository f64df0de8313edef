package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
)

// Limits of one lookup: how many artifacts of a receipt's name are listed, how many of
// them are downloaded, and how many skipped ones are logged. Anyone with a fork can add
// to the first; only this repository's own runs on the trusted branch add to the second.
const (
	maxListed     = 1000
	maxDownloaded = 10
	maxLogged     = 10
)

// ledger reads the receipts among a repository's job artifacts.
type ledger struct {
	api        *gh.Client
	repository string
	log        func(string, ...any)

	origin once[origin]

	mu      sync.Mutex // guards listing
	listing listing
}

// listing is the repository's bundles and receipts, newest first, as far as its artifacts
// have been read.
type listing struct {
	artifacts []gh.Artifact
	pages     int // that were read
	total     int // artifacts of all names that the repository has
	// shrunk says that artifacts disappeared between two pages, so that others may have
	// moved to a page that was already read.
	shrunk bool
}

// left is how many pages have not been read.
func (l listing) left() int { return (l.total+gh.PerPage-1)/gh.PerPage - l.pages }

// complete reports whether what is not listed does not exist.
func (l listing) complete() bool { return l.left() <= 0 && !l.shrunk }

// origin is where a receipt must come from: a run of this repository itself, on this
// branch.
type origin struct {
	repository int64
	branch     string
}

func newLedger(o ArtifactsOptions) *ledger {
	l := &ledger{api: o.API, repository: o.Repository, log: o.Log}
	l.origin.get = func(ctx context.Context) (origin, error) {
		if o.RepositoryID > 0 && o.LedgerBranch != "" {
			return origin{o.RepositoryID, o.LedgerBranch}, nil
		}
		r, err := o.API.Repository(ctx, o.Repository)
		if err != nil {
			return origin{}, err
		}
		from := origin{o.RepositoryID, o.LedgerBranch}
		if from.repository <= 0 {
			from.repository = r.ID
		}
		if from.branch == "" {
			from.branch = r.DefaultBranch
		}
		if from.repository <= 0 || from.branch == "" {
			message := "GitHub's API gives no id or no default branch of " + o.Repository
			return origin{}, &advice.Error{Message: message, Hint: "set input `ledger-branch`"}
		}
		return from, nil
	}
	return l
}

// parallel is how many receipts are read at once.
const parallel = 8

// lookup finds the receipts of all names first, and then reads them.
func (l *ledger) lookup(ctx context.Context, names []string) []Record {
	seen, err := l.read(ctx, names)
	if err != nil {
		return allFailed(names, fmt.Errorf("reading the ledger: %w", err))
	}
	records := make([]Record, len(names))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, name := range names {
		group.Go(func() error {
			var err error
			if records[i], err = l.record(ctx, seen, name); err != nil {
				records[i] = Record{Err: fmt.Errorf("reading the ledger for %q: %w", name, err)}
			}
			return nil
		})
	}
	group.Wait() // each record has its own error
	return records
}

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
		if left := l.listing.left(); l.listing.pages > 0 && (missing == 0 || left <= 0 || fruitless && left > missing) {
			return l.listing, nil
		}
		if err := l.turn(ctx); err != nil {
			return listing{}, err
		}
	}
}

// turn reads one more page.
func (l *ledger) turn(ctx context.Context) error {
	page, total, err := l.api.ArtifactPage(ctx, l.repository, l.listing.pages+1)
	if err != nil {
		return err
	}
	l.listing.shrunk = l.listing.shrunk || total < l.listing.total
	l.listing.pages, l.listing.total = l.listing.pages+1, total
	artifacts := slices.Clone(l.listing.artifacts) // others read the old slice
	for _, a := range page {
		if bundleid.IsOurs(a.Name) {
			artifacts = append(artifacts, a)
		}
	}
	// An artifact that is stored meanwhile moves another one to the next page, where it
	// is seen again.
	slices.SortFunc(artifacts, func(a, b gh.Artifact) int { return cmp.Compare(b.ID, a.ID) })
	l.listing.artifacts = slices.CompactFunc(artifacts, func(a, b gh.Artifact) bool { return a.ID == b.ID })
	return nil
}

// missing counts the names without a trusted receipt in the listing.
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
		if from.rejects(a) == nil {
			delete(missing, a.Name)
		}
	}
	return len(missing), nil
}

// record answers for one name: from the listing if possible, otherwise by a search for
// the receipt by name.
func (l *ledger) record(ctx context.Context, seen listing, name string) (rec Record, err error) {
	var receipts []gh.Artifact
	isSibling := siblings(name)
	for _, a := range seen.artifacts {
		bundle, isReceipt := bundleid.CutReceipt(a.Name)
		switch {
		case isReceipt && bundle == name:
			receipts = append(receipts, a)
			continue
		case a.Name != name && !(isReceipt && isSibling(bundle)):
			continue
		}
		from, err := l.origin.do(ctx)
		if err != nil {
			return Record{}, err
		}
		switch {
		case from.rejects(a) != nil:
		case !isReceipt:
			rec.Prepared = rec.Prepared || !a.Expired
		case !slices.Contains(rec.Earlier, bundle): // even an expired one proves that its period was not missed
			rec.Earlier = append(rec.Earlier, bundle)
		}
	}
	slices.Sort(rec.Earlier)
	rec.Receipt, err = l.receipt(ctx, name, receipts)
	if err != nil || rec.Receipt != nil || seen.complete() {
		return rec, err
	}
	older, err := l.api.Artifacts(ctx, l.repository, bundleid.ReceiptName(name), maxListed)
	if err != nil {
		return Record{}, err
	}
	older = slices.DeleteFunc(older, func(a gh.Artifact) bool {
		return slices.ContainsFunc(receipts, func(known gh.Artifact) bool { return known.ID == a.ID })
	})
	rec.Receipt, err = l.receipt(ctx, name, older)
	return rec, err
}

// receipt returns the newest of candidates that is the trusted receipt of name, nil if
// none is. It always reads the content: the name alone must not stop an agent from
// running.
func (l *ledger) receipt(ctx context.Context, name string, candidates []gh.Artifact) (*Receipt, error) {
	downloaded, passed := 0, 0
	defer func() {
		if passed > maxLogged {
			l.log("%d more receipts of %q are passed over", passed-maxLogged, name)
		}
	}()
	for _, a := range candidates {
		from, err := l.origin.do(ctx)
		if err != nil {
			return nil, err
		}
		err = from.rejects(a)
		switch {
		case err != nil:
		case a.Expired:
			err = errors.New("is expired")
		case a.Size > maxReceipt:
			err = fmt.Errorf("has %d bytes", a.Size)
		case downloaded == maxDownloaded:
			l.log("more than %d receipts of %q are invalid: the older ones are not read", maxDownloaded, name)
			return nil, nil
		default:
			downloaded++
			var data []byte
			data, err = l.api.DownloadArtifact(ctx, l.repository, a.ID, maxReceipt)
			if err != nil && !gone(err) {
				return nil, err
			}
			if err == nil {
				var r *Receipt
				if r, err = unpackReceipt(data, a.Digest, l.repository, name); err == nil {
					return r, nil
				}
			}
		}
		if passed++; passed <= maxLogged {
			l.log("artifact %d, a receipt of %q, %v: passed over", a.ID, name, err)
		}
	}
	return nil, nil
}

// rejects returns why an artifact is not from a run of the repository itself on the
// trusted branch; nil if it is.
func (from origin) rejects(a gh.Artifact) error {
	switch {
	case a.RepositoryID != from.repository:
		return fmt.Errorf("belongs to the repository with id %d", a.RepositoryID)
	case a.HeadRepositoryID != from.repository:
		return fmt.Errorf("comes from a fork, the repository with id %d", a.HeadRepositoryID)
	case a.HeadBranch != from.branch:
		return fmt.Errorf("comes from branch %q, not %q", a.HeadBranch, from.branch)
	}
	return nil
}

// unpackReceipt checks an untrusted zip against the digest it is listed with, "" if none,
// and reads the receipt in it.
func unpackReceipt(data []byte, digest, repository, name string) (*Receipt, error) {
	if digest != "" && digest != digestOf(data) {
		return nil, errors.New("has another digest than the one it is listed with")
	}
	content, err := unzipOnly(data, ReceiptFile, maxReceipt)
	if err != nil {
		return nil, err
	}
	return parseReceipt(content, repository, name)
}

// gone reports whether an artifact will never be readable.
func gone(err error) bool {
	var e *gh.Error
	return errors.As(err, &e) && (e.Kind == gh.NotFound || e.Kind == gh.Invalid)
}

// once gets a value on the first call. Calls meanwhile wait, and later ones return the
// same value or error. Only the error of a caller that gave up is not kept.
type once[T any] struct {
	get func(context.Context) (T, error)

	mu    sync.Mutex
	done  bool
	value T
	err   error
}

func (o *once[T]) do(ctx context.Context) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		o.value, o.err = o.get(ctx)
		o.done = ctx.Err() == nil
	}
	return o.value, o.err
}
