// Package store is where bundles and receipts live: a directory, or GitHub job artifacts.
package store

import (
	"context"
	"encoding/json"

	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// File is one file of a stored bundle.
type File struct {
	Name string `json:"name"` // no separators
	Data []byte `json:"data"`
}

// Delivery is the result of handing an event to one target.
type Delivery struct {
	Channel string `json:"channel"` // dispatch, nats, stdout
	Target  string `json:"target"`  // as in dispatch-to, or the NATS subject
	Status  Status `json:"status"`
	// Servers tells apart NATS servers with the same subject: digests of their addresses,
	// which may be private, with spaces between them.
	Servers string `json:"servers,omitempty"`
	// Earlier means that an earlier run delivered the event.
	Earlier bool `json:"-"`
	// RunID and URL are those of the workflow run that the delivery started; 0 and "" where
	// there is none, or where the server does not name it.
	RunID int64  `json:"run_id,omitempty"`
	URL   string `json:"url,omitempty"`
	// Error is why a delivery failed, and what to do. It never holds a secret.
	Error string `json:"error,omitempty"`
}

// Status is how a delivery ended.
type Status string

// The ways in which a delivery ends. Duplicate counts as delivered: the target already
// had the event.
const (
	Delivered Status = "delivered"
	Duplicate Status = "duplicate"
	Failed    Status = "failed"
	DryRun    Status = "dry-run"
)

// OK reports whether the target has the event.
func (s Status) OK() bool { return s == Delivered || s == Duplicate }

// Receipt is the proof that an event reached every requested target: the ledger that
// decides what is due.
type Receipt struct {
	ID   string `json:"id"`   // event id
	Name string `json:"name"` // bundle name
	// RepositoryID is the id of the repository whose ledger this is, which outlives a
	// rename; 0 when unknown. PutReceipt sets it.
	RepositoryID int64           `json:"repository_id,omitempty"`
	Event        json.RawMessage `json:"event"`
	Deliveries   []Delivery      `json:"deliveries"`
	// Memory is the state of the agent's memory in this run, for the next run to compare;
	// nil without one.
	Memory *Memory `json:"memory,omitempty"`
}

// Partial is the record of a delivery that some targets have and others do not. The next
// run sends the same event to the others only.
type Partial struct {
	// Receipt is what the receipt will be, except that some of its deliveries failed.
	Receipt
	// Scanned means that the bundle was searched for secrets.
	Scanned bool `json:"scanned,omitempty"`
	// Files are the files of the bundle; none if bundles are not to be stored as artifacts.
	Files []File `json:"files,omitempty"`
}

// Memory is the state of an agent's memory file in a run.
type Memory struct {
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hex; "" when it was not taken
	// UnchangedRuns is how many runs in a row, this one included, found the file
	// unchanged.
	UnchangedRuns int `json:"unchanged_runs"`
}

// ReceiptFile is the name of the file that holds a Receipt.
const ReceiptFile = "receipt.json"

// Record is what the ledger knows of one bundle name.
type Record struct {
	// Delivered says that there is a trusted receipt.
	Delivered bool
	// Prepared says that the bundle is stored. Without a receipt, a delivery failed or
	// the run ended early. With one it may be false.
	Prepared bool
	// Unlisted says that Prepared may be false only because not all artifacts were listed.
	Unlisted bool
	// Partial says that there is no receipt, and that the record of a partial delivery is
	// stored.
	Partial bool
	// Earlier are the other bundle names of the same entry that have a receipt, sorted, as
	// far as the listing was read. It has at least the latest one before this period.
	Earlier []string
	// Err is why the ledger is undecided. The other fields are then empty, which does not
	// mean that there is no receipt.
	Err error
}

// UndecidedError says why the ledger gives no answer about a bundle, although it can be
// read.
type UndecidedError struct {
	Why string // a part of a sentence, with what is known of the cause
	Err error  // the cause, nil for none
}

// Error returns the reason and its cause.
func (e *UndecidedError) Error() string {
	if e.Err == nil {
		return e.Why
	}
	return e.Why + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *UndecidedError) Unwrap() error { return e.Err }

// Store keeps bundles and receipts. Errors name the thing, the reason and the next step
// (see advice.Split), and never hold a secret.
type Store interface {
	Ledger
	// PutBundle stores a bundle's files under its name. It replaces other content of that
	// name, and leaves the same content as it is. The artifact is nil unless the store is
	// one of job artifacts.
	PutBundle(ctx context.Context, name string, files []File) (*event.Artifact, error)
	// PutReceipt stores r so that the next run's Lookup finds it.
	PutReceipt(ctx context.Context, r *Receipt) error
	// PutPartial stores p so that the next run's Lookup finds it.
	PutPartial(ctx context.Context, p *Partial) error
}

// Ledger reads what a store recorded of earlier runs.
type Ledger interface {
	// Lookup asks the ledger about bundle names, all at once because one listing may
	// answer for many. The records are in the order of the names.
	Lookup(ctx context.Context, names []string) []Record
	// Receipt reads the trusted receipt of a bundle name; nil when there is none. Lookup
	// does not read it, because what is in it does not matter for what is due.
	Receipt(ctx context.Context, name string) (*Receipt, error)
	// Partial reads the record of a partial delivery that Lookup found. The error is
	// ErrPartialInvalid if its content will never be usable.
	Partial(ctx context.Context, name string) (*Partial, error)
}
