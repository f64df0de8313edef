package doctor

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/target"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

// checkTargets checks every dispatch target, in parallel. An invalid token is reported
// once.
func (d *doctor) checkTargets(ctx context.Context) {
	const input = inputDispatchToken
	if !d.Targets.Channels.Dispatch {
		return
	}
	if d.Targets.DispatchErr != nil {
		d.add(failedBy(inputDispatchTo, d.Targets.DispatchErr))
		return
	}
	if d.Targets.DispatchTokenErr != nil {
		d.add(failedBy(input, d.Targets.DispatchTokenErr))
		return
	}
	c, err := d.credential(input, d.Targets.DispatchToken)
	if err != nil || c.token == "" {
		if err == nil {
			err = errors.New("there is no token")
		}
		d.add(failed(input, "set it to a token with "+d.targetAccess(), "%v", err))
		return
	}
	checks := make([]Check, len(d.Targets.Dispatch))
	pipeline.Each(len(d.Targets.Dispatch), func(i int) {
		checks[i] = d.checkTarget(ctx, c, d.Targets.Dispatch[i])
		d.hear(checks[i])
	})
	refused := c.requestFailure("", "", &gh.Error{Kind: gh.Unauthorized, Status: 401})
	if i := slices.IndexFunc(checks, func(c Check) bool { return c.Message == refused.Message }); i >= 0 {
		refused.Name = input
		d.add(refused)
		return
	}
	if c.token != strings.TrimSpace(d.Stores.Token) {
		if _, ok := c.client.TokenInfo(); ok {
			d.add(c.tokenCheck(d.Clock()))
		}
	}
	d.add(checks...)
}

// targetAccess is the permission that the dispatch token needs everywhere.
func (d *doctor) targetAccess() string {
	switch {
	case !slices.ContainsFunc(d.Targets.Dispatch, target.Target.IsWorkflow):
		return "`contents: write` on every repository of dispatch-to"
	case slices.ContainsFunc(d.Targets.Dispatch, func(t target.Target) bool { return !t.IsWorkflow() }):
		return "`contents: write` on every repository of dispatch-to, and `actions: write` where it names a workflow"
	}
	return "`actions: write` on every repository of dispatch-to"
}

// permissionFor is what the token needs in the repository of t.
func permissionFor(t target.Target) string {
	if t.IsWorkflow() {
		return "actions: write"
	}
	return "contents: write"
}

// checkTarget checks whether the target accepts a dispatch and runs a workflow for it.
func (d *doctor) checkTarget(ctx context.Context, c credential, t target.Target) Check {
	name := "dispatch " + t.String()
	if d.silent.Load() {
		check := failed(name, "check GITHUB_API_URL and the network, then run again",
			"not checked, because the API does not answer")
		check.unanswered = true
		return check
	}
	if err := c.client.CheckTarget(t); err != nil {
		e, _ := errors.AsType[*gh.Error](err)
		return failed(name, e.Hint, "%s", e.Message)
	}
	repository, err := c.client.Repository(ctx, t.Repository)
	if err != nil {
		return c.requestFailure(name, "`"+permissionFor(t)+"` on "+t.Repository, err)
	}
	if repository.Archived {
		return failed(name, "unarchive it, or drop it from dispatch-to",
			"the repository is archived, so it accepts no dispatch")
	}
	push := d.mayDispatch(c, name, repository, permissionFor(t))
	if push.Verdict == Failed {
		return push
	}
	var receiver Check
	if t.IsWorkflow() {
		receiver = checkWorkflow(ctx, c, name, repository, t)
	} else {
		receiver = checkReceiver(ctx, c, name, repository)
	}
	if receiver.Verdict == OK && !strings.EqualFold(repository.FullName, t.Repository) {
		return warned(name, "write that name in dispatch-to", "it is now called %q", repository.FullName)
	}
	if receiver.Verdict == OK && push.Verdict == OK && c.client.Forge() == gh.Gitea {
		receiver.Message += "; " + push.Message
	}
	if receiver.Verdict == OK && push.Verdict == Warning {
		push.Message = receiver.Message + ", but " + push.Message
		return push
	}
	return receiver
}

// mayDispatch checks the token's access as far as the API reports it.
func (d *doctor) mayDispatch(c credential, name string, r gh.Repository, permission string) Check {
	info, _ := c.client.TokenInfo()
	access := "`" + permission + "` on " + r.FullName
	own := strings.EqualFold(r.FullName, d.Env.Repository)
	switch {
	case info.Classic && !slices.Contains(info.Scopes, "repo") &&
		(r.Private || !slices.Contains(info.Scopes, "public_repo")):
		return failed(name, "give the token of input `"+c.input+"` the scope `repo`",
			"the classic token lacks the scope `repo`")
	case c.isJobs() && !own:
		return failed(name, "give input `dispatch-token` a token with "+access,
			"the job's own token reaches its own repository only")
	case r.CanPush && c.client.Forge() == gh.Gitea:
		return passed(name, "the token's user may start it; whether the token's scope allows it is known only after a "+
			"delivery")
	case r.CanPush:
		return passed(name, "the token may write")
	case c.isJobs():
		return warned(name, "give the job the permission `"+permission+"`",
			"the API does not say whether the job's token may write")
	case strings.HasPrefix(c.token, installationToken):
		return warned(name, "give the app "+access, "the API does not say whether an installation token may write")
	case c.client.Forge() == gh.Gitea:
		return warned(name, "give the token "+access, "the API does not say whether the token may start workflows")
	}
	return failed(name, "give the token of input `"+c.input+"` "+access,
		"the token may read the repository, but not write to it")
}

// checkWorkflow checks whether the workflow of a target starts with the event as its
// input.
func checkWorkflow(ctx context.Context, c credential, name string, r gh.Repository, t target.Target) Check {
	w, err := c.client.Workflow(ctx, t)
	if e, ok := errors.AsType[*gh.Error](err); ok && e.Kind == gh.NotFound {
		return failed(name, "commit it to that branch, where the platform looks for workflows",
			"the default branch %q has no workflow %s, or the token may not see it (%d)", r.DefaultBranch, t.Workflow,
			e.Status)
	}
	switch {
	case err != nil:
		return c.requestFailure(name, "`actions: read` on "+r.FullName, err)
	case w.Path != "" && w.Path != t.Workflow:
		return failed(name, fmt.Sprintf("write %s/%s@%s", t.Repository, w.Path, t.Ref),
			"under that name the platform runs %q", w.Path)
	case w.State != "" && w.State != gh.ActiveWorkflow:
		return failed(name, "enable it on the Actions page of "+r.FullName, "the workflow is disabled (%q)", w.State)
	}
	ref := strings.TrimPrefix(strings.TrimPrefix(t.Ref, "refs/heads/"), "refs/tags/")
	data, err := c.client.File(ctx, r.FullName, t.Workflow, ref, schedule.MaxSize)
	if e, ok := errors.AsType[*gh.Error](err); ok && e.Kind == gh.NotFound {
		return failed(name, "check the branch or tag after the @", "%q has no file %s (%d)", t.Ref, t.Workflow,
			e.Status)
	}
	if err != nil {
		return c.requestFailure(name, "`contents: read` on "+r.FullName, err)
	}
	problem, hint := workflow.CheckStart(data, gh.EventInput)
	if problem != "" {
		return failed(name, hint, "%q on %q %s", t.File(), t.Ref, problem)
	}
	return passed(name, "%q on %q starts with the event as its input", t.File(), t.Ref)
}

// maxReceivers is how many workflow files of one target are read.
const maxReceivers = 100

// checkReceiver looks for a workflow on the default branch that a dispatch starts. GitHub
// accepts a dispatch even if there is none.
func checkReceiver(ctx context.Context, c credential, name string, r gh.Repository) Check {
	const dir = ".github/workflows"
	files, err := c.client.Files(ctx, r.FullName, dir)
	if err != nil {
		return c.requestFailure(name, "`contents: read` on "+r.FullName, err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return path.Ext(f) != ".yml" && path.Ext(f) != ".yaml" })
	other := ""
	for _, file := range files[:min(len(files), maxReceivers)] {
		data, err := c.client.File(ctx, r.FullName, dir+"/"+file, "", schedule.MaxSize)
		if e, ok := errors.AsType[*gh.Error](err); ok && (e.Kind == gh.NotFound || e.Kind == gh.Invalid) {
			continue // removed meanwhile, or not a readable file
		}
		if err != nil {
			return c.requestFailure(name, "`contents: read` on "+r.FullName, err)
		}
		switch listens, matches := workflow.ReceivesDispatch(data, event.Type); {
		case matches:
			return passed(name, "%q on %q listens for it", file, r.DefaultBranch)
		case listens && other == "":
			other = file
		}
	}
	if other != "" {
		return failed(name, fmt.Sprintf("add %s to the `types` of %q there", event.Type, other),
			"%q on %q listens for other types only, so a dispatch is accepted and starts nothing", other,
			r.DefaultBranch)
	}
	return failed(name,
		fmt.Sprintf("add one with `on: { repository_dispatch: { types: [%s] } }` to that branch", event.Type),
		"no workflow on its default branch %q listens for repository_dispatch, so a dispatch is accepted and starts "+
			"nothing",
		r.DefaultBranch)
}
