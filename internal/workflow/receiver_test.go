package workflow

import (
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

var receivers = []struct {
	name, workflow   string
	listens, matches bool
}{
	{"a word", "on: repository_dispatch\n", true, true},
	{"a list", "on: [push, repository_dispatch]\n", true, true},
	{"a mapping without more", "on:\n  push:\n  repository_dispatch:\n", true, true},
	{"no types", "on: {repository_dispatch: {}}\n", true, true},
	{"types left empty", "on:\n  repository_dispatch:\n    types:\n", true, true},
	{"types null", "on:\n  repository_dispatch: {types: null}\n", true, true},
	{"the type", "on:\n  repository_dispatch:\n    types: kaizen.schedule.prepared\n", true, true},
	{"the type in a list", "on:\n  repository_dispatch:\n    types: [other, 'kaizen.schedule.prepared']\n", true, true},
	{"quoted on", "\"on\":\n  repository_dispatch:\n    types:\n      - kaizen.schedule.prepared\n", true, true},
	{"an alias", "on:\n  repository_dispatch: &d {types: [kaizen.schedule.prepared]}\n  push: *d\n", true, true},
	{"with a BOM and CRLF",
		"\ufeffname: x\r\non:\r\n  repository_dispatch:\r\n    types: [kaizen.schedule.prepared]\r\n",
		true, true},
	{"another type", "on:\n  repository_dispatch:\n    types: [kaizen.metrics.recorded]\n", true, false},
	{"another case", "on:\n  repository_dispatch:\n    types: [Kaizen.Schedule.Prepared]\n", true, false},
	{"a pattern, which types do not know", "on:\n  repository_dispatch:\n    types: ['kaizen.*']\n", true, false},
	{"no type at all", "on:\n  repository_dispatch:\n    types: []\n", true, false},
	{"other triggers", "on: [push, workflow_dispatch]\n", false, false},
	{"the word in other places", "on: push\nenv: {on: repository_dispatch}\n# on: repository_dispatch\n", false, false},
	{"no triggers", "name: x\n", false, false},
	{"not a mapping", "- on: repository_dispatch\n", false, false},
	{"an alias of itself", "on: &a [*a]\n", false, false},
	{"not YAML", "on: [repository_dispatch\n", false, false},
	{"two documents", "on: push\n---\non: repository_dispatch\n", false, false},
	{"empty", "", false, false},
	{"control characters", "on: repository_dispatch\x00\n", false, false},
	{"too large", "on: repository_dispatch\n#" + strings.Repeat("x", schedule.MaxSize), false, false},
}

func TestReceivesDispatch(t *testing.T) {
	t.Parallel()
	for _, tt := range receivers {
		listens, matches := ReceivesDispatch([]byte(tt.workflow), "kaizen.schedule.prepared")
		if listens != tt.listens || matches != tt.matches {
			t.Errorf("%s: listens %v, type matches %v; want %v, %v", tt.name, listens, matches, tt.listens, tt.matches)
		}
	}
}

func FuzzReceivesDispatch(f *testing.F) {
	for _, tt := range receivers {
		f.Add([]byte(tt.workflow))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if listens, matches := ReceivesDispatch(data, "kaizen.schedule.prepared"); matches && !listens {
			t.Error("a type matches where nothing listens")
		}
	})
}
