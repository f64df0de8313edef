package workflow

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/target"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// permission returns the access of the job's token to a scope and its position. The
// access is "none", "read" or "write", or "" if the repository's settings decide.
func (u Use) permission(scope string) (string, yamlnode.Pos) {
	permissions, pos := u.job.Get("permissions"), u.jobID.Pos
	if permissions == nil {
		permissions = u.File.root.Get("permissions")
	}
	permissions = permissions.Resolve()
	switch {
	case permissions == nil:
		return "", pos
	case permissions.Kind == yamlnode.Mapping:
		if value := permissions.Get(scope).Resolve(); value != nil {
			return value.Text(), value.Pos
		}
		return "none", permissions.Pos
	}
	return strings.TrimSuffix(permissions.Text(), "-all"), permissions.Pos
}

// ownToken reports whether an input has a token other than the job's. The permissions of
// such a token are unknown. The word token is the default of dispatch-token.
func (u Use) ownToken(name string) bool {
	value := u.input(name)
	return value != "" && value != "token" && !strings.Contains(value, "github.token") &&
		!strings.Contains(value, "secrets.GITHUB_TOKEN")
}

// checkLedger warns about a token that cannot read the ledger.
func (u Use) checkLedger(r *reporter) {
	if got, pos := u.permission("actions"); !u.ownToken("token") && got != "read" && got != "write" {
		u.missingPermission(r, pos, got, "actions: read", "to read the ledger of receipts")
	}
}

// checkDispatch warns about a token that cannot dispatch to the targets. own lists the
// possible names of this repository.
func (u Use) checkDispatch(own []string, r *reporter) {
	emits := list(u.input("emit"))
	to := u.step.Get("with").Get("dispatch-to").Resolve()
	dispatches := to.Text() != "" && (len(emits) == 0 || slices.Contains(emits, "dispatch"))
	if !dispatches || u.ownToken("dispatch-token") || u.ownToken("token") {
		return
	}
	contents, contentsPos := u.permission("contents")
	actions, actionsPos := u.permission("actions")
	var others []string
	var needsContents, needsActions bool // in this repository
	texts := list(strings.Join(target.Split(to.Text()), "\n"))
	if hasExpression(to.Text()) {
		texts, needsContents = nil, actions != "write" // it may name workflows only
	}
	for _, text := range texts {
		t, err := target.Parse(text)
		isOwn := func(name string) bool { return strings.EqualFold(path.Base(t.Repository), name) }
		switch {
		case err != nil: // doctor and prepare report it
		case own[0] != "" && !slices.ContainsFunc(own, isOwn):
			others = append(others, text)
		case t.IsWorkflow():
			needsActions = true
		default:
			needsContents = true
		}
	}
	if len(others) > 0 {
		r.at(diag.WorkflowPermission, to.Pos,
			"the job's own token works only for its own repository, not for "+diag.Quote(strings.Join(others, ", ")),
			"set the input dispatch-token to a token with `contents: write` there, or `actions: write` where it "+
				"names a workflow")
	}
	if needsContents && contents != "write" {
		u.missingPermission(r, contentsPos, contents, "contents: write",
			"to send a repository_dispatch with the job's own token")
	}
	if needsActions && actions != "write" {
		u.missingPermission(r, actionsPos, actions, "actions: write", "to start a workflow with the job's own token")
	}
}

// missingPermission reports a permission that the job's token needs and does not have.
func (u Use) missingPermission(r *reporter, pos yamlnode.Pos, got, needed, why string) {
	message := fmt.Sprintf("job %q needs the permission `%s` %s", u.jobID.Value, needed, why)
	if got == "" && u.File.hasTrigger("workflow_call") && !u.File.scheduled {
		return // the caller of the workflow grants the permissions
	}
	if got == "" {
		message += ", but sets no permissions"
	}
	r.at(diag.WorkflowPermission, pos, message,
		fmt.Sprintf("add `%s` to the permissions of the job or the workflow", needed))
}

// checkConcurrency warns about runs that may overlap or cancel each other.
func (u Use) checkConcurrency(r *reporter) {
	concurrency := u.job.Get("concurrency")
	if concurrency == nil {
		concurrency = u.File.root.Get("concurrency")
	}
	group := concurrency.Text()
	if group == "" {
		group = concurrency.Get("group").Text()
	}
	unique := func(value string) bool { return strings.Contains(group, value) }
	if group == "" || slices.ContainsFunc([]string{"github.run_id", "github.run_number", "github.run_attempt",
		"github.sha"}, unique) {
		r.at(diag.WorkflowConcurrency, u.jobID.Pos,
			fmt.Sprintf("two runs of job %q can prepare the same period at the same time", u.jobID.Value),
			"add `concurrency: { group: kaizen-schedule, cancel-in-progress: false }`")
		return
	}
	if cancel := concurrency.Get("cancel-in-progress").Resolve(); cancel.Text() == "true" {
		r.at(diag.WorkflowConcurrency, cancel.Pos, "a new run cancels the previous one, which may still be delivering",
			"write `cancel-in-progress: false`")
	}
}

// checkRetention warns if retention-days is too short for an entry that the step serves.
// It checks the longest periods first.
func (u Use) checkRetention(m *schedule.Manifest, r *reporter) {
	value := u.step.Get("with").Get("retention-days").Resolve()
	days, err := strconv.Atoi(value.Text())
	if err != nil || days <= 0 {
		return // the default is long enough
	}
	for _, cadence := range []schedule.Cadence{schedule.Monthly, schedule.Weekly, schedule.Daily} {
		i := slices.IndexFunc(m.Entries,
			func(e schedule.Entry) bool { return e.Enabled && e.Cadence == cadence && u.serves(&e) })
		if need := cadence.Retention(); i >= 0 && days < need {
			r.at(diag.Retention, value.Pos,
				fmt.Sprintf("receipts are kept for %s, which does not outlast two periods of the %s agent %q: "+
					"it may run twice in a period",
					advice.Count(days, "day"), cadence, m.Entries[i].Agent),
				fmt.Sprintf("keep them for at least %d days, or leave out retention-days", need))
			return
		}
	}
}
