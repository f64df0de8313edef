package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucket is a key-value bucket in memory. The methods that the service does not call are
// missing.
type bucket struct {
	jetstream.KeyValue
	mu       sync.Mutex
	values   map[string]value
	revision uint64
	// before fails one Update; after loses the answer of one change.
	before, after error
	denied        error // fails every Create
}

type value struct {
	jetstream.KeyValueEntry
	data     []byte
	revision uint64
}

func (v value) Value() []byte    { return v.data }
func (v value) Revision() uint64 { return v.revision }

// errConflict is what a replicated bucket answers to an Update of another revision.
var errConflict = fmt.Errorf("%w: %w", &jetstream.APIError{Code: 400, ErrorCode: 10164},
	jetstream.ErrKeyRevisionMismatch)

// errDenied is a refusal of the server, which no further attempt changes.
var errDenied = &jetstream.APIError{Code: 403, Description: "denied"}

func (b *bucket) put(key string, data []byte) uint64 {
	b.revision++
	b.values[key] = value{data: data, revision: b.revision}
	return b.revision
}

func (b *bucket) Get(_ context.Context, key string) (jetstream.KeyValueEntry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.values[key]
	if !ok {
		return nil, jetstream.ErrKeyNotFound
	}
	return v, nil
}

func (b *bucket) Put(_ context.Context, key string, data []byte) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.put(key, data), nil
}

func (b *bucket) Create(_ context.Context, key string, data []byte, _ ...jetstream.KVCreateOpt) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.denied != nil {
		return 0, b.denied
	}
	if _, exists := b.values[key]; exists {
		return 0, jetstream.ErrKeyExists
	}
	return b.answer(b.put(key, data))
}

func (b *bucket) Update(_ context.Context, key string, data []byte, revision uint64) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.before; err != nil {
		b.before = nil
		return 0, err
	}
	if b.values[key].revision != revision {
		return 0, errConflict
	}
	return b.answer(b.put(key, data))
}

func (b *bucket) answer(revision uint64) (uint64, error) {
	err := b.after
	b.after = nil
	if err != nil {
		revision = 0
	}
	return revision, err
}

const testID = "acme/web/kaizen.web.coach.2026-W48"

func newTestService(t *testing.T) (*service, *bucket) {
	b := &bucket{values: map[string]value{}}
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	return &service{bucket: b, Options: Options{MostRuns: 10, Now: func() time.Time { return now }, Log: t.Logf,
		AckWait: time.Minute, Program: Program{Timeout: time.Hour}}}, b
}

// mustClaim claims the event for the message at seq, and expects a verdict.
func mustClaim(t *testing.T, s *service, seq uint64, want verdict) record {
	t.Helper()
	v, r, err := s.claim(t.Context(), testID, seq)
	if err != nil || v != want {
		t.Fatalf("message %d: verdict %v, want %v, %v", seq, v, want, err)
	}
	return r
}

// A process that lost its connection is taken over. What it records later does not replace
// the record of the process that took over, unless its program succeeded.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		second, first state // what the processes record, in this order
		want          state
	}{
		{"failure after a success", done, failed, done},
		{"stop after a success", done, returned, done},
		{"stop while the other runs", running, returned, running},
		{"given up while the other runs", running, dead, running},
		{"success while the other runs", running, done, done},
	} {
		s, _ := newTestService(t)
		first, second := mustClaim(t, s, 7, run), mustClaim(t, s, 7, run)
		if second.State = tt.second; tt.second != running {
			if err := s.settle(t.Context(), testID, second); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		first.State = tt.first
		err := s.settle(t.Context(), testID, first)
		if overtaken := errors.Is(err, errOvertaken); overtaken != (tt.first != done) {
			t.Errorf("%s: %v", tt.name, err)
		}
		want := repeat
		if tt.want != done {
			want = wait
		}
		mustClaim(t, s, 9, want)
	}
}

// The answer to a change may be lost. The next attempt finds that it is done.
func TestSettleWithALostAnswer(t *testing.T) {
	t.Parallel()
	s, b := newTestService(t)
	r := mustClaim(t, s, 7, run)
	r.State, b.after = dead, context.DeadlineExceeded
	if err := s.settle(t.Context(), testID, r); err != nil {
		t.Error(err)
	}
	mustClaim(t, s, 7, buried)
}

// A record that was removed by hand is written again.
func TestSettleWithoutARecord(t *testing.T) {
	t.Parallel()
	s, b := newTestService(t)
	r := mustClaim(t, s, 7, run)
	clear(b.values)
	r.State = dead
	if err := s.settle(t.Context(), testID, r); err != nil {
		t.Error(err)
	}
	mustClaim(t, s, 7, buried)
}

// Another process that changes the record at the same moment makes the service decide again,
// in a replicated bucket, too.
func TestClaimDecidesAgain(t *testing.T) {
	t.Parallel()
	s, b := newTestService(t)
	mustClaim(t, s, 7, run)
	b.before = errConflict
	if r := mustClaim(t, s, 7, run); r.Runs != 2 {
		t.Errorf("run %d", r.Runs)
	}
}

// The answer to a claim may be lost. The next attempt finds that the run is recorded, and
// counts it once.
func TestClaimWithALostAnswer(t *testing.T) {
	t.Parallel()
	s, b := newTestService(t)
	for runs := 1; runs <= 2; runs++ {
		b.after = context.DeadlineExceeded
		r := mustClaim(t, s, 7, run)
		if r.Runs != runs {
			t.Errorf("run %d, want %d", r.Runs, runs)
		}
		if r.State = returned; s.settle(t.Context(), testID, r) != nil {
			t.Errorf("run %d is not this process's own", runs)
		}
	}
}

// A record that another process wrote after the lost answer is that of its run.
func TestLostClaimIsOvertaken(t *testing.T) {
	t.Parallel()
	s, b := newTestService(t)
	b.after = context.DeadlineExceeded
	first := record{}.next(7, s.Now().Add(time.Hour+time.Minute))
	var lost lostWrites
	if _, _, err := s.tryClaim(t.Context(), key(testID), 7, &lost); err == nil || !lost.has(first.encode()) {
		t.Fatalf("%v, %q", err, lost)
	}
	mustClaim(t, s, 7, run)
	if _, r, err := s.tryClaim(t.Context(), key(testID), 7, &lost); err != nil || r.Runs != 3 {
		t.Errorf("run %d, %v", r.Runs, err)
	}
}

// message records what a worker answers to the server.
type message struct {
	jetstream.Msg
	answers []string
}

func (m *message) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: 7}}, nil
}

func (m *message) Data() []byte { return nil }

func (m *message) NakWithDelay(d time.Duration) error {
	m.answers = append(m.answers, "back in "+d.String())
	return nil
}

func (m *message) Nak() error { m.answers = append(m.answers, "back"); return nil }

func (m *message) TermWithReason(s string) error { m.answers = append(m.answers, s); return nil }

// A message that another process has taken over is left to that one: a second answer would
// make the server deliver it once more.
func TestOvertakenIsNotGivenBack(t *testing.T) {
	t.Parallel()
	ends := map[string]struct {
		end  func(j *job, r record)
		want string // of a message that was not taken over
	}{
		"failure": {func(j *job, r record) { j.fail(t.Context(), r, errors.New("exit status 1")) }, "back in 2m0s"},
		"stop":    {func(j *job, r record) { j.handBack(r) }, "back"},
		"refusal": {func(j *job, r record) { j.run(t.Context(), r) }, "refused"},
	}
	for name, e := range ends {
		for _, overtaken := range []bool{false, true} {
			s, _ := newTestService(t)
			s.count, s.BackOff = newMetrics(), DefaultBackOff
			s.Take = func(context.Context, []byte, bool) Taken { return Taken{Refusal: errors.New("wrong digest")} }
			m := &message{}
			j := &job{service: s, msg: m, id: testID, seq: 7}
			r := mustClaim(t, s, 7, run)
			var want []string
			if overtaken {
				mustClaim(t, s, 7, run)
			} else {
				want = []string{e.want}
			}
			if e.end(j, r); !slices.Equal(m.answers, want) {
				t.Errorf("%s, overtaken %t: answers %q, want %q", name, overtaken, m.answers, want)
			}
		}
	}
}

// What a stop interrupts goes to another process at once, before the program, too.
func TestInterruptedIsGivenBackAtOnce(t *testing.T) {
	t.Parallel()
	for _, stopped := range []bool{false, true} {
		s, b := newTestService(t)
		s.subject, s.count, s.BackOff = "s", newMetrics(), DefaultBackOff
		s.Identify = func([]byte) (string, error) { return testID, nil }
		ctx, stop := context.WithCancel(t.Context())
		b.denied = errDenied
		if stopped {
			stop()
		}
		m := &message{}
		s.handle(ctx, m)
		stop()
		want := []string{"back in 2m0s"}
		if stopped {
			want = []string{"back"}
		}
		if !slices.Equal(m.answers, want) {
			t.Errorf("stopped %t: answers %q, want %q", stopped, m.answers, want)
		}
	}
}

// An acknowledgement that did not reach the sender is in the log.
func TestLostAcknowledgementIsLogged(t *testing.T) {
	t.Parallel()
	s, _ := newTestService(t)
	var log []string
	s.count = newMetrics()
	s.Log = func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
	s.Take = func(context.Context, []byte, bool) Taken {
		return Taken{Refusal: errors.New("wrong digest"), Err: errors.New("acme/core does not answer")}
	}
	j := &job{service: s, msg: &message{}, id: testID, seq: 7}
	j.run(t.Context(), mustClaim(t, s, 7, run))
	want := []string{"warning: " + testID + ": its sender may have no answer: acme/core does not answer",
		"warning: " + testID + ": refused: wrong digest"}
	if !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}
