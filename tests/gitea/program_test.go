package gitea

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// programTimeout is how long the program may run.
const programTimeout = 2 * time.Minute

// result is what a run of the action leaves.
type result struct {
	dir     string // the checkout
	code    int
	stdout  string
	log     string // both streams
	outputs map[string]string
	summary string
}

// run runs a command of the action on a checkout of the job's branch, as act_runner runs
// a step with these inputs. The log must not hold a token.
func (j *job) run(t *testing.T, command string, inputs map[string]string) result {
	t.Helper()
	dir, files := j.runner.repository.checkout(t, j.RefName, j.Token), fixture.TempDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, command, "--host-workspace="+dir)
	cmd.Dir = dir
	cmd.Env = append(j.environment(t, dir, files), "PATH=", "INPUT_TOKEN="+j.Token)
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		cmd.Env = append(cmd.Env, "INPUT_"+strings.ToUpper(name)+"="+inputs[name])
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	log := stderr.String() + stdout.String()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatalf("%s: %v\n%s", cmd, err, log)
	}
	for _, secret := range []string{j.Token, j.RuntimeToken, inputs["dispatch-token"]} {
		if secret == "" {
			continue
		}
		places := fixture.Tree(t, dir)
		maps.Copy(places, fixture.Tree(t, files))
		places["the log"] = log
		for place, data := range places {
			isInput := strings.HasPrefix(place, ".git/") || place == "event.json"
			if how := fixture.Shows([]byte(data), secret); how != "" && !isInput {
				t.Errorf("%s has a token, %s", place, how)
			}
		}
	}
	return result{
		dir:     dir,
		code:    cmd.ProcessState.ExitCode(),
		stdout:  stdout.String(),
		log:     log,
		outputs: fixture.Outputs(t, fixture.Read(t, filepath.Join(files, "output"))),
		summary: fixture.Read(t, filepath.Join(files, "summary")),
	}
}

// environment is what act_runner passes to a container action of the job, whose checkout
// is dir, without the inputs.
// https://gitea.com/gitea/act/src/tag/v0.261.10/pkg/runner/run_context.go
func (j *job) environment(t *testing.T, dir, files string) []string {
	t.Helper()
	fixture.Write(t, files, map[string]string{"event.json": string(j.Event), "output": "", "summary": ""})
	return []string{
		"ACTIONS_RESULTS_URL=" + server.url,
		"ACTIONS_RUNTIME_TOKEN=" + j.RuntimeToken,
		"ACTIONS_RUNTIME_URL=" + server.url + "/api/actions_pipeline/",
		"CI=true",
		"GITEA_ACTIONS=true",
		"GITHUB_ACTIONS=true",
		"GITHUB_ACTOR=" + j.Actor,
		"GITHUB_API_URL=" + server.url + "/api/v1",
		"GITHUB_BASE_REF=" + j.BaseRef,
		"GITHUB_EVENT_NAME=" + j.EventName,
		"GITHUB_EVENT_PATH=" + filepath.Join(files, "event.json"),
		"GITHUB_GRAPHQL_URL=",
		"GITHUB_HEAD_REF=" + j.HeadRef,
		"GITHUB_JOB=" + j.Job,
		"GITHUB_OUTPUT=" + filepath.Join(files, "output"),
		"GITHUB_REF=" + j.Ref,
		"GITHUB_REF_NAME=" + j.RefName,
		"GITHUB_REF_TYPE=" + j.RefType,
		"GITHUB_REPOSITORY=" + j.Repository,
		"GITHUB_REPOSITORY_OWNER=" + j.RepositoryOwner,
		"GITHUB_RETENTION_DAYS=" + j.RetentionDays,
		"GITHUB_RUN_ATTEMPT=" + j.RunAttempt,
		"GITHUB_RUN_ID=" + j.RunID,
		"GITHUB_RUN_NUMBER=" + j.RunNumber,
		"GITHUB_SERVER_URL=" + server.url,
		"GITHUB_SHA=" + j.SHA,
		"GITHUB_STEP_SUMMARY=" + filepath.Join(files, "summary"),
		"GITHUB_WORKFLOW=" + j.Workflow,
		"GITHUB_WORKSPACE=" + dir,
	}
}

// checkout clones a branch with the job's token, as actions/checkout does, and returns
// the directory.
func (r *repository) checkout(t *testing.T, branch, token string) string {
	t.Helper()
	dir := filepath.Join(fixture.TempDir(t), filepath.Base(r.name))
	cmd := exec.CommandContext(t.Context(), "git", "-c", "http.extraHeader=Authorization: Bearer "+token,
		"clone", "--quiet", "--depth=1", "--branch", branch, server.url+"/"+r.name, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return dir
}

// want fails the test when the run ended otherwise, or prepared other agents, separated
// by spaces.
func (r result) want(t *testing.T, code int, prepared string) {
	t.Helper()
	var agents []string
	fixture.Must(t, json.Unmarshal([]byte(cmp.Or(r.outputs["prepared"], "null")), &agents))
	if got := strings.Join(agents, " "); r.code != code || got != prepared {
		t.Fatalf("the exit code is %d and the agents are %q, want %d and %q\n%s", r.code, got, code, prepared, r.log)
	}
}

// delivery is one result in the output deliveries.
type delivery struct {
	Agent, Channel, Target, Status, Error, URL string
}

// deliveries reads the output.
func (r result) deliveries(t *testing.T) []delivery {
	t.Helper()
	var list []delivery
	fixture.Must(t, json.Unmarshal([]byte(cmp.Or(r.outputs["deliveries"], "null")), &list))
	return list
}

// Where the workflows of testdata are in the repositories.
const (
	kaizenPath = ".gitea/workflows/kaizen.yml"
	reactPath  = ".gitea/workflows/react.yml"
)

func react(t *testing.T) string {
	t.Helper()
	return fixture.Read(t, "testdata/react.yml")
}

// newSource makes a private repository with the agents coach and optimization and with
// the workflow that prepares them. It returns a runner for its jobs.
func newSource(t *testing.T, name string) *runner {
	t.Helper()
	files := fixture.Tree(t, "../../testdata/kaizen")
	files[kaizenPath] = fixture.Read(t, "testdata/kaizen.yml")
	return newRepository(t, name, files).hide(t).newRunner(t)
}

// newTarget makes a private repository with the workflow that reacts to events. It
// returns a runner for its jobs.
func newTarget(t *testing.T, name string) *runner {
	t.Helper()
	return newRepository(t, name, map[string]string{reactPath: react(t)}).hide(t).newRunner(t)
}

// target is the workflow of a runner from newTarget, as dispatch-to names it.
func (n *runner) target() string { return n.repository.name + "/" + reactPath + "@main" }

// tick is one run of the scheduled workflow on a branch. Gitea's own schedule starts at
// most one run a minute, so the workflow is started by hand; checkSchedule shows that a
// scheduled run has the same branch.
func (n *runner) tick(t *testing.T, branch, now string, inputs map[string]string) result {
	t.Helper()
	j := n.dispatch(t, "kaizen.yml", branch)
	j.EventName = "schedule"
	all := map[string]string{"now": now}
	maps.Copy(all, inputs)
	r := j.run(t, "prepare", all)
	j.finish(t, r.code == 0)
	return r
}

// receipts are the names of the bundles that have a receipt, sorted.
func (r *repository) receipts(t *testing.T) string {
	t.Helper()
	var names []string
	for _, a := range r.artifacts(t) {
		if name, ok := strings.CutSuffix(a.Name, ".receipt"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// artifacts lists the repository's job artifacts, at most 50.
func (r *repository) artifacts(t *testing.T) []artifact {
	t.Helper()
	var list struct {
		TotalCount int        `json:"total_count"`
		Artifacts  []artifact `json:"artifacts"`
	}
	server.must(t, http.StatusOK, http.MethodGet, r.path("/actions/artifacts?limit=50"), nil, &list)
	if list.TotalCount != len(list.Artifacts) {
		t.Fatalf("the listing has %d of %d artifacts", len(list.Artifacts), list.TotalCount)
	}
	return list.Artifacts
}
