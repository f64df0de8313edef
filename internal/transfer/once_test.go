package transfer

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestOnceEach checks that a value and an error are kept, each for its key, and that the
// error of a caller that gave up is not.
func TestOnceEach(t *testing.T) {
	t.Parallel()
	calls := map[string]int{}
	refused := errors.New("refused")
	each := OnceEach[string, int]{Get: func(ctx context.Context, key string) (int, error) {
		calls[key]++
		if key == "refused" {
			return 0, refused
		}
		return len(key), ctx.Err()
	}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := each.Do(gone, "one"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
	for range 2 {
		if got, err := each.Do(t.Context(), "one"); got != 3 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if _, err := each.Do(t.Context(), "refused"); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
	}
	if calls["one"] != 2 || calls["refused"] != 1 {
		t.Errorf("calls: %v", calls)
	}
}

// TestOnceDeadlines checks that the error of a caller, who may have given up because of its
// deadline, is not returned to one with more time.
func TestOnceDeadlines(t *testing.T) {
	t.Parallel()
	const none = 0 * time.Hour
	for _, tt := range []struct {
		name     string
		fails    int             // calls of Get that fail
		callers  []time.Duration // until the deadlines of the callers, one after the other
		wantGets int
		wantErr  bool // of the last caller
	}{
		{"a later deadline", 1, []time.Duration{time.Hour, 2 * time.Hour}, 2, false},
		{"no deadline", 1, []time.Duration{time.Hour, none}, 2, false},
		{"a sooner deadline", 1, []time.Duration{2 * time.Hour, time.Hour}, 1, true},
		{"a deadline after none", 1, []time.Duration{none, time.Hour}, 1, true},
		{"never a deadline", 1, []time.Duration{none, none}, 1, true},
		{"a second error", 2, []time.Duration{time.Hour, 3 * time.Hour, 2 * time.Hour}, 2, true},
		{"a value", 0, []time.Duration{time.Hour, 2 * time.Hour, none}, 1, false},
	} {
		gets := 0
		once := Once[int]{Get: func(context.Context) (int, error) {
			if gets++; gets <= tt.fails {
				return 0, errors.New("the next attempt would be after the deadline")
			}
			return 7, nil
		}}
		start := time.Now()
		var err error
		for _, d := range tt.callers {
			ctx := t.Context()
			if d != none {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, start.Add(d))
				defer cancel()
			}
			_, err = once.Do(ctx)
		}
		if gets != tt.wantGets || (err != nil) != tt.wantErr {
			t.Errorf("%s: %d calls, %v", tt.name, gets, err)
		}
	}
}
