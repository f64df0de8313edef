package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// prepared gives an outcome an event, whose bundle is stored in a job artifact.
func prepared(o *pipeline.Outcome, deliveries ...store.Delivery) *pipeline.Outcome {
	e := &event.Event{}
	e.Bundle.ID = "acme/web/" + o.ID.Name()
	e.Bundle.Artifact = &event.Artifact{Name: o.ID.Name(), ID: 456, Digest: "sha256:ab",
		URL: "https://github.com/acme/web/actions/runs/1/artifacts/456"}
	o.Delivered = &pipeline.Delivered{
		ContentName: "bundle.md", Dir: ".kaizen/prepared/" + o.ID.Name(), Event: e,
		Payload: json.RawMessage(`{"agent":"` + o.Entry.Agent + `"}`), Deliveries: deliveries,
	}
	return o
}

var (
	delivered = store.Delivery{Channel: "dispatch", Target: "acme/core", Status: store.Delivered}
	refused   = store.Delivery{Channel: "dispatch", Target: "acme/dash", Status: store.Failed, Error: "422 ##[error]no"}
)

// everyState returns a run with one entry in each state.
func everyState(t *testing.T) *Run {
	t.Helper()
	m := load(t, "done", "partly", "failed", "stopped", "waiting", "skipped", "unknown")
	all := outcomes(t, m)
	prepared(all[0], delivered).Memory = &pipeline.Memory{
		MemoryInfo: &prepare.MemoryInfo{Path: ".kaizen/agents/done/memory.md", Size: 1200, Lines: 201},
	}
	prepared(all[1], delivered, refused).Err = &pipeline.Undelivered{Have: 1, Targets: 2}
	all[1].Decision.Missed = []string{"2026-W46", "2026-W47"}
	all[2].Err = errors.New("disk full")
	all[3].Findings = []diag.Finding{
		diag.Secret.At(".claude/agents/stopped.md", 3, 7, "a secret of the kind github-token", "remove it"),
	}
	all[4].Chosen, all[4].Reason, all[4].Decision.State = false, "already delivered", schedule.NotDue
	all[5].Chosen, all[5].Reason = false, "not asked for"
	all[6].Chosen, all[6].Reason = false, "undecided: the ledger could not be read"
	all[6].Err = errors.New("403 no access")
	return NewRun(&pipeline.Project{File: m.File, Manifest: m, Findings: []diag.Finding{
		diag.NoPrompt.At(m.File, 5, 3, "no prompt", "add one"),
	}}, all)
}

func TestRun(t *testing.T) {
	t.Parallel()
	r := everyState(t)
	r.Fail(nil)
	r.Fail(errors.New("writing the file of GITHUB_OUTPUT: disk full"))
	out, warning := r.Outputs()
	fixture.Golden(t, "testdata/run.golden", "-- log --\n"+strings.Join(r.Lines(), "\n")+
		"\n-- annotations --\n"+annotations(r)+"-- outputs --\n"+written(t, out)+"-- summary --\n"+r.Summary(2).Markdown(1<<20))
	if warning != "" || len(r.Errors) != 4 || !r.Invalid() {
		t.Errorf("warning %q, errors %q, invalid %t", warning, r.Errors, r.Invalid())
	}
}

func annotations(r *Run) string {
	var b strings.Builder
	for _, f := range r.Annotations() {
		fmt.Fprintf(&b, "%s %s: %s | %s\n", f.Severity, f.Rule, f.Message, f.Hint)
	}
	return b.String()
}

// The outputs of a single agent exist only if exactly one was prepared.
func TestSingleAgent(t *testing.T) {
	t.Parallel()
	m := load(t, "coach", "review")
	for _, tt := range []struct {
		name   string
		change func(all []*pipeline.Outcome)
		want   map[string]string
	}{
		{"one", func(all []*pipeline.Outcome) { prepared(all[0]) }, map[string]string{
			"payload": `{"agent":"coach"}`, "event-id": "acme/web/kaizen.web.coach.2026-W48", "artifact-id": "456", "artifact-name": "kaizen.web.coach.2026-W48",
			"bundle-path": ".kaizen/prepared/kaizen.web.coach.2026-W48/bundle.md",
		}},
		{"dry run", func(all []*pipeline.Outcome) {
			prepared(all[0]).Dir = ""
			all[0].Event.Bundle.Artifact = nil
		}, map[string]string{
			"payload": `{"agent":"coach"}`, "event-id": "acme/web/kaizen.web.coach.2026-W48",
		}},
		{"two", func(all []*pipeline.Outcome) { prepared(all[0]); prepared(all[1]) }, nil},
		{"none", func([]*pipeline.Outcome) {}, nil},
	} {
		all := outcomes(t, m)
		tt.change(all)
		out, _ := NewRun(&pipeline.Project{Manifest: m}, all).Outputs()
		for _, name := range []string{"payload", "event-id", "artifact-id", "artifact-name", "bundle-path"} {
			if got := out.Value(name); got != tt.want[name] {
				t.Errorf("%s: output %s is %q, want %q", tt.name, name, got, tt.want[name])
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	m := load(t, "coach", "review")
	run := func(all []*pipeline.Outcome) *Run { return NewRun(&pipeline.Project{Manifest: m}, all) }
	for _, tt := range []struct {
		want string
		run  func(all []*pipeline.Outcome) *Run
	}{
		{"✅ Nothing is due", run},
		{"✅ 1 agent prepared", func(all []*pipeline.Outcome) *Run {
			prepared(all[0])
			return run(all)
		}},
		{"✅ 2 agents would be prepared", func(all []*pipeline.Outcome) *Run {
			prepared(all[0])
			prepared(all[1])
			r := run(all)
			r.DryRun = true
			return r
		}},
		{"✅ 1 agent prepared, without a target: the outputs have the events", func(all []*pipeline.Outcome) *Run {
			prepared(all[0]).Decision.First = true
			r := run(all)
			r.OutputsOnly = true
			if got := r.Annotations(); len(got) != 1 || got[0].Rule != "no-target" {
				t.Errorf("annotations: %+v", got)
			}
			return r
		}},
		{"❌ 0 agents prepared, some stopped by findings", func(all []*pipeline.Outcome) *Run {
			all[0].Findings = []diag.Finding{diag.Secret.At("x", 1, 1, "a secret", "")}
			return run(all)
		}},
		{"❌ 1 agent failed, 1 agent prepared; nothing is lost", func(all []*pipeline.Outcome) *Run {
			prepared(all[0]).Err = errors.New("no receipt")
			return run(all)
		}},
		{"❌ 0 agents prepared, 1 step failed; nothing is lost: run again", func(all []*pipeline.Outcome) *Run {
			r := run(all)
			r.Fail(errors.New("no outputs"))
			return r
		}},
		{"❌ Cancelled: 0 agents prepared; nothing is lost: run again", func(all []*pipeline.Outcome) *Run {
			r := run(all)
			r.Stopped = errors.New("interrupt")
			return r
		}},
		{"❌ Stopped: it reached its limit: 0 agents prepared; nothing is lost: run again",
			func(all []*pipeline.Outcome) *Run {
				r := run(all)
				r.Stopped = advice.New("prepare less", "it reached its limit")
				return r
			}},
		{"❌ schedule.yml is not valid; nothing was prepared", func([]*pipeline.Outcome) *Run {
			return NewRun(&pipeline.Project{File: "schedule.yml"}, nil)
		}},
	} {
		if got := tt.run(outcomes(t, m)).Summary(0).Verdict; got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// Deliveries that exceed the platform's limit are reduced to the failed ones, and these
// to as many as fit.
func TestManyDeliveries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ all, failedEvery, want int }{
		{100, 50, 100}, // all fit
		{20_000, 1000, 20},
		{20_000, 1, 5_000},
	} {
		m := load(t, "coach")
		all := outcomes(t, m)
		for i := range tt.all {
			status := store.Delivered
			if i%tt.failedEvery == 0 {
				status = store.Failed
			}
			all[0].Deliveries = append(all[0].Deliveries,
				store.Delivery{Channel: "dispatch", Target: fmt.Sprint("acme/repository-", i), Status: status})
		}
		out, warning := NewRun(&pipeline.Project{Manifest: m}, all).Outputs()
		var kept []store.Delivery
		fixture.Must(t, json.Unmarshal([]byte(out.Value("deliveries")), &kept))
		if len(kept) != tt.want || len(written(t, out)) > actions.MaxOutputs {
			t.Errorf("%+v: %d kept", tt, len(kept))
		}
		wantWarning := ""
		if tt.want < tt.all {
			wantWarning = fmt.Sprintf("lists failed deliveries only, because all %d", tt.all)
		}
		if (warning == "") != (wantWarning == "") || !strings.Contains(warning, wantWarning) {
			t.Errorf("%+v: warning %q", tt, warning)
		}
	}
}

func TestMemoryLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		size  int64
		lines int
		want  string
	}{
		{100, 200, "200"},
		{100, 201, "⚠️ 201, over the 200 that agents load"},
		{prepare.MaxFile, 3, "3"},
		{prepare.MaxFile + 1, 3, "⚠️ over 256 KiB: the bundle has only its end"},
	} {
		m := &pipeline.Memory{MemoryInfo: &prepare.MemoryInfo{Size: tt.size, Lines: tt.lines}}
		if got := memoryLines(m); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

// An error that many agents share is reported once.
func TestAgentErrors(t *testing.T) {
	t.Parallel()
	var failed AgentErrors
	for i := range 9 {
		failed.Add(fmt.Sprint("agent-", i), errors.New("no ledger"))
	}
	failed.Add("coach", errors.New("disk full"))
	want := "agent-0, agent-1, agent-2, agent-3, agent-4 and 4 more: no ledger\ncoach: disk full"
	if got := errors.Join(failed.Errors()...).Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
