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
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Limits of one lookup: how many artifacts of a record's name are searched, and how many
// skipped ones are logged. Anyone with a fork can add to both.
const (
	maxListed = 1000
	maxLogged = 10
)

// ledger reads the receipts among a repository's job artifacts.
type ledger struct {
	api        *gh.Client
	repository string
	log        func(string, ...any)

	origin   transfer.Once[origin]
	runs     transfer.OnceEach[int64, gh.Run]
	searches transfer.OnceEach[string, searched] // by the name of the artifact

	mu      sync.Mutex // guards what follows
	listing listing
	seen    map[int64]bool  // ids of all artifacts of the pages that were read
	kept    map[int64]bool  // ids of the listing's artifacts
	absent  map[string]bool // periods of which a probe found no receipt
	spent   int             // requests of probes
}

// searched is the answer to a search for the artifacts of a name.
type searched struct {
	artifacts []gh.Artifact
	complete  bool
}

func newLedger(o ArtifactsOptions) *ledger {
	l := &ledger{api: o.API, repository: o.Repository, log: o.Log, seen: map[int64]bool{}, kept: map[int64]bool{},
		absent: map[string]bool{}}
	l.origin.Get = func(ctx context.Context) (origin, error) { return readOrigin(ctx, o) }
	l.searches.Get = func(ctx context.Context, name string) (searched, error) {
		artifacts, complete, err := o.API.Artifacts(ctx, o.Repository, name, maxListed)
		return searched{artifacts, complete}, err
	}
	l.runs.Get = func(ctx context.Context, id int64) (gh.Run, error) { return o.API.Run(ctx, o.Repository, id) }
	return l
}

// parallel is how many records are looked up at once.
const parallel = 8

// lookup reads the listing for all names first, and then answers for each.
func (l *ledger) lookup(ctx context.Context, names []string) []Record {
	seen, err := l.read(ctx, names)
	if err != nil {
		return allFailed(names, fmt.Errorf("reading the ledger: %w", err))
	}
	x := seen.index()
	records := make([]Record, len(names))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, name := range names {
		group.Go(func() error {
			records[i] = l.record(ctx, x, name)
			return nil
		})
	}
	group.Wait() // each record has its own error
	return records
}

// record answers for one name. The receipt decides, and the record of a partial delivery:
// of the rest, what cannot be found out is logged.
func (l *ledger) record(ctx context.Context, x index, name string) Record {
	receipt, err := l.find(ctx, x, bundleid.ReceiptName(name))
	if err != nil {
		return Record{Err: fmt.Errorf("reading the ledger: %w", err)}
	}
	rec := Record{Delivered: receipt != nil, Earlier: l.earlier(ctx, x, name)}
	if !rec.Delivered {
		partial, err := l.find(ctx, x, bundleid.PartialName(name))
		if err != nil {
			return Record{Err: fmt.Errorf("reading the ledger: %w", err)}
		}
		rec.Partial = partial != nil
	}
	rec.Prepared = slices.ContainsFunc(x.byName[name], func(a gh.Artifact) bool {
		worth := isListed(a) || !rec.Delivered // a request
		return !a.Expired && worth && l.counts(ctx, a)
	})
	rec.Unlisted = !rec.Prepared && !x.complete()
	return rec
}

// find returns the newest trusted artifact with the name of a record, nil if there is none:
// from the listing if possible, otherwise by a search by name.
func (l *ledger) find(ctx context.Context, x index, record string) (*gh.Artifact, error) {
	records := x.byName[record]
	found, undecided := l.trusted(ctx, record, records)
	if found != nil || x.complete() {
		return found, undecided
	}
	result, err := l.searches.Do(ctx, record)
	if err != nil {
		return nil, err
	}
	older := slices.DeleteFunc(slices.Clone(result.artifacts), func(a gh.Artifact) bool {
		return slices.ContainsFunc(records, func(known gh.Artifact) bool { return known.ID == a.ID })
	})
	found, err = l.trusted(ctx, record, older)
	if err = cmp.Or(undecided, err); found != nil || err != nil || result.complete {
		return found, err
	}
	return nil, &UndecidedError{
		Why: "the API counts more artifacts with the name of its record than it lists",
		Err: advice.New("run again, and delete such artifacts of forks if there are very many", "found %d named %q",
			len(records)+len(older), record),
	}
}

// trusted returns the first trusted one of candidates, the artifacts with the name of a
// record; nil if there is none. The error says why that is not known.
func (l *ledger) trusted(ctx context.Context, record string, candidates []gh.Artifact) (*gh.Artifact, error) {
	var undecided error
	skipped := 0
	defer func() {
		if skipped > maxLogged {
			l.log("%d more artifacts named %q are skipped", skipped-maxLogged, record)
		}
	}()
	for i, a := range candidates {
		reason, err := l.reject(ctx, a)
		if reason == nil && err == nil && a.Expired {
			reason = errors.New("is expired")
		}
		switch {
		case err != nil:
			undecided = cmp.Or(undecided, err)
		case reason == nil:
			return &candidates[i], nil
		default:
			if skipped++; skipped <= maxLogged {
				l.log("artifact %d, %q, %v: skipped", a.ID, record, reason)
			}
		}
	}
	if u, ok := errors.AsType[*UndecidedError](undecided); ok {
		undecided = &UndecidedError{Why: "its record may not count: " + u.Why, Err: u.Err}
	}
	return nil, undecided
}

// earlier returns the names of the other bundles of name's entry with a receipt, sorted.
// An expired receipt counts, because its period was not missed. Where only the run knows
// the origin, runs are asked until the latest receipt before this period is found, which
// is enough to find missed periods.
func (l *ledger) earlier(ctx context.Context, x index, name string) []string {
	b, ok := bundleid.Parse(name)
	if !ok {
		return nil
	}
	var names []string
	latest := false
	for _, other := range laterFirst(x.receipts[b.Entry]) {
		o, _ := bundleid.Parse(other)
		if !o.Follows(b) {
			continue
		}
		for _, a := range x.byName[bundleid.ReceiptName(other)] {
			if latest && !isListed(a) || !l.counts(ctx, a) {
				continue
			}
			names = append(names, other)
			latest = latest || bundleid.LatestBefore([]string{o.Period}, b.Period) != ""
			break
		}
	}
	slices.Sort(names)
	return names
}

// laterFirst sorts names of bundles by their periods, the latest first.
func laterFirst(names []string) []string {
	return slices.SortedFunc(slices.Values(names), func(a, b string) int {
		first, _ := bundleid.Parse(a)
		second, _ := bundleid.Parse(b)
		start, _ := bundleid.PeriodStart(first.Period)
		other, _ := bundleid.PeriodStart(second.Period)
		return other.Compare(start)
	})
}

// isListed reports whether the listing says all about an artifact's origin.
func isListed(a gh.Artifact) bool {
	return a.RepositoryID != 0 && a.HeadRepositoryID != 0 && a.HeadBranch != ""
}

// counts reports whether an artifact is trusted. It logs why that is not known.
func (l *ledger) counts(ctx context.Context, a gh.Artifact) bool {
	reason, err := l.reject(ctx, a)
	if err != nil {
		l.log("artifact %d, %q, does not count: %v", a.ID, a.Name, err)
	}
	return reason == nil && err == nil
}

// receipt reads the content of the trusted receipt of name; nil if there is none.
func (l *ledger) receipt(ctx context.Context, name string) (*Receipt, error) {
	seen, err := l.read(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	a, err := l.find(ctx, seen.index(), bundleid.ReceiptName(name))
	if a == nil {
		return nil, err
	}
	data, err := l.content(ctx, a, ReceiptFile, maxReceipt)
	if err != nil {
		if gone(err) {
			return nil, nil
		}
		return nil, err
	}
	r, err := parseReceipt(data, home{}, name) // the repository may have had another name then
	if err != nil {
		return nil, fmt.Errorf("artifact %d %w", a.ID, err)
	}
	return r, nil
}

// partial reads the newest trusted record of a partial delivery of name.
func (l *ledger) partial(ctx context.Context, name string) (*Partial, error) {
	seen, err := l.read(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	x := seen.index()
	if x.oldestFirst && !x.complete() {
		x = index{listing: seen} // a newer one may not be listed: search
	}
	a, err := l.find(ctx, x, bundleid.PartialName(name))
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, fmt.Errorf("%w: it is gone", ErrPartialInvalid)
	}
	data, err := l.content(ctx, a, PartialFile, maxPartial)
	switch {
	case errors.Is(err, errUnusable), gone(err):
		return nil, fmt.Errorf("%w: %w", ErrPartialInvalid, err)
	case err != nil:
		return nil, err
	}
	return parsePartial(data, home{}, name)
}

// errUnusable means that an artifact has another content than it should.
var errUnusable = errors.New("cannot be used")

// content downloads an artifact and returns its only file. The error is errUnusable if
// that will never succeed.
func (l *ledger) content(ctx context.Context, a *gh.Artifact, file string, limit int64) ([]byte, error) {
	unusable := func(err error) error { return fmt.Errorf("artifact %d %w: it %w", a.ID, errUnusable, err) }
	if a.Size > limit {
		return nil, unusable(fmt.Errorf("has %d bytes", a.Size))
	}
	data, err := l.api.DownloadArtifact(ctx, l.repository, a.ID, limit)
	if err != nil {
		return nil, err
	}
	if a.Digest != "" && a.Digest != digestOf(data) {
		return nil, unusable(errors.New("has another digest than the one it is listed with"))
	}
	content, err := unzipOnly(data, file, limit)
	if err != nil {
		return nil, unusable(err)
	}
	return content, nil
}

// gone reports whether an artifact will never be readable.
func gone(err error) bool {
	var e *gh.Error
	return errors.As(err, &e) && (e.Kind == gh.NotFound || e.Kind == gh.Invalid)
}
