package main

import (
	"cmp"
	"context"
	"errors"
	"strconv"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/discover"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/render"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// discovery is one run of discover.
type discovery struct {
	*app
	sources discover.Options
	format  string // text, json, scheduled-runs or matrix; "" is json, or nothing in the log of Actions
	out     string // file for the report, "" for standard output
	failOn  string // error, warning or never
	cadence schedule.Cadence
	due     bool
	page    int
	stores  pipeline.StoreOptions
}

func readDiscovery(r *option.Reader, a *app) *discovery {
	d := &discovery{
		app: a, format: r.OneOf(option.Format, "", "json", "text", formatRuns, "matrix"), out: r.Values[option.Out],
		failOn:  r.OneOf(option.FailOn, "error", "warning", "never"),
		cadence: schedule.Cadence(r.OneOf(option.Cadence, "", "daily", "weekly", "monthly")),
		due:     r.IsOn(option.Due),
		stores:  pipeline.StoreOptions{Token: r.Values[option.Token], Branch: r.Values[option.LedgerBranch]},
	}
	var err error
	if d.page, err = strconv.Atoi(r.Values[option.Page]); err != nil || d.page < 1 {
		r.Fail(advice.New("write a number from 1", "page is %q", r.Values[option.Page]))
	}
	d.sources = discover.Options{
		Owners: r.List(option.Owner), Roots: r.Lines(option.Root), Hub: r.Values[option.StateHub],
		Host: r.Values[option.Host], Chosen: r.Given(option.Host), File: a.file,
		Filter: discover.Filter{
			Match: r.List(option.Match), Topics: r.List(option.Topic), Domain: r.Values[option.Domain],
			Visibility: r.OneOf(option.Visibility, "", "public", "private", "internal"),
			Forks:      r.IsOn(option.IncludeForks), Archived: r.IsOn(option.IncludeArchived),
		},
		Cursor: discover.Cursor{
			Path: r.Values[option.Cursor], Trees: []string{a.dir, a.env.Workspace}, Log: a.runner.Logf,
		},
	}
	if err := d.sources.Check(); err != nil {
		r.Fail(err)
	}
	return d
}

// runDiscover lists the repositories of a fleet.
func runDiscover(ctx context.Context, a *app, r *option.Reader) (int, error) {
	d := readDiscovery(r, a)
	if r.Err != nil {
		return exitUsage, r.Err
	}
	d.connect()
	earlier, err := fleet.ReadRoster(ctx, r.Values[option.Previous], a.stdin, a.runner.Logf)
	if err != nil {
		return exitUsage, usageError{err}
	}
	result, err := discover.Discover(ctx, d.sources)
	switch {
	case ctx.Err() != nil:
		return exitUnavailable, err
	case err != nil:
		return exitUnavailable, errors.Join(err, a.publish(render.Stopped(err)))
	}
	found, err := fleet.NewDiscovery(result.Roster, earlier, result.Failures)
	if err != nil {
		return exitUnavailable, err
	}
	found.Page = d.page
	if !d.due {
		found.Jobs = found.Roster.Jobs(d.cadence)
		return d.report(found, nil)
	}
	return d.report(found, found.FindDue(ctx, a.services(), d.stores, d.cadence, a.now))
}

// connect completes the sources with what the environment gives.
func (d *discovery) connect() {
	s := &d.sources
	s.Client = func() (*gh.Client, error) { return d.clients.For(d.stores.Token) }
	s.APIURL, s.ServerURL, s.UserAgent = d.env.APIURL, d.env.ServerURL, "schedule-action/"+version
	s.HostPath, s.Log, s.Sleep = d.env.HostPath, d.runner.Logf, d.sleep
	if s.Sleep == nil {
		s.Sleep = transfer.Sleep
	}
	if s.Host == "" && d.hostname != nil {
		s.Host, _ = d.hostname() // "" knows no path
	}
	switch {
	case d.env.Actions:
		s.Progress = func(p discover.Progress) { d.runner.Logf("%s", p) }
	case d.isTerminal != nil && d.isTerminal():
		s.Progress = func(p discover.Progress) { discover.Bar(d.stderr, p) }
	}
}

// report writes the report, log, annotations, outputs and summary. What is unknown wins
// over findings, because only it may go away when the user runs again.
func (d *discovery) report(found *fleet.Discovery, undecided error) (int, error) {
	for _, line := range found.Lines() {
		d.runner.Logf("%s", line)
	}
	d.annotate(found.Annotations())
	out, warning := found.Outputs()
	if warning != "" {
		d.runner.Logf("warning: %s", warning)
	}
	report, err := found.Render(cmp.Or(d.format, "json"), d.cadence)
	if err == nil && (d.out != "" || d.format != "" || !d.env.Actions) {
		err = d.writeReport(d.out, report)
	}
	err = errors.Join(undecided, err, d.publish(out, found.Summary()))
	switch {
	case err != nil || found.Incomplete():
		return exitUnavailable, err
	case found.Fails(d.failOn):
		return exitFindings, nil
	}
	return exitOK, nil
}
