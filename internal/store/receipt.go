package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// receiptSuffix makes a receipt's artifact name of a bundle name.
const receiptSuffix = ".receipt"

// maxReceipt bounds a receipt, zipped or not, in bytes. An event has at most 64 KB; the rest is room for thousands of deliveries.
const maxReceipt = 1 << 20

// encodeReceipt renders a receipt that may be stored: one that parseReceipt accepts again.
func encodeReceipt(r *Receipt, repository string) ([]byte, error) {
	if err := checkReceipt(r, repository, r.Name); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // the event's bytes stay what every target was given
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	if buf.Len() > maxReceipt {
		return nil, fmt.Errorf("has %d bytes, %d are allowed: deliver to fewer targets", buf.Len(), maxReceipt)
	}
	return buf.Bytes(), nil
}

// parseReceipt reads an untrusted receipt and checks that it is the one of name in repository (owner/name, "" for any).
func parseReceipt(data []byte, repository, name string) (*Receipt, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("is not valid UTF-8")
	}
	var r Receipt
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("is not a receipt: %w", err)
	}
	if err := checkReceipt(&r, repository, name); err != nil {
		return nil, err
	}
	return &r, nil
}

// checkReceipt reports why r does not prove that the event of name reached every target.
func checkReceipt(r *Receipt, repository, name string) error {
	if r.Name != name {
		return fmt.Errorf("is for the bundle %q", r.Name)
	}
	if wrongID(r.ID, repository, name) {
		return fmt.Errorf("bears the event id %q", r.ID)
	}
	e, err := event.Parse(r.Event)
	if err != nil {
		return fmt.Errorf("holds no valid event: %w", err)
	}
	if !strings.HasPrefix(name, prepare.Name(e.Repo, e.Agent, "")) {
		return fmt.Errorf("holds the event of agent %q in %q", e.Agent, e.Repo)
	}
	if a := e.Bundle.Artifact; a != nil && (a.Name != name || wrongID(event.ID(a.Repository, a.Name), repository, name)) {
		return fmt.Errorf("holds the event of artifact %q in %q", a.Name, a.Repository)
	}
	for _, d := range r.Deliveries {
		if !d.Status.OK() {
			return fmt.Errorf("says that delivery to %q over %q ended as %q", d.Target, d.Channel, d.Status)
		}
	}
	return nil
}

// wrongID compares without regard to case where GitHub does: in owner and repository.
func wrongID(id, repository, name string) bool {
	owner, ok := strings.CutSuffix(id, "/"+name)
	return !ok || repository != "" && !strings.EqualFold(owner, repository)
}

// forced matches what --force appends to a bundle name: the run's id, or outside of a run the instant.
var forced = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\.run-[0-9TZ]+$`) })

// siblings returns the function that tells the bundle names of name's repository and agent, name itself and forced ones left out.
func siblings(name string) func(string) bool {
	base := forced().ReplaceAllString(name, "")
	prefix := base[:strings.LastIndexByte(base, '.')+1]
	return func(other string) bool {
		period, ok := strings.CutPrefix(other, prefix)
		// Agents and periods have no dots, so a dot means a repository whose slug goes on where this one's ends.
		return ok && prefix != "" && other != base && period != "" && !strings.Contains(period, ".")
	}
}
