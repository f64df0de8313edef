package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/render"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// validateOptions holds the options of validate.
type validateOptions struct {
	files       []string // named instead of the checkout's manifest
	format      string   // text, json or sarif
	failOn      diag.Severity
	secrets     prepare.Policy
	out         string // file for the report, "" for standard output
	base        string // file to compare with, "" for the pull request's base version
	token       string
	allowEvents []string
}

func readValidate(r *option.Reader) validateOptions {
	return validateOptions{
		files: r.Args, format: cmp.Or(r.OneOf(option.Format, "", "text", "json", "sarif"), "text"),
		failOn: diag.Severity(r.OneOf(option.FailOn, "error", "warning")), secrets: pipeline.ReadSecrets(r),
		out: r.Values[option.Out], base: r.Values[option.Base], token: r.Values[option.Token],
		allowEvents: r.List(option.AllowEvents),
	}
}

// validation is one run of validate.
type validation struct {
	*app
	validateOptions
}

// runValidate is the pull request check.
func runValidate(ctx context.Context, a *app, r *option.Reader) (int, error) {
	v := &validation{a, readValidate(r)}
	if r.Err != nil {
		return exitUsage, r.Err
	}
	if err := a.refuseTarget(v.allowEvents); err != nil {
		return exitUsage, err
	}
	o := check.Options{
		Env: &a.env, Stdin: a.stdin, Now: a.now, Secrets: v.secrets, Base: v.base, File: v.file,
		Client: func() (*gh.Client, error) { return a.clients.For(v.token) },
	}
	if err := o.ReadBase(ctx, v.files); err != nil {
		return exitUsage, err
	}
	result, err := v.check(ctx, o)
	if err != nil {
		return exitUnavailable, err // wrong usage has its own exit code
	}
	return v.report(render.Validation{Result: result, FailOn: v.failOn})
}

// check checks the named files, or the checkout's manifest.
func (v *validation) check(ctx context.Context, o check.Options) (*check.Result, error) {
	if len(v.files) > 0 {
		tree, err := checkout.OpenContext(ctx, v.dir)
		if err != nil {
			return nil, usagef("opening the checkout: %w", err)
		}
		defer tree.Close()
		return check.Files(ctx, tree, v.files, o)
	}
	p, err := v.openProject(ctx)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return check.Project(ctx, p, o)
}

func (v *validation) report(result render.Validation) (int, error) {
	result.Findings = secrets.MaskFindings(result.Findings, result.Source)
	for _, warning := range result.Warnings {
		v.runner.Logf("warning: %s", warning)
	}
	report, err := v.render(result)
	if err != nil {
		return exitUnavailable, err
	}
	hidden := v.annotator().Annotate(v.located(result.Findings))
	err = errors.Join(v.show(report), v.publish(result.Outputs(), result.Summary(len(hidden))))
	v.runner.Logf("%s", result.Line())
	switch {
	case err != nil:
		return exitUnavailable, err
	case result.Failed():
		return exitFindings, nil
	}
	return exitOK, nil
}

func (v *validation) render(result render.Validation) ([]byte, error) {
	var b bytes.Buffer
	switch v.format {
	case "json":
		err := diag.WriteJSON(&b, result.Findings)
		return b.Bytes(), err
	case "sarif":
		err := diag.WriteSARIF(&b, v.located(result.Findings), version)
		return b.Bytes(), err
	}
	text, err := result.Text(v.color())
	return []byte(secrets.Masked(string(text))), err
}

// color reports whether standard output is a terminal and NO_COLOR is unset.
func (v *validation) color() bool {
	f, ok := v.stdout.(*os.File)
	if !ok || v.getenv("NO_COLOR") != "" || v.getenv("TERM") == "dumb" || v.out != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// machine reports whether the report is for a program. It then has standard output to
// itself, even in Actions, because it cannot contain a command.
func (v *validation) machine() bool { return v.format != "text" }

// annotator returns the runner for annotations. It writes to standard error, which the
// runner also reads, if a program reads standard output.
func (v *validation) annotator() *actions.Runner {
	if v.machine() && v.out == "" {
		return actions.NewRunner(actions.RunnerOptions{Getenv: v.getenv, Stdout: v.stderr, Stderr: v.stderr})
	}
	return v.runner
}

// show writes the report. In Actions text goes to the log, because on standard output it
// could contain commands.
func (v *validation) show(report []byte) error {
	if v.out == "" && v.env.Actions && !v.machine() {
		if len(report) > 0 {
			v.runner.Logf("%s", strings.TrimSuffix(string(report), "\n"))
		}
		return nil
	}
	return v.writeReport(v.out, report)
}
