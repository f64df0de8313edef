package doctor

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/target"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

func (d *doctor) checkManifest(context.Context) {
	errs, warnings := diag.Count(d.Findings)
	switch {
	case d.Manifest == nil:
		first := d.Findings[slices.IndexFunc(d.Findings, isError)] // it made the manifest invalid
		d.add(failed("manifest", cmp.Or(first.Hint, "run `action validate`"), "%s, the first at %s: %s",
			advice.Count(errs, "error"), first.Place(), first.Message))
	case warnings > 0:
		d.add(warned("manifest", "run `action validate`", "%s is valid, with %s", d.File,
			advice.Count(warnings, "warning")))
	case len(d.Entries) == 0:
		d.add(warned("manifest", "enable an entry, or name one", "%s is valid, but no selected entry is enabled",
			d.File))
	default:
		d.add(passed("manifest", "%s is valid, with %s to prepare", d.File, advice.Count(len(d.Entries), "agent")))
	}
}

// checkEvents builds the bundles and events of the entries, as prepare would, and checks
// the size of the largest event.
func (d *doctor) checkEvents(ctx context.Context) {
	if d.Manifest == nil {
		return
	}
	planner := pipeline.Planner{Manifest: d.Manifest, Source: d.Source, Now: d.Now}
	outcomes := make([]*pipeline.Outcome, len(d.Entries))
	pipeline.Each(len(d.Entries), func(i int) {
		o := &pipeline.Outcome{Planned: planner.Entry(d.Entries[i])}
		o.Built, o.Err = d.Builder.Build(ctx, o.Planned)
		outcomes[i] = o
	})
	var largest *pipeline.Outcome
	for _, o := range outcomes {
		switch {
		case o.Err != nil:
			d.add(failedBy("bundle "+o.Entry.Agent, o.Err))
		case o.Stopped():
			d.add(stoppedBundle(o))
		case largest == nil || o.Size > largest.Size:
			largest = o
		}
	}
	if largest != nil {
		d.add(d.checkSize(largest))
	}
}

// stoppedBundle reports the first error that stops an entry.
func stoppedBundle(r *pipeline.Outcome) Check {
	f := r.Findings[slices.IndexFunc(r.Findings, isError)]
	message, hint := f.Message, f.Hint
	if hint == "" {
		message, hint, _ = strings.Cut(message, ": ")
	}
	return failed("bundle "+r.Entry.Agent, hint, "%s: %s", f.Place(), message)
}

func isError(f diag.Finding) bool { return f.Severity == diag.Error }

// checkSize warns before the limit is reached, because the length of the checkout's path
// and of the artifact's ids differs between runs. As the input of a workflow an event is
// longer, because its quotes are escaped.
func (d *doctor) checkSize(r *pipeline.Outcome) Check {
	const name, hint = "event", "shorten its session_close, or drop pointers"
	size := r.Size
	startsWorkflow := d.Targets.Channels.Dispatch && slices.ContainsFunc(d.Targets.Dispatch, target.Target.IsWorkflow)
	switch {
	case startsWorkflow && r.InputsSize > gh.MaxInputs:
		return failed(name, hint, "the largest event, for %s, has %d characters as the input of a workflow; the "+
			"platform accepts %d", r.Entry.Agent, r.InputsSize, gh.MaxInputs)
	case size > event.MaxSize/10*9, startsWorkflow && r.InputsSize > gh.MaxInputs/10*9:
		return warned(name, hint, "the largest event, for %s, has %d bytes; the platform accepts %d",
			r.Entry.Agent, size, event.MaxSize)
	}
	return passed(name, "the largest, for %s, has %d bytes; the platform accepts %d", r.Entry.Agent, size,
		event.MaxSize)
}

// checkWorkflows reports problems in the workflows of this checkout that run the action.
func (d *doctor) checkWorkflows(context.Context) {
	const name = "workflows"
	if d.Manifest == nil {
		return
	}
	findings := d.Manifest.Unsilenced(workflow.Check(d.Manifest, d.Tree))
	for _, f := range findings {
		d.add(warned(name, f.Hint, "%s: %s", f.Place(), f.Message))
	}
	if len(findings) > 0 {
		return
	}
	message, hint := d.noTick()
	if err := d.Tree.Exceeded(); err != nil {
		d.add(failedBy(name, err))
		return
	}
	if message != "" {
		d.add(warned(name, hint, "%s", message))
		return
	}
	d.add(passed(name, "no problem in those that run this action"))
}

// noTick returns why no workflow prepares the manifest, and the next step; both are "" if
// one may.
func (d *doctor) noTick() (message, hint string) {
	root := d.Tree.Dir()
	if above := d.Tree.Repository(); above != "" {
		root = above
	} else if _, inside := d.Env.InWorkspace(root); inside && !d.Tree.HasGit() {
		root = filepath.Clean(d.Env.Workspace)
	}
	// In a job the workflow may be that of the workspace's repository.
	roots := []string{root}
	if _, inside := d.Env.InWorkspace(root); inside && d.Env.Actions {
		roots = append(roots, filepath.Clean(d.Env.Workspace))
	}
	for _, root := range slices.Compact(roots) {
		if d.mayPrepare(root) {
			return "", ""
		}
	}
	rel, err := filepath.Rel(root, d.Tree.Dir())
	if err != nil || rel == "." {
		return "no workflow prepares this manifest, so nothing will tick", "run `action init` to write one"
	}
	message = fmt.Sprintf("no workflow in %s prepares the directory %s, so nothing will tick", root, rel)
	if dir := workflow.WorkflowDir(d.Tree); d.Tree.IsDir(dir) {
		message += fmt.Sprintf(" (the platform ignores %s)", filepath.Join(rel, dir))
	}
	return message, "add a step with target: " + filepath.ToSlash(rel) + " to a workflow there"
}

// mayPrepare reports whether a workflow of the repository at root may prepare the manifest.
func (d *doctor) mayPrepare(root string) bool {
	rel, err := filepath.Rel(root, d.Tree.Dir())
	if err != nil {
		return false
	}
	tree := d.Tree
	if root != tree.Dir() {
		if tree, err = tree.Beside(root); err != nil {
			return false
		}
		defer tree.Close()
	}
	return workflow.MayPrepare(tree, filepath.ToSlash(rel), d.File)
}

func (d *doctor) checkRetention(context.Context) {
	const name = "retention"
	if d.Manifest == nil {
		return
	}
	if d.Stores.DaysErr != nil {
		d.add(failedBy(name, d.Stores.DaysErr))
		return
	}
	retention := pipeline.Retention{Manifest: d.Manifest, Wanted: d.Stores.Days, Limit: d.Env.Retention}
	if short := retention.Findings(); len(short) > 0 {
		d.add(warned(name, short[0].Hint, "%s (%s in all)", short[0].Message, advice.Count(len(short), "agent")))
		return
	}
	limit := "the repository's limit is not known here"
	if d.Env.Retention > 0 {
		limit = "the repository's limit is " + advice.Count(d.Env.Retention, "day")
	}
	longest := 0
	for i := range d.Manifest.Entries {
		kept, _ := d.Manifest.Entries[i].Cadence.Keep(retention.Wanted, retention.Limit)
		longest = max(longest, kept)
	}
	d.add(passed(name, "receipts are kept for at most %s, which outlives every period; %s",
		advice.Count(longest, "day"), limit))
}

// checkStore reports where bundles and receipts are stored. The artifact service's
// address and token exist only in a step that `uses:` the action. A file is written and
// removed, because only that shows whether the directory can be written.
func (d *doctor) checkStore(context.Context) {
	const name = "store"
	if d.Manifest == nil || d.Stores.DaysErr != nil { // both are reported already
		return
	}
	stores, err := d.OpenStores(d.Project, d.Stores)
	if err == nil {
		err = stores.Directory.Probe()
	}
	switch {
	case err != nil:
		d.add(failedBy(name, err))
	case d.Env.Actions && !d.Env.HasArtifactService():
		d.add(warned(name, "run it as an action (`uses:`), or keep the directory of `out` between runs", "%v",
			store.ErrNoArtifactService))
	case stores.Artifacts == nil:
		d.add(passed(name, "bundles and receipts are files in %s", stores.Directory.Path("")))
	default:
		d.add(passed(name, "bundles and receipts are job artifacts, and the artifact service is available"))
	}
}
