package nats_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

const jetStreamExample = "../../examples/jetstream"

// The service has these secrets, and its program must not get them.
var (
	bundleToken   = fixture.Canary("ghs_", "bundles")
	serviceSecret = fixture.Canary("ghs_", "service")
)

// journal keeps what a service writes, and can be read while it runs.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// TestServiceExample runs the command of the example's unit and its agent.sh, with two workers
// and two events. GitHub, git's server, claude and gh are stand-ins.
func TestServiceExample(t *testing.T) {
	t.Parallel()
	options, creds := operatorMode(t)
	s := start(t, options)
	js, _ := admin(t, s, nats.UserCredentialBytes([]byte(creds)))
	api := newProducer(t)
	m := newMachine(t, creds)
	args := exampleCommand(t, strings.NewReplacer(
		"/usr/local/bin/action", m.build(), "tls://nats.acme.example:4222", s.ClientURL(),
		"%d", m.path("credentials"), "/etc/schedule-agents/agent.sh", m.agent,
		"/var/lib/schedule-agents", m.path("state"), ":9090", ":0",
		"ANTHROPIC_API_KEY,GH_TOKEN", "ANTHROPIC_API_KEY,GH_TOKEN,CLONE_FROM,RECORD",
		"--create", "--create --acknowledge-to nats"))
	acks := addStream(t, js, func(c *jetstream.StreamConfig) {
		c.Name, c.Subjects = "ACKS", []string{"kaizen.schedule.received"}
	})
	var log journal
	service := exec.Command(args[0], args[1:]...)
	service.Dir, service.Stderr = m.path("state"), &log
	service.Env = []string{
		m.home(), "PATH=" + m.path("bin") + ":" + os.Getenv("PATH"), "GITHUB_API_URL=" + api.server.URL(),
		"ANTHROPIC_API_KEY=key", "GH_TOKEN=ghp_agents", "CLONE_FROM=file://" + m.path("remote"),
		"RECORD=" + m.dir, "GITHUB_TOKEN=" + serviceSecret, "INPUT_TOKEN=" + serviceSecret,
		"ACTIONS_RUNTIME_TOKEN=" + serviceSecret,
	}
	fixture.Must(t, service.Start())
	t.Cleanup(func() { _ = service.Process.Kill() })
	waitForText(t, &log, "handling events", 1)
	for _, line := range api.events {
		_, err := js.Publish(t.Context(), subject, line)
		fixture.Must(t, err)
	}
	waitForText(t, &log, "handled in", 2)
	for _, data := range [][]byte{api.events[0], []byte(strings.ReplaceAll(string(api.events[0]), "acme/web", "evil/web"))} {
		_, err := js.Publish(t.Context(), subject, data)
		fixture.Must(t, err)
	}
	waitForText(t, &log, "repeat dropped", 1)
	waitForText(t, &log, `refused: the repository "evil/web" is not among those that are allowed`, 1)
	checkStates(t, acks, "in_progress", "in_progress", "duplicate", "rejected")
	fixture.Must(t, service.Process.Signal(syscall.SIGTERM))
	if err := service.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
	m.checkResults()
	env := fixture.Read(t, m.path("environment"))
	if !strings.Contains(env, "ANTHROPIC_API_KEY=key\n") || strings.Contains(env, "INPUT_") {
		t.Errorf("the program's environment is\n%s", env)
	}
	fixture.NoCanary(t, "the program's environment", env)
	fixture.NoCanary(t, "the log", log.String())
}

// TestServiceExampleAgain runs agent.sh twice for one event, as after a process that died
// before it could record the success. The second run has the same branch and pull request.
func TestServiceExampleAgain(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	fixture.Write(t, m.dir, map[string]string{"bundle/bundle.md": "hello, coach\n"})
	for i := range 2 {
		cmd := exec.Command(m.agent)
		cmd.Stdin = strings.NewReader(`{"agent":"coach","bundle":{"id":"acme/web/kaizen.web.coach.2026-W48"}}`)
		cmd.Env = []string{m.home(), "PATH=" + m.path("bin") + ":" + os.Getenv("PATH"), "RECORD=" + m.dir,
			"CLONE_FROM=file://" + m.path("remote"), "SCHEDULE_BUNDLE_DIR=" + m.path("bundle")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("run %d: %v\n%s", i+1, err, out)
		}
	}
	if got := fixture.Read(t, m.path("pull-requests")); strings.Count(got, "pr create") != 1 {
		t.Errorf("pull requests: %s", got)
	}
}

// gh is a stand-in that keeps pull requests in a file, one for each branch.
const gh = `#!/bin/sh
case "$1 $2" in
"pr list") grep -c -e "--head $4 " "$RECORD/pull-requests" || true ;;
"pr create")
	if grep -q -e "--head $4 " "$RECORD/pull-requests"; then
		echo "a pull request for branch \"$4\" already exists" >&2
		exit 1
	fi
	echo "$*" >>"$RECORD/pull-requests"
	;;
esac
`

// checkStates checks which acknowledgements a stream has, in any order.
func checkStates(t *testing.T, acks jetstream.Stream, want ...string) {
	t.Helper()
	var got []string
	for seq := uint64(1); seq <= stored(t, acks); seq++ {
		msg, err := acks.GetMsg(t.Context(), seq)
		fixture.Must(t, err)
		r, err := event.ParseReceived(msg.Data)
		fixture.Must(t, err)
		got = append(got, string(r.State))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the acknowledgements say %q, want %q", got, want)
	}
}

// machine has what the example expects on the machine of the service.
type machine struct {
	t     *testing.T
	dir   string
	agent string // path of agent.sh
}

func newMachine(t *testing.T, creds string) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir()}
	fixture.Write(t, m.dir, map[string]string{
		"credentials/nats.creds":   creds,
		"credentials/github-token": bundleToken + "\n",
		"bin/claude": "#!/bin/sh\nset -eu\ncat >>\"$RECORD/bundles\"\nenv >>\"$RECORD/environment\"\n" +
			"for agent in coach optimization; do\n  mkdir -p .kaizen/agents/$agent\n" +
			"  echo learned >>.kaizen/agents/$agent/memory.md\ndone\n",
		"bin/gh":          gh,
		"pull-requests":   "",
		"state/.keep":     "",
		"home/.gitconfig": "[init]\n\tdefaultBranch = main\n",
	})
	for _, stub := range []string{"claude", "gh"} {
		fixture.Must(t, os.Chmod(m.path("bin/"+stub), 0o755))
	}
	m.git("init", "--quiet", "--bare", m.remote())
	source := m.path("source")
	m.git("init", "--quiet", source)
	m.git("-C", source, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "begin")
	m.git("-C", source, "push", "--quiet", m.remote(), "HEAD:refs/heads/main")
	var err error
	m.agent, err = filepath.Abs(filepath.Join(jetStreamExample, "agent.sh"))
	fixture.Must(t, err)
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, filepath.FromSlash(name)) }
func (m *machine) home() string            { return "HOME=" + m.path("home") }
func (m *machine) remote() string          { return m.path("remote/acme/web.git") }

// build builds the program and returns its path.
func (m *machine) build() string {
	m.t.Helper()
	cmd := exec.Command("go", "build", "-o", m.path("action"), "./cmd/action")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
	return m.path("action")
}

func (m *machine) git(args ...string) string {
	m.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), m.home())
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// checkResults checks what the two agents proposed and got.
func (m *machine) checkResults() {
	m.t.Helper()
	for _, agent := range []string{"coach", "optimization"} {
		branch := "kaizen/kaizen.web." + agent + ".2026-W48"
		var record struct {
			Agent   string
			Success bool
		}
		line := m.git("-C", m.remote(), "show", branch+":.kaizen/metrics/"+agent+"/executions.jsonl")
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Agent != agent || !record.Success {
			m.t.Errorf("%s recorded %s", agent, line)
		}
		if got := m.git("-C", m.remote(), "show", branch+":.kaizen/agents/"+agent+"/memory.md"); got != "learned\n" {
			m.t.Errorf("the memory of %s is %q", agent, got)
		}
		pull := "pr create --head " + branch + " --title Record a run of " + agent + " --body acme/web/kaizen.web."
		if got := fixture.Read(m.t, m.path("pull-requests")); !strings.Contains(got, pull) {
			m.t.Errorf("pull requests: %s", got)
		}
		if got := fixture.Read(m.t, m.path("bundles")); strings.Count(got, "hello, "+agent) != 1 {
			m.t.Errorf("the programs got the bundles %q", got)
		}
	}
}

// exampleCommand returns the words of ExecStart in the example's unit.
func exampleCommand(t *testing.T, change *strings.Replacer) []string {
	t.Helper()
	unit := fixture.Read(t, filepath.Join(jetStreamExample, "schedule-agents.service"))
	_, command, ok := strings.Cut(unit, "ExecStart=")
	command, _, _ = strings.Cut(strings.ReplaceAll(command, "\\\n", " "), "\n")
	if !ok || strings.ContainsAny(command, `"'$`) {
		t.Fatalf("the unit has the command %q", command)
	}
	return strings.Fields(change.Replace(command))
}

// waitForText waits until a text is in the journal n times.
func waitForText(t *testing.T, j *journal, text string, n int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); strings.Count(j.String(), text) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log has no %q:\n%s", text, j.String())
		}
	}
}

// producer is a repository on a stand-in of GitHub, with the bundles of two agents.
type producer struct {
	server *ghtest.Server
	events [][]byte
}

func newProducer(t *testing.T) *producer {
	t.Helper()
	api, err := ghtest.New(ghtest.Options{Errorf: t.Errorf})
	fixture.Must(t, err)
	t.Cleanup(api.Close)
	api.AddRepository(ghtest.Repository{ID: 7, FullName: "acme/web", Private: true})
	access := map[string]ghtest.Permissions{"acme/web": {Actions: "read"}}
	api.AddToken(bundleToken, ghtest.Token{Kind: ghtest.Installation, Access: access})
	p := &producer{server: api}
	for _, agent := range []string{"coach", "optimization"} {
		content := "hello, " + agent + "\n"
		sources, err := json.Marshal(map[string]any{"commit": "", "files": []any{}, "bundle": map[string]any{
			"name": "bundle.md", "size": len(content), "sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(content)))}})
		fixture.Must(t, err)
		zip, err := store.Zip([]store.File{{Name: "bundle.md", Data: []byte(content)},
			{Name: "sources.json", Data: sources}})
		fixture.Must(t, err)
		name := "kaizen.web." + agent + ".2026-W48"
		id := api.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: name, Zip: zip, RunID: 42, HeadBranch: "main"})
		e := event.Event{
			Event: event.Type, Version: event.Version, OccurredAt: "2026-11-24T09:00:00Z", Repo: "web", Root: "/web",
			Agent: agent, Cadence: "weekly", PrepareCommand: "kaizen-agentic", SessionClose: []string{},
			Bundle: event.Bundle{Format: "markdown", Pointers: []string{}, Bytes: len(content), ID: "acme/web/" + name,
				Period: "2026-W48", Artifact: &event.Artifact{Repository: "acme/web", RunID: 42, Name: name, ID: id,
					Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(zip)), URL: "https://github.com/acme/web"}},
		}
		line, err := e.Marshal()
		fixture.Must(t, err)
		p.events = append(p.events, line)
	}
	return p
}
