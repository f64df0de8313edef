package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/render"
)

// runVerify compares stored bundles with their sources.json, and with a checkout if
// target is set.
func runVerify(ctx context.Context, a *app, r *option.Reader) (int, error) {
	dirs := r.Args
	if len(dirs) == 0 && r.Values[option.From] != "" {
		dirs = []string{r.Values[option.From]}
	}
	if len(dirs) == 0 {
		dirs = []string{filepath.Join(cmp.Or(r.Values[option.Target], a.env.Workspace), ".kaizen", "prepared")}
	}
	var files *prepare.Files
	if r.Values[option.Target] != "" {
		tree, err := checkout.OpenContext(ctx, r.Values[option.Target])
		if err != nil {
			return exitUsage, usagef("opening the checkout: %w", err)
		}
		defer tree.Close()
		files = prepare.NewFiles(tree, nil)
	}
	result := &check.Bundles{}
	for _, dir := range dirs {
		if err := result.AddStored(ctx, dir, a.nameOf(dir), files); err != nil {
			return exitUsage, usageError{err}
		}
	}
	return a.reportVerify(ctx, render.Verification{Bundles: result})
}

// nameOf returns the name of a directory in findings: as the user gave it, or in Actions
// relative to the checkout, as located expects it.
func (a *app) nameOf(dir string) string {
	if a.env.Actions {
		if abs, err := filepath.Abs(dir); err == nil {
			if rel, err := filepath.Rel(a.dir, abs); err == nil {
				dir = rel
			}
		}
	}
	return filepath.ToSlash(filepath.Clean(dir))
}

// reportVerify reports the result. In Actions text goes to the log, because on standard
// output a file's name could be a command.
func (a *app) reportVerify(ctx context.Context, v render.Verification) (int, error) {
	text, err := v.Text()
	if err != nil {
		return exitUnavailable, err
	}
	findings := v.Findings()
	hidden := a.annotate(findings)
	if a.env.Actions {
		a.runner.Logf("%s", strings.TrimSuffix(string(text), "\n"))
	} else {
		err = write(a.stdout, text)
	}
	if len(v.Checked) != 1 || v.Stopped != nil {
		a.runner.Logf("%s", v.Line())
	}
	err = errors.Join(err, a.publish(v.Outputs(), v.Summary(len(hidden))))
	switch {
	case err != nil:
		return exitUnavailable, err
	case v.Stopped != nil && ctx.Err() == nil:
		return exitUnavailable, v.Stopped
	case v.Failed():
		return exitFindings, nil
	}
	return exitOK, nil
}

func write(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}
