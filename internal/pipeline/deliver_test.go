package pipeline

import (
	"strings"
	"testing"
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
	unlimited := Deliverer{}
	if err := unlimited.reserve(2 << 20); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}
