package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/doctor"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

var (
	personalToken = fixture.Canary("github_pat_", "fanout")
	soonToken     = fixture.Canary("ghp_", "soon")
	classicToken  = fixture.Canary("ghp_", "classic")
)

const (
	receiver = "on:\n  repository_dispatch:\n    types: [kaizen.schedule.prepared]\n"
	starter  = "on:\n  workflow_dispatch:\n    inputs:\n      event: {type: string, required: true}\n"
	// tickingWorkflow prepares what is due, and has nothing that a check warns about.
	tickingWorkflow = "on: {schedule: [{cron: '17 * * * *'}]}\npermissions: {actions: read}\nconcurrency: k\n" +
		"jobs: {k: {runs-on: x, steps: [uses: actions/checkout@v7, {uses: kaizen-agentic/schedule-action@v1}]}}\n"
	reactTarget = "acme/core/.github/workflows/react.yml@main"
)

// healthy returns a platform without problems: a personal token for the fan-out, and a
// receiver at the target.
func healthy(t *testing.T) *platform {
	t.Helper()
	p := newPlatform(t)
	p.api.AddToken(personalToken, ghtest.Token{Kind: ghtest.Personal, Access: map[string]ghtest.Permissions{
		"acme/core": {Contents: "write", Actions: "write"}, "acme/dash": {Contents: "write"},
		"acme/new-core": {Contents: "write"}}})
	p.target(ghtest.Repository{}, receiver)
	p.write(".github/workflows/kaizen.yml", tickingWorkflow)
	return p
}

// target replaces acme/core; its workflow is the text, none if "".
func (p *platform) target(r ghtest.Repository, workflow string) {
	r.FullName, r.Private = "acme/core", true
	r.Files = map[string]string{"README.md": "core", ".github/workflows/ci.yaml": "on: push\n",
		".github/workflows/notes.txt": receiver}
	if workflow != "" {
		r.Files[".github/workflows/react.yml"] = workflow
	}
	p.api.AddRepository(r)
}

// write changes a file of the checkout.
func (p *platform) write(name, text string) {
	p.t.Helper()
	fixture.Write(p.t, p.workspace, map[string]string{name: text})
}

const oneAgent = "version: \"1\"\nagents:\n  coach:\n    cadence: weekly\n"

// doctorFaults each break one thing. Check is the only line that may report it.
var doctorFaults = []struct {
	name    string
	fault   func(*platform)
	inputs  map[string]string
	env     map[string]string
	code    int
	check   string
	verdict doctor.Verdict
	message string
	hint    string
}{
	{name: "manifest missing",
		fault: func(p *platform) { os.Remove(filepath.Join(p.workspace, ".kaizen/schedule.yml")) },
		code:  exitFindings, check: "manifest", verdict: doctor.Failed, message: "there is no such file",
		hint: "run `action init`"},
	{name: "manifest invalid",
		fault: func(p *platform) { p.write(".kaizen/schedule.yml", oneAgent+"    cron: monday\n") },
		code:  exitFindings, check: "manifest", verdict: doctor.Failed,
		message: "1 error, the first at .kaizen/schedule.yml:5:11", hint: `write cron: "0 9 * * 1"`},
	{name: "nothing enabled",
		fault: func(p *platform) { p.write(".kaizen/schedule.yml", oneAgent+"    enabled: false\n") },
		code:  exitOK, check: "manifest", verdict: doctor.Warning, message: "no selected entry is enabled",
		hint: "enable an entry"},
	{name: "event too large", fault: func(p *platform) {
		p.write(".kaizen/schedule.yml",
			oneAgent+"    session_close:\n"+strings.Repeat("      - "+strings.Repeat("é", 900)+"\n", 12))
	}, code: exitFindings, check: "bundle coach", verdict: doctor.Failed, message: "the platform accepts 65535",
		hint: "shorten session_close"},
	{name: "event nearly too large", fault: func(p *platform) {
		p.write(".kaizen/schedule.yml",
			oneAgent+"    session_close:\n"+strings.Repeat("      - "+strings.Repeat("é", 900)+"\n", 11))
	}, code: exitOK, check: "event", verdict: doctor.Warning, message: "the platform accepts 65535",
		hint: "shorten its session_close"},
	{name: "a secret in the prompt", fault: func(p *platform) {
		p.write(".claude/agents/coach.md", "key: ghp_"+"0123456789abcdefghijABCDEFGHIJ012345\n")
	}, code: exitFindings, check: "bundle coach", verdict: doctor.Failed, message: ".claude/agents/coach.md:1",
		hint: "revoke it"},
	{name: "no workflow", fault: func(p *platform) {
		os.Remove(filepath.Join(p.workspace, ".github/workflows/kaizen.yml"))
	},
		code: exitOK, check: "workflows", verdict: doctor.Warning, message: "nothing will tick",
		hint: "run `action init`"},
	{name: "a workflow for another manifest", fault: func(p *platform) {
		p.write(".github/workflows/kaizen.yml",
			strings.Replace(tickingWorkflow, "action@v1}", "action@v1, with: {target: x}}", 1))
	}, code: exitOK, check: "workflows", verdict: doctor.Warning, message: "nothing will tick",
		hint: "run `action init`"},
	{name: "a workflow that misses periods", fault: func(p *platform) {
		p.write(".github/workflows/kaizen.yml",
			"on: {schedule: [{cron: '17 4 1 1 *'}]}\npermissions: {actions: read}\nconcurrency: k\n"+
				"jobs: {k: {runs-on: x, steps: [uses: actions/checkout@v7, {uses: "+
				"kaizen-agentic/schedule-action@v1}]}}\n")
	}, code: exitOK, check: "workflows", verdict: doctor.Warning, message: ".github/workflows/kaizen.yml",
		hint: "tick every hour"},
	{name: "retention", env: map[string]string{"GITHUB_RETENTION_DAYS": "2"},
		code: exitOK, check: "retention", verdict: doctor.Warning, message: "kept for 2 days", hint: "raise "},
	{name: "bad retention", inputs: map[string]string{"retention-days": "forever"},
		code: exitFindings, check: "retention", verdict: doctor.Failed, message: `retention-days is "forever"`,
		hint: "from 1 to 90"},
	{name: "no artifact service", env: map[string]string{"ACTIONS_RUNTIME_TOKEN": ""},
		code: exitOK, check: "store", verdict: doctor.Warning, message: "no artifact service", hint: "`uses:`"},
	{name: "unusable runtime token", env: map[string]string{"ACTIONS_RUNTIME_TOKEN": "one-word"},
		code: exitFindings, check: "store", verdict: doctor.Failed, message: "ACTIONS_RUNTIME_TOKEN"},
	{name: "a tag like the ledger branch", fault: func(p *platform) {
		p.api.AddRepository(ghtest.Repository{ID: 7, FullName: sampleRepo,
			Refs: map[string]map[string]string{"refs/tags/main": {}}})
	}, code: exitFindings, check: "ledger", verdict: doctor.Failed, message: `a tag is called "main"`,
		hint: "delete the tag"},
	{name: "token refused", inputs: map[string]string{"token": otherToken},
		code: exitFindings, check: "token", verdict: doctor.Failed, message: "wrong or expired (401)",
		hint: "give input `token` a valid token"},
	{name: "no token", inputs: map[string]string{"token": ""},
		code: exitOK, check: "token", verdict: doctor.Warning, message: "anonymous",
		hint: "give input `token` a token"},
	{name: "token ends soon", fault: func(p *platform) {
		p.api.AddToken(soonToken,
			ghtest.Token{Kind: ghtest.Personal, Expires: time.Now().Add(50 * time.Hour), Scopes: []string{"repo"},
				Access: map[string]ghtest.Permissions{sampleRepo: {Contents: "read", Actions: "read"}}})
	}, inputs: map[string]string{"token": soonToken}, code: exitOK, check: "token", verdict: doctor.Warning,
		message: "valid until 20", hint: "renew it"},
	{name: "repository not visible", fault: func(p *platform) {
		p.api.AddRepository(ghtest.Repository{FullName: sampleRepo, Private: true})
		p.api.AddToken(jobToken, ghtest.Token{Kind: ghtest.Job})
	}, code: exitFindings, check: "ledger", verdict: doctor.Failed,
		message: "not found, or the token may not see it (404)", hint: "`metadata: read` on " + sampleRepo},
	{name: "no actions: read", fault: func(p *platform) {
		p.api.AddRepository(ghtest.Repository{FullName: sampleRepo, Private: true})
		p.api.AddToken(jobToken,
			ghtest.Token{Kind: ghtest.Job, Access: map[string]ghtest.Permissions{sampleRepo: {Contents: "read"}}})
	}, code: exitFindings, check: "ledger", verdict: doctor.Failed, message: "may not read it (403)",
		hint: "give the token of input `token` `actions: read`"},
	{name: "dispatch-to is no list of repositories", inputs: map[string]string{"dispatch-to": "core"},
		code: exitFindings, check: "dispatch-to", verdict: doctor.Failed, message: `"core" is not a repository`,
		hint: "write owner/repo"},
	{name: "dispatch token of a missing secret", inputs: map[string]string{"dispatch-token": ""},
		code: exitFindings, check: "dispatch-token", verdict: doctor.Failed,
		message: "dispatch-token is given and is empty, as is a secret that does not exist", hint: "create the secret"},
	{name: "no dispatch token", inputs: map[string]string{"token": "", "dispatch-token": "token"},
		code: exitFindings, check: "dispatch-token", verdict: doctor.Failed, message: "there is no token",
		hint: "`contents: write` on every repository"},
	{name: "dispatch token refused",
		inputs: map[string]string{"dispatch-token": otherToken, "dispatch-to": "acme/core, acme/dash"},
		code:   exitFindings, check: "dispatch-token", verdict: doctor.Failed, message: "wrong or expired (401)",
		hint: "give input `dispatch-token` a valid token"},
	{name: "target not visible", inputs: map[string]string{"dispatch-to": "acme/none"},
		code: exitFindings, check: "dispatch acme/none", verdict: doctor.Failed, message: "not found",
		hint: "check the name, then give the token of input `dispatch-token` `contents: write` on acme/none"},
	{name: "target behind an IP allow list", fault: func(p *platform) {
		p.api.Fail("GET /repos/acme/core", 99,
			ghtest.Status(403, `{"message":"the organization has an IP allow list"}`))
	}, code: exitFindings, check: "dispatch acme/core", verdict: doctor.Failed,
		message: `the server says "the organization has an IP allow list" (403)`,
		hint:    "add the runner's address to the organization's IP allow list"},
	{name: "target archived", fault: func(p *platform) { p.target(ghtest.Repository{Archived: true}, receiver) },
		code: exitFindings, check: "dispatch acme/core", verdict: doctor.Failed, message: "archived",
		hint: "unarchive it"},
	{name: "target renamed", fault: func(p *platform) {
		p.api.AddRepository(ghtest.Repository{FullName: "acme/new-core",
			Files: map[string]string{".github/workflows/x.yml": receiver}})
		p.api.Rename("acme/old-core", "acme/new-core")
	}, inputs: map[string]string{"dispatch-to": "acme/old-core"},
		code: exitOK, check: "dispatch acme/old-core", verdict: doctor.Warning, message: `now called "acme/new-core"`,
		hint: "write that name"},
	{name: "target renamed, read only", fault: func(p *platform) {
		p.api.AddRepository(ghtest.Repository{FullName: "acme/new-core",
			Files: map[string]string{".github/workflows/x.yml": receiver}})
		p.api.Rename("acme/old-core", "acme/new-core")
		p.api.AddToken(personalToken, ghtest.Token{Kind: ghtest.Personal,
			Access: map[string]ghtest.Permissions{"acme/new-core": {Contents: "read"}}})
	}, inputs: map[string]string{"dispatch-to": "acme/old-core"},
		code: exitFindings, check: "dispatch acme/old-core", verdict: doctor.Failed, message: "not write",
		hint: "`contents: write` on acme/new-core"},
	{name: "on a pull request", env: map[string]string{"GITHUB_EVENT_NAME": "pull_request"},
		code: exitFindings, check: "trigger", verdict: doctor.Failed,
		message: "prepare is refused on the event pull_request", hint: "use schedule, workflow_dispatch"},
	{name: "read only", fault: func(p *platform) {
		p.api.AddToken(personalToken,
			ghtest.Token{Kind: ghtest.Personal, Access: map[string]ghtest.Permissions{"acme/core": {Contents: "read"}}})
	}, code: exitFindings, check: "dispatch acme/core", verdict: doctor.Failed, message: "not write",
		hint: "give the token of input `dispatch-token` `contents: write` on acme/core"},
	{name: "classic token without the scope", fault: func(p *platform) {
		p.api.AddToken(classicToken, ghtest.Token{Kind: ghtest.Personal, Scopes: []string{"public_repo"},
			Access: map[string]ghtest.Permissions{"*": {Contents: "write"}}})
	}, inputs: map[string]string{"dispatch-token": classicToken},
		code: exitFindings, check: "dispatch acme/core", verdict: doctor.Failed, message: "lacks the scope `repo`",
		hint: "give the token of input `dispatch-token` the scope"},
	{name: "the job's token for another repository", fault: func(p *platform) {
		p.api.AddRepository(ghtest.Repository{FullName: "acme/open"})
	}, inputs: map[string]string{"dispatch-token": "token", "dispatch-to": "acme/open"},
		code: exitFindings, check: "dispatch acme/open", verdict: doctor.Failed, message: "its own repository only",
		hint: "give input `dispatch-token` a token with"},
	{name: "an installation token", inputs: map[string]string{"dispatch-token": fanOutToken},
		code: exitOK, check: "dispatch acme/core", verdict: doctor.Warning, message: "the API does not say",
		hint: "give the app `contents: write` on acme/core"},
	{name: "no receiver", fault: func(p *platform) { p.target(ghtest.Repository{DefaultBranch: "trunk"}, "") },
		code: exitFindings, check: "dispatch acme/core", verdict: doctor.Failed,
		message: `no workflow on its default branch "trunk" listens`, hint: "types: [kaizen.schedule.prepared]"},
	{name: "receiver on another branch", fault: func(p *platform) {
		p.target(ghtest.Repository{
			Refs: map[string]map[string]string{"next": {".github/workflows/react.yml": receiver}}}, "")
	}, code: exitFindings, check: "dispatch acme/core", verdict: doctor.Failed, message: "accepted and starts nothing",
		hint: "add one"},
	{name: "receiver of another type", fault: func(p *platform) {
		p.target(ghtest.Repository{}, "on: {repository_dispatch: {types: [kaizen.prepared]}}\n")
	},
		code: exitFindings, check: "dispatch acme/core", verdict: doctor.Failed,
		message: `"react.yml" on "main" listens for other types only`,
		hint:    "add kaizen.schedule.prepared to the `types` of \"react.yml\""},
	{name: "receiver that is not YAML",
		fault: func(p *platform) { p.target(ghtest.Repository{}, "on: [repository_dispatch\n") },
		code:  exitFindings, check: "dispatch acme/core", verdict: doctor.Failed,
		message: "no workflow on its default branch", hint: "add one"},
	{name: "workflow that does not exist",
		inputs: map[string]string{"dispatch-to": "acme/core/.github/workflows/no.yml@main"},
		code:   exitFindings, check: "dispatch acme/core/.github/workflows/no.yml@main", verdict: doctor.Failed,
		message: `the default branch "main" has no workflow .github/workflows/no.yml`,
		hint:    "commit it to that branch"},
	{name: "workflow that is disabled", fault: func(p *platform) {
		p.target(ghtest.Repository{WorkflowStates: map[string]string{"react.yml": "disabled_inactivity"}}, starter)
	}, inputs: map[string]string{"dispatch-to": reactTarget},
		code: exitFindings, check: "dispatch " + reactTarget, verdict: doctor.Failed,
		message: `disabled ("disabled_inactivity")`, hint: "enable it on the Actions page of acme/core"},
	{name: "workflow without the trigger", inputs: map[string]string{"dispatch-to": reactTarget},
		code: exitFindings, check: "dispatch " + reactTarget, verdict: doctor.Failed,
		message: `"react.yml" on "main" does not listen for workflow_dispatch`,
		hint:    "declare on: { workflow_dispatch:"},
	{name: "workflow without the input",
		fault:  func(p *platform) { p.target(ghtest.Repository{}, "on: workflow_dispatch\n") },
		inputs: map[string]string{"dispatch-to": reactTarget},
		code:   exitFindings, check: "dispatch " + reactTarget, verdict: doctor.Failed,
		message: `declares no input "event"`, hint: "declare on: { workflow_dispatch:"},
	{name: "workflow on another branch", fault: func(p *platform) { p.target(ghtest.Repository{}, starter) },
		inputs: map[string]string{"dispatch-to": "acme/core/.github/workflows/react.yml@next"},
		code:   exitFindings, check: "dispatch acme/core/.github/workflows/react.yml@next", verdict: doctor.Failed,
		message: `"next" has no file .github/workflows/react.yml`, hint: "check the branch or tag after the @"},
	{name: "workflow, a token that may not start it", fault: func(p *platform) {
		p.target(ghtest.Repository{}, starter)
		p.api.AddToken(personalToken,
			ghtest.Token{Kind: ghtest.Personal, Access: map[string]ghtest.Permissions{"acme/core": {Contents: "read"}}})
	}, inputs: map[string]string{"dispatch-to": reactTarget},
		code: exitFindings, check: "dispatch " + reactTarget, verdict: doctor.Failed, message: "not write",
		hint: "give the token of input `dispatch-token` `actions: write` on acme/core"},
	{name: "workflow of another forge",
		inputs: map[string]string{"dispatch-to": "acme/core/.gitea/workflows/react.yml@main"},
		code:   exitFindings, check: "dispatch acme/core/.gitea/workflows/react.yml@main", verdict: doctor.Failed,
		message: "GitHub runs no workflow of .gitea/workflows", hint: "name one below .github/workflows"},
	{name: "event too large for a workflow", fault: func(p *platform) {
		p.target(ghtest.Repository{}, starter)
		p.write(".kaizen/schedule.yml",
			oneAgent+"    session_close:\n"+strings.Repeat("      - "+strings.Repeat("é", 900)+"\n", 11))
	}, inputs: map[string]string{"dispatch-to": reactTarget}, code: exitFindings, check: "event",
		verdict: doctor.Failed,
		message: "as the input of a workflow; the platform accepts 65535", hint: "shorten its session_close"},
	{name: "target does not answer", fault: func(p *platform) {
		p.api.Fail("GET /repos/acme/core", 99, ghtest.Status(502, "<html>::error::bad gateway ##[error]</html>"))
	}, code: exitUnavailable, check: "dispatch acme/core", verdict: doctor.Failed, message: "not available now (502)",
		hint: "run again later"},
	{name: "rate limit used up", fault: func(p *platform) {
		p.api.Fail("GET /repos/acme/core", 99, ghtest.PrimaryLimit(time.Now().Add(time.Hour)))
	}, code: exitUnavailable, check: "dispatch acme/core", verdict: doctor.Failed, message: "rate limit is used up",
		hint: "run again after"},
	{name: "API redirects elsewhere", fault: func(p *platform) {
		p.api.Fail("GET /repos/acme/core", 99, ghtest.Redirect(302, "https://example.com/?sig=secret"))
	}, code: exitUnavailable, check: "dispatch acme/core", verdict: doctor.Failed, message: "does not get the token",
		hint: "GITHUB_API_URL"},
	{name: "no NATS server", inputs: map[string]string{"nats-url": "127.0.0.1:1"},
		code: exitUnavailable, check: "nats", verdict: doctor.Failed, message: "connection refused",
		hint: "check nats-url"},
	{name: "bad NATS URL", inputs: map[string]string{"nats-url": "nats://u:secret@h"},
		code: exitFindings, check: "nats", verdict: doctor.Failed, message: "user information", hint: "use nats-user"},
}

func (p *platform) doctor(inputs, env map[string]string) (ran, []doctor.Check) {
	p.t.Helper()
	all := map[string]string{"command": "doctor", "now": tuesday, "format": "json", "dispatch-to": "acme/core",
		"dispatch-token": personalToken}
	for name, value := range inputs {
		all[name] = value
	}
	got := p.stepIn(p.run, all, env)
	var checks []doctor.Check
	if err := json.Unmarshal([]byte(got.stdout[strings.IndexByte(got.stdout, '['):]), &checks); err != nil {
		p.t.Fatalf("%v\n%s\n%s", err, got.stdout, got.stderr)
	}
	return got, checks
}

func TestDoctorFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range doctorFaults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := healthy(t)
			if tt.fault != nil {
				tt.fault(p)
			}
			got, checks := p.doctor(tt.inputs, tt.env)
			if got.code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", got.code, tt.code, got.stderr)
			}
			reported := 0
			for _, c := range checks {
				if c.Name == tt.check && c.Verdict != doctor.OK {
					reported++
					if c.Verdict != tt.verdict || !strings.Contains(c.Message, tt.message) ||
						!strings.Contains(c.Hint, tt.hint) {
						t.Errorf("got %+v", c)
					}
				}
				if strings.ContainsAny(c.Message+c.Hint, "\n\t") {
					t.Errorf("more than a line: %+v", c)
				}
			}
			if reported != 1 {
				t.Errorf("%d lines report it: %+v", reported, checks)
			}
			p.nothingEmitted(got)
		})
	}
}

// nothingEmitted checks that doctor only reads, and that it prints no secret.
func (p *platform) nothingEmitted(got ran) {
	p.t.Helper()
	for _, r := range p.api.Requests() {
		if r.Method != "GET" {
			p.t.Errorf("doctor sent %s %s", r.Method, r.Path)
		}
	}
	if n := len(p.results.Requests()); n > 0 {
		p.t.Errorf("%d requests to the artifact service", n)
	}
	if _, err := os.Stat(filepath.Join(p.workspace, ".kaizen/prepared")); err == nil {
		p.t.Error("doctor wrote bundles")
	}
	for _, secret := range []string{"ghp_", "ghs_", "github_pat_", "sig=", "secret@",
		"##[", "one-word"} {
		if strings.Contains(got.stdout+got.stderr+got.summary, secret) {
			p.t.Errorf("the output has %q", secret)
		}
	}
}

func TestDoctorHealthy(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	got, checks := p.doctor(nil, nil)
	var names []string
	for _, c := range checks {
		names = append(names, c.Name)
		if c.Verdict != doctor.OK {
			t.Errorf("got %+v", c)
		}
	}
	want := "manifest event workflows retention store token ledger dispatch-token dispatch acme/core clock"
	if strings.Join(names, " ") != want {
		t.Errorf("checks %q, want %q", names, want)
	}
	if got.code != exitOK || got.outputs["valid"] != "true" || got.outputs["errors"] != "0" ||
		!strings.Contains(got.summary, "A run has everything that it needs") {
		t.Errorf("exit code %d, outputs %v\n%s", got.code, got.outputs, got.summary)
	}
	p.nothingEmitted(got)
}

func TestDoctorWorkflowTarget(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.target(ghtest.Repository{Refs: map[string]map[string]string{"refs/tags/v1": {
		".github/workflows/react.yml": starter}, "v1": {".github/workflows/react.yml": starter}}}, starter)
	for _, ref := range []string{"main", "refs/heads/main", "v1"} {
		got, checks := p.doctor(map[string]string{"dispatch-to": "acme/core/.github/workflows/react.yml@" + ref}, nil)
		i := slices.IndexFunc(checks, func(c doctor.Check) bool { return strings.HasPrefix(c.Name, "dispatch acme") })
		want := `"react.yml" on "` + ref + `" starts with the event as its input`
		if got.code != exitOK || i < 0 || checks[i].Verdict != doctor.OK || checks[i].Message != want {
			t.Errorf("%s: exit code %d, %+v", ref, got.code, checks)
		}
		p.nothingEmitted(got)
	}
}

// With several faults, those that the user has to fix decide the exit code, and every
// target has its line, in order.
func TestDoctorSeveral(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	got, checks := p.doctor(map[string]string{"dispatch-to": "acme/dash\nacme/core\nacme/none",
		"nats-url": "127.0.0.1:1", "format": "json"}, nil)
	var lines []string
	for _, c := range checks {
		if c.Verdict != doctor.OK || strings.HasPrefix(c.Name, "dispatch ") {
			lines = append(lines, c.Name+" "+string(c.Verdict))
		}
	}
	want := "dispatch acme/dash failed, dispatch acme/core ok, dispatch acme/none failed, nats failed"
	if strings.Join(lines, ", ") != want {
		t.Errorf("got %q, want %q", lines, want)
	}
	if got.code != exitFindings || got.outputs["errors"] != "3" || got.outputs["valid"] != "false" ||
		!strings.Contains(got.summary, "❌ 3 checks failed") {
		t.Errorf("exit code %d, outputs %v\n%s", got.code, got.outputs, got.summary)
	}
}

func TestDoctorClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ahead time.Duration
		want  doctor.Verdict
		text  string
	}{{30 * time.Second, doctor.OK, "agrees"}, {10 * time.Minute, doctor.Warning, "behind"},
		{-26 * time.Hour, doctor.Failed, "ahead of"}} {
		api, err := ghtest.New(ghtest.Options{Errorf: t.Errorf,
			Now: func() time.Time { return time.Now().Add(tt.ahead) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(api.Close)
		api.AddRepository(ghtest.Repository{FullName: sampleRepo})
		p := newPlatform(t)
		_, checks := p.doctor(map[string]string{"token": "", "dispatch-to": ""},
			map[string]string{"GITHUB_API_URL": api.URL()})
		if c := checks[len(checks)-1]; c.Name != "clock" || c.Verdict != tt.want ||
			!strings.Contains(c.Message, tt.text) {
			t.Errorf("%s: got %+v", tt.ahead, c)
		}
	}
}
