package transfer

import (
	"context"
	"errors"
	"testing"
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
