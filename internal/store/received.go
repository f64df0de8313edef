package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/kaizen-agentic/schedule-action/internal/gh"
)

// Reception is the record that a consumer accepted an event. A ledger keeps it under its own
// name (bundleid.ReceivedName), so that producer and consumer may be one repository.
type Reception struct {
	Name  string          `json:"name"` // of the record
	ID    string          `json:"id"`   // event id
	Event json.RawMessage `json:"event"`
	// RunID and Attempt are those of the workflow run that accepted the event; 0 outside of
	// a workflow.
	RunID   int64 `json:"run_id,omitempty"`
	Attempt int   `json:"attempt,omitempty"`
}

// ReceivedFile is the name of the file that holds a Reception.
const ReceivedFile = "received.json"

// Receptions is the ledger of a consumer: both stores are one.
type Receptions interface {
	// Received reports whether the event with a record of this name was accepted. A record
	// that an earlier attempt of this run stored does not count: people run a job again so
	// that its agent runs again.
	Received(ctx context.Context, name string) (bool, error)
	// PutReception stores r so that Received finds it.
	PutReception(ctx context.Context, r *Reception) error
}

// Received asks the API for the newest trusted record: one request, and one more where the
// repository's id or default branch is not known. On Gitea each run of a record takes one
// more. See ledger for whom it trusts.
func (a *Artifacts) Received(ctx context.Context, name string) (bool, error) {
	if a.o.API == nil {
		return false, ErrNoLedger
	}
	if err := checkName(name); err != nil {
		return false, fmt.Errorf("reading the ledger: %w", err)
	}
	found, err := a.ledger.find(ctx, index{}, name)
	if found == nil || err != nil {
		if err != nil {
			err = fmt.Errorf("reading the ledger: %w", err)
		}
		return false, err
	}
	if found.RunID != a.o.RunID || a.o.Attempt <= 1 {
		return true, nil
	}
	return a.ofThisAttempt(ctx, name, found)
}

// ofThisAttempt reads a record that this run stored, and reports whether this attempt did.
func (a *Artifacts) ofThisAttempt(ctx context.Context, name string, found *gh.Artifact) (bool, error) {
	data, err := a.ledger.content(ctx, found, ReceivedFile, maxReceipt)
	if err != nil {
		return false, fmt.Errorf("reading the record %q: %w", name, err)
	}
	r, err := parseReception(data, name)
	if err != nil {
		return false, fmt.Errorf("reading the record %q: it %w", name, err)
	}
	return r.Attempt >= a.o.Attempt, nil
}

// PutReception stores r as the artifact of its name of this run.
func (a *Artifacts) PutReception(ctx context.Context, r *Reception) error {
	named := *r
	named.RunID, named.Attempt = a.o.RunID, a.o.Attempt
	data, err := encodeJSON(&named, maxReceipt, "")
	if err != nil {
		return fmt.Errorf("recording that the event was received: the record %w", err)
	}
	if _, err := a.put(ctx, r.Name, r.Name, []File{{ReceivedFile, data}}); err != nil {
		return fmt.Errorf("recording that the event was received: %w", err)
	}
	return nil
}

// Received looks for the record's file. One that is broken or is of another name is logged
// and skipped.
func (d *Directory) Received(ctx context.Context, name string) (bool, error) {
	if err := cmp.Or(ctx.Err(), checkName(name)); err != nil {
		return false, fmt.Errorf("reading the ledger: %w", err)
	}
	root, err := d.open(false)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, d.failed("reading the ledger", err)
	}
	defer root.Close()
	data, err := readFile(root, filepath.Join(name, ReceivedFile), maxReceipt)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return false, nil
	case errors.Is(err, errNotPlain):
		d.o.Log("the record %q %v: skipped", name, err)
		return false, nil
	case err != nil:
		return false, d.failed(fmt.Sprintf("reading the record %q", name), err)
	}
	if _, err := parseReception(data, name); err != nil {
		d.o.Log("the record %q %v: skipped", name, err)
		return false, nil
	}
	return true, nil
}

// PutReception stores r in a directory of its name.
func (d *Directory) PutReception(ctx context.Context, r *Reception) error {
	data, err := encodeJSON(r, maxReceipt, "")
	if err != nil {
		return fmt.Errorf("recording that the event was received: the record %w", err)
	}
	return d.change(ctx, r.Name, "recording the event as", func(dir *os.Root) error {
		return d.write(dir, File{ReceivedFile, data})
	})
}

// parseReception reads the record of this name.
func parseReception(data []byte, name string) (*Reception, error) {
	var r Reception
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("is not the record of an event: %w", err)
	}
	if r.Name != name || r.ID == "" {
		return nil, fmt.Errorf("is that of %q", r.Name)
	}
	return &r, nil
}
