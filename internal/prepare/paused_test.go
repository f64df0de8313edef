package prepare_test

import (
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// TestCheckPaused proves that only an enabled agent needs a prompt.
func TestCheckPaused(t *testing.T) {
	t.Parallel()
	tree, err := checkout.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	for enabled, want := range map[bool]int{true: 1, false: 0} {
		m := &schedule.Manifest{Entries: []schedule.Entry{{Agent: "coach", Cadence: schedule.Weekly, Enabled: enabled}}}
		if findings := prepare.Check(m, tree); len(findings) != want {
			t.Errorf("enabled %t: %+v, want %d", enabled, findings, want)
		}
	}
}
