package main

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// maxPayloads is how many bytes of a job's outputs the events may take. The rest is for
// deliveries and the other outputs.
const maxPayloads = actions.MaxOutputs / 4 * 3

// prepareOptions holds the options of prepare.
type prepareOptions struct {
	selection     pipeline.Selection
	stores        pipeline.StoreOptions
	targets       pipeline.Targets
	format        prepare.Format
	secrets       prepare.Policy
	dryRun, force bool
	from          string   // file with a prepared bundle as JSON, "" for none
	allowEvents   []string // to run on, although others may cause them
}

func readPrepare(r *option.Reader, inActions bool) prepareOptions {
	return prepareOptions{
		selection: pipeline.ReadSelection(r), stores: pipeline.ReadStores(r),
		targets: pipeline.ReadTargets(r, inActions),
		format:  prepare.Format(cmp.Or(r.OneOf(option.Format, "", "markdown", "json"), string(prepare.Markdown))),
		secrets: pipeline.ReadSecrets(r), dryRun: r.IsOn(option.DryRun), force: r.IsOn(option.Force),
		from: r.Values[option.From], allowEvents: r.List(option.AllowEvents),
	}
}

// runPrepare runs prepare.
func runPrepare(ctx context.Context, a *app, r *option.Reader) (int, error) {
	o := readPrepare(r, a.env.Actions)
	if r.Err != nil {
		return exitUsage, r.Err
	}
	job := newJob(a, o)
	defer job.close()
	if err := job.open(ctx); err != nil {
		return exitUsage, err
	}
	outcomes, err := job.run(ctx)
	if err != nil {
		return exitUsage, err
	}
	return job.report(ctx, outcomes)
}

// job is one run of prepare.
type job struct {
	*app
	*pipeline.Project // nil until it is open
	prepareOptions
	planner   pipeline.Planner
	builder   pipeline.Builder
	deliverer pipeline.Deliverer
	stopped   error // why the run ended early
}

func newJob(a *app, o prepareOptions) *job {
	j := &job{
		app: a, prepareOptions: o,
		planner: pipeline.Planner{Selection: o.selection, Now: a.now, Force: o.force, Run: a.forcedRun()},
		deliverer: pipeline.Deliverer{
			DryRun: o.dryRun, Log: a.runner.Logf, KeepContent: o.targets.Channels.Bundle,
		},
	}
	if a.env.Actions {
		j.deliverer.MaxPayloads = maxPayloads
	}
	if o.targets.Channels.Stdout {
		j.deliverer.Stdout = emit.NewStdout(a.stdout, o.dryRun)
	}
	return j
}

// forcedRun identifies the bundles of a forced run: by the run's id, else by the time.
func (a *app) forcedRun() string {
	if a.env.RunID != 0 {
		return strconv.FormatInt(a.env.RunID, 10)
	}
	return a.now.UTC().Format("20060102T150405Z")
}

// open opens everything that the run needs, so that errors appear before any work is
// done. All of them are usage errors.
func (j *job) open(ctx context.Context) (err error) {
	if !j.dryRun {
		if err := j.refuseEvent(j.allowEvents, j.stores.Branch); err != nil {
			return err
		}
	}
	if on := j.targets.Channels; !j.env.Actions && (on.Artifact || on.Summary) {
		j.runner.Logf("warning: emit lists summary or artifact, which exist only in a workflow: they are skipped")
	}
	if j.deliverer.Sinks, err = j.services().OpenSinks(j.targets, j.dryRun); err != nil {
		return usageError{err}
	}
	if j.Project, err = j.openProject(ctx); err != nil || j.Manifest == nil {
		return err
	}
	if err := j.openBuilder(ctx); err != nil {
		return err
	}
	return j.openStores()
}

// openBuilder prepares the builder and checks the selection.
func (j *job) openBuilder(ctx context.Context) error {
	if !event.IsRoot(j.Root) {
		return usagef("the checkout's path %q cannot be the root of an event: check out below an absolute path in "+
			"UTF-8 without control characters", j.Root)
	}
	j.builder = j.services().NewBuilder(j.Project, j.now)
	j.builder.Format, j.builder.Secrets, j.deliverer.Secrets = j.format, j.secrets, j.secrets
	selection := &j.planner.Selection
	if j.from != "" {
		data, err := checkout.ReadArgument(ctx, j.from, j.stdin, prepare.MaxFrom)
		if err != nil {
			return usagef("reading the bundle that from names: %w", err)
		}
		if err := j.builder.Give(ctx, inFindings(j.from), data, selection); err != nil {
			return usageError{err}
		}
	}
	entries, err := selection.Entries(j.Manifest)
	switch {
	case err != nil:
		return usageError{err}
	case len(entries) < len(selection.Names):
		return usagef("agents names %s, but some of them are not %s: drop cadence or those agents",
			strings.Join(selection.Names, ", "), selection.Cadence)
	}
	return nil
}

// inFindings is the name that findings use for the file of --from.
func inFindings(from string) string {
	if from == "-" {
		return "stdin"
	}
	return from
}

// openStores opens the ledger and the stores of bundles.
func (j *job) openStores() (err error) {
	if j.deliverer.Stores, err = j.services().OpenStores(j.Project, j.stores); err != nil {
		return usageError{err}
	}
	j.planner.Manifest, j.planner.Source, j.planner.Ledger = j.Manifest, j.Source, j.deliverer.Ledger()
	if j.deliverer.Artifacts == nil {
		return nil
	}
	if j.targets.Channels.Artifact {
		j.deliverer.StoreArtifacts, j.builder.Artifacts = true, pipeline.ArtifactHome(&j.env)
	}
	retention := pipeline.Retention{Manifest: j.Manifest, Wanted: j.stores.Days, Limit: j.env.Retention}
	j.Findings = append(j.Findings, retention.Findings()...)
	return nil
}

// run takes the manifest's entries through the pipeline. An invalid manifest has no
// entries. The error is a usage error.
func (j *job) run(ctx context.Context) ([]*pipeline.Outcome, error) {
	if j.Project.Manifest == nil {
		return nil, nil
	}
	outcomes, err := pipeline.Run(ctx, j.planner, &j.builder, &j.deliverer)
	if ctx.Err() != nil {
		j.stopped = whyStopped(ctx)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return outcomes, nil
}

func (j *job) close() {
	if j.Project != nil {
		j.Project.Close()
	}
	j.closeSinks(j.deliverer.Sinks)
}

func (a *app) closeSinks(sinks []emit.Sink) {
	for _, s := range sinks {
		if err := s.Close(); err != nil {
			a.runner.Logf("warning: %v", err)
		}
	}
}
