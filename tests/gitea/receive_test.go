package gitea

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// consumerFile is the example that this test carries out, step by step.
const consumerFile = "../../examples/gitea/consumer.yml"

// step is one step of a workflow.
type step struct {
	Name, Uses, Run  string
	ID               string
	WorkingDirectory string `yaml:"working-directory"`
	Env              map[string]string
}

// consumerSteps are the steps of the example.
func consumerSteps(t *testing.T) []step {
	t.Helper()
	var workflow struct {
		Jobs map[string]struct{ Steps []step }
	}
	fixture.Must(t, yaml.Unmarshal([]byte(fixture.Read(t, consumerFile)), &workflow))
	return workflow.Jobs["agent"].Steps
}

var expression = regexp.MustCompile(`\$\{\{ *([^ }]*) *\}\}`)

// shell runs a step's script in a checkout, as a runner does. values has the expressions that
// its environment may use.
func (s step) shell(t *testing.T, dir string, values map[string]string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", s.Run)
	cmd.Dir = filepath.Join(dir, s.WorkingDirectory)
	cmd.Env = append(env, "PATH="+filepath.Join(dir, "stubs")+":/usr/bin:/bin", "HOME="+dir, "GITHUB_WORKSPACE="+dir)
	for name, value := range s.Env {
		cmd.Env = append(cmd.Env, name+"="+expression.ReplaceAllStringFunc(value, func(e string) string {
			got, ok := values[expression.FindStringSubmatch(e)[1]]
			if !ok {
				t.Errorf("step %q uses %s", s.Name, e)
			}
			return got
		}))
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("step %q: %v\n%s", s.Name, err, out)
	}
}

// TestReceive takes an event from a producer to a consumer in another repository, by a
// workflow target: the consumer gets exactly the producer's bytes, the steps of the example run
// with a stub in the agent's place, a pull request has the agent's result, and a third
// repository gets the acknowledgement. The same event once more is a duplicate.
func TestReceive(t *testing.T) {
	t.Parallel()
	producer, consumer := newSource(t, "receive-source"), newTarget(t, "receive-agents")
	dashboard := newTarget(t, "dashboard")
	source := inputsFor(t, consumer.target())
	token := source["dispatch-token"]
	prepared := producer.tick(t, "main", november, source)
	prepared.want(t, 0, "coach")
	inputs := map[string]string{"allow": owner + "/*", "bundle-token": token, "dispatch-token": token,
		"acknowledge-to": dashboard.target()}

	j := consumer.take(t)
	payload := j.input(t, "event")
	got := j.run(t, "receive", inputs)
	if got.code != 0 || got.outputs["duplicate"] != "false" || got.outputs["payload"] != payload {
		t.Fatalf("exit code %d, %v\n%s", got.code, got.outputs, got.log)
	}
	want := fixture.Tree(t, filepath.Join(prepared.dir, prepared.outputs["bundle-dir"]))
	tree := fixture.Tree(t, filepath.Join(got.dir, got.outputs["bundle-dir"]))
	if len(tree) != 2 || tree["bundle.md"] != want["bundle.md"] || tree["sources.json"] != want["sources.json"] {
		t.Errorf("the consumer has %v", tree)
	}
	wantState(t, dashboard, got, event.InProgress)
	runAgent(t, j, got, token)
	j.finish(t, true)
	wantPullRequest(t, producer.repository)

	server.must(t, http.StatusNoContent, http.MethodPost,
		consumer.repository.path("/actions/workflows/react.yml/dispatches"),
		map[string]any{"ref": "main", "inputs": map[string]string{"event": payload}}, nil)
	j = consumer.take(t)
	got = j.run(t, "receive", inputs)
	if got.code != 0 || got.outputs["duplicate"] != "true" || got.outputs["bundle-path"] != "" {
		t.Errorf("again: exit code %d, %v\n%s", got.code, got.outputs, got.log)
	}
	wantState(t, dashboard, got, event.Repeated)
	j.finish(t, true)
}

// wantState fails the test unless the next run of the dashboard has an acknowledgement.
func wantState(t *testing.T, dashboard *runner, r result, state event.State) {
	t.Helper()
	j := dashboard.take(t)
	defer j.finish(t, true)
	got, err := event.ParseReceived([]byte(j.input(t, "event")))
	if err != nil || got.State != state || got.ID != r.outputs["event-id"] {
		t.Errorf("the dashboard got %+v, want %s (%v)", got, state, err)
	}
}

// runAgent carries out the steps of the example behind receive.
func runAgent(t *testing.T, j *job, r result, token string) {
	t.Helper()
	fixture.Must(t, os.CopyFS(filepath.Join(r.dir, "stubs"), os.DirFS("../act/stubs")))
	fixture.Must(t, os.Remove(filepath.Join(r.dir, "stubs", "curl"))) // the real one talks to the server
	values := map[string]string{"secrets.AGENTS_TOKEN": token, "secrets.ANTHROPIC_API_KEY": fixture.Canary("sk-ant-", "agent"),
		"steps.agent.outcome": "success"}
	for name, value := range r.outputs {
		values["steps.receive.outputs."+name] = value
	}
	work := filepath.Join(r.dir, "work")
	var ran []string
	for _, s := range consumerSteps(t) {
		switch {
		case strings.HasPrefix(s.Uses, "actions/checkout@"):
			header := "http.extraHeader=Authorization: Bearer " + token
			clone := exec.CommandContext(t.Context(), "git", "clone", "--quiet", "--config", header,
				server.url+"/"+r.outputs["repository"], work)
			if out, err := clone.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		case s.Run != "":
			s.shell(t, r.dir, values, "RUNNER_TEMP="+t.TempDir(), "GITHUB_RUN_ID="+j.RunID,
				"GITHUB_RUN_ATTEMPT=1", "GITHUB_API_URL="+server.url+"/api/v1")
		}
		ran = append(ran, s.Name)
	}
	if !slices.Contains(ran, "Propose memory and metrics") {
		t.Errorf("the example has the steps %q", ran)
	}
	if got := fixture.Read(t, filepath.Join(r.dir, "agent-input")); got != fixture.Read(t,
		filepath.Join(r.dir, r.outputs["bundle-path"])) {
		t.Errorf("the agent got %q", got)
	}
}

// wantPullRequest fails the test unless the producer's repository has one pull request that
// changes metrics and memory.
func wantPullRequest(t *testing.T, r *repository) {
	t.Helper()
	var pulls []struct {
		Title string
		Head  struct{ Ref string }
	}
	server.must(t, http.StatusOK, http.MethodGet, r.path("/pulls?state=open"), nil, &pulls)
	if len(pulls) != 1 || pulls[0].Title != "Record a run of coach" {
		t.Fatalf("the pull requests are %+v", pulls)
	}
	read := func(file string) string {
		var content struct{ Content []byte }
		server.must(t, http.StatusOK, http.MethodGet, r.path("/contents/%s?ref=%s", file, pulls[0].Head.Ref), nil,
			&content)
		return string(content.Content)
	}
	lines := strings.Split(strings.TrimSpace(read(".kaizen/metrics/coach/executions.jsonl")), "\n")
	var record struct {
		Agent   string
		Success bool
	}
	err := json.Unmarshal([]byte(lines[len(lines)-1]), &record)
	if err != nil || record.Agent != "coach" || !record.Success {
		t.Errorf("the last execution is %s (%v)", lines[len(lines)-1], err)
	}
	if memory := read(".kaizen/agents/coach/memory.md"); !strings.HasSuffix(memory, "- the stub ran\n") {
		t.Errorf("the memory is %q", memory)
	}
}
