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

func TestCheckStart(t *testing.T) {
	t.Parallel()
	const long = "on: {workflow_dispatch: {inputs: {event: {}"
	for _, tt := range []struct{ name, workflow, problem, hint string }{
		{"required", "on:\n  workflow_dispatch:\n    inputs:\n      event: {type: string, required: true}\n", "", ""},
		{"without more", "on:\n  workflow_dispatch:\n    inputs:\n      event:\n", "", ""},
		{"beside others",
			"on: {push: {}, workflow_dispatch: {inputs: {event: {}, x: {required: true, default: y}}}}\n", "", ""},
		{"optional others", long + ", x: {}, y: {required: false}}}}\n", "", ""},
		{"an alias", "on: {workflow_dispatch: &d {inputs: {event: {}}}, workflow_call: *d}\n", "", ""},
		{"other triggers", "on: [push, repository_dispatch]\n", "does not listen for workflow_dispatch",
			"declare on: { workflow_dispatch: { inputs: { event:"},
		{"no triggers", "name: x\n", "does not listen", "declare on:"},
		{"a word", "on: workflow_dispatch\n", `declares no input "event"`, "declare on:"},
		{"a list", "on: [workflow_dispatch]\n", `declares no input "event"`, "declare on:"},
		{"another input", "on: {workflow_dispatch: {inputs: {payload: {}}}}\n", `declares no input "event"`,
			"declare on:"},
		{"another case", "on: {workflow_dispatch: {inputs: {Event: {}}}}\n", `declares no input "event"`,
			"declare on:"},
		{"a choice", "on: {workflow_dispatch: {inputs: {event: {type: choice, options: [a]}}}}\n",
			`with the type "choice"`,
			"type string"},
		{"a required other", long + ", x: {required: true}}}}\n", `requires the input "x"`, "only event is sent"},
		{"not YAML", "on: [workflow_dispatch\n", "is not a valid workflow", "correct it: "},
	} {
		problem, hint := CheckStart([]byte(tt.workflow), "event")
		if !strings.Contains(problem, tt.problem) || (problem == "") != (tt.problem == "") ||
			!strings.Contains(hint, tt.hint) {
			t.Errorf("%s: got %q and %q, want %q and %q", tt.name, problem, hint, tt.problem, tt.hint)
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
