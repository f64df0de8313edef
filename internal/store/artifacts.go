package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/results"
)

// Errors that a caller branches on: the directory store works even so.
var (
	ErrNoArtifactService = errors.New("no artifact service: ACTIONS_RESULTS_URL or ACTIONS_RUNTIME_TOKEN is missing, " +
		"as on GitHub Enterprise Server and outside of an action")
	ErrNoLedger error = &advice.Error{
		Message: "no ledger: receipts are read through GitHub's API",
		Hint:    "give input `token` a token with `actions: read`",
	}
)

// ArtifactsOptions are what the store of job artifacts needs from outside.
type ArtifactsOptions struct {
	ResultsURL   string // ACTIONS_RESULTS_URL, only its origin counts
	RuntimeToken string // ACTIONS_RUNTIME_TOKEN
	ServerURL    string // GITHUB_SERVER_URL
	Repository   string // GITHUB_REPOSITORY, owner/name
	RunID        int64  // GITHUB_RUN_ID
	Attempt      int    // GITHUB_RUN_ATTEMPT, from 1; 0 when unknown

	// RetentionDays returns how long the bundle of this name and its receipt are kept.
	// Nil or 0 leaves it to the repository's settings.
	RetentionDays func(name string) int

	// API reads the ledger, and needs actions: read; nil makes Lookup fail with
	// ErrNoLedger.
	API *gh.Client
	// RepositoryID is GITHUB_REPOSITORY_ID, to which receipts belong even if the
	// repository is renamed. When it is 0, unknown, checking a receipt costs one request.
	RepositoryID int64
	// LedgerBranch is the only branch whose runs' receipts count. "" is the default
	// branch, which costs one request.
	LedgerBranch string

	Transport http.RoundTripper                                // to artifact service and storage; default: Go's own
	Now       func() time.Time                                 // default time.Now
	Sleep     func(ctx context.Context, d time.Duration) error // default: a timer that ctx ends
	Log       func(format string, args ...any)                 // gets retries and skipped receipts; default: none
}

// Artifacts is the store of GitHub job artifacts: one artifact for a bundle, <name>, and
// one for its receipt, <name>.receipt. It is safe for concurrent use.
//
// An artifact is listed only when it is complete, so readers find nothing of a run that
// ended early. The upload of one artifact takes four requests, and one more for each
// further 8 MiB.
type Artifacts struct {
	o       ArtifactsOptions
	results *results.Client
	ledger  *ledger
}

// NewArtifacts checks the options. The error is ErrNoArtifactService, or names the wrong
// variable.
func NewArtifacts(o ArtifactsOptions) (*Artifacts, error) {
	if o.ResultsURL == "" || o.RuntimeToken == "" {
		return nil, ErrNoArtifactService
	}
	if !bundleid.IsRepository(o.Repository) {
		message := fmt.Sprintf("artifact store: GITHUB_REPOSITORY is %q", o.Repository)
		return nil, &advice.Error{Message: message, Hint: "want owner/name"}
	}
	if o.RunID <= 0 {
		message := fmt.Sprintf("artifact store: GITHUB_RUN_ID is %d", o.RunID)
		return nil, &advice.Error{Message: message, Hint: "want the run's id"}
	}
	server, err := url.Parse(o.ServerURL)
	if err != nil || server.Scheme != "https" && server.Scheme != "http" || server.Host == "" || server.User != nil {
		return nil, errors.New("artifact store: GITHUB_SERVER_URL is not a URL like https://github.com")
	}
	o.ServerURL = strings.TrimRight(o.ServerURL, "/")
	if o.RetentionDays == nil {
		o.RetentionDays = func(string) int { return 0 }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	client, err := results.New(results.Options{URL: o.ResultsURL, Token: o.RuntimeToken, Transport: o.Transport,
		Now: o.Now, Sleep: o.Sleep, Log: o.Log})
	if err != nil {
		return nil, fmt.Errorf("artifact store: %w", err)
	}
	return &Artifacts{o: o, results: client, ledger: newLedger(o)}, nil
}

// OpenLedger returns the ledger of a repository's job artifacts for reading, as on a
// terminal. It needs Repository and API of the options only. The error names a wrong
// Repository.
func OpenLedger(o ArtifactsOptions) (Ledger, error) {
	if !bundleid.IsRepository(o.Repository) {
		return nil, advice.New("want owner/name", "the ledger's repository is %q", o.Repository)
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	return &Artifacts{o: o, ledger: newLedger(o)}, nil
}

// home is the repository of receipts to be stored. The event of one that is resumed may have
// the repository's earlier name.
func (a *Artifacts) home() home { return home{id: a.o.RepositoryID} }

// PutBundle stores files as the artifact name of this run.
func (a *Artifacts) PutBundle(ctx context.Context, name string, files []File) (*event.Artifact, error) {
	artifact, err := a.put(ctx, name, name, files)
	if err != nil {
		return nil, fmt.Errorf("storing the bundle %q: %w", name, err)
	}
	return artifact, nil
}

// PutReceipt stores r as the artifact <name>.receipt of this run. It refuses a receipt
// that does not prove every delivery.
func (a *Artifacts) PutReceipt(ctx context.Context, r *Receipt) error {
	data, err := encodeReceipt(r, a.home())
	if err != nil {
		return fmt.Errorf("storing the receipt of %q: it %w", r.Name, err)
	}
	if _, err := a.put(ctx, bundleid.ReceiptName(r.Name), r.Name, []File{{ReceiptFile, data}}); err != nil {
		return fmt.Errorf("storing the receipt of %q: %w", r.Name, err)
	}
	return nil
}

// PutPartial stores p as the artifact <name>.partial of this run.
func (a *Artifacts) PutPartial(ctx context.Context, p *Partial) error {
	data, err := encodePartial(p, a.home())
	if err != nil {
		return fmt.Errorf("storing the partial delivery of %q: it %w", p.Name, err)
	}
	if _, err := a.put(ctx, bundleid.PartialName(p.Name), p.Name, []File{{PartialFile, data}}); err != nil {
		return fmt.Errorf("storing the partial delivery of %q: %w", p.Name, err)
	}
	return nil
}

// Partial reads the newest trusted artifact <name>.partial, with one request and one
// download.
func (a *Artifacts) Partial(ctx context.Context, name string) (*Partial, error) {
	if a.o.API == nil {
		return nil, ErrNoLedger
	}
	p, err := a.ledger.partial(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading the partial delivery of %q: %w", name, err)
	}
	return p, nil
}

// Lookup asks the ledger, through GitHub's API. It reads one page of the listing, and
// further pages as long as they help. A name without a receipt there takes a search for
// it, and a second one for the record of a partial delivery if there is no receipt. Where
// a listing does not say from which branch an artifact comes, as on Gitea, each run of a
// receipt takes one request more.
//
// Prepared and Earlier come from the listing alone. A store reads it once, so it lacks
// what this run itself stores.
func (a *Artifacts) Lookup(ctx context.Context, names []string) []Record {
	switch {
	case len(names) == 0:
		return nil
	case a.o.API == nil:
		return allFailed(names, ErrNoLedger)
	}
	for _, name := range names {
		if err := checkName(bundleid.ReceiptName(name)); err != nil {
			return allFailed(names, fmt.Errorf("reading the ledger: %w", err))
		}
	}
	return a.ledger.lookup(ctx, names)
}

// Receipt reads the content of a receipt: one request and one download.
func (a *Artifacts) Receipt(ctx context.Context, name string) (*Receipt, error) {
	if a.o.API == nil {
		return nil, ErrNoLedger
	}
	if err := checkName(bundleid.ReceiptName(name)); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	r, err := a.ledger.receipt(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading the receipt of %q: %w", name, err)
	}
	return r, nil
}

// allFailed returns the records of names when the ledger cannot be read.
func allFailed(names []string, err error) []Record {
	return slices.Repeat([]Record{{Err: err}}, len(names))
}

// put stores files as the artifact name, for as long as the bundle of that name is kept.
func (a *Artifacts) put(ctx context.Context, name, bundle string, files []File) (*event.Artifact, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	data, err := Zip(files)
	if err != nil {
		return nil, err
	}
	u := results.Upload{Name: name, Zip: data, Digest: digestOf(data)}
	if days := a.o.RetentionDays(bundle); days > 0 {
		u.Expires = a.o.Now().Add(time.Duration(days) * 24 * time.Hour)
	}
	id, err := a.results.Put(ctx, u)
	if err != nil {
		return nil, err
	}
	return &event.Artifact{
		Repository: a.o.Repository,
		RunID:      a.o.RunID,
		Name:       name,
		ID:         id,
		Digest:     u.Digest,
		URL:        fmt.Sprintf("%s/%s/actions/runs/%d/artifacts/%d", a.o.ServerURL, a.o.Repository, a.o.RunID, id),
	}, nil
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
