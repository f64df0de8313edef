// Package trigger decides on which events of a workflow prepare and receive may run.
//
// Prepare publishes what the checkout has, with the job's tokens. So an event may start it
// only if it runs a commit of the repository's own branch, and only if those who may write
// to the repository cause it.
package trigger

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// push may start prepare on the ledger branch only.
const push = "push"

// trusted are the events that may start prepare. A reusable workflow runs on the event of
// its caller, whose name it gets
// (https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations).
var trusted = []string{"schedule", "workflow_dispatch", "repository_dispatch", push}

// reasons say why other events may not. Those of a family share a prefix.
var reasons = []struct{ prefix, reason string }{
	{"pull_request", "where a stranger's change decides what runs"},
	{"workflow_run", "which a run of a stranger's change can cause"},
	{"merge_group", "whose change is not merged yet"},
	{"workflow_call", "whose caller's event is not known"},
	{"", "which others can cause than those who may write to the repository"},
}

// others are the documented events that may not
// (https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows).
// Any event that is not in either list may not, too.
var others = []string{
	"branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment", "deployment_status",
	"discussion", "discussion_comment", "fork", "gollum", "image_version", "issue_comment", "issues", "label",
	"merge_group", "milestone", "page_build", "public", "pull_request", "pull_request_comment",
	"pull_request_review", "pull_request_review_comment", "pull_request_target", "registry_package", "release",
	"status", "watch", "workflow_run",
}

// IsRefused reports whether an event of the platform never starts prepare, unless
// allow-events names it. A misspelt event is not one of the platform.
func IsRefused(event string) bool { return slices.Contains(others, event) }

// Event is what started a run.
type Event struct {
	Name string // such as schedule; "" if unknown
	Ref  string // such as refs/heads/main
}

// Refuse returns why prepare must not run on an event, or nil. Branch is the ledger's, ""
// if it is unknown. The user accepts the events in allowed.
func Refuse(e Event, branch string, allowed []string) error {
	if slices.Contains(allowed, e.Name) && e.Name != "" {
		return nil
	}
	ref, isBranch := strings.CutPrefix(e.Ref, "refs/heads/")
	switch {
	case e.Name == "":
		return refused(e.Name, "the run has no event (GITHUB_EVENT_NAME), so it is not known who caused it")
	case e.Name != push && slices.Contains(trusted, e.Name), e.Name == push && isBranch && ref == branch &&
		branch != "":
		return nil
	case e.Name != push:
		i := slices.IndexFunc(reasons, func(r struct{ prefix, reason string }) bool {
			return strings.HasPrefix(e.Name, r.prefix)
		})
		return refused(e.Name, "refused on the event %s, %s", e.Name, reasons[i].reason)
	case branch == "":
		return advice.New("name it in ledger-branch, or opt in with allow-events: push",
			"refused on the event push, because the ledger branch is unknown")
	}
	return refused(e.Name, "refused on the event push to %s, which is not the ledger branch %q",
		cmp.Or(e.Ref, "an unknown ref"), branch)
}

// receiving are the events that bring receive an event. On any other, the file that
// --event names may be part of a stranger's change; so it may on that of the unknown caller
// of a workflow_call.
var receiving = []string{"repository_dispatch", "workflow_dispatch"}

// RefuseReceive returns why receive must not run on the event of this name, or nil. The user
// accepts the events in allowed.
func RefuseReceive(event string, allowed []string) error {
	if event != "" && (slices.Contains(receiving, event) || slices.Contains(allowed, event)) {
		return nil
	}
	if event == "" {
		return advice.New("use "+strings.Join(receiving, ", "),
			"the run has no event (GITHUB_EVENT_NAME), so it is not known who caused it")
	}
	return advice.New("use "+strings.Join(receiving, ", ")+"; or accept the risk with allow-events: "+event,
		"receive is refused on the event %s", event)
}

func refused(event, format string, args ...any) error {
	hint := "use schedule, workflow_dispatch, repository_dispatch, or push to the ledger branch"
	if event != "" {
		hint += "; or accept the risk with allow-events: " + event
	}
	return advice.New(hint, format, args...)
}
