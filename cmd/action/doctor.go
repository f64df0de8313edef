package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/kaizen-agentic/schedule-action/internal/doctor"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/render"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// doctorOptions holds the options of doctor.
type doctorOptions struct {
	selection   pipeline.Selection
	stores      pipeline.StoreOptions
	targets     pipeline.Targets
	secrets     prepare.Policy
	format      string // text or json
	allowEvents []string
}

func readDoctor(r *option.Reader, inActions bool) doctorOptions {
	return doctorOptions{
		format:  cmp.Or(r.OneOf(option.Format, "", "text", "json"), "text"),
		targets: pipeline.ReadTargets(r, inActions), selection: pipeline.ReadSelection(r),
		stores: pipeline.ReadStores(r), secrets: pipeline.ReadSecrets(r), allowEvents: r.List(option.AllowEvents),
	}
}

// runDoctor checks everything that a run of prepare will need.
func runDoctor(ctx context.Context, a *app, r *option.Reader) (int, error) {
	o := readDoctor(r, a.env.Actions)
	if r.Err != nil {
		return exitUsage, r.Err
	}
	p, err := a.openProject(ctx)
	if err != nil {
		return exitUsage, err
	}
	defer p.Close()
	input, err := a.doctorInput(p, o)
	if err != nil {
		return exitUsage, err
	}
	return a.reportDoctor(p, render.NewChecks(doctor.Run(ctx, input)), o.format)
}

// doctorInput returns what doctor checks: the named entries, else those that are enabled.
func (a *app) doctorInput(p *pipeline.Project, o doctorOptions) (doctor.Options, error) {
	out := doctor.Options{
		Project: p, Services: a.services(), Now: a.now, Stores: o.stores, Targets: o.targets,
		Refused: a.refuseEvent(o.allowEvents, o.stores.Branch),
	}
	if p.Manifest == nil {
		return out, nil
	}
	out.Builder = out.NewBuilder(p, a.now)
	out.Builder.Secrets = o.secrets
	if o.targets.Channels.Artifact {
		out.Builder.Artifacts = pipeline.ArtifactHome(&a.env)
	}
	entries, err := o.selection.Entries(p.Manifest)
	if err != nil {
		return out, usageError{err}
	}
	for _, e := range entries {
		if e.Enabled || len(o.selection.Names) > 0 {
			out.Entries = append(out.Entries, e)
		}
	}
	return out, nil
}

// reportDoctor reports the checks. A problem that the user has to fix decides the exit
// code before one that a second run may solve.
func (a *app) reportDoctor(p *pipeline.Project, checks render.Checks, format string) (int, error) {
	report := checks.Text()
	if format == "json" {
		report = checks.JSON()
	}
	findings := secrets.MaskFindings(p.Findings, p.TextOf)
	a.annotate(findings)
	err := errors.Join(a.logFindings(findings, p.TextOf), write(a.stdout, report),
		a.publish(checks.Outputs(), checks.Summary()))
	switch {
	case checks.Fix:
		return exitFindings, err
	case checks.Unanswered, err != nil:
		return exitUnavailable, err
	}
	return exitOK, nil
}
