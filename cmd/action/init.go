package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// initOptions holds the options of init.
type initOptions struct {
	scaffold.Options
	target string   // as the user gave it; "" is the working directory
	given  []string // options of the manifest that the user set
}

func readInit(r *option.Reader) initOptions {
	o := initOptions{target: r.Values[option.Target], Options: scaffold.Options{
		Timezone: r.Values[option.Timezone], Engagement: r.Values[option.Engagement],
		Bootstrap: scaffold.Bootstrap(r.OneOf(option.BootstrapCadence, "", "hourly", "daily", "weekly")),
	}}
	for _, name := range []string{option.Timezone, option.Engagement, option.Agents, option.BootstrapCadence} {
		if r.Given(name) {
			o.given = append(o.given, name)
		}
	}
	if slices.Contains(o.given, option.Agents) {
		o.Agents = r.List(option.Agents)
	}
	if e := o.Engagement; e != "" && !spec.IsSlug(e) {
		r.Fail(fmt.Errorf("engagement is %q, must be a slug: 1 to 100 letters, digits, dots, hyphens and underscores, "+
			"the first a letter or digit", e))
	}
	return o
}

// runInit writes the files that schedule a repository's agents, and reports what it did.
// It never overwrites a file.
func runInit(ctx context.Context, a *app, r *option.Reader) (int, error) {
	o := readInit(r)
	if r.Err != nil {
		return exitUsage, r.Err
	}
	tree, err := checkout.OpenContext(ctx, a.dir)
	if err != nil {
		return exitUsage, usagef("opening the checkout: %w", err)
	}
	defer tree.Close()
	writer, err := tree.Writer(a.runner.Logf)
	if err != nil {
		return exitUsage, err
	}
	if err := pipeline.SecondManifest(tree, a.env.Workspace); err != nil {
		return exitUsage, err
	}
	o.Slug, o.Repository = pipeline.Slug(tree, &a.env), pipeline.FullName(tree, &a.env)
	s, err := scaffold.New(tree, o.Options)
	if err != nil {
		return exitUsage, err
	}
	if ctx.Err() != nil {
		return exitUnavailable, errors.New("no file is written")
	}
	if err := s.Write(writer); err != nil {
		return exitUsage, err
	}
	report := scaffold.ReportOptions{Dir: tree.Dir(), Root: tree.Repository(), Given: o.given}
	if o.target != "" {
		report.Target = event.ShellQuote(o.target)
	}
	_, err = io.WriteString(a.stdout, s.Report(report))
	return exitOf(err), err
}
