// Package store is where bundles and receipts live: a directory, or GitHub job artifacts (design §7).
package store

import (
	"context"
	"encoding/json"

	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// File is one file of a stored bundle.
type File struct {
	Name string // no separators
	Data []byte
}

// Delivery is the result of handing an event to one target.
type Delivery struct {
	Channel string `json:"channel"` // dispatch, nats, stdout
	Target  string `json:"target"`  // owner/repo, or the NATS subject
	Status  Status `json:"status"`
	// Error says why a failed delivery failed and what to do; it never holds a secret.
	Error string `json:"error,omitempty"`
}

// Status is how a delivery ended.
type Status string

// Duplicate counts as delivered: the other side already had the event.
const (
	Delivered Status = "delivered"
	Duplicate Status = "duplicate"
	Failed    Status = "failed"
	DryRun    Status = "dry-run"
)

// OK reports whether the target has the event.
func (s Status) OK() bool { return s == Delivered || s == Duplicate }

// Receipt is the proof that an event reached every requested target: the ledger that decides what is due.
type Receipt struct {
	ID         string          `json:"id"`   // event id
	Name       string          `json:"name"` // bundle name
	Event      json.RawMessage `json:"event"`
	Deliveries []Delivery      `json:"deliveries"`
	// Memory is what the agent's memory was in this run, for the next run to compare with; nil without one.
	Memory *Memory `json:"memory,omitempty"`
}

// Memory is the state of an agent's memory file in a run.
type Memory struct {
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hex; "" when it was not taken
	// UnchangedRuns is how many runs in a row, this one included, found the file as the run before left it.
	UnchangedRuns int `json:"unchanged_runs"`
}

// ReceiptFile is the name of the file that holds a Receipt.
const ReceiptFile = "receipt.json"

// Record is what the ledger knows of one bundle name.
type Record struct {
	// Receipt is the trusted receipt, nil when there is none.
	Receipt *Receipt
	// Prepared says that the bundle is stored; without a receipt some delivery failed or the run ended early.
	Prepared bool
	// Earlier are the other bundle names of the same repository and agent that bear a receipt, as far as the listing was read.
	Earlier []string
	// Err is why the ledger cannot tell, and all that the record then says: not to know is not the same as not there.
	Err error
}

// Store keeps bundles and receipts. A method's error names the thing, the reason and the next step, and never holds a secret.
type Store interface {
	// PutBundle stores a bundle's files under its name, replacing other content of that name; the same content is left as it is.
	// The artifact is nil for a store that is not one of job artifacts.
	PutBundle(ctx context.Context, name string, files []File) (*event.Artifact, error)
	// PutReceipt stores r so that the next run's Lookup finds it.
	PutReceipt(ctx context.Context, r *Receipt) error
	// Lookup asks the ledger about bundle names, all of them at once because one listing may answer for many. The records are in the
	// order of the names.
	Lookup(ctx context.Context, names []string) []Record
}
