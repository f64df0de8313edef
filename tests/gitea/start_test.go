package gitea

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// namedWorkflow names its runs after the event, as docs/gitea.md shows.
const namedWorkflow = `run-name: ${{ fromJSON(inputs.event).bundle.id }}
on:
  workflow_dispatch:
    inputs:
      event:
        type: string
        required: true
jobs:
  react:
    runs-on: ubuntu-latest
    steps:
      - run: "true"
`

// losing forwards requests, and loses the answers to POSTs.
type losing struct{ http.RoundTripper }

func (l losing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(req)
	if err != nil || req.Method != http.MethodPost {
		return resp, err
	}
	resp.Body.Close()
	return nil, errors.New("connection reset by peer")
}

// client is the program's own client of the server.
func client(t *testing.T, token string, transport http.RoundTripper) *gh.Client {
	t.Helper()
	c, err := gh.New(gh.Options{BaseURL: server.url + "/api/v1", Token: token, Transport: transport, Log: t.Logf})
	fixture.Must(t, err)
	return c
}

// TestStartWorkflow starts a workflow with the token of a job, as the program does. An
// answer that is lost starts no second run.
func TestStartWorkflow(t *testing.T) {
	t.Parallel()
	r := newRepository(t, "start", map[string]string{".gitea/workflows/react.yml": namedWorkflow})
	n := r.newRunner(t)
	id := func(n int) string { return fmt.Sprintf("acme/start/kaizen.start.coach.2026-W4%d", n) }
	event := func(n int) gh.Event {
		return gh.Event{ID: id(n), JSON: fmt.Appendf(nil, `{"bundle":{"id":%q},"session_close":["<s> \"q\""]}`, id(n))}
	}
	to := target.Target{Repository: r.name, Workflow: ".gitea/workflows/react.yml", Ref: "main"}

	admin := client(t, server.admin, nil)
	workflow, err := admin.Workflow(t.Context(), to)
	if want := (gh.Workflow{Path: to.Workflow, State: gh.ActiveWorkflow}); err != nil || workflow != want {
		t.Errorf("the workflow is %+v (%v)", workflow, err)
	}
	if _, err := admin.StartWorkflow(t.Context(), to, event(1)); err != nil {
		t.Fatal(err)
	}
	j := n.take(t)
	for i, transport := range []http.RoundTripper{nil, losing{http.DefaultTransport}} {
		run, err := client(t, j.Token, transport).StartWorkflow(t.Context(), to, event(2+i))
		if err != nil {
			t.Fatal(err)
		}
		started := n.take(t)
		if fmt.Sprint(run.ID) != started.RunID || started.input(t, "event") != string(event(2+i).JSON) ||
			run.URL != fmt.Sprintf("%s/%s/actions/runs/%d", server.url, r.name, run.ID) {
			t.Errorf("run %+v was started; the job is of run %s with %s", run, started.RunID, started.input(t, "event"))
		}
	}
	again := event(2)
	again.Again = true
	run, err := client(t, j.Token, nil).StartWorkflow(t.Context(), to, again)
	if err != nil || run.ID == 0 {
		t.Errorf("a second time: %+v, %v", run, err)
	}
	if more := n.fetch(t); more != nil {
		t.Errorf("run %s was started, too", more.RunID)
	}

	to.Ref = "none"
	_, err = admin.StartWorkflow(t.Context(), to, event(4))
	if e, _ := errors.AsType[*gh.Error](err); e == nil || e.Cause != "workflow-ref" {
		t.Errorf("no such branch: %v", err)
	}
	to.Ref, to.Workflow = "main", ".gitea/workflows/none.yml"
	_, err = admin.StartWorkflow(t.Context(), to, event(4))
	if e, _ := errors.AsType[*gh.Error](err); e == nil || e.Cause != "workflow-missing" {
		t.Errorf("no such workflow: %v", err)
	}
	err = admin.Dispatch(t.Context(), r.name, "kaizen.schedule.prepared", event(4).JSON)
	if err == nil || !strings.Contains(err.Error(), "no repository_dispatch") {
		t.Errorf("a repository_dispatch: %v", err)
	}
}

// TestDownloadArtifact downloads a job artifact as the program does, from the storage
// below the API's own path.
func TestDownloadArtifact(t *testing.T) {
	t.Parallel()
	r := newRepository(t, "download", map[string]string{".gitea/workflows/plain.yml": plainWorkflow})
	j := r.newRunner(t).dispatch(t, "plain.yml", "main")
	id := j.upload(t, "one", []byte("content"), time.Time{})
	data, err := client(t, j.Token, nil).DownloadArtifact(t.Context(), r.name, id, 1<<20)
	if err != nil || string(data) != "content" {
		t.Errorf("got %q, %v", data, err)
	}
}
