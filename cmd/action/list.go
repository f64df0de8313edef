package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/render"
)

// listOptions holds the options of list.
type listOptions struct {
	selection pipeline.Selection
	stores    pipeline.StoreOptions
	format    string // text, json or scheduled-runs
	suggest   bool   // propose crons that spread the load
}

// formatRuns is the format of activity-core's resolver.
const formatRuns = "scheduled-runs"

func readList(r *option.Reader) listOptions {
	return listOptions{
		format:    cmp.Or(r.OneOf(option.Format, "", "text", "json", formatRuns), "text"),
		selection: pipeline.ReadSelection(r), stores: pipeline.ReadStores(r), suggest: r.IsOn(option.Suggest),
	}
}

// runList lists every entry.
func runList(ctx context.Context, a *app, r *option.Reader) (int, error) {
	o := readList(r)
	if r.Err != nil {
		return exitUsage, r.Err
	}
	if err := a.findRepository(ctx, o.stores.Token); err != nil {
		return exitUsage, err
	}
	p, err := a.openProject(ctx)
	if err != nil {
		return exitUsage, err
	}
	defer p.Close()
	if p.Manifest == nil {
		return a.reportInvalid(p)
	}
	if o.suggest {
		a.suggest(p)
	}
	if o.format == formatRuns {
		return a.listScheduledRuns(p, o.selection)
	}
	list, ledger, err := a.plan(ctx, p, o)
	if err != nil && list == nil {
		return exitUnavailable, err
	}
	report := list.Text(ledger)
	if o.format == "json" {
		report = list.JSON()
	}
	err = errors.Join(err, a.logFindings(p.Findings, p.TextOf), write(a.stdout, report),
		a.publish(list.Outputs(p.Findings), list.Summary(ledger)))
	return exitOf(err), err
}

// suggest logs crons that spread the load of a fleet.
func (a *app) suggest(p *pipeline.Project) {
	proposals := fleet.Suggest(pipeline.FullName(p.Tree, &a.env), p.Manifest)
	for _, s := range proposals {
		a.runner.Logf("%s: %q instead of %q keeps away from the minutes that most entries of a fleet share", s.Agent,
			s.Instead, s.Cron)
	}
	if len(proposals) == 0 {
		a.runner.Logf("no entry runs on a full or a quarter hour")
	}
}

func exitOf(err error) int {
	if err != nil {
		return exitUnavailable
	}
	return exitOK
}

// findRepository completes the environment of a terminal with the checkout's repository,
// whose ledger a token can read.
func (a *app) findRepository(ctx context.Context, token string) error {
	if a.env.Actions || token == "" {
		return nil
	}
	tree, err := checkout.OpenContext(ctx, a.dir)
	if err != nil {
		return usageError{err}
	}
	defer tree.Close()
	a.env.Repository = pipeline.KnownRepository(tree, &a.env)
	return nil
}

// plan looks up every selected entry in the ledger, and names it. It only reads, so it
// creates no directory. The error is about entries that stay undecided, or there is no
// list.
func (a *app) plan(ctx context.Context, p *pipeline.Project, o listOptions) (render.List, string, error) {
	ledger, name, err := a.services().OpenLedger(p, o.stores)
	if err != nil {
		return nil, "", usageError{err}
	}
	planner := pipeline.Planner{Manifest: p.Manifest, Source: p.Source, Ledger: ledger, Selection: o.selection,
		Now: a.now, Look: true}
	plans, err := planner.Plan(ctx)
	if err != nil {
		return nil, "", usageError{err}
	}
	list := render.List{}
	var failed render.AgentErrors
	for _, plan := range plans {
		if !plan.Selected {
			continue
		}
		list = append(list, plan.Decision)
		if plan.Err != nil {
			failed.Add(plan.Entry.Agent, plan.Err)
		}
	}
	return list, name, errors.Join(failed.Errors()...)
}

// listScheduledRuns prints the entries for the resolver. It does not read the ledger,
// because the resolver's answer has no due date.
func (a *app) listScheduledRuns(p *pipeline.Project, s pipeline.Selection) (int, error) {
	entries, err := s.Entries(p.Manifest)
	if err != nil {
		return exitUsage, usageError{err}
	}
	err = errors.Join(a.logFindings(p.Findings, p.TextOf),
		write(a.stdout, render.ScheduledRuns(p.Manifest, entries, p.Root)))
	return exitOf(err), err
}

// reportInvalid reports why list cannot use a manifest.
func (a *app) reportInvalid(p *pipeline.Project) (int, error) {
	hidden := a.annotate(p.Findings)
	return exitFindings, errors.Join(a.logFindings(p.Findings, p.TextOf),
		a.publish(render.InvalidManifest(p.File, p.Findings, len(hidden))))
}
