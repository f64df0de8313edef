package worker

import (
	"testing"
	"time"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	past, future := now.Add(-time.Minute), now.Add(time.Minute)
	const mine, other = 7, 3
	tests := []struct {
		name string
		r    record
		want verdict
		runs int // of the next run
	}{
		{"nothing is known", record{}, run, 1},
		{"my process died", record{State: running, Seq: mine, Runs: 1, Until: future}, run, 2},
		{"my process died in the last run", record{State: running, Seq: mine, Runs: 10, Until: future}, exhausted, 0},
		{"handed back", record{State: returned, Seq: mine, Runs: 0}, run, 1},
		{"failed, early", record{State: failed, Seq: mine, Runs: 1, Until: future}, wait, 0},
		{"failed, in time", record{State: failed, Seq: mine, Runs: 1, Until: past}, run, 2},
		{"failed for the last time", record{State: failed, Seq: mine, Runs: 10, Until: past}, exhausted, 0},
		{"done, acknowledgement lost", record{State: done, Seq: mine, Runs: 1}, repeat, 0},
		{"given up, end lost", record{State: dead, Seq: mine, Runs: 10}, buried, 0},
		{"repeat of one that is done", record{State: done, Seq: other, Runs: 1}, repeat, 0},
		{"repeat of one that runs", record{State: running, Seq: other, Runs: 1, Until: future}, wait, 0},
		{"repeat of one that was lost", record{State: running, Seq: other, Runs: 1, Until: past}, run, 2},
		{"repeat of one that waits", record{State: failed, Seq: other, Runs: 1, Until: future}, wait, 0},
		{"repeat of one handed back", record{State: returned, Seq: other, Runs: 2}, run, 3},
		{"sent again after it was given up", record{State: dead, Seq: other, Runs: 10}, run, 1},
	}
	for _, tt := range tests {
		got := tt.r.decide(mine, now, 10)
		if got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		if got != run {
			continue
		}
		if next := tt.r.next(mine, future); next != (record{State: running, Seq: mine, Runs: tt.runs, Until: future}) {
			t.Errorf("%s: the run is recorded as %+v", tt.name, next)
		}
	}
}

// TestReadRecord reads what another program may have written. The count of runs is an index.
func TestReadRecord(t *testing.T) {
	t.Parallel()
	tests := map[string]record{
		`{"state":"done","seq":3,"runs":2}`:    {State: done, Seq: 3, Runs: 2},
		`{"state":"failed","seq":3,"runs":-5}`: {},
		`{"state":"done","runs":"many"}`:       {},
		`done`:                                 {},
		``:                                     {},
	}
	for data, want := range tests {
		if got := readRecord([]byte(data)); got != want {
			t.Errorf("%s: got %+v, want %+v", data, got, want)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	// echo -n acme/web/kaizen.web.coach.2026-W48 | sha256sum
	const want = "09e7fbfb6cd194e5dc5e001d4a0e2cc338471eb97df05046db0e6ee1d9376a8b"
	for _, id := range []string{"acme/web/kaizen.web.coach.2026-W48", "Acme/WEB/kaizen.web.coach.2026-W48"} {
		if got := key(id); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
	if key("acme/web/kaizen.web.Coach.2026-W48") == want {
		t.Error("another agent has the same key")
	}
}

func TestASCII(t *testing.T) {
	t.Parallel()
	const in, want = "exit 1\r\nNats-Msg-Id: x\x00 – ü ~", "exit 1??Nats-Msg-Id: x? ? ? ~"
	if got := ascii(in); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
