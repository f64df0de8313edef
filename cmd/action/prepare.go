package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// emitDeadline bounds a whole run, so that rate limits and retries end before the
// platform's limit of six hours per job.
const emitDeadline = 2 * time.Hour

// prepareOptions holds the options of prepare.
type prepareOptions struct {
	ledgerOptions
	targetOptions
	selection     pipeline.Selection
	format        prepare.Format
	secrets       prepare.Policy
	dryRun, force bool
	from          string   // file with a prepared bundle as JSON, "" for none
	allowEvents   []string // to run on, although they may run a stranger's change
}

func (r *reader) prepare(inActions bool) prepareOptions {
	return prepareOptions{
		selection: r.selection(), ledgerOptions: r.ledger(), targetOptions: r.to(inActions),
		format:  prepare.Format(cmp.Or(r.oneOf(optFormat, "", "markdown", "json"), string(prepare.Markdown))),
		secrets: r.secrets(), dryRun: r.isOn(optDryRun), force: r.isOn(optForce), from: r.values[optFrom],
		allowEvents: r.list(optAllowEvents),
	}
}

// runPrepare runs prepare.
func runPrepare(ctx context.Context, a *app, r *reader) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, emitDeadline)
	defer cancel()
	o := r.prepare(a.env.Actions)
	if r.err != nil {
		return exitUsage, r.err
	}
	job, err := newJob(a, o)
	if err != nil {
		return exitUsage, err
	}
	defer job.close()
	outcomes, err := job.run(ctx)
	return job.report(outcomes, err)
}

// job is one run of prepare. It is checked and open before the first agent starts.
type job struct {
	*app
	*pipeline.Project // nil until it is open
	prepareOptions
	planner   pipeline.Planner
	builder   pipeline.Builder
	deliverer pipeline.Deliverer
	cancelled bool // during the run
}

// newJob opens everything that the run needs, so that errors appear before any work is
// done.
func newJob(a *app, o prepareOptions) (*job, error) {
	j := &job{app: a, prepareOptions: o}
	if !o.dryRun {
		if err := refuseEvent(a.env.EventName, o.allowEvents, unpublished...); err != nil {
			return nil, err
		}
	}
	if !a.env.Actions && (o.channels.artifact || o.channels.summary) {
		a.runner.Logf("warning: emit lists summary or artifact, which exist only in a workflow: they are " +
			"skipped")
	}
	j.planner = pipeline.Planner{Selection: o.selection, Now: a.now, Force: o.force, Run: a.forcedRun()}
	j.builder = pipeline.Builder{Now: a.now, Format: o.format, Secrets: o.secrets}
	j.deliverer = pipeline.Deliverer{
		DryRun: o.dryRun, Repository: a.env.Repository, Log: a.runner.Logf, KeepContent: !a.env.Actions && !o.given,
	}
	if a.env.Actions {
		j.deliverer.MaxPayloads = maxPayloads
	}
	var err error
	if j.deliverer.Sinks, err = a.openSinks(o.targetOptions, o.dryRun); err != nil {
		return nil, err
	}
	if o.channels.stdout {
		j.deliverer.Stdout = emit.NewStdout(a.stdout, o.dryRun)
	}
	return j, j.open()
}

// maxPayloads is how many bytes of a job's outputs the events may take. The rest is for
// deliveries and the other outputs.
const maxPayloads = actions.MaxOutputs / 4 * 3

// run takes the manifest's entries through the pipeline. An invalid manifest has no
// entries.
func (j *job) run(ctx context.Context) ([]*pipeline.Outcome, error) {
	if j.Project.Manifest == nil {
		return nil, nil
	}
	outcomes, err := pipeline.Run(ctx, j.planner, &j.builder, &j.deliverer)
	j.cancelled = ctx.Err() != nil
	if err != nil {
		err = usageError{err}
	}
	return outcomes, err
}

// checkPlaces returns an error for a path outside the workspace when the action runs in a
// container. Later steps would not find what root and bundle-path name.
func (j *job) checkPlaces() error {
	if !j.env.Actions || j.host == "" {
		return nil
	}
	for _, place := range []struct{ name, path string }{{optTarget, j.dir}, {optOut, j.out}} {
		path, err := filepath.Abs(place.path)
		if err != nil {
			return err
		}
		if _, ok := j.inWorkspace(path); place.path != "" && !ok {
			return usagef("%s is %s, outside the workspace, which is the only directory that later steps see: "+
				"use a path inside it", place.name, place.path)
		}
	}
	return nil
}

// open opens the checkout and the stores.
func (j *job) open() (err error) {
	if err := j.checkPlaces(); err != nil {
		return err
	}
	if j.Project, err = j.openProject(); err != nil || j.Manifest == nil {
		return err
	}
	if err := j.locate(); err != nil {
		return err
	}
	if j.from != "" {
		if err := j.readFrom(); err != nil {
			return err
		}
	}
	entries, err := j.planner.Selection.Entries(j.Manifest)
	switch {
	case err != nil:
		return usageError{err}
	case len(entries) < len(j.planner.Selection.Names):
		return usagef("agents names %s, but some of them are not %s: drop cadence or those agents",
			strings.Join(j.planner.Selection.Names, ", "), j.planner.Selection.Cadence)
	}
	stores, err := j.openStores(j.Project, j.ledgerOptions)
	if err != nil {
		return err
	}
	j.planner.Ledger, j.deliverer.Directory, j.deliverer.Artifacts = stores.ledger(), stores.directory, stores.artifacts
	if stores.artifacts == nil {
		return nil
	}
	if j.channels.artifact {
		j.deliverer.StoreArtifacts, j.builder.Artifacts = true, j.artifactHome()
	}
	j.Findings = append(j.Findings, j.retentionFindings(j.Project, j.days)...)
	return nil
}

// locate sets the checkout's tree, its path on the host and its commit.
func (j *job) locate() error {
	root := j.hostPath(j.Tree.Dir())
	if !event.IsRoot(root) {
		return usagef("the checkout's path %q cannot be the root of an event: check out below an absolute path in "+
			"UTF-8 without control characters", root)
	}
	j.planner.Manifest, j.builder.Manifest = j.Manifest, j.Manifest
	j.builder.Tree, j.builder.Root, j.builder.Commit = j.Tree, root, j.commitOf(j.Tree)
	if j.deliverer.Repository == "" {
		j.deliverer.Repository = j.Manifest.Repo
	}
	return nil
}

// artifactHome returns where this run stores job artifacts, or nil without a valid
// repository name.
func (a *app) artifactHome() *event.ArtifactHome {
	if !event.IsRepository(a.env.Repository) {
		return nil
	}
	return &event.ArtifactHome{Repository: a.env.Repository, ServerURL: a.env.ServerURL}
}

func (j *job) close() {
	if j.Project != nil {
		j.Project.Close()
	}
	for _, s := range j.deliverer.Sinks {
		if err := s.Close(); err != nil {
			j.runner.Logf("warning: %v", err)
		}
	}
}

// commitOf returns the commit of the checkout's own .git, else of the nearest .git above
// it in the workspace, because a workflow may check out another commit than its own.
// Without any .git it is the workflow's commit.
func (a *app) commitOf(tree *checkout.Tree) string {
	commit, err := tree.Commit()
	switch {
	case err == nil:
		return commit
	case !errors.Is(err, checkout.ErrNoRepository):
		a.runner.Logf("warning: the bundles name no commit, because that of the checkout is unknown: %v", err)
		return ""
	}
	rel, inside := a.inWorkspace(tree.Dir())
	if !inside {
		return ""
	}
	if rel == "." {
		return a.env.SHA
	}
	parent, err := checkout.Open(filepath.Dir(tree.Dir()))
	if err != nil {
		a.runner.Logf("warning: the bundles name no commit: %v", err)
		return ""
	}
	defer parent.Close()
	return a.commitOf(parent)
}

// readFrom reads the bundle that kaizen-agentic prepared.
func (j *job) readFrom() error {
	selection := &j.planner.Selection
	if len(selection.Names) > 1 || selection.All {
		return usagef("from holds the bundle of one agent: name that agent only, or no agent")
	}
	data, err := readLimited(j.from, j.stdin, prepare.MaxFrom)
	if err != nil {
		return usagef("reading the bundle that from names: %w", err)
	}
	if len(selection.Names) == 0 {
		agent, err := prepare.AgentOf(data)
		if err != nil {
			return usageError{fmt.Errorf("from: %w", err)}
		}
		selection.Names = []string{agent}
	}
	entries, err := selection.Entries(j.Manifest)
	if err != nil {
		return usageError{err}
	}
	if len(entries) == 0 {
		return usagef("from holds the bundle of %q, which cadence %s excludes: drop cadence", selection.Names[0],
			selection.Cadence)
	}
	b := &j.builder
	if b.Given, b.GivenFindings, err = prepare.FromJSON(givenName(j.from), data, b.Input(entries[0])); err != nil {
		return usageError{fmt.Errorf("from: %w", err)}
	}
	return nil
}

// givenName is the name that findings use for the file of --from.
func givenName(from string) string {
	if from == "-" {
		return "stdin"
	}
	return from
}

// forcedRun identifies the bundles of a forced run: by the run's id, else by the time.
func (a *app) forcedRun() string {
	if a.env.RunID != 0 {
		return strconv.FormatInt(a.env.RunID, 10)
	}
	return a.now.UTC().Format("20060102T150405Z")
}

// openSinks opens the channels that need a connection. Wrong options are a usage error.
func (a *app) openSinks(o targetOptions, dryRun bool) ([]emit.Sink, error) {
	var sinks []emit.Sink
	if o.channels.nats {
		n, err := emit.NewNATS(a.natsOptions(o, dryRun))
		if err != nil {
			return nil, usageError{err}
		}
		sinks = append(sinks, n)
	}
	if o.channels.dispatch {
		if o.targetsErr != nil {
			return nil, usageError{o.targetsErr}
		}
		if o.dispatchToken == "" && !dryRun {
			return nil, usageError{errNoDispatchToken}
		}
		client, err := a.client(o.dispatchToken)
		if err != nil {
			return nil, usageError{fmt.Errorf("dispatch-token: %w", err)}
		}
		sinks = append(sinks,
			emit.NewDispatch(emit.DispatchOptions{Client: client, Targets: o.targets, DryRun: dryRun}))
	}
	return sinks, nil
}

func (a *app) natsOptions(o targetOptions, dryRun bool) emit.NATSOptions {
	n := o.nats
	n.DryRun, n.Source = dryRun, "schedule-action"
	if a.env.Repository != "" {
		n.Source = a.env.ServerURL + "/" + a.env.Repository
	}
	return n
}

// readLimited reads the file path, or standard input for "-", up to limit bytes.
func readLimited(path string, stdin io.Reader, limit int64) ([]byte, error) {
	r := stdin
	if path != "-" {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s %w", path, checkout.ErrNotRegular)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s %w: at most %d bytes are read", path, checkout.ErrTooLarge, limit)
	}
	return data, nil
}

// invalid reports whether findings contain an error.
func invalid(findings []diag.Finding) bool {
	errs, _ := diag.Count(findings)
	return errs > 0
}
