package discover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
)

// Cursor is the file with which a run that was cut off continues.
type Cursor struct {
	Path  string // "" for none
	Trees []string
	Log   func(format string, args ...any)
}

// state is how far the listing of the owners is. It is the content of the cursor file.
type state struct {
	Version string `json:"version"`
	// Key is a digest of what is listed. A file with another one is of another listing.
	Key          string             `json:"key"`
	Owner        int                `json:"owner"` // that is being listed, counted from 0
	After        string             `json:"after"` // where the owner's listing continues
	Seen         int                `json:"seen"`  // repositories of the owner
	Scanned      int                `json:"scanned"`
	Done         bool               `json:"done"` // the next run starts from the beginning
	Failures     []string           `json:"failures"`
	Repositories []fleet.Repository `json:"repositories"`
}

// maxCursor limits the server's cursor, and maxFailures the failures that are kept.
const (
	maxCursor   = 4 << 10
	maxFailures = 1_000
)

// key is the digest of what the options list.
func (o *Options) key() string {
	data, err := json.Marshal([]any{o.APIURL, o.ServerURL, o.Owners, o.File, o.Filter})
	if err != nil {
		panic(err) // plain values always encode
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// read returns the state that a cut-off run left, or that of a new run. The file may come
// from others, as from a cache: it is checked like a roster.
func (c Cursor) read(ctx context.Context, o *Options) (state, error) {
	fresh := state{Version: fleet.Version, Key: o.key()}
	if c.Path == "" {
		return fresh, nil
	}
	data, err := checkout.ReadArgument(ctx, c.Path, nil, fleet.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	refused := func(why error) (state, error) {
		return fresh, advice.New("remove the file to start from the beginning", "the cursor file %q is unusable: %w",
			c.Path, why)
	}
	if err != nil {
		return refused(err)
	}
	var s state
	if err := fleet.DecodeStrict(data, &s); err != nil {
		return refused(err)
	}
	roster := fleet.New(max(s.Scanned, len(s.Repositories)), s.Repositories)
	switch err := roster.Check(); {
	case s.Version != fleet.Version || s.Key != fresh.Key:
		return refused(errors.New("it is of another listing, with other owners, filters or another server"))
	case s.Done:
		return fresh, nil
	case err != nil:
		return refused(err)
	case s.Owner < 0 || s.Owner >= len(o.Owners) || s.Scanned < len(s.Repositories) || s.Seen < 0 ||
		len(s.After) > maxCursor || len(s.Failures) > maxFailures:
		return refused(errors.New("its numbers are not those of a listing"))
	}
	return s, nil
}

// write stores the state in one step, so that a run that is killed leaves the old file or
// the new one.
func (c Cursor) write(s *state) error {
	if c.Path == "" {
		return nil
	}
	data, err := json.Marshal(s)
	if err == nil {
		err = checkout.ReplaceFile(c.Path, data, c.Log, c.Trees...)
	}
	if err != nil {
		return advice.New("name a file in a directory that exists", "writing the cursor file %q: %w", c.Path, err)
	}
	return nil
}

// fail records a repository whose name is unknown.
func (s *state) fail(format string, args ...any) {
	if len(s.Failures) < maxFailures {
		s.Failures = append(s.Failures, fmt.Sprintf(format, args...))
	}
}
