package worker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
)

// state is how far the handling of an event is.
type state string

const (
	running  state = "running"
	failed   state = "failed"   // runs again at Until
	returned state = "returned" // handed back by a process that stopped
	done     state = "done"     // the program succeeded
	dead     state = "dead"     // given up, or refused
)

// record is what the bucket keeps of an event id, for all processes.
type record struct {
	State state `json:"state"`
	// Seq is the position in the stream of the message that is in charge. Another message with
	// the same event id is a repeat.
	Seq  uint64 `json:"seq"`
	Runs int    `json:"runs"` // begun, without those that were handed back
	// Until is when a failed event may run again, and when a repeat may take over from a
	// message in charge that was not heard of again.
	Until time.Time `json:"until"`

	revision uint64 // of the bucket's entry, to see whether another process has changed it
}

// verdict is what to do with a message.
type verdict int

const (
	run       verdict = iota
	wait              // until record.Until
	repeat            // handled before
	exhausted         // ran as often as it may
	buried            // given up before; only the server does not know yet
)

// decide says what to do with the message at seq, given the record of its event id.
func (r record) decide(seq uint64, now time.Time, most int) verdict {
	mine := r.Seq == seq
	switch {
	case r.State == done:
		return repeat
	case r.State == dead && mine:
		return buried
	case r.State == dead: // sent again after it was given up: a new beginning
		return run
	case r.State == failed && now.Before(r.Until), r.State == running && !mine && now.Before(r.Until):
		return wait
	case r.Runs >= most:
		return exhausted
	}
	// The message of a run that is not over comes again when its process died.
	return run
}

// next is the record of the run that begins.
func (r record) next(seq uint64, until time.Time) record {
	if r.State == dead {
		r.Runs = 0
	}
	return record{State: running, Seq: seq, Runs: r.Runs + 1, Until: until}
}

// key of an event id in the bucket, whose keys may not have every character of an id. The case
// of a repository does not count, as in the name of a record.
func key(id string) string {
	if repository, b, ok := bundleid.ParseEventID(id); ok {
		id = b.EventID(strings.ToLower(repository))
	}
	digest := sha256.Sum256([]byte(id))
	return hex.EncodeToString(digest[:])
}

// claim decides about a message, and records the run if it may run. Of two processes that
// claim the same record at the same time, one gets it and the other decides again.
func (s *service) claim(ctx context.Context, id string, seq uint64) (v verdict, r record, err error) {
	var lost lostWrites
	err = s.persist(ctx, id+": recording the run", func(ctx context.Context) error {
		v, r, err = s.tryClaim(ctx, key(id), seq, &lost)
		return err
	})
	return v, r, err
}

// lostWrites are the records that one claim wrote without getting an answer. The server may
// have stored one of them. Their times have nanoseconds, so no other claim writes the same.
type lostWrites [][]byte

func (l lostWrites) has(data []byte) bool {
	return slices.ContainsFunc(l, func(written []byte) bool { return bytes.Equal(written, data) })
}

// errClaimed means that another process was faster.
var errClaimed = errors.New("another process claimed the event")

func (s *service) tryClaim(ctx context.Context, key string, seq uint64, lost *lostWrites) (verdict, record, error) {
	now := s.Now()
	// A run may take RunTimeout, and then its process needs a moment to say so.
	until := now.Add(s.Program.Timeout + s.AckWait)
	first := record{}.next(seq, until)
	var err error
	first.revision, err = s.bucket.Create(ctx, key, first.encode())
	switch {
	case err == nil:
		return run, first, nil
	case !errors.Is(err, jetstream.ErrKeyExists):
		*lost = append(*lost, first.encode())
		return 0, record{}, err
	}
	entry, err := s.bucket.Get(ctx, key)
	if err != nil {
		return 0, record{}, notFinal(err)
	}
	r := readRecord(entry.Value())
	r.revision = entry.Revision()
	if lost.has(entry.Value()) {
		return run, r, nil
	}
	v := r.decide(seq, now, s.MostRuns)
	if v != run {
		return v, r, nil
	}
	r = r.next(seq, until)
	if r.revision, err = s.bucket.Update(ctx, key, r.encode(), entry.Revision()); err != nil {
		if err = notFinal(err); !errors.Is(err, errClaimed) {
			*lost = append(*lost, r.encode())
		}
		return 0, record{}, err
	}
	return run, r, nil
}

// readRecord reads a record of the bucket. One of another program counts as none, so the event
// runs at least once.
func readRecord(data []byte) (r record) {
	if json.Unmarshal(data, &r) != nil || r.Runs < 0 {
		return record{}
	}
	return r
}

// notFinal hides the answer of the server from persist, where the next try may get another.
func notFinal(err error) error {
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) || errors.Is(err, jetstream.ErrKeyNotFound) {
		return errClaimed
	}
	return err
}

// errOvertaken means that this process was silent for too long, and another one has claimed
// the event meanwhile.
var errOvertaken = errors.New("another process has taken over the event")

// settle records the end of a run, or that it is handed back. The record of a process that
// has taken over is left alone: errOvertaken. A success is recorded in any case.
func (s *service) settle(ctx context.Context, id string, r record) error {
	return s.persist(ctx, id+": recording the result", func(ctx context.Context) error {
		return s.trySettle(ctx, key(id), r)
	})
}

func (s *service) trySettle(ctx context.Context, key string, r record) error {
	if r.State == done {
		_, err := s.bucket.Put(ctx, key, r.encode())
		return err
	}
	_, err := s.bucket.Update(ctx, key, r.encode(), r.revision)
	if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return err
	}
	entry, err := s.bucket.Get(ctx, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound): // removed by hand
		_, err = s.bucket.Put(ctx, key, r.encode())
	case err == nil && !bytes.Equal(entry.Value(), r.encode()): // otherwise only the answer was lost
		err = errOvertaken
	}
	return err
}

func (r record) encode() []byte {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // not for these types
	}
	return data
}
