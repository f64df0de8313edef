package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestEvents runs commands on the events of a workflow. Where prepare refuses, it stores
// and sends nothing, and doctor says so.
func TestEvents(t *testing.T) {
	t.Parallel()
	const webhook = `{"repository":{"id":7,"full_name":"` + sampleRepo + `","default_branch":"main"}}`
	for _, tt := range []struct {
		event, ref string
		inputs     map[string]string
		want       string // of the refusal, "" for none
	}{
		{"schedule", "refs/heads/main", nil, ""},
		{"workflow_dispatch", "refs/heads/side", nil, ""},
		{"repository_dispatch", "refs/heads/main", nil, ""},
		{"push", "refs/heads/main", nil, ""},
		{"push", "refs/heads/side", map[string]string{"ledger-branch": "side"}, ""},
		{"push", "refs/heads/side", nil, "is not the ledger branch"},
		{"push", "refs/tags/v1", nil, "is not the ledger branch"},
		{"push", "refs/heads/main", map[string]string{"ledger-branch": "side"}, "is not the ledger branch"},
		{"pull_request", "refs/pull/1/merge", nil, "where a stranger's change decides what runs"},
		{"pull_request_target", "refs/heads/main", nil, "where a stranger's change decides what runs"},
		{"pull_request_review", "refs/pull/1/merge", nil, "where a stranger's change decides what runs"},
		{"workflow_run", "refs/heads/main", nil, "which a run of a stranger's change can cause"},
		{"merge_group", "refs/heads/gh-readonly-queue/main/pr-1", nil, "whose change is not merged yet"},
		{"issue_comment", "refs/heads/main", nil, "which others can cause"},
		{"issues", "refs/heads/main", nil, "which others can cause"},
		{"release", "refs/tags/v1", nil, "which others can cause"},
		{"issue_comment", "refs/heads/main", map[string]string{"allow-events": "merge_group, issue_comment"}, ""},
		{"issue_comment", "refs/heads/main", map[string]string{"allow-events": "merge_group"}, "which others can cause"},
		{"", "refs/heads/main", nil, "the run has no event"},
	} {
		t.Run(tt.event+" "+tt.ref, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			file := filepath.Join(fixture.TempDir(t), "event.json")
			writeTest(t, file, webhook)
			env := map[string]string{"GITHUB_EVENT_NAME": tt.event, "GITHUB_REF": tt.ref, "GITHUB_EVENT_PATH": file}
			inputs := fanOut(tuesday)
			for name, value := range tt.inputs {
				inputs[name] = value
			}
			got := p.stepIn(101, inputs, env)
			if (got.code != exitUsage) != (tt.want == "") || !strings.Contains(got.stderr, tt.want) {
				t.Errorf("prepare: exit code %d, want %q\n%s", got.code, tt.want, got.stderr)
			}
			if sent := len(p.results.Artifacts()) + len(p.api.Dispatches()); (sent == 0) != (tt.want != "") {
				t.Errorf("prepare: %d artifacts and dispatches", sent)
			}
			if tt.want != "" && tt.event != "" && !strings.Contains(got.stderr, "allow-events: "+tt.event) {
				t.Errorf("prepare does not name the input:\n%s", got.stderr)
			}
			inputs["command"] = "doctor"
			got = p.stepIn(102, inputs, env)
			if refused := strings.Contains(got.stdout, "trigger"); refused != (tt.want != "") ||
				!strings.Contains(got.stdout, tt.want) {
				t.Errorf("doctor: want %q\n%s", tt.want, got.stdout)
			}
			delete(inputs, "dispatch-to")
			inputs["command"], inputs["dry-run"] = "", "true"
			if got = p.stepIn(103, inputs, env); got.code != exitOK {
				t.Errorf("a dry run: exit code %d\n%s", got.code, got.stderr)
			}
			inputs["command"] = "validate"
			want := exitOK
			if tt.event == "pull_request_target" {
				want = exitUsage
			}
			if got = p.stepIn(104, inputs, env); got.code != want {
				t.Errorf("validate: exit code %d, want %d\n%s", got.code, want, got.stderr)
			}
		})
	}
}
