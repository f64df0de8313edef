package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// A usage error is reported in the log, in an annotation and in the summary, with outputs
// that a later step can decode.
func TestRefusalReachesTheWorkflow(t *testing.T) {
	t.Parallel()
	outside := fixture.TempDir(t)
	for _, test := range []struct {
		inputs, env map[string]string
		want        string
	}{
		{map[string]string{"agents": "nobody"}, nil, `has no agent "nobody"`},
		{map[string]string{"retention-days": "forever"}, nil, `retention-days is "forever"`},
		{map[string]string{"emit": "dispatch", "dispatch-to": "# acme/core\n"}, nil, "dispatch-to names none"},
		{map[string]string{"dispatch-to": "acme/core", "token": "two words"}, nil,
			"dispatch-token: the token holds white space"},
		{map[string]string{"dispatch-to": "acme/core", "dispatch-token": ""}, nil,
			"dispatch-token is given and is empty, as is a secret that does not exist: create the secret"},
		{map[string]string{"agents": "optimization", "cadence": "weekly"}, nil, "some of them are not weekly"},
		{map[string]string{"out": outside}, nil, "outside the workspace"},
		{map[string]string{"target": outside}, nil, "outside the workspace"},
		{nil, map[string]string{"GITHUB_EVENT_NAME": "pull_request"}, "refused on the event pull_request"},
		{nil, map[string]string{"ACTIONS_RUNTIME_TOKEN": "x"}, "ACTIONS_RUNTIME_TOKEN is not a JSON web token"},
	} {
		p := newPlatform(t)
		got := p.stepIn(101, test.inputs, test.env)
		if got.code != exitUsage || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%v: exit code %d, want %q\n%s", test.inputs, got.code, test.want, got.stderr)
		}
		if got.outputs["payloads"] != "[]" || got.outputs["count"] != "0" ||
			got.outputs["matrix"] != `{"include":[]}` || got.outputs["valid"] != "false" {
			t.Errorf("%v: outputs %v", test.inputs, got.outputs)
		}
		if !strings.HasPrefix(got.stdout, "::error title=usage::") || !strings.Contains(got.summary, "❌") {
			t.Errorf("%v: annotation %q, summary %q", test.inputs, got.stdout, got.summary)
		}
	}
}

// A checkout whose path no event can contain is a usage error, not a finding about the
// manifest.
func TestRootThatNoEventCanName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"two\nlines", "not\xffUTF-8"} {
		dir := filepath.Join(fixture.TempDir(t), name)
		if err := os.CopyFS(dir, os.DirFS("../../testdata/kaizen")); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr strings.Builder
		code := run(t.Context(), []string{"prepare", "coach", "--target", dir, "--emit", "stdout"}, streams{
			getenv: func(string) string { return "" }, stdout: &stdout, stderr: &stderr, now: time.Now,
			signals: context.WithCancel,
		})
		if code != exitUsage || stdout.Len() > 0 ||
			!strings.Contains(stderr.String(), "cannot be the root of an event") {
			t.Errorf("%q: exit code %d, %q, %q", name, code, stdout.String(), stderr.String())
		}
	}
}

// fullDisk is a standard output that fails on every write.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A delivered bundle that cannot be printed is still stored, because the next run is not
// due.
func TestBundleThatCannotBePrinted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(fixture.TempDir(t), "kaizen")
	if err := os.CopyFS(dir, os.DirFS("../../testdata/kaizen")); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	code := run(t.Context(), []string{"prepare", "coach", "--target", dir, "--now", "2026-11-24T09:00:00Z"}, streams{
		getenv: func(string) string { return "" }, stdout: fullDisk{}, stderr: &stderr, now: time.Now,
		signals: context.WithCancel,
	})
	stored := filepath.Join(dir, ".kaizen/prepared/kaizen.kaizen-agentic.coach.2026-W48")
	if code != exitUnavailable ||
		!strings.Contains(stderr.String(), "no space left on device: it is stored in "+stored) {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
	if _, err := os.Stat(filepath.Join(stored, "bundle.md")); err != nil {
		t.Error(err)
	}
}

// An event that is too large only with its artifact is reported before the artifact is
// stored.
func TestEventThatItsArtifactMakesTooLarge(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	event := func(padding int) string {
		p.write(".kaizen/schedule.yml",
			oneAgent+"    session_close:\n"+strings.Repeat("      - "+strings.Repeat("é", 890)+"\n", 12)+
				"      - "+strings.Repeat("y", padding)+"\n")
		got := p.step(map[string]string{"now": tuesday, "dry-run": "true", "emit": "stdout"})
		return strings.TrimSpace(got.stdout)
	}
	padding := 65_400 - len(event(100)) + 100
	for _, dryRun := range []string{"true", "false"} {
		inputs := fanOut(tuesday)
		inputs["dry-run"] = dryRun
		if size := len(event(padding)); size != 65_400 {
			t.Fatalf("without an artifact the event has %d bytes", size)
		}
		got := p.step(inputs)
		if got.code != exitFindings || !strings.Contains(got.stderr, "the platform accepts 65535") {
			t.Errorf("dry run %s: exit code %d\n%.2000s", dryRun, got.code, got.stderr)
		}
	}
	if n := len(p.results.Requests()); n > 0 {
		t.Errorf("%d requests to the artifact service", n)
	}
}

// Standard output has the manifest's order, whichever agent finishes first or prints
// nothing.
func TestStdoutKeepsTheOrder(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	manifest := "version: \"1\"\nrepo: web\nagents:\n"
	for _, agent := range []string{"a", "b", "c"} {
		manifest += "  " + agent + ":\n    cadence: weekly\n"
		p.write("agents/"+agent+".md", "# Do what is to be done.\n")
	}
	p.write(".kaizen/schedule.yml", manifest)
	p.write("agents/b.md", "token = \""+fixture.Canary("ghp_", "prompt")+"\"\n")
	served := make(chan struct{})
	p.api.Fail("POST /repos/acme/core/dispatches", 2, func(s *ghtest.Server, w http.ResponseWriter, r *http.Request) {
		first := len(s.Dispatches()) == 0
		ghtest.Then(func() {
			if !first {
				close(served)
				return
			}
			select { // the first answer comes after the second
			case <-served:
			case <-time.After(10 * time.Second):
			}
		})(s, w, r)
	})
	inputs := fanOut(tuesday)
	inputs["dispatch-to"], inputs["emit"] = "acme/core", "dispatch, stdout"
	got := p.step(inputs)
	var order []string
	for line := range strings.Lines(got.stdout) {
		var e struct{ Agent string }
		if json.Unmarshal([]byte(line), &e) == nil {
			order = append(order, e.Agent)
		}
	}
	if got.code != exitFindings || strings.Join(order, " ") != "a c" {
		t.Errorf("exit code %d, order %v\n%s", got.code, order, got.stderr)
	}
}

// A bundle names the checked-out commit, which may differ from the workflow's.
func TestCommitOfTheCheckout(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	head := strings.Repeat("12", 20)
	for _, want := range []string{strings.Repeat("ab", 20), head} {
		got := p.step(map[string]string{"agents": "coach", "now": tuesday})
		sources, err := os.ReadFile(filepath.Join(p.workspace, got.outputs["bundle-dir"], store.SourcesFile))
		if err != nil || !strings.Contains(string(sources), `"commit": "`+want+`"`) {
			t.Errorf("want the commit %s (%v):\n%s", want, err, sources)
		}
		p.write(".git/HEAD", head+"\n")
	}
}

// No report about an invalid manifest repeats a secret in it.
func TestSecretInABrokenManifest(t *testing.T) {
	t.Parallel()
	secret := fixture.Canary("ghp_", "manifest")
	for _, lines := range []string{
		"    nats_token: " + secret + "\n",
		"    session_close: curl -H " + secret + "\n",
		"    session_close: [\"x " + secret + "\", \"\"]\n",
		"    cron: " + secret + "\n",
		"    prompt: " + secret + "/../..\n    prompt: x\n",
	} {
		for _, command := range []string{"validate", "prepare", "list"} {
			p := newPlatform(t)
			p.write(".kaizen/schedule.yml", oneAgent+lines)
			got := p.step(map[string]string{"command": command, "now": tuesday})
			if got.code != exitFindings ||
				!strings.Contains(got.stderr, "secret of kind github-token in the manifest") {
				t.Errorf("%s: exit code %d\n%s", command, got.code, got.stderr)
			}
			for where, text := range map[string]string{"log": got.stderr, "annotations": got.stdout,
				"summary": got.summary, "outputs": fmt.Sprint(got.outputs)} {
				if strings.Contains(text, "ghp_") || fixture.Shows([]byte(text), secret) != "" {
					t.Errorf("%s with %q: the %s holds the secret:\n%s", command, lines, where, text)
				}
			}
		}
	}
}

// The text of a server is no command for a step that prints an output.
func TestOutputsHoldNoCommand(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.api.Fail("POST /repos/acme/core/dispatches", 1, ghtest.Status(422, `{"message":"::error::x ##[error]y"}`))
	got := p.step(fanOut(tuesday))
	var deliveries []store.Delivery
	if err := json.Unmarshal([]byte(got.outputs["deliveries"]), &deliveries); err != nil ||
		!strings.Contains(deliveries[0].Error, "##[error]y") {
		t.Errorf("%v: %s", err, got.outputs["deliveries"])
	}
	for name, value := range got.outputs {
		if strings.Contains(value, "##[") {
			t.Errorf("output %s holds a command: %s", name, value)
		}
	}
}
