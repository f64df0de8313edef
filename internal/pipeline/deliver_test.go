package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// TestReserve checks that an agent waits for the next run if the outputs are full,
// because its event would reach no reader.
func TestReserve(t *testing.T) {
	t.Parallel()
	d := Deliverer{MaxPayloads: 1000}
	if err := d.reserve(1000); err != nil {
		t.Error(err)
	}
	if err := d.reserve(1); err == nil || !strings.Contains(err.Error(), "the next run prepares it") {
		t.Errorf("got %v", err)
	}
	d = Deliverer{MaxPayloads: 1000}
	if err := d.reserve(1001); err == nil {
		t.Error("an event is larger than the outputs")
	}
	if err := d.reserve(1000); err != nil {
		t.Errorf("the refused event keeps its room: %v", err)
	}
	unlimited := Deliverer{}
	if err := unlimited.reserve(2 << 20); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

// TestFairly has the outputs filled by partial deliveries. New entries come first, and which
// of the partial ones comes next changes, so each has room in some run.
func TestFairly(t *testing.T) {
	t.Parallel()
	var chosen []*Outcome
	for i := range 20 {
		plan := &Planned{Entry: &schedule.Entry{}, known: &schedule.Known{Partial: i%4 != 3}}
		chosen = append(chosen, &Outcome{Planned: plan})
	}
	first := map[*Outcome]bool{}
	for tick := range 300 {
		got := fairly(chosen, time.Unix(1_800_000_000, 0).Add(time.Duration(tick)*6*time.Hour))
		for i, o := range got[:5] {
			if o != chosen[4*i+3] {
				t.Fatalf("new entries are not the first, in their order: %v", got)
			}
		}
		first[got[5]] = true
	}
	if len(first) != 15 {
		t.Errorf("%d of 15 partial deliveries are the first in some run", len(first))
	}
}
