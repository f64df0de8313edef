package pace

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// There are never more requests at once than slots, and a cancelled wait frees its slot.
func TestPacerSlots(t *testing.T) {
	t.Parallel()
	clock := fixture.NewClock(time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC))
	read := CostOf(http.MethodGet)
	p := New(clock.Now, clock.Sleep, func(string, ...any) {})
	for range MaxConcurrent {
		if err := p.Enter(t.Context(), read); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := p.Enter(ctx, CostOf(http.MethodPost)); err == nil {
				t.Error("entered without a slot")
			}
		})
	}
	wg.Wait()
	for range MaxConcurrent {
		p.Leave(read)
	}
	if p.flight != (Cost{}) || len(p.slots) != 0 || len(p.turn) != 0 {
		t.Errorf("left behind: %+v, %d slots, %d turns", p.flight, len(p.slots), len(p.turn))
	}
}
