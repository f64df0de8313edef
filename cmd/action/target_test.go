package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// A workflow target is started with the event. The run is in the output, the log, the
// summary and the receipt; the next tick starts nothing.
func TestWorkflowTarget(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.target(ghtest.Repository{}, starter)
	p.api.AddToken(fanOutToken, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
		"acme/core": {Actions: "write"}, "acme/dash": {Contents: "write"}}})
	inputs := fanOut(tuesday)
	inputs["dispatch-to"] = reactTarget + "\nacme/dash"
	got := p.step(inputs)
	starts := p.api.Starts()
	if got.code != exitOK || len(starts) != 1 || len(p.api.Dispatches()) != 1 {
		t.Fatalf("exit code %d, %d runs, %d dispatches\n%s", got.code, len(starts), len(p.api.Dispatches()), got.stderr)
	}
	if starts[0].Inputs["event"] != got.outputs["payload"] || len(starts[0].Inputs) != 1 {
		t.Errorf("the workflow got %q, want the payload output", starts[0].Inputs)
	}
	want := store.Delivery{Channel: "dispatch", Target: reactTarget, Status: store.Delivered, RunID: starts[0].RunID,
		URL: fmt.Sprintf("%s/acme/core/actions/runs/%d", p.api.URL(), starts[0].RunID)}
	var deliveries []store.Delivery
	if err := json.Unmarshal([]byte(got.outputs["deliveries"]), &deliveries); err != nil || len(deliveries) != 2 ||
		deliveries[0] != want || deliveries[1].URL != "" || deliveries[1].RunID != 0 {
		t.Errorf("deliveries %s (%v), want %+v", got.outputs["deliveries"], err, want)
	}
	line := fmt.Sprintf("  dispatch %s: delivered, run %d, %s\n", want.Target, want.RunID, want.URL)
	if !strings.Contains(got.stderr, line) {
		t.Errorf("the log lacks %q:\n%s", line, got.stderr)
	}
	for _, want := range []string{"](" + want.URL + ")", fmt.Sprintf("delivered, run %d", want.RunID)} {
		if !strings.Contains(got.summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, got.summary)
		}
	}
	artifacts := p.results.Artifacts()
	i := slices.IndexFunc(artifacts, func(a ghtest.Stored) bool { return strings.HasSuffix(a.Name, ".receipt") })
	var receipt store.Receipt
	if err := json.Unmarshal([]byte(unzip(t, artifacts[i].Zip)[store.ReceiptFile]), &receipt); err != nil ||
		len(receipt.Deliveries) != 2 || receipt.Deliveries[0] != want {
		t.Errorf("the receipt has %+v (%v)", receipt.Deliveries, err)
	}
	again := p.step(inputs)
	if again.code != exitOK || len(p.api.Starts()) != 1 {
		t.Errorf("the next tick: exit code %d, %d runs", again.code, len(p.api.Starts()))
	}
}

// A start whose answer is lost is not repeated by the next tick, which finds the run by its
// name: also if the ledger has no bundle, or its listing ends before it.
func TestLostStart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		targets, emit string
		busy          int // artifacts that are newer than the bundle
		looks         int // for a run, by the first tick
	}{
		"quiet":           {targets: reactTarget, looks: 1},
		"busy":            {targets: reactTarget, busy: 1000, looks: 1},
		"busy, resumed":   {targets: reactTarget + ", acme/dash", busy: 1000, looks: 1},
		"without bundles": {targets: reactTarget, emit: "summary, dispatch", looks: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.target(ghtest.Repository{}, "run-name: ${{ fromJSON(inputs.event).bundle.id }}\n"+starter)
			p.api.AddToken(fanOutToken, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
				"acme/core": {Actions: "write"}, "acme/dash": {Contents: "write"}}})
			p.api.Fail("POST /repos/*/*/actions/workflows/*/dispatches", 1, ghtest.Lose())
			p.api.Fail("GET /repos/*/*/actions/runs", tt.looks, ghtest.Status(403, `{"message":"not now"}`))
			inputs := fanOut(tuesday)
			inputs["dispatch-to"], inputs["emit"] = tt.targets, tt.emit
			got := p.step(inputs)
			if want := "the workflow may have been started: look at its runs"; got.code != exitUnavailable ||
				!strings.Contains(got.stderr, want) {
				t.Errorf("exit code %d, the log lacks %q:\n%s", got.code, want, got.stderr)
			}
			p.fill(tt.busy)
			inputs["now"] = "2026-11-24T10:00:00Z"
			got = p.step(inputs)
			starts := p.api.Starts()
			if got.code != exitOK || len(starts) != 1 || !strings.Contains(got.outputs["deliveries"],
				fmt.Sprintf(`"status":"delivered","run_id":%d`, starts[0].RunID)) {
				t.Errorf("the next tick: exit code %d, %d runs, %s\n%s", got.code, len(starts),
					got.outputs["deliveries"],
					got.stderr)
			}
		})
	}
}

// A target that the server can never serve is refused before anything is done.
func TestTargetOfAnotherForge(t *testing.T) {
	t.Parallel()
	gitea, err := ghtest.New(ghtest.Options{Errorf: t.Errorf, Gitea: true, BasePath: "/api/v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gitea.Close)
	for _, tt := range []struct{ target, api, want string }{
		{"acme/core", gitea.URL(),
			"Gitea has no repository_dispatch: name a workflow in `dispatch-to`: acme/core/.gitea/"},
		{"acme/core/.gitea/workflows/x.yml@main", "", "GitHub runs no workflow of .gitea/workflows"},
	} {
		p := newPlatform(t)
		inputs := fanOut(tuesday)
		inputs["dispatch-to"] = tt.target
		env := map[string]string{}
		if tt.api != "" {
			env["GITHUB_API_URL"] = tt.api
		}
		got := p.stepIn(1, inputs, env)
		if got.code != exitUsage || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: exit code %d\n%s", tt.target, got.code, got.stderr)
		}
		if n := len(gitea.Requests()) + len(p.api.Requests()) + len(p.results.Requests()); n > 0 {
			t.Errorf("%s: %d requests", tt.target, n)
		}
	}
}

// Without TLS, as on a local network, the runner's own server is used, with one warning.
func TestServerWithoutTLS(t *testing.T) {
	t.Parallel()
	// 0.0.0.0 is no loopback address, but reaches this machine.
	api, err := ghtest.New(ghtest.Options{Errorf: t.Errorf, Addr: "0.0.0.0:0", Gitea: true, BasePath: "/api/v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	api.AddRepository(ghtest.Repository{ID: 7, FullName: sampleRepo,
		Files: map[string]string{".gitea/workflows/react.yml": starter}})
	api.AddToken(jobToken, ghtest.Token{
		Access: map[string]ghtest.Permissions{sampleRepo: {Contents: "read", Actions: "write"}}})
	api.AddToken(fanOutToken, ghtest.Token{Access: map[string]ghtest.Permissions{sampleRepo: {Actions: "write"}}})
	server := strings.TrimSuffix(api.URL(), "/api/v1")
	inputs := map[string]string{"command": "doctor", "now": tuesday, "dispatch-token": fanOutToken,
		"dispatch-to": sampleRepo + "/.gitea/workflows/react.yml@main"}
	p := newPlatform(t)
	got := p.stepIn(1, inputs, map[string]string{"GITHUB_API_URL": api.URL(), "GITHUB_SERVER_URL": server})
	if n := strings.Count(got.stderr, "has no TLS, so tokens travel unencrypted"); n != 1 {
		t.Errorf("%d warnings\n%s", n, got.stderr)
	}
	for _, want := range []string{`\nwarning +api +the API at http://\S+/api/v1 has no TLS`,
		`\nok +ledger `, `"react.yml" on "main" starts with the event as its input`} {
		if !regexp.MustCompile(want).MatchString(got.stdout) {
			t.Errorf("doctor does not print %q:\n%s", want, got.stdout)
		}
	}
	inputs["dispatch-to"] = sampleRepo
	got = p.stepIn(2, inputs, map[string]string{"GITHUB_API_URL": api.URL(), "GITHUB_SERVER_URL": server})
	want := "failed +dispatch " + sampleRepo + " +Gitea has no repository_dispatch: name a workflow"
	if !regexp.MustCompile(want).MatchString(got.stdout) {
		t.Errorf("doctor does not print %q:\n%s", want, got.stdout)
	}
	got = p.stepIn(3, inputs, map[string]string{"GITHUB_API_URL": api.URL()}) // the runner's server is another
	if !strings.Contains(got.stdout, "want https") {
		t.Errorf("accepted:\n%s", got.stdout)
	}
}
