package gitea

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// inputsFor names targets and a token that starts workflows in them.
func inputsFor(t *testing.T, targets ...string) map[string]string {
	t.Helper()
	return map[string]string{
		"agents":         "due",
		"cadence":        "weekly", // coach alone
		"dispatch-to":    strings.Join(targets, "\n"),
		"dispatch-token": server.token(t, "write:repository"),
	}
}

// TestWorkflowTarget checks that a workflow in another repository is started with the
// event, and that the delivery links to its run.
func TestWorkflowTarget(t *testing.T) {
	t.Parallel()
	n, core := newSource(t, "workflow-source"), newTarget(t, "workflow-target")
	inputs := inputsFor(t, core.target())
	r := n.tick(t, "main", november, inputs)
	r.want(t, 0, "coach")
	j := core.take(t)
	if got := j.input(t, "event"); j.EventName != "workflow_dispatch" || got == "" || got != r.outputs["payload"] {
		t.Errorf("the workflow got by %s the event\n%s\nthe output is\n%s", j.EventName, got, r.outputs["payload"])
	}
	url := server.url + "/" + core.repository.name + "/actions/runs/" + j.RunID
	list := r.deliveries(t)
	if len(list) != 1 || list[0].Target != core.target() || list[0].URL != url || list[0].Error != "" {
		t.Errorf("the deliveries are %+v, want one with %s", list, url)
	}
	if !strings.Contains(r.summary, url) {
		t.Errorf("the summary does not link to %s\n%s", url, r.summary)
	}
	n.tick(t, "main", later, inputs).want(t, 0, "")
	if j := core.fetch(t); j != nil {
		t.Errorf("the second tick started run %s", j.RunID)
	}
}

// TestOwnWorkflow checks that the job's own token, with actions: write, is enough for a
// workflow of its own repository.
func TestOwnWorkflow(t *testing.T) {
	t.Parallel()
	n := newSource(t, "own-workflow")
	workflow := strings.Replace(fixture.Read(t, "testdata/kaizen.yml"), "actions: read", "actions: write", 1)
	n.repository.commit(t, "main", "main", map[string]string{kaizenPath: workflow, reactPath: react(t)})
	inputs := inputsFor(t, n.target())
	delete(inputs, "dispatch-token")
	r := n.tick(t, "main", november, inputs)
	r.want(t, 0, "coach")
	if j := n.take(t); j.Workflow != "react.yml" || j.input(t, "event") != r.outputs["payload"] {
		t.Errorf("started %s with %s", j.Workflow, j.input(t, "event"))
	}
}

// TestFailingTarget checks that a target that fails gets the same event at a later tick,
// and the target that has it gets it once.
func TestFailingTarget(t *testing.T) {
	t.Parallel()
	n, up, down := newSource(t, "failing-source"), newTarget(t, "target-up"), newTarget(t, "target-down")
	state := func(action string) {
		t.Helper()
		server.must(t, http.StatusNoContent, http.MethodPut,
			down.repository.path("/actions/workflows/react.yml/%s", action), nil, nil)
	}
	inputs := inputsFor(t, up.target(), down.target())

	state("disable")
	r := n.tick(t, "main", november, inputs)
	if r.code != 3 || !strings.Contains(r.outputs["failed"], "coach") {
		t.Fatalf("the exit code is %d and failed is %q\n%s", r.code, r.outputs["failed"], r.log)
	}
	_, annotation, _ := strings.Cut(r.log, "::error")
	if strings.Contains(annotation, "::error") || !strings.Contains(annotation, down.target()) {
		t.Errorf("there is not one annotation, for %s\n%s", down.target(), r.log)
	}
	if got := n.repository.receipts(t); got != "" {
		t.Errorf("there is a receipt: %s", got)
	}
	event := up.take(t).input(t, "event")

	state("enable")
	if r := n.tick(t, "main", later, inputs); r.code != 0 {
		t.Fatalf("the exit code of the second tick is %d\n%s", r.code, r.log)
	}
	if j := up.fetch(t); j != nil {
		t.Errorf("the target that has the event gets it again, in run %s", j.RunID)
	}
	if got := down.take(t).input(t, "event"); got != event {
		t.Errorf("the second target got\n%s\nthe first\n%s", got, event)
	}
	if got, want := n.repository.receipts(t), "kaizen.kaizen-agentic.coach.2026-W48"; got != want {
		t.Errorf("the receipts are %q, want %q", got, want)
	}
	n.tick(t, "main", later, inputs).want(t, 0, "")
}

// TestRepositoryTarget checks the advice on a target that Gitea cannot serve.
func TestRepositoryTarget(t *testing.T) {
	t.Parallel()
	n, core := newSource(t, "plain-source"), newTarget(t, "plain-target")
	r := n.tick(t, "main", november, inputsFor(t, core.repository.name))
	if r.code != 2 || !strings.Contains(r.log, core.repository.name+"/.gitea/workflows/") {
		t.Errorf("the exit code is %d, want 2, and advice to name a workflow in the log\n%s", r.code, r.log)
	}
	if j := core.fetch(t); j != nil {
		t.Errorf("run %s started", j.RunID)
	}
}
