package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"

	"github.com/kaizen-agentic/schedule-action/internal/discover"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/render"
)

// discovery is one run of discover.
type discovery struct {
	*app
	*discover.Settings
}

// runDiscover lists the repositories of a fleet.
func runDiscover(ctx context.Context, a *app, r *option.Reader) (int, error) {
	d := &discovery{a, discover.ReadSettings(r)}
	if r.Err != nil {
		return exitUsage, r.Err
	}
	d.connect()
	earlier, err := fleet.ReadRoster(ctx, d.Previous, a.stdin, a.runner.Logf)
	if err != nil {
		return exitUsage, usageError{err}
	}
	result, err := discover.Discover(ctx, d.Options)
	switch {
	case ctx.Err() != nil:
		return exitUnavailable, err
	case errors.Is(err, fs.ErrNotExist): // a directory or a file that an option names
		return exitUsage, usageError{err}
	case err != nil:
		return exitUnavailable, errors.Join(err, a.publish(render.Stopped(err)))
	}
	found, err := fleet.NewDiscovery(result.Roster, earlier, result.Failures)
	if err != nil {
		return exitUnavailable, err
	}
	found.Page = d.Page
	if !d.Due {
		found.Jobs = found.Roster.Jobs(d.Cadence)
		return d.report(found, nil)
	}
	return d.report(found, found.FindDue(ctx, a.services(), d.Stores, d.Cadence, a.now))
}

// connect completes the sources with what the environment gives.
func (d *discovery) connect() {
	s := d.Settings
	s.Connect(d.services(), d.dir)
	s.UserAgent = "schedule-action/" + version
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
	report, err := found.Render(cmp.Or(d.Format, "json"), d.Cadence)
	if err == nil && (d.Out != "" || d.Format != "" || !d.env.Actions) {
		err = d.writeReport(d.Out, report)
	}
	err = errors.Join(undecided, err, d.publish(out, found.Summary()))
	switch {
	case err != nil || found.Incomplete():
		return exitUnavailable, err
	case found.Fails(d.FailOn):
		return exitFindings, nil
	}
	return exitOK, nil
}
