package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The summary compares an agent's memory with the last receipt of an earlier period,
// whether the agent is due or named.
func TestMemoryHealth(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	path := filepath.Join(p.workspace, ".kaizen/agents/coach/memory.md")
	memory, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := "- one more thing that the coach has learnt\n"
	tests := []struct {
		now, agents string
		grow        int // lines added before the run
		want        string
	}{
		{"2026-11-10T09:00:00Z", "due", 0, "no earlier receipt has it"},
		{"2026-11-17T09:00:00Z", "due", 0, "unchanged for 1 run "},
		{"2026-11-18T09:00:00Z", "coach", 0, "unchanged for 1 run "},
		{"2026-11-24T09:00:00Z", "coach", 0, "unchanged for 2 runs "},
		{"2026-12-01T09:00:00Z", "due", 2, "+86 bytes"},
		{"2026-12-08T09:00:00Z", "due", 0, "unchanged for 1 run "},
		{"2026-12-15T09:00:00Z", "due", 200, "over the 200 that agents load"},
	}
	for _, tt := range tests {
		memory = append(memory, strings.Repeat(line, tt.grow)...)
		if err := os.WriteFile(path, memory, 0o644); err != nil {
			t.Fatal(err)
		}
		got := p.step(map[string]string{"now": tt.now, "agents": tt.agents, "cadence": "weekly"})
		if got.code != exitOK || !strings.Contains(got.summary, tt.want) {
			t.Errorf("%s: exit code %d, want %q in the summary:\n%s\n%s", tt.now, got.code, tt.want, got.summary,
				got.stderr)
		}
	}
}

// If the ledger cannot be read, a named agent only lacks the comparison.
func TestMemoryHealthWithoutALedger(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.step(map[string]string{"now": tuesday, "agents": "coach", "token": otherToken})
	if got.code != exitOK || !strings.Contains(got.stderr, "how its memory grew is unknown") ||
		!strings.Contains(got.summary, "no earlier receipt has it") {
		t.Errorf("exit code %d\n%s\n%s", got.code, got.stderr, got.summary)
	}
}
