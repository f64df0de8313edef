package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// emitDeadline bounds a whole run, so that limits and retries end before the platform's six hours a job.
const emitDeadline = 2 * time.Hour

// runPrepare is the main job.
func runPrepare(ctx context.Context, a *app) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, emitDeadline)
	defer cancel()
	job, err := newJob(a)
	if err != nil {
		return exitUsage, err
	}
	defer job.close()
	results, err := job.run(ctx)
	return job.report(results, err)
}

// job is one run of prepare: everything read, checked and opened, before the first agent.
type job struct {
	*app
	*project
	selection selection
	channels  channels
	format    prepare.Format
	secrets   prepare.Policy
	from      *prepare.Bundle // the bundle of --from; nil when fromFindings stop it
	// fromFindings are about the JSON of --from.
	fromFindings []diag.Finding
	stores       stores
	sinks        []emit.Sink
	stdout       *emit.Stdout // nil unless stdout is a channel
	dryRun       bool
	force        bool
	commit       string
	cancelled    bool         // while it was at work
	payloads     atomic.Int64 // bytes of events that the outputs have room for
}

// newJob reads every option before anything happens, so that a wrong one costs nothing.
func newJob(a *app) (*job, error) {
	j := &job{app: a, dryRun: a.opts["dry-run"] == "true", force: a.opts["force"] == "true"}
	if !j.dryRun {
		if err := a.refusePullRequests(); err != nil {
			return nil, err
		}
	}
	var err error
	if j.selection, err = a.selection(); err != nil {
		return nil, err
	}
	if j.channels, err = a.channels(); err != nil {
		return nil, err
	}
	if !a.env.actions && (j.channels.artifact || j.channels.summary) {
		a.runner.Logf("warning: emit lists summary or artifact, which only a workflow's step has; here they are left out")
	}
	format, err := a.oneOf("format", "", "markdown", "json")
	if err != nil {
		return nil, err
	}
	if j.format = prepare.Format(format); format == "" {
		j.format = prepare.Markdown
	}
	policy, err := a.oneOf("secrets", "fail", "redact", "off")
	if err != nil {
		return nil, err
	}
	j.secrets = prepare.Policy(policy)
	if j.sinks, err = a.openSinks(j.channels, j.dryRun); err != nil {
		return nil, err
	}
	if j.channels.stdout {
		j.stdout = emit.NewStdout(a.stdout, j.dryRun)
	}
	return j, j.open()
}

// checkPlaces refuses places outside the workspace in the container of an action: no other step would find there what root and bundle-path
// name.
func (j *job) checkPlaces() error {
	if !j.env.actions || j.opts["host-workspace"] == "" {
		return nil
	}
	target, err := j.target()
	if err != nil {
		return err
	}
	for _, place := range []struct{ name, path string }{{"target", target}, {"out", j.opts["out"]}} {
		path, err := filepath.Abs(place.path)
		if err != nil {
			return err
		}
		if _, ok := j.inWorkspace(path); place.path != "" && !ok {
			return usagef("%s is %s, outside of the workspace, which is all that this container shares with later steps: name a place in it", place.name, place.path)
		}
	}
	return nil
}

// refusePullRequests refuses the events on which prepare must not publish.
func (a *app) refusePullRequests() error {
	return a.refuseEvent("pull_request", "pull_request_target", "workflow_run")
}

// open opens the checkout and the stores.
func (j *job) open() (err error) {
	if err := j.checkPlaces(); err != nil {
		return err
	}
	if j.project, err = j.openProject(); err != nil || j.manifest == nil {
		return err
	}
	if root := j.hostPath(j.dir); !event.IsRoot(root) {
		return usagef("the checkout's path %q cannot be the root of an event: check out below an absolute path in UTF-8 without control characters", root)
	}
	j.commit = j.commitOf(j.tree)
	if j.opts["from"] != "" {
		if err := j.readFrom(); err != nil {
			return err
		}
	}
	entries, err := j.selection.entries(j.manifest)
	switch {
	case err != nil:
		return err
	case len(entries) < len(j.selection.names):
		return usagef("agents names %s, not all of which are %s: drop cadence, or the others", strings.Join(j.selection.names, ", "), j.selection.cadence)
	}
	if j.stores, err = j.openStores(j.project); err != nil || j.stores.artifacts == nil {
		return err
	}
	short, err := j.retentionFindings(j.project)
	j.findings = append(j.findings, short...)
	return err
}

func (j *job) close() {
	if j.project != nil {
		j.project.Close()
	}
	for _, s := range j.sinks {
		if err := s.Close(); err != nil {
			j.runner.Logf("warning: %v", err)
		}
	}
}

// commitOf is the commit of the bundle: what the checkout's own .git says, or that of the directory of the workspace that it is a part of,
// because a workflow may have checked out another commit than its own. Only without any .git is it the workflow's.
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
		return a.env.sha
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
	if len(j.selection.names) > 1 || j.selection.all {
		return usagef("from is the bundle of one agent: name that agent or none")
	}
	data, err := readLimited(j.opts["from"], j.stdin, prepare.MaxFrom)
	if err != nil {
		return usagef("reading the bundle that from names: %w", err)
	}
	if len(j.selection.names) == 0 {
		agent, err := prepare.AgentOf(data)
		if err != nil {
			return usageError{fmt.Errorf("from: %w", err)}
		}
		j.selection.names = []string{agent}
	}
	entries, err := j.selection.entries(j.manifest)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return usagef("from holds the bundle of %q, which cadence %s leaves out", j.selection.names[0], j.selection.cadence)
	}
	j.from, j.fromFindings, err = prepare.FromJSON(givenName(j.opts["from"]), data, j.input(entries[0]))
	if err != nil {
		return usageError{fmt.Errorf("from: %w", err)}
	}
	return nil
}

// givenName is how findings name the file of --from.
func givenName(from string) string {
	if from == "-" {
		return "stdin"
	}
	return from
}

// input is what the entry's bundle is made of.
func (j *job) input(e *schedule.Entry) prepare.Input {
	return prepare.Input{
		Repo:    j.manifest.Repo,
		Entry:   *e,
		Period:  e.Current(j.now).Period,
		Commit:  j.commit,
		Format:  j.format,
		Secrets: j.secrets,
		File:    j.file,
	}
}

// name is the bundle's name; --force gives it, and so the event, an identity of its own that no later tick takes for the period's.
func (j *job) name(e *schedule.Entry) string {
	name := bundleName(j.manifest.Repo, e, j.now)
	if !j.force {
		return name
	}
	if j.env.runID != 0 {
		return fmt.Sprintf("%s.run-%d", name, j.env.runID)
	}
	return name + ".run-" + j.now.UTC().Format("20060102T150405Z")
}

// eventID is the id by which consumers drop a repeat.
func (j *job) eventID(name string) string {
	if j.env.repository != "" {
		return event.ID(j.env.repository, name)
	}
	return event.ID(j.manifest.Repo, name)
}

func bundleName(repo string, e *schedule.Entry, now time.Time) string {
	return prepare.Name(repo, e.Agent, e.Current(now).Period)
}

// openSinks makes the channels that need a connection; what is wrong with their options is wrong usage.
func (a *app) openSinks(c channels, dryRun bool) ([]emit.Sink, error) {
	var sinks []emit.Sink
	if c.nats {
		n, err := emit.NewNATS(a.natsOptions(dryRun))
		if err != nil {
			return nil, usageError{err}
		}
		sinks = append(sinks, n)
	}
	if c.dispatch {
		targets, err := emit.ParseTargets(a.opts["dispatch-to"])
		if err != nil {
			return nil, usageError{err}
		}
		if a.opts["dispatch-token"] == "" && !dryRun {
			return nil, usagef("dispatch-to needs a token: set dispatch-token to one with contents: write on every target")
		}
		client, err := a.client(a.opts["dispatch-token"])
		if err != nil {
			return nil, usageError{fmt.Errorf("dispatch-token: %w", err)}
		}
		sinks = append(sinks, emit.NewDispatch(emit.DispatchOptions{Client: client, Targets: targets, DryRun: dryRun}))
	}
	return sinks, nil
}

func (a *app) natsOptions(dryRun bool) emit.NATSOptions {
	source := "schedule-action"
	if a.env.repository != "" {
		source = a.env.serverURL + "/" + a.env.repository
	}
	return emit.NATSOptions{
		URLs:     splitList(a.opts["nats-url"]),
		Subject:  a.opts["nats-subject"],
		Creds:    a.opts["nats-creds"],
		NKey:     a.opts["nats-nkey"],
		Token:    a.opts["nats-token"],
		User:     a.opts["nats-user"],
		Password: a.opts["nats-password"],
		CA:       a.opts["nats-ca"],
		Cert:     a.opts["nats-cert"],
		Key:      a.opts["nats-key"],
		Name:     "schedule-action",
		DryRun:   dryRun,
		Source:   source,
	}
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

// invalid reports whether findings stop what they are about.
func invalid(findings []diag.Finding) bool {
	errs, _ := diag.Count(findings)
	return errs > 0
}
