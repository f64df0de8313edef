package store

import (
	"context"

	"github.com/kaizen-agentic/schedule-action/internal/gh"
)

// Trust says which artifacts of a repository count for its ledger, and reads them.
type Trust struct{ ledger *ledger }

// NewTrust needs of the options API, Repository and Log, and takes a request less with
// RepositoryID and LedgerBranch.
func NewTrust(o ArtifactsOptions) Trust { return Trust{newLedger(o)} }

// Counts reports whether an artifact is from a run of the repository itself on its branch.
// It returns the page of the run where only the run tells, "" otherwise. The error says why
// that is not known.
func (t Trust) Counts(ctx context.Context, a gh.Artifact) (counts bool, runURL string, err error) {
	reason, err := t.ledger.reject(ctx, a)
	if reason != nil || err != nil || isListed(a) {
		return reason == nil && err == nil, "", err
	}
	run, _ := t.ledger.runs.Do(ctx, a.RunID) // it was asked for before
	return true, run.URL, nil
}

// Receipt reads the receipt of the bundle name that an artifact holds.
func (t Trust) Receipt(ctx context.Context, a gh.Artifact, name string) (*Receipt, error) {
	data, err := t.ledger.content(ctx, &a, ReceiptFile, maxReceipt)
	if err != nil {
		return nil, err
	}
	return ParseReceipt(data, name)
}

// ParseReceipt reads an untrusted receipt of the bundle name from any ledger.
func ParseReceipt(data []byte, name string) (*Receipt, error) {
	return parseReceipt(data, home{}, name)
}
