package gitea

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// jobTimeout is how long a job may take to reach its runner.
const jobTimeout = time.Minute

// runner is a runner of one repository. It speaks the runners' protocol in JSON:
// https://gitea.com/gitea/actions-proto-def
type runner struct {
	repository *repository
	uuid       string
	token      string
}

// newRunner registers a runner for the jobs of r.
func (r *repository) newRunner(t *testing.T) *runner {
	t.Helper()
	var registration struct {
		Token string `json:"token"`
	}
	server.must(t, http.StatusOK, http.MethodPost, r.path("/actions/runners/registration-token"), nil, &registration)
	n := &runner{repository: r}
	labels := []string{"ubuntu-latest"}
	var registered struct {
		Runner struct{ UUID, Token string }
	}
	n.call(t, "Register", map[string]any{"name": "test", "token": registration.Token, "version": "v0.2.13",
		"labels": labels}, &registered)
	n.uuid, n.token = registered.Runner.UUID, registered.Runner.Token
	n.call(t, "Declare", map[string]any{"version": "v0.2.13", "labels": labels}, nil)
	return n
}

// call invokes a method of the protocol, which has to succeed.
func (n *runner) call(t *testing.T, method string, body, into any) {
	t.Helper()
	got := request(t, http.MethodPost, server.url+"/api/actions/runner.v1.RunnerService/"+method, body,
		"x-runner-uuid", n.uuid, "x-runner-token", n.token)
	if got.status != http.StatusOK {
		t.Fatalf("%s answers %d: %s", method, got.status, got.body)
	}
	if into != nil {
		got.decode(t, into)
	}
}

// job is a job that a runner has taken.
type job struct {
	runner *runner
	taskID string
	all    map[string]any // the whole context
	jobContext
}

// has reports whether the context of the job has a value for key.
func (j *job) has(key string) bool { return j.all[key] != nil && j.all[key] != "" }

// input returns an input with which the workflow was started, "" if there is none.
func (j *job) input(t *testing.T, name string) string {
	t.Helper()
	var event struct{ Inputs map[string]string }
	fixture.Must(t, json.Unmarshal(j.Event, &event))
	return event.Inputs[name]
}

// jobContext is what the server says to the runner about a job, of which act_runner makes
// the context `github` and the environment.
type jobContext struct {
	Token           string          `json:"token"`
	RuntimeToken    string          `json:"gitea_runtime_token"`
	Actor           string          `json:"actor"`
	BaseRef         string          `json:"base_ref"`
	Event           json.RawMessage `json:"event"`
	EventName       string          `json:"event_name"`
	HeadRef         string          `json:"head_ref"`
	Job             string          `json:"job"`
	Ref             string          `json:"ref"`
	RefName         string          `json:"ref_name"`
	RefType         string          `json:"ref_type"`
	Repository      string          `json:"repository"`
	RepositoryOwner string          `json:"repository_owner"`
	RetentionDays   string          `json:"retention_days"`
	RunAttempt      string          `json:"run_attempt"`
	RunID           string          `json:"run_id"`
	RunNumber       string          `json:"run_number"`
	SHA             string          `json:"sha"`
	Workflow        string          `json:"workflow"`
}

// take waits for the next job.
func (n *runner) take(t *testing.T) *job {
	t.Helper()
	return n.await(t, func() *job { return n.fetch(t) })
}

// await calls fetch until there is a job.
func (n *runner) await(t *testing.T, fetch func() *job) *job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), jobTimeout)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if j := fetch(); j != nil {
			return j
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no job of %s within %v\n%s", n.repository.name, jobTimeout, server.logTail())
		case <-tick.C:
		}
	}
}

// fetch asks for a job once; nil is none.
func (n *runner) fetch(t *testing.T) *job {
	t.Helper()
	var fetched struct {
		Task *struct {
			ID      string          `json:"id"`
			Context json.RawMessage `json:"context"`
		} `json:"task"`
	}
	// Version 0 of the tasks makes the server look for one in any case.
	n.call(t, "FetchTask", map[string]any{"tasksVersion": "0"}, &fetched)
	if fetched.Task == nil {
		return nil
	}
	j := &job{runner: n, taskID: fetched.Task.ID}
	fixture.Must(t, json.Unmarshal(fetched.Task.Context, &j.all))
	fixture.Must(t, json.Unmarshal(fetched.Task.Context, &j.jobContext))
	return j
}

// dispatch starts a workflow on a branch and takes its job.
func (n *runner) dispatch(t *testing.T, workflow, branch string) *job {
	t.Helper()
	server.must(t, http.StatusNoContent, http.MethodPost,
		n.repository.path("/actions/workflows/%s/dispatches", workflow), map[string]any{"ref": branch}, nil)
	return n.take(t)
}

// finish ends the job, and with it the validity of its tokens.
func (j *job) finish(t *testing.T, success bool) {
	t.Helper()
	result := "RESULT_FAILURE"
	if success {
		result = "RESULT_SUCCESS"
	}
	now := time.Now().UTC().Format(time.RFC3339)
	j.runner.call(t, "UpdateTask", map[string]any{"state": map[string]any{
		"id": j.taskID, "result": result, "startedAt": now, "stoppedAt": now,
	}}, nil)
}
