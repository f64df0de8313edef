package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// platform is what a job sees of GitHub: API, artifact service, and a checkout on a
// runner.
type platform struct {
	t         *testing.T
	api       *ghtest.Server
	results   *ghtest.Results
	workspace string
	run       int64
}

const sampleRepo = "acme/kaizen-agentic"

var (
	jobToken    = fixture.Canary("ghs_", "job")
	fanOutToken = fixture.Canary("ghs_", "fanout")
	otherToken  = fixture.Canary("ghs_", "other") // with no permission
)

func newPlatform(t *testing.T) *platform {
	t.Helper()
	return newPlatformOn(t, ghtest.Options{})
}

// newPlatformOn has an API with options.
func newPlatformOn(t *testing.T, api ghtest.Options) *platform {
	t.Helper()
	p := newEmptyPlatform(t, api)
	fixture.Must(t, copySample(p.workspace, samplesDir+"/kaizen"))
	return p
}

// newEmptyPlatform has no workspace yet. Copying the sample takes most of the time of a
// short test.
func newEmptyPlatform(t *testing.T, api ghtest.Options) *platform {
	t.Helper()
	p := &platform{t: t, workspace: filepath.Join(fixture.TempDir(t), "workspace"), run: 100}
	var err error
	api.Errorf = t.Errorf
	if p.api, err = ghtest.New(api); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.api.Close)
	p.results, err = ghtest.NewResults(ghtest.ResultsOptions{Errorf: t.Errorf, OnFinalize: func(s ghtest.Stored) int64 {
		return p.api.AddArtifact(ghtest.Artifact{Repository: sampleRepo, Name: s.Name, Zip: s.Zip, RunID: s.RunID,
			HeadBranch: "main"})
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.results.Close)
	p.api.AddRepository(ghtest.Repository{ID: 7, FullName: sampleRepo})
	p.api.AddToken(jobToken, ghtest.Token{Kind: ghtest.Job,
		Access: map[string]ghtest.Permissions{sampleRepo: {Contents: "read", Actions: "read"}}})
	p.api.AddRepository(ghtest.Repository{FullName: "acme/core"})
	p.api.AddRepository(ghtest.Repository{FullName: "acme/dash"})
	p.api.AddToken(fanOutToken, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
		"acme/core": {Contents: "write"}, "acme/dash": {Contents: "write"}}})
	return p
}

// ran is what a step left behind.
type ran struct {
	code           int
	stdout, stderr string
	outputs        map[string]string
	summary        string
}

// step runs the action once, in a run of its own, with these inputs.
func (p *platform) step(inputs map[string]string) ran {
	p.t.Helper()
	p.run++
	return p.stepIn(p.run, inputs, nil)
}

func (p *platform) stepIn(run int64, inputs, env map[string]string) ran {
	p.t.Helper()
	vars := p.vars(run, inputs, env)
	var stdout, stderr bytes.Buffer
	command := inputs["command"]
	code := runWith(p.t, p.t.Context(), []string{command, "--host-workspace=/home/runner/work/web"}, vars, &stdout, &stderr)
	return p.readRan(code, vars, &stdout, &stderr)
}

// readRan reads what a step with these vars left behind.
func (p *platform) readRan(code int, vars map[string]string, stdout, stderr *bytes.Buffer) ran {
	p.t.Helper()
	output, err := os.ReadFile(vars["GITHUB_OUTPUT"])
	if err != nil {
		p.t.Fatal(err)
	}
	summary, err := os.ReadFile(vars["GITHUB_STEP_SUMMARY"])
	if err != nil {
		p.t.Fatal(err)
	}
	return ran{code, stdout.String(), stderr.String(), parseOutputs(p.t, string(output)), string(summary)}
}

// vars is the environment of a step, with files of its own.
func (p *platform) vars(run int64, inputs, env map[string]string) map[string]string {
	p.t.Helper()
	dir := fixture.TempDir(p.t)
	vars := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_API_URL": p.api.URL(), "GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_REPOSITORY":    sampleRepo,
		"GITHUB_REPOSITORY_ID": "7", "GITHUB_RUN_ID": strconv.FormatInt(run, 10), "GITHUB_WORKSPACE": p.workspace,
		"GITHUB_EVENT_NAME": "schedule",
		"GITHUB_SHA":        strings.Repeat("ab", 20), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
		"GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
		"ACTIONS_RESULTS_URL": p.results.URL(), "ACTIONS_RUNTIME_TOKEN": p.results.Token(run, "prepare"),
		"INPUT_TOKEN": jobToken, "INPUT_DISPATCH-TOKEN": "token", "INPUT_HOST-WORKSPACE": "/home/runner/work/web",
	}
	for name, value := range inputs {
		vars["INPUT_"+strings.ToUpper(name)] = value
	}
	for name, value := range env {
		vars[name] = value
	}
	for _, name := range []string{"output", "summary"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
	return vars
}

// runWith runs the program without waits between attempts. Its streams must not have a secret.
func runWith(
	t *testing.T, ctx context.Context, args []string, vars map[string]string, stdout, stderr *bytes.Buffer,
) int {
	t.Helper()
	code := run(ctx, args, streams{
		getenv:  func(name string) string { return vars[name] },
		stdin:   strings.NewReader(""),
		stdout:  stdout,
		stderr:  stderr,
		now:     time.Now,
		sleep:   func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		signals: context.WithCancel,
	})
	fixture.NoCanary(t, "standard output", stdout.Bytes())
	fixture.NoCanary(t, "standard error", stderr.Bytes())
	return code
}

// parseOutputs reads a GITHUB_OUTPUT file, in which no output is set twice.
func parseOutputs(t *testing.T, text string) map[string]string {
	t.Helper()
	list, err := fixture.ParseOutputs(text)
	fixture.Must(t, err)
	outputs := map[string]string{}
	for _, o := range list {
		if _, twice := outputs[o.Name]; twice {
			t.Errorf("output %s is set twice", o.Name)
		}
		outputs[o.Name] = o.Value
	}
	return outputs
}

const tuesday = "2026-11-24T09:00:00Z"

func fanOut(now string) map[string]string {
	return map[string]string{"now": now, "cadence": "weekly", "dispatch-to": "acme/core\nacme/dash # both",
		"dispatch-token": fanOutToken}
}

func TestTheWholeRoad(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.step(fanOut(tuesday))
	if got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	e, err := event.Parse([]byte(got.outputs["payload"]))
	if err != nil {
		t.Fatal(err)
	}
	if e.Root != "/home/runner/work/web" {
		t.Errorf("root is %s, want the host's path", e.Root)
	}
	if e.Bundle.ID != sampleRepo+"/kaizen.kaizen-agentic.coach.2026-W48" || e.Bundle.Period != "2026-W48" ||
		got.outputs["event-id"] != e.Bundle.ID {
		t.Errorf("the event has the id %q and the period %q, the output event-id is %q", e.Bundle.ID, e.Bundle.Period,
			got.outputs["event-id"])
	}
	bundle, err := os.ReadFile(filepath.Join(p.workspace, got.outputs["bundle-path"]))
	if err != nil || len(bundle) != e.Bundle.Bytes {
		t.Errorf("the bundle has %d bytes, the event says %d (%v)", len(bundle), e.Bundle.Bytes, err)
	}
	dispatches := p.api.Dispatches()
	if len(dispatches) != 2 {
		t.Fatalf("%d dispatches, want 2", len(dispatches))
	}
	for _, d := range dispatches {
		if string(d.ClientPayload) != got.outputs["payload"] || d.EventType != event.Type {
			t.Errorf("%s got %s %s, want the payload output", d.Repository, d.EventType, d.ClientPayload)
		}
	}
	var names []string
	for _, a := range p.results.Artifacts() {
		names = append(names, a.Name)
	}
	want := "kaizen.kaizen-agentic.coach.2026-W48 kaizen.kaizen-agentic.coach.2026-W48.receipt"
	if strings.Join(names, " ") != want {
		t.Errorf("artifacts %q, want %q", names, want)
	}
	if a := e.Bundle.Artifact; a == nil || a.Name != names[0] || a.RunID != p.run ||
		got.outputs["artifact-digest"] != a.Digest {
		t.Errorf("the event's artifact is %+v", a)
	}
	for _, want := range []string{"✅ 1 agent prepared", "coach", "acme/core", "delivered"} {
		if !strings.Contains(got.summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, got.summary)
		}
	}

	again := p.step(fanOut("2026-11-24T10:00:00Z"))
	if again.code != exitOK || again.outputs["count"] != "0" || again.outputs["payloads"] != "[]" ||
		len(p.api.Dispatches()) != 2 {
		t.Errorf("the second tick: exit code %d, outputs %v, %d dispatches", again.code, again.outputs,
			len(p.api.Dispatches()))
	}
	if !strings.Contains(again.stderr, "2026-W48 has a receipt") || !strings.Contains(again.summary, "Nothing is due") {
		t.Errorf("the second tick does not say why:\n%s\n%s", again.stderr, again.summary)
	}
}

func TestFailedTargetLeavesTheAgentDue(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.api.Fail("POST /repos/acme/core/dispatches", 1, ghtest.Status(404, `{"message":"Not Found"}`))
	got := p.step(fanOut(tuesday))
	if got.code != exitUnavailable {
		t.Fatalf("exit code %d, want %d\n%s", got.code, exitUnavailable, got.stderr)
	}
	if d := p.api.Dispatches(); len(d) != 1 || d[0].Repository != "acme/dash" {
		t.Errorf("dispatches %v, want the other target served", d)
	}
	if n := len(p.results.Artifacts()); n != 2 {
		t.Errorf("%d artifacts, want the bundle, the record of a partial delivery, and no receipt", n)
	}
	if !strings.Contains(got.stdout, "::error title=delivery::dispatch to acme/core: 404") ||
		strings.Count(got.stdout, "::error") != 1 {
		t.Errorf("the failed target has no annotation of its own:\n%s", got.stdout)
	}
	if want := "❌ 1 agent delivered partly; nothing is lost"; !strings.Contains(got.summary, want) {
		t.Errorf("the summary lacks %q:\n%s", want, got.summary)
	}
	first := got.outputs["payload"]
	got = p.step(fanOut("2026-11-24T10:00:00Z"))
	if got.code != exitOK || !strings.Contains(got.stderr, "dispatch acme/dash: delivered by an earlier run") {
		t.Errorf("the next run: exit code %d\n%s", got.code, got.stderr)
	}
	if n := len(p.results.Artifacts()); n != 3 {
		t.Errorf("%d artifacts, want a receipt more", n)
	}
	if d := p.api.Dispatches(); len(d) != 2 || d[1].Repository != "acme/core" || first != got.outputs["payload"] ||
		!bytes.Equal(d[0].ClientPayload, d[1].ClientPayload) {
		t.Errorf("the target that failed gets another event: %s, output %s", d, got.outputs["payload"])
	}
}

func TestSameBytesOnAnyPath(t *testing.T) {
	t.Parallel()
	var zips, digests []string
	for range 2 {
		p := newPlatform(t)
		got := p.step(map[string]string{"agents": "all", "now": tuesday})
		if got.code != exitOK {
			t.Fatalf("exit code %d\n%s", got.code, got.stderr)
		}
		for _, a := range p.results.Artifacts() {
			if !strings.HasSuffix(a.Name, ".receipt") {
				zips = append(zips, a.Name+string(a.Zip))
			}
		}
		var events []event.Event
		if err := json.Unmarshal([]byte(got.outputs["payloads"]), &events); err != nil || len(events) != 2 {
			t.Fatalf("%v: %s", err, got.outputs["payloads"])
		}
		for _, e := range events {
			digests = append(digests, e.Bundle.Artifact.Digest)
		}
	}
	if len(zips) != 4 || fmt.Sprint(digests[:2]) != fmt.Sprint(digests[2:]) {
		t.Errorf("digests %v", digests)
	}
	for _, zip := range zips[:2] {
		if zip != zips[2] && zip != zips[3] {
			t.Error("the same checkout elsewhere gives another zip")
		}
	}
}

// TestCheckoutInAPartOfTheWorkspace checks a package of a monorepo, and a checkout of
// another repository. Annotations and base version use paths relative to the workspace.
func TestCheckoutInAPartOfTheWorkspace(t *testing.T) {
	t.Parallel()
	base := strings.Repeat("cd", 20)
	for _, test := range []struct {
		name, git string // git is a file that makes the part a repository of its own
		compared  bool
	}{{"package", "", true}, {"other repository", "packages/web/.git/HEAD", false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			part := filepath.Join(p.workspace, "packages", "web")
			manifest := "version: \"1\"\nrepo: web\nagents:\n  coach:\n    cadence: daily\n"
			writeFile(t, filepath.Join(part, ".kaizen/schedule.yml"), manifest)
			writeFile(t, filepath.Join(part, "agents/coach.md"), "# Do what is to be done.\n")
			if test.git != "" {
				writeFile(t, filepath.Join(p.workspace, test.git), "ref: refs/heads/main\n")
			}
			p.api.AddRepository(ghtest.Repository{ID: 7, FullName: sampleRepo,
				Refs: map[string]map[string]string{base: {
					"packages/web/.kaizen/schedule.yml": strings.Replace(manifest, "daily", "weekly", 1),
				}}})
			payload := filepath.Join(fixture.TempDir(t), "event.json")
			writeFile(t, payload, `{"pull_request":{"base":{"sha":"`+base+`"}}}`)
			env := map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": payload}
			inputs := map[string]string{"command": "validate", "now": tuesday, "target": part,
				"schedule": "./.kaizen/schedule.yml"}
			got := p.stepIn(1, inputs, env)
			if compared := strings.Contains(got.summary, "re-timed: weekly"); got.code != exitOK ||
				compared != test.compared {
				t.Errorf("exit code %d, compared: %t\n%s\n%s", got.code, compared, got.summary, got.stderr)
			}
			writeFile(t, filepath.Join(part, ".kaizen/schedule.yml"), strings.Replace(manifest, "daily", "dayly", 1))
			got = p.stepIn(2, inputs, env)
			if want := "file=packages/web/.kaizen/schedule.yml,line=5"; got.code != exitFindings ||
				!strings.Contains(got.stdout, want) {
				t.Errorf("exit code %d, annotations %q, want %q", got.code, got.stdout, want)
			}
		})
	}
}

func TestLedgerThatCantBeRead(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.step(map[string]string{"now": tuesday, "token": otherToken})
	if got.code != exitUnavailable || got.outputs["count"] != "0" || len(p.results.Artifacts()) != 0 {
		t.Errorf("exit code %d, outputs %v: want nothing prepared", got.code, got.outputs)
	}
	if !strings.Contains(got.summary, "❌ 2 agents undecided") {
		t.Errorf("the summary does not say so:\n%s", got.summary)
	}
	const reason = "error: coach, optimization: reading the ledger: list artifacts of acme/kaizen-agentic: 401 the " +
		"token is missing, wrong or expired"
	if strings.Count(got.stderr, reason) != 1 {
		t.Errorf("the log does not have the reason once for both agents:\n%s", got.stderr)
	}
	if !strings.Contains(got.summary, "### What failed") ||
		strings.Count(got.summary, "the token is missing, wrong or expired") != 1 {
		t.Errorf("the summary does not have the reason once:\n%s", got.summary)
	}
}

func TestPullRequestComparesWithTheBase(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	base := strings.Repeat("cd", 20)
	manifest, err := os.ReadFile(filepath.Join(p.workspace, ".kaizen/schedule.yml"))
	if err != nil {
		t.Fatal(err)
	}
	old := strings.Replace(string(manifest), "0 5 * * 1", "0 5 * * 5", 1)
	p.api.AddRepository(ghtest.Repository{ID: 7, FullName: sampleRepo,
		Refs: map[string]map[string]string{base: {".kaizen/schedule.yml": old}}})
	payload := filepath.Join(fixture.TempDir(t), "event.json")
	if err := os.WriteFile(payload, []byte(`{"pull_request":{"base":{"sha":"`+base+`"}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": payload}
	got := p.stepIn(1, map[string]string{"command": "validate", "now": tuesday}, env)
	if got.code != exitOK || got.outputs["valid"] != "true" {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	for _, want := range []string{"is valid", "re-timed", "runs at the next tick, for 2026-W48",
		"2026-11-30 05:00, 2026-12-07 05:00"} {
		if !strings.Contains(got.summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, got.summary)
		}
	}
	if err := os.WriteFile(filepath.Join(p.workspace, ".kaizen/schedule.yml"), []byte(old+"nonsense: 1\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	got = p.stepIn(2, map[string]string{"command": "validate", "now": tuesday}, env)
	if got.code != exitFindings || !strings.Contains(got.stdout, "::error ") ||
		!strings.Contains(got.stdout, "file=.kaizen/schedule.yml") {
		t.Errorf("exit code %d, annotations %s", got.code, got.stdout)
	}
}
