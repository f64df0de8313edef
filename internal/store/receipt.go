package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// maxReceipt bounds a receipt, zipped or not, in bytes: an event of up to 64 KB, and
// thousands of deliveries.
const maxReceipt = 1 << 20

// home is the repository whose ledger a receipt must belong to; the zero value is any.
type home struct {
	name string // owner/name, "" for any
	id   int64  // 0 when unknown
}

// encodeReceipt renders a receipt for a ledger. It refuses one that parseReceipt would
// not accept.
func encodeReceipt(r *Receipt, h home) ([]byte, error) {
	named := *r
	named.RepositoryID = h.id
	if err := checkReceipt(&named, h, r.Name); err != nil {
		return nil, err
	}
	return encodeJSON(&named, maxReceipt, "deliver to fewer targets")
}

// encodeJSON renders v as JSON of at most limit bytes. The error continues a sentence about v,
// and has the hint if v is too large.
func encodeJSON(v any, limit int, hint string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // the event keeps the bytes that every target got
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("cannot be encoded: %w", err)
	}
	if buf.Len() > limit {
		return nil, advice.New(hint, "has %d bytes, %d are allowed", buf.Len(), limit)
	}
	return buf.Bytes(), nil
}

// parseReceipt reads an untrusted receipt, which must be that of the bundle name in
// this ledger.
func parseReceipt(data []byte, h home, name string) (*Receipt, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("is not valid UTF-8")
	}
	var r Receipt
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("is not a receipt: %w", err)
	}
	if err := checkReceipt(&r, h, name); err != nil {
		return nil, err
	}
	return &r, nil
}

// checkReceipt returns why r does not prove that the event of name reached every target;
// nil if it does.
func checkReceipt(r *Receipt, h home, name string) error {
	if err := checkEvent(r, h, name); err != nil {
		return err
	}
	for _, d := range r.Deliveries {
		if !d.Status.OK() {
			return fmt.Errorf("says that delivery to %q over %q ended as %q", d.Target, d.Channel, d.Status)
		}
	}
	return nil
}

// checkEvent returns why r is not about the event of the bundle name; nil if it is.
func checkEvent(r *Receipt, h home, name string) error {
	if r.Name != name {
		return fmt.Errorf("is for the bundle %q", r.Name)
	}
	repository, ok := strings.CutSuffix(r.ID, "/"+name)
	if !ok || !h.has(r, repository) {
		return fmt.Errorf("has the event id %q", r.ID)
	}
	e, err := event.Parse(r.Event)
	if err != nil {
		return fmt.Errorf("holds no valid event: %w", err)
	}
	if b, ok := bundleid.Parse(name); !ok || !b.Of(e.Repo, e.Agent) {
		return fmt.Errorf("holds the event of agent %q in %q", e.Agent, e.Repo)
	}
	if a := e.Bundle.Artifact; a != nil && (a.Name != name || !strings.EqualFold(a.Repository, repository)) {
		return fmt.Errorf("holds the event of artifact %q in %q", a.Name, a.Repository)
	}
	return nil
}

// has reports whether r, whose event id begins with repository, belongs to this ledger. A
// repository that was renamed keeps its id. Like GitHub, names ignore the case.
func (h home) has(r *Receipt, repository string) bool {
	if h.id != 0 && r.RepositoryID != 0 {
		return h.id == r.RepositoryID
	}
	return h.name == "" || strings.EqualFold(repository, h.name)
}

// siblings returns a function that reports whether a bundle name is of the entry of name,
// and of another period. It is false for bundles of forced runs.
func siblings(name string) func(string) bool {
	b, known := bundleid.Parse(name)
	return func(other string) bool {
		o, ok := bundleid.Parse(other)
		return known && ok && o.Follows(b)
	}
}
