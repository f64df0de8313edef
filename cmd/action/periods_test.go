package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSlotsOfADay ticks every quarter of an hour for a day. An hourly cron prepares 24
// bundles, each once, and a daily one prepares one.
func TestSlotsOfADay(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 26, 0, 3, 0, 0, time.UTC)
	tests := []struct {
		cron string
		want []string
	}{
		{"0 * * * *", hoursOf(start)},
		{"0 9 * * *", []string{"2026-11-25", "2026-11-26"}},
	}
	for _, tt := range tests {
		t.Run(tt.cron, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.write(".kaizen/schedule.yml",
				strings.Replace(oneAgent, "weekly", "daily", 1)+"    cron: \""+tt.cron+"\"\n")
			var periods []string
			for at := start; at.Before(start.Add(24 * time.Hour)); at = at.Add(20 * time.Minute) {
				got := p.step(map[string]string{"command": "prepare", "now": at.Format(time.RFC3339)})
				if got.code != exitOK {
					t.Fatalf("exit code %d at %s\n%s", got.code, at, got.stderr)
				}
				var matrix struct{ Include []struct{ Period string } }
				if err := json.Unmarshal([]byte(got.outputs["matrix"]), &matrix); err != nil {
					t.Fatal(err)
				}
				for _, entry := range matrix.Include {
					periods = append(periods, entry.Period)
				}
			}
			if !slices.Equal(periods, tt.want) {
				t.Errorf("prepared for %q, want %q", periods, tt.want)
			}
		})
	}
}

// hoursOf are the periods of the hourly slots from an instant on, 24 of them.
func hoursOf(start time.Time) []string {
	periods := make([]string, 24)
	for i := range periods {
		periods[i] = start.Truncate(time.Hour).Add(time.Duration(i) * time.Hour).Format("2006-01-02T1504Z")
	}
	return periods
}
