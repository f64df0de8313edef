package event_test

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// A receiver parses an event before it acts on it, and gets an error if a field is
// missing or wrong.
func ExampleParse() {
	e, err := event.Parse([]byte(`{
		"event": "kaizen.schedule.prepared",
		"version": "1",
		"occurred_at": "2026-11-24T09:00:00Z",
		"repo": "web",
		"root": "/home/runner/work/web/web",
		"agent": "coach",
		"cadence": "weekly",
		"prepare_command": "kaizen-agentic schedule prepare coach --target /home/runner/work/web/web",
		"bundle": {
			"format": "markdown", "agent_prompt_found": true, "has_memory": true, "has_metrics": false,
			"pointers": ["scope"], "bytes": 4099
		},
		"session_close": []
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Repo, e.Agent, e.Cadence, e.Bundle.Pointers)

	_, err = event.Parse([]byte(`{"event": "kaizen.schedule.prepared"}`))
	fmt.Println(err)
	// Output:
	// web coach weekly [scope]
	// event lacks the field "version"
}
