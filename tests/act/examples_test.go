package act

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

const (
	agents    = "acme/agents"
	dashboard = "acme/dashboard"
	oneAgent  = "version: \"1\"\nrepo: kaizen-agentic\nagents:\n  coach:\n    cadence: weekly\n"
)

var agentsToken = fixture.Canary("github_pat_", "agents")

// exampleLab is a lab whose job container has git and stubs for an agent, its installation
// and the pull request. What is pushed to the repository goes to a bare one in the checkout.
func exampleLab(t *testing.T, name string, examples ...string) *lab {
	t.Helper()
	l := newLabOf(t, "kaizen", name)
	l.image = agentImage
	checkout, err := filepath.Abs("checkout")
	fixture.Must(t, err)
	l.args = []string{"--local-repository", "actions/checkout@v7=" + checkout, "--env", "GIT_CONFIG_COUNT=1",
		"--env", "GIT_CONFIG_KEY_0=url." + l.dir + "/.bare/.insteadOf",
		"--env", "GIT_CONFIG_VALUE_0=https://github.com/"}
	for _, e := range examples {
		l.write(t, ".github/workflows/"+filepath.Base(e), fixture.Read(t, filepath.Join(moduleRoot, "examples", e)))
	}
	return l
}

// serve makes the content of a checkout the repository of this name.
func (l *lab) serve(t *testing.T, name, from string) {
	t.Helper()
	command(t, l.dir, "git", "clone", "--quiet", "--bare", from, filepath.Join(l.dir, ".bare", name))
}

// pushed returns a file of the newest branch that a workflow pushed to the repository of this
// name.
func (l *lab) pushed(t *testing.T, name, agent, file string) string {
	t.Helper()
	bare := filepath.Join(l.dir, ".bare", name)
	branch := strings.TrimSpace(command(t, bare, "git", "for-each-ref", "--format=%(refname)",
		"refs/heads/kaizen/"+agent+"-*"))
	if branch == "" || strings.Contains(branch, "\n") {
		t.Fatalf("the branches of %s are %q, want one", agent, branch)
	}
	return command(t, bare, "git", "show", branch+":"+file)
}

// wantRecorded fails the test unless a pull request has the run of an agent in its metrics, in
// the owner's format, and a line in its memory.
func (l *lab) wantRecorded(t *testing.T, name, agent string, success bool) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(l.pushed(t, name, agent, ".kaizen/metrics/"+agent+"/executions.jsonl")),
		"\n")
	var record struct {
		Timestamp string  `json:"timestamp"`
		Agent     string  `json:"agent"`
		Success   *bool   `json:"success"`
		Seconds   float64 `json:"execution_time_s"`
	}
	err := json.Unmarshal([]byte(lines[len(lines)-1]), &record)
	if err != nil || record.Agent != agent || record.Success == nil || *record.Success != success ||
		record.Timestamp == "" {
		t.Errorf("the last execution is %s (%v)", lines[len(lines)-1], err)
	}
	if success && !strings.Contains(l.pushed(t, name, agent, ".kaizen/agents/"+agent+"/memory.md"),
		"- the stub ran\n") {
		t.Errorf("the memory of %s did not change", agent)
	}
}

func exampleServer(t *testing.T, o ghtest.Options) *ghtest.Server {
	t.Helper()
	o.Errorf = t.Errorf
	s, err := ghtest.New(o)
	fixture.Must(t, err)
	t.Cleanup(s.Close)
	for _, name := range []string{repository, agents, dashboard} {
		s.AddRepository(ghtest.Repository{FullName: name, Private: true})
	}
	s.AddToken(jobToken, ghtest.Token{Kind: ghtest.Job, Access: map[string]ghtest.Permissions{
		repository: {Contents: "read", Actions: "read"}, agents: {Contents: "read", Actions: "read"}}})
	s.AddToken(dispatchToken, ghtest.Token{Kind: ghtest.Personal, Access: map[string]ghtest.Permissions{
		agents: {Contents: "write", Actions: "write"}, dashboard: {Contents: "write", Actions: "write"}}})
	s.AddToken(agentsToken, ghtest.Token{Kind: ghtest.Personal, Access: map[string]ghtest.Permissions{
		repository: {Actions: "read"}}})
	return s
}

var exampleSecrets = map[string]string{"GITHUB_TOKEN": jobToken, "DISPATCH_TOKEN": dispatchToken,
	"AGENTS_TOKEN": agentsToken, "ANTHROPIC_API_KEY": fixture.Canary("sk-ant-", "agent")}

// TestExampleSingleRepository runs examples/single-repository.yml: the agent gets the bundle's
// bytes, and a pull request has its result. If the agent fails, the result says so.
func TestExampleSingleRepository(t *testing.T) {
	for _, fails := range []bool{false, true} {
		l := exampleLab(t, repository, "single-repository.yml")
		l.write(t, ".kaizen/schedule.yml", oneAgent)
		l.serve(t, repository, l.dir)
		if fails {
			l.args = append(l.args, "--env", "AGENT_FAILS=1")
		}
		s := exampleServer(t, ghtest.Options{Artifacts: ghtest.Folder{Dir: l.store, Repository: repository,
			Branch: "main"}})
		log, err := l.act(t, runOptions{workflow: "single-repository.yml", trigger: "schedule", apiURL: s.URL(),
			secrets: exampleSecrets})
		if (err != nil) != fails {
			t.Fatalf("the workflow: %v\n%s", err, log)
		}
		l.wantRecorded(t, repository, "coach", !fails)
		names := l.artifacts(t, l.runs)
		_, files := l.artifact(t, l.runs, names[0])
		if got := string(l.read(t, "agent-input")); got != files["bundle.md"] {
			t.Errorf("the agent got %q, the bundle is %q", got, files["bundle.md"])
		}
		if got := string(l.read(t, "gh-arguments")); !strings.HasPrefix(got, "pr\ncreate\n--head\nkaizen/coach-") {
			t.Errorf("gh got %q", got)
		}
	}
}

// TestExampleMatrix runs examples/matrix.yml: each agent runs in a job of its own.
func TestExampleMatrix(t *testing.T) {
	l := exampleLab(t, repository, "matrix.yml")
	const name = ".github/workflows/matrix.yml" // act's jobs share one checkout
	l.write(t, name, strings.Replace(string(l.read(t, name)), "fail-fast: false", "max-parallel: 1", 1))
	l.serve(t, repository, l.dir)
	s := exampleServer(t, ghtest.Options{Artifacts: ghtest.Folder{Dir: l.store, Repository: repository,
		Branch: "main"}})
	log, err := l.act(t, runOptions{workflow: "matrix.yml", trigger: "schedule", apiURL: s.URL(),
		secrets: exampleSecrets})
	if err != nil {
		t.Fatalf("the workflow: %v\n%s", err, log)
	}
	for _, agent := range []string{"coach", "optimization"} {
		l.wantRecorded(t, repository, agent, true)
	}
}

// TestExampleTwoRepositories runs examples/producer.yml, and examples/consumer.yml on the
// dispatch that the producer sent. The agent gets exactly the producer's bytes, a pull request
// to the producer's repository has its result, and the dashboard gets the acknowledgement. The
// same dispatch once more is a duplicate.
func TestExampleTwoRepositories(t *testing.T) {
	producer := exampleLab(t, repository, "producer.yml")
	producer.write(t, ".kaizen/schedule.yml", oneAgent)
	consumer := exampleLab(t, agents, "consumer.yml")
	consumer.serve(t, repository, producer.dir)
	s := exampleServer(t, ghtest.Options{
		Artifacts:      ghtest.Folder{Dir: producer.store, Repository: repository, Branch: "main"},
		OtherArtifacts: []ghtest.Folder{{Dir: consumer.store, Repository: agents, Branch: "main"}}})

	log, err := producer.act(t, runOptions{workflow: "producer.yml", trigger: "schedule", apiURL: s.URL(),
		secrets: exampleSecrets})
	payloads := dispatched(s, agents)
	if err != nil || len(payloads) != 1 {
		t.Fatalf("the producer: %v, %d dispatches\n%s", err, len(payloads), log)
	}
	e, err := event.Parse([]byte(payloads[0]))
	fixture.Must(t, err)
	receive := func() {
		t.Helper()
		log, err := consumer.act(t, runOptions{workflow: "consumer.yml", trigger: "repository_dispatch",
			apiURL:  s.URL(),
			secrets: exampleSecrets, event: map[string]any{"action": event.Type,
				"client_payload": json.RawMessage(payloads[0]),
				"repository":     map[string]any{"full_name": agents, "default_branch": "main"}}})
		if err != nil {
			t.Fatalf("the consumer: %v\n%s", err, log)
		}
	}
	receive()
	_, files := producer.artifact(t, producer.runs, e.Bundle.Artifact.Name)
	if got := string(consumer.read(t, "agent-input")); got != files["bundle.md"] {
		t.Errorf("the agent got %q, the bundle is %q", got, files["bundle.md"])
	}
	consumer.wantRecorded(t, repository, "coach", true)
	fixture.Must(t, os.Remove(filepath.Join(consumer.dir, "agent-input")))
	receive()
	if _, err := os.Stat(filepath.Join(consumer.dir, "agent-input")); err == nil {
		t.Error("the agent ran again")
	}
	var states []string
	for _, d := range s.Dispatches() {
		if d.Repository == dashboard {
			r, err := event.ParseReceived(d.ClientPayload)
			fixture.Must(t, err)
			states = append(states, string(r.State))
		}
	}
	if got := strings.Join(states, " "); got != "in_progress duplicate" {
		t.Errorf("the dashboard got %q", got)
	}
}

// TestExampleGitea runs the examples for Gitea, whose API starts the consumer's workflow.
func TestExampleGitea(t *testing.T) {
	producer := exampleLab(t, repository, "gitea/producer.yml")
	producer.write(t, ".kaizen/schedule.yml", oneAgent)
	consumer := exampleLab(t, agents, "gitea/consumer.yml")
	consumer.serve(t, repository, producer.dir)
	s := exampleServer(t, ghtest.Options{Gitea: true, BasePath: "/api/v1",
		Artifacts:      ghtest.Folder{Dir: producer.store, Repository: repository, Branch: "main"},
		OtherArtifacts: []ghtest.Folder{{Dir: consumer.store, Repository: agents, Branch: "main"}}})
	for name, file := range map[string]string{agents: "consumer.yml", dashboard: "received.yml"} {
		s.AddRepository(ghtest.Repository{FullName: name, Private: true, Files: map[string]string{
			".gitea/workflows/" + file: fixture.Read(t, filepath.Join(moduleRoot, "examples/gitea/consumer.yml"))}})
	}
	log, err := producer.act(t, runOptions{workflow: "producer.yml", trigger: "schedule", apiURL: s.URL(),
		secrets: exampleSecrets})
	if err != nil || len(s.Starts()) != 1 {
		t.Fatalf("the producer: %v, %d started\n%s", err, len(s.Starts()), log)
	}
	log, err = consumer.act(t, runOptions{workflow: "consumer.yml", trigger: "workflow_dispatch", apiURL: s.URL(),
		secrets: exampleSecrets,
		event: map[string]any{"inputs": map[string]string{"event": s.Starts()[0].Inputs["event"]},
			"repository": map[string]any{"full_name": agents, "default_branch": "main"}}})
	if err != nil {
		t.Fatalf("the consumer: %v\n%s", err, log)
	}
	consumer.wantRecorded(t, repository, "coach", true)
	var pull struct{ Head, Base, Title, Body string }
	if err := json.Unmarshal(consumer.read(t, "pull.json"), &pull); err != nil || pull.Base != "main" ||
		!strings.HasPrefix(pull.Head, "kaizen/coach-") || !strings.HasPrefix(pull.Body, repository+"/kaizen.") {
		t.Errorf("the pull request is %+v (%v)", pull, err)
	}
	want := digest([]byte("header = \"Authorization: token " + agentsToken + "\"\n"))
	if got := string(consumer.read(t, "curl-config")); !strings.HasPrefix("sha256:"+got, want) {
		t.Errorf("curl got another configuration than the token: %s, want %s", got, want)
	}
	starts := s.Starts()
	r, err := event.ParseReceived([]byte(starts[len(starts)-1].Inputs["event"]))
	if err != nil || r.State != event.InProgress {
		t.Errorf("the dashboard got %+v (%v)", r, err)
	}
}
