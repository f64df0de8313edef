package trigger

import (
	"slices"
	"strings"
	"testing"
)

// events are all events that start a workflow on GitHub
// (https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows)
// or on Gitea (https://docs.gitea.com/usage/actions/faq), and some that do not exist.
var events = map[string]bool{
	"schedule": true, "workflow_dispatch": true, "repository_dispatch": true,

	"push": false, "branch_protection_rule": false, "check_run": false, "check_suite": false, "create": false,
	"delete": false, "deployment": false, "deployment_status": false, "discussion": false,
	"discussion_comment": false, "fork": false, "gollum": false, "image_version": false, "issue_comment": false,
	"issues": false, "label": false, "merge_group": false, "milestone": false, "page_build": false,
	"project": false, "project_card": false, "project_column": false, "public": false, "pull_request": false,
	"pull_request_comment": false, "pull_request_review": false, "pull_request_review_comment": false,
	"pull_request_target": false, "registry_package": false, "release": false, "status": false, "watch": false,
	"workflow_call": false, "workflow_run": false, "pull_request_assign": false, "pull_request_sync": false,
	"new_event": false, "SCHEDULE": false, "schedule ": false, "": false,
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	for event, want := range events {
		err := Refuse(Event{Name: event, Ref: "refs/heads/side"}, "main", nil)
		if (err == nil) != want || want && IsRefused(event) {
			t.Errorf("%q: %v, always refused: %t", event, err, IsRefused(event))
		}
		if err != nil && !strings.Contains(err.Error(), "use schedule, workflow_dispatch") ||
			err != nil && event != "" && !strings.Contains(err.Error(), "allow-events: "+event) {
			t.Errorf("%q: the error lacks the next step: %v", event, err)
		}
		if err := Refuse(Event{Name: event}, "main", []string{"other", event}); (err == nil) != (event != "") {
			t.Errorf("%q is allowed: %v", event, err)
		}
	}
}

// TestOthers checks that the events of the platform are in one of the two lists.
func TestOthers(t *testing.T) {
	t.Parallel()
	for _, event := range others {
		if listed, ok := events[event]; !ok || listed || slices.Contains(trusted, event) {
			t.Errorf("%s: in the list of this test %t, trusted %t", event, ok, listed)
		}
	}
}

func TestRefusePush(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ref, branch string
		want        string // of the error, "" for none
	}{
		{"refs/heads/main", "main", ""},
		{"refs/heads/release/1", "release/1", ""},
		{"refs/heads/side", "main", "refs/heads/side, which is not the ledger branch"},
		{"refs/heads/main/x", "main", "refs/heads/main/x"},
		{"refs/heads/MAIN", "main", "refs/heads/MAIN"},
		{"refs/tags/main", "main", "refs/tags/main"},
		{"main", "main", "to main"},
		{"", "main", "an unknown ref"},
		{"refs/heads/main", "", "the ledger branch is unknown"},
		{"refs/heads/", "", "the ledger branch is unknown"},
	} {
		err := Refuse(Event{Name: "push", Ref: tt.ref}, tt.branch, nil)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s with ledger branch %q: %v", tt.ref, tt.branch, err)
		}
		if err := Refuse(Event{Name: "push", Ref: tt.ref}, tt.branch, []string{"push"}); err != nil {
			t.Errorf("%s allowed: %v", tt.ref, err)
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]string{
		"pull_request":                "a stranger's change decides",
		"pull_request_review_comment": "a stranger's change decides",
		"workflow_run":                "a run of a stranger's change",
		"merge_group":                 "not merged yet",
		"issue_comment":               "others can cause",
		"workflow_call":               "caller's event is not known",
	} {
		if err := Refuse(Event{Name: event}, "main", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", event, err, want)
		}
	}
}

func TestRefuseReceive(t *testing.T) {
	t.Parallel()
	tests := []struct {
		event   string
		allowed []string
		want    string // of the error, "" for none
	}{
		{"repository_dispatch", nil, ""},
		{"workflow_dispatch", nil, ""},
		{"workflow_call", nil, "receive is refused on the event workflow_call"},
		{"schedule", []string{"schedule"}, ""},
		{"schedule", nil, "use repository_dispatch, workflow_dispatch; or accept the risk with " +
			"allow-events: schedule"},
		{"pull_request", []string{"push"}, "receive is refused on the event pull_request"},
		{"", []string{""}, "the run has no event"},
	}
	for _, tt := range tests {
		err := RefuseReceive(tt.event, tt.allowed)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q, allowed %q: got %v, want %q", tt.event, tt.allowed, err, tt.want)
		}
	}
}
