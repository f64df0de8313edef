package act

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

const coachBundle = "kaizen.kaizen-agentic.coach.2026-W48"

var (
	jobToken      = fixture.Canary("ghs_", "job")
	dispatchToken = fixture.Canary("github_pat_", "dispatch")
)

// newServer starts a stand-in of GitHub's API with the lab's repository and two targets.
// It lists the artifacts in act's store as those of the lab's repository.
func newServer(t *testing.T, l *lab) *ghtest.Server {
	t.Helper()
	s, err := ghtest.New(ghtest.Options{
		Errorf:    t.Errorf,
		Enforce:   true,
		Artifacts: ghtest.Folder{Dir: l.store, Repository: repository, Branch: "main"},
	})
	fixture.Must(t, err)
	t.Cleanup(s.Close)
	for _, name := range []string{repository, "acme/activity-core", "acme/archive"} {
		s.AddRepository(ghtest.Repository{FullName: name, Private: true})
	}
	s.AddToken(jobToken, ghtest.Token{Kind: ghtest.Job, Access: map[string]ghtest.Permissions{
		repository: {Contents: "read", Actions: "read"},
	}})
	s.AddToken(dispatchToken, ghtest.Token{Kind: ghtest.Personal, Access: map[string]ghtest.Permissions{
		"acme/activity-core": {Contents: "write"}, "acme/archive": {Contents: "write"},
	}})
	return s
}

// prepare runs the scheduled workflow.
func (l *lab) prepare(t *testing.T, s *ghtest.Server) result {
	t.Helper()
	return l.run(t, runOptions{
		workflow: "prepare.yml",
		apiURL:   s.URL(),
		secrets:  map[string]string{"GITHUB_TOKEN": jobToken, "DISPATCH_TOKEN": dispatchToken},
	})
}

// dispatched returns the payloads that a repository got.
func dispatched(s *ghtest.Server, repo string) []string {
	bodies := []string{}
	for _, d := range s.Dispatches() {
		if d.Repository == repo && d.EventType == "kaizen.schedule.prepared" {
			bodies = append(bodies, string(d.ClientPayload))
		}
	}
	return bodies
}

// preparedEvent is the part of the output payload that TestPrepare checks.
type preparedEvent struct {
	Root   string
	Bundle struct {
		Bytes    int
		Artifact struct {
			Name, Digest string
			RunID        int `json:"run_id"`
		}
	}
}

func TestPrepare(t *testing.T) {
	l := newLab(t, "kaizen")
	s := newServer(t, l)

	r := l.prepare(t, s)
	r.want(t, 0, "success")
	payload := r.Outputs["payload"]
	var event preparedEvent
	if err := json.Unmarshal([]byte(payload), &event); err != nil {
		t.Fatalf("payload: %v in %q", err, payload)
	}
	if event.Root != l.dir {
		t.Errorf("root is %q, want %q", event.Root, l.dir)
	}
	if a := event.Bundle.Artifact; a.Name != coachBundle || a.RunID != r.runID ||
		a.Name != r.Outputs["artifact-name"] || a.Digest != r.Outputs["artifact-digest"] {
		t.Errorf("artifact is %+v in the event, %q and %q in the outputs", a, r.Outputs["artifact-name"],
			r.Outputs["artifact-digest"])
	}
	for _, repo := range []string{"acme/activity-core", "acme/archive"} {
		if got := dispatched(s, repo); !slices.Equal(got, []string{payload}) {
			t.Errorf("%s got %q, want the output payload once: %q", repo, got, payload)
		}
	}
	r.wantLog(t, "Summary - ", "1 agent prepared", "<details>")
	checkStored(t, l, r, event)

	t.Run("again in the same period", func(t *testing.T) {
		r := l.prepare(t, s)
		r.want(t, 0, "success")
		if r.Outputs["count"] != "0" || r.Outputs["payloads"] != "[]" || r.Outputs["payload"] != "" {
			t.Errorf("outputs are %q, want nothing prepared", r.Outputs)
		}
		if got := l.artifacts(t, r.runID); len(got) != 0 {
			t.Errorf("stored %q, want nothing", got)
		}
		if got := len(s.Dispatches()); got != 2 {
			t.Errorf("%d dispatches in all, want the 2 of the first run", got)
		}
		r.wantLog(t, "coach: not due: ", "2026-W48", "Nothing is due")
	})
}

// checkStored checks the bundle, its artifact and the receipt of a run.
func checkStored(t *testing.T, l *lab, r result, event preparedEvent) {
	t.Helper()
	// The last step of the workflow copied the bundle from root and bundle-path.
	bundle := string(l.read(t, "bundle.copy"))
	if len(bundle) != event.Bundle.Bytes {
		t.Errorf("the bundle has %d bytes, the event says %d", len(bundle), event.Bundle.Bytes)
	}
	if got, want := l.artifacts(t, r.runID), []string{coachBundle, coachBundle + ".receipt"}; !slices.Equal(got, want) {
		t.Fatalf("artifacts are %q, want %q", got, want)
	}
	zipped, files := l.artifact(t, r.runID, coachBundle)
	if got := digest(zipped); got != event.Bundle.Artifact.Digest {
		t.Errorf("the digest of the zip is %s, the event says %s", got, event.Bundle.Artifact.Digest)
	}
	want := map[string]string{"bundle.md": bundle,
		"sources.json": string(l.read(t, r.Outputs["bundle-dir"]+"/sources.json"))}
	if !maps.Equal(files, want) {
		t.Errorf("the artifact has %q, want %q", files, want)
	}
	_, files = l.artifact(t, r.runID, coachBundle+".receipt")
	if !strings.Contains(files["receipt.json"], `"`+repository+"/"+coachBundle+`"`) {
		t.Errorf("the receipt does not have the event id: %q", files)
	}
}

func TestFailingTarget(t *testing.T) {
	l := newLab(t, "kaizen")
	s := newServer(t, l)
	s.Fail("POST /repos/acme/archive/dispatches", 1, ghtest.Status(404, `{"message":"Not Found"}`))

	r := l.prepare(t, s)
	r.want(t, 3, "failure")
	if got := len(dispatched(s, "acme/activity-core")); got != 1 {
		t.Errorf("the other target got %d events, want 1", got)
	}
	if got, want := l.artifacts(t, r.runID), []string{coachBundle, coachBundle + ".partial"}; !slices.Equal(got, want) {
		t.Errorf("artifacts are %q, want %q: no receipt", got, want)
	}
	r.wantLog(t, "acme/archive", "delivered to 1 of 2 targets")
	if !strings.Contains(r.Outputs["deliveries"], `"failed"`) {
		t.Errorf("deliveries are %q, want one that failed", r.Outputs["deliveries"])
	}

	r = l.prepare(t, s)
	r.want(t, 0, "success")
	for _, repo := range []string{"acme/activity-core", "acme/archive"} {
		if got := dispatched(s, repo); len(got) != 1 || got[0] != r.Outputs["payload"] {
			t.Errorf("%s got %q, want the event of the first run once", repo, got)
		}
	}
	if got, want := l.artifacts(t, r.runID), []string{coachBundle + ".receipt"}; !slices.Equal(got, want) {
		t.Errorf("artifacts are %q, want %q", got, want)
	}

	r = l.prepare(t, s)
	r.want(t, 0, "success")
	if r.Outputs["count"] != "0" {
		t.Errorf("the third run prepared %s agents, want 0", r.Outputs["count"])
	}
}

// hostile is text that contains commands to the runner, in every form that the runner
// knows.
const hostile = "x\n::set-output name=pwned::1\n##[set-output name=pwned;]2\r::set-output name=pwned::3 " +
	"%0A::set-output name=pwned::4" +
	"\n_GitHubActionsFileCommandDelimeter_\npwned<<EOF\n5\nEOF\n::stop-commands::pwned"

// hostileManifest returns a manifest with one line for session_close.
func hostileManifest(t *testing.T, line string) string {
	t.Helper()
	quoted, err := json.Marshal(line)
	fixture.Must(t, err)
	return "version: \"1\"\nrepo: web\nagents:\n  coach:\n    cadence: weekly\n    session_close: [" + string(quoted) +
		"]\n"
}

// hostileLine is hostile text that is valid in session_close, because it has one line.
const hostileLine = "echo ##[set-output name=pwned;]1 %0A::set-output name=pwned::2 " +
	"_GitHubActionsFileCommandDelimeter_"

var hostileTests = []struct {
	name, sessionClose, agents string
	memory                     string
	exitCode                   int
	outputs                    []string
}{
	{
		name: "in the event and the bundle", sessionClose: hostileLine, agents: "coach", memory: hostile,
		outputs: []string{"bundle-dir", "bundle-path", "count", "deliveries", "errors", "event-id", "failed", "matrix",
			"missed", "payload", "payloads", "prepared", "valid", "warnings"},
	},
	{
		name: "in findings", sessionClose: hostile, agents: "coach", exitCode: 1,
		outputs: []string{"count", "deliveries", "errors", "failed", "matrix", "missed", "payloads", "prepared",
			"valid",
			"warnings"},
	},
	{
		name: "in an input", sessionClose: hostileLine, agents: hostile, exitCode: 2,
		outputs: []string{"count", "deliveries", "errors", "failed", "matrix", "missed", "payloads", "prepared",
			"roster",
			"valid", "warnings"},
	},
}

func TestHostileText(t *testing.T) {
	for _, tt := range hostileTests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, "kaizen")
			s := newServer(t, l)
			l.write(t, ".kaizen/schedule.yml", hostileManifest(t, tt.sessionClose))
			if tt.memory != "" {
				l.write(t, ".kaizen/agents/coach/memory.md", tt.memory)
			}
			r := l.run(t, runOptions{
				workflow: "hostile.yml", apiURL: s.URL(),
				vars: map[string]string{"AGENTS": tt.agents}, secrets: map[string]string{"GITHUB_TOKEN": jobToken},
			})
			outcome := "success"
			if tt.exitCode != 0 {
				outcome = "failure"
			}
			r.want(t, tt.exitCode, outcome)
			if got := slices.Sorted(maps.Keys(r.Outputs)); !slices.Equal(got, tt.outputs) {
				t.Errorf("outputs are %q, want %q\n%s", got, tt.outputs, r.log)
			}
			if strings.Contains(r.log, "::set-output:: pwned") {
				t.Errorf("the runner carried out a command\n%s", r.log)
			}
		})
	}
}

func TestPullRequest(t *testing.T) {
	const baseCommit = "1111111111111111111111111111111111111111"
	l := newLab(t, "kaizen")
	s := newServer(t, l)
	manifest := string(l.read(t, ".kaizen/schedule.yml"))
	s.AddRepository(ghtest.Repository{FullName: repository, Private: true, Refs: map[string]map[string]string{
		baseCommit: {".kaizen/schedule.yml": manifest},
	}})
	check := func(t *testing.T) result {
		return l.run(t, runOptions{
			workflow: "check.yml",
			trigger:  "pull_request",
			event: map[string]any{"pull_request": map[string]any{
				"number": 7,
				"base": map[string]any{"ref": "main", "sha": baseCommit,
					"repo": map[string]any{"full_name": repository}},
				"head": map[string]any{"ref": "retime", "repo": map[string]any{"full_name": repository}},
			}},
			apiURL:  s.URL(),
			secrets: map[string]string{"GITHUB_TOKEN": jobToken},
		})
	}

	l.write(t, ".kaizen/schedule.yml", strings.Replace(manifest, "cadence: weekly", "cadence: wekly", 1))
	r := check(t)
	r.want(t, 1, "failure")
	r.wantLog(t, "::error col=14,file=.kaizen/schedule.yml,line=7,title=cadence::", `unknown cadence "wekly"`,
		`did you mean "weekly"?`)
	if r.Outputs["valid"] != "false" || r.Outputs["errors"] != "1" {
		t.Errorf("outputs are %q, want one error", r.Outputs)
	}

	monthly, daily := "cadence: monthly\n    cron: \"30 6 1 * *\"", "cadence: daily\n    cron: \"30 6 * * *\""
	l.write(t, ".kaizen/schedule.yml", strings.Replace(manifest, monthly, daily, 1))
	r = check(t)
	r.want(t, 0, "success")
	if r.Outputs["valid"] != "true" {
		t.Errorf("outputs are %q, want a valid manifest", r.Outputs)
	}
	_, summary, ok := strings.Cut(r.log, "Summary - ")
	if !ok {
		t.Fatalf("there is no summary\n%s", r.log)
	}
	for _, text := range []string{"optimization", "monthly", "daily"} {
		if !strings.Contains(summary, text) {
			t.Errorf("the diff in the summary does not show %q\n%s", text, summary)
		}
	}
}

// TestReadmeWorkflows runs the two workflows that the README offers for copying,
// unchanged. The action at `@v1` is this tree.
func TestReadmeWorkflows(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(moduleRoot, "README.md"))
	fixture.Must(t, err)
	var workflows []string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		if strings.HasPrefix(m[1], "name:") {
			workflows = append(workflows, m[1])
		}
	}
	if len(workflows) != 2 {
		t.Fatalf("the README has %d workflows, want 2", len(workflows))
	}
	l := newLab(t, "kaizen")
	s := newServer(t, l)
	secrets := map[string]string{"GITHUB_TOKEN": jobToken, "DISPATCH_TOKEN": dispatchToken}
	for i, trigger := range []string{"schedule", "pull_request"} {
		name := fmt.Sprintf("readme-%d.yml", i)
		l.write(t, ".github/workflows/"+name, workflows[i])
		log, err := l.act(t, runOptions{workflow: name, trigger: trigger, apiURL: s.URL(), secrets: secrets})
		if err != nil {
			t.Errorf("%s: %v\n%s", trigger, err, log)
		}
	}
	if got := len(dispatched(s, "acme/activity-core")); got != 2 {
		t.Errorf("acme/activity-core got %d events, want one for each of the two agents, which were never prepared "+
			"before", got)
	}
}

// TestReadmeRecipe runs the README's workflow that runs agents. In place of the agent's
// program, it prints the beginning of the bundle.
func TestReadmeRecipe(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(moduleRoot, "README.md"))
	fixture.Must(t, err)
	recipe := regexp.MustCompile("(?s)```yaml\n(# In place.*?)```").FindSubmatch(readme)
	program := regexp.MustCompile(`npx --yes .*`)
	if recipe == nil || !program.Match(recipe[1]) {
		t.Fatal("the README has no recipe with an agent's program")
	}
	l := newLab(t, "kaizen")
	s := newServer(t, l)
	l.write(t, ".github/workflows/recipe.yml", program.ReplaceAllString(string(recipe[1]), `head -n 2 "$$BUNDLE"`))
	log, err := l.act(t, runOptions{workflow: "recipe.yml", trigger: "schedule", apiURL: s.URL(),
		secrets: map[string]string{"GITHUB_TOKEN": jobToken, "ANTHROPIC_API_KEY": "not-a-real-key"}})
	if err != nil {
		t.Errorf("the workflow failed: %v", err)
	}
	for _, line := range []string{`| agent: "coach"`, `| agent: "optimization"`} {
		if !strings.Contains(log, line) {
			t.Errorf("no step received the bundle that has %s", line)
		}
	}
	if t.Failed() {
		t.Log(log)
	}
}
