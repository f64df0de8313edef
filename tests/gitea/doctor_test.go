package gitea

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestDoctor checks that doctor approves a set-up that works, and finds what a workflow
// target lacks.
func TestDoctor(t *testing.T) {
	t.Parallel()
	n, core := newSource(t, "doctor-source"), newTarget(t, "doctor-target")
	targets := core.repository
	targets.commit(t, "main", "main", map[string]string{
		".gitea/workflows/no-input.yml": plainWorkflow,
		".gitea/workflows/push.yml":     strings.Replace(plainWorkflow, "workflow_dispatch", "push", 1),
		".gitea/workflows/disabled.yml": react(t),
	})
	disable := targets.path("/actions/workflows/disabled.yml/disable")
	server.must(t, http.StatusNoContent, http.MethodPut, disable, nil, nil)
	core.take(t).finish(t, true) // the push started push.yml
	inputs := inputsFor(t, core.target())
	j := n.dispatch(t, "kaizen.yml", "main")
	defer j.finish(t, true)
	workflows := targets.name + "/.gitea/workflows/"
	for _, c := range []struct {
		name, target, token string
		code                int
		want                string // in a failed check
	}{
		{name: "works", target: core.target(), code: 0},
		{name: "missing", target: workflows + "none.yml@main", code: 1, want: "none.yml"},
		{name: "no branch", target: workflows + "react.yml@none", code: 1, want: "none"},
		{name: "no input", target: workflows + "no-input.yml@main", code: 1, want: "event"},
		{name: "not started by hand", target: workflows + "push.yml@main", code: 1, want: "workflow_dispatch"},
		{name: "disabled", target: workflows + "disabled.yml@main", code: 1, want: "disabled"},
		{name: "plain", target: targets.name, code: 1, want: workflows},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := maps.Clone(inputs)
			given["dispatch-to"], given["format"] = c.target, "json"
			if c.token != "" {
				given["dispatch-token"] = c.token
			}
			r := j.run(t, "doctor", given)
			if r.code != c.code {
				t.Errorf("the exit code is %d, want %d\n%s", r.code, c.code, r.log)
			}
			failed := failedChecks(t, r.stdout)
			if !strings.Contains(failed, c.want) || (failed == "") != (c.want == "") {
				t.Errorf("the failed checks are\n%swant one about %s", failed, c.want)
			}
		})
	}
	// Gitea does not tell what a token may do.
	given := maps.Clone(inputs)
	given["dispatch-to"], given["dispatch-token"] = core.target(), server.token(t, "read:repository")
	if r := j.run(t, "doctor", given); r.code != 0 || !strings.Contains(r.stdout, "known only after a delivery") {
		t.Errorf("a token that may only read: exit code %d\n%s", r.code, r.stdout)
	}
	if list := n.repository.artifacts(t); len(list) > 0 {
		t.Errorf("doctor stored %+v", list)
	}
	for j := core.fetch(t); j != nil; j = core.fetch(t) {
		if j.EventName != "push" { // the server sometimes starts two runs for one push
			t.Errorf("doctor started run %s", j.RunID)
		}
		j.finish(t, true)
	}
}

// TestDoctorWithoutWorkflow checks that doctor does not approve a repository in which no
// workflow runs the action.
func TestDoctorWithoutWorkflow(t *testing.T) {
	t.Parallel()
	files := fixture.Tree(t, "../../testdata/kaizen")
	files[".gitea/workflows/plain.yml"] = plainWorkflow
	j := newRepository(t, "doctor-nothing", files).newRunner(t).dispatch(t, "plain.yml", "main")
	defer j.finish(t, true)
	r := j.run(t, "doctor", map[string]string{"format": "json"})
	for _, c := range checksOf(t, r.stdout) {
		if c.Check == "workflows" && c.Verdict == "ok" {
			t.Errorf("doctor says of no workflow: %s", c.Message)
		}
	}
}

// check is an element of doctor's JSON.
type check struct{ Check, Verdict, Message, Hint string }

func checksOf(t *testing.T, stdout string) []check {
	t.Helper()
	var checks []check
	if err := json.Unmarshal([]byte(stdout), &checks); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	return checks
}

// failedChecks returns the checks in doctor's JSON that failed, one a line.
func failedChecks(t *testing.T, stdout string) string {
	t.Helper()
	failed := ""
	for _, c := range checksOf(t, stdout) {
		if c.Verdict == "failed" {
			failed += fmt.Sprintf("%s: %s; %s\n", c.Check, c.Message, c.Hint)
		}
	}
	return failed
}
