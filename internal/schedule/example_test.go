package schedule_test

import (
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Load fills in the defaults, so an entry alone determines when it is due.
func ExampleLoad() {
	manifest := []byte(`
version: "1"
timezone: Europe/Berlin
agents:
  coach:
    cadence: weekly
    cron: "0 5 * * 1"
  optimization:
    cadence: monthly
`)
	m, findings := schedule.Load(schedule.DefaultPath, manifest, schedule.Options{Repo: "web"})
	fmt.Println(len(findings), "findings")

	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, e := range m.Entries {
		fmt.Println(e.Agent, e.Cron, e.Current(now).Period, e.Next(now, 1)[0])
	}
	// Output:
	// 0 findings
	// coach 0 5 * * 1 2026-W48 Mon 2026-11-30 05:00 CET
	// optimization 0 9 1 * * 2026-11 Tue 2026-12-01 09:00 CET
}

// Load reports all findings at once, each with its position and the next step.
func ExampleLoad_findings() {
	manifest := []byte(`version: "1"
timezone: Europe/Berln
agents:
  coach:
    cadence: weekly
    cron: "5am"
`)
	m, findings := schedule.Load(schedule.DefaultPath, manifest, schedule.Options{})
	fmt.Println("valid:", m != nil)
	for _, f := range findings {
		fmt.Printf("%d:%d %s: %s; %s\n", f.Line, f.Column, f.Severity, f.Message, f.Hint)
	}
	// Output:
	// valid: false
	// 2:11 error: timezone "Europe/Berln" is not an IANA name; did you mean "Europe/Berlin"?
	// 6:11 error: cron "5am" has 1 field instead of five; write cron: "0 5 * * 1"
}
