package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/render"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// report reports a run in the log, annotations, standard output, outputs and summary. It
// also runs after a failure, so that later steps can read the outputs.
func (j *job) report(ctx context.Context, outcomes []*pipeline.Outcome) (int, error) {
	j.reported = true
	run := j.result(outcomes)
	failed := []error{j.logFindings(run.Findings, j.TextOf)}
	for _, line := range run.Lines() {
		j.runner.Logf("%s", line)
	}
	if err := j.handOver(run); err != nil {
		failed = append(failed, err)
	} else if j.deliverer.Deferred() {
		j.deliverer.Confirm(ctx, outcomes)
		before := len(run.Errors)
		if run = j.result(outcomes); len(run.Errors) > before {
			failed = append(failed, j.runner.WriteOutputs(run.Corrections()))
		}
	}
	for _, err := range failed {
		run.Fail(err)
	}
	hidden := slices.DeleteFunc(j.annotate(slices.Concat(run.Annotations(), run.Findings)),
		func(f diag.Finding) bool { return f.File == "" }) // the summary shows these elsewhere
	if j.targets.Channels.Summary {
		if err := j.runner.WriteSummary(run.Summary(len(hidden))); err != nil {
			run.Fail(fmt.Errorf("%w; this changes no delivery and no receipt: see the log", err))
		}
	}
	return exitCode(run), errors.Join(run.Errors...)
}

func (j *job) result(outcomes []*pipeline.Outcome) *render.Run {
	run := render.NewRun(j.Project, outcomes)
	run.Findings = secrets.MaskFindings(run.Findings, j.TextOf)
	run.DryRun, run.Stopped, run.OutputsOnly = j.dryRun, j.stopped, j.env.Actions && j.deliverer.Deferred()
	return run
}

// handOver prints the bundles and writes the outputs. Where they are the only channel, a
// receipt follows only if all of this succeeds.
func (j *job) handOver(run *render.Run) error {
	var errs []error
	for _, o := range run.Entries {
		errs = append(errs, j.print(o))
	}
	out, warning := run.Outputs()
	if warning != "" {
		j.runner.Logf("warning: %s", warning)
	}
	errs = append(errs, j.runner.WriteOutputs(out))
	err := errors.Join(errs...)
	if err != nil && j.deliverer.Deferred() {
		return fmt.Errorf("%w; the receipts are not stored, so the next tick prepares these agents again", err)
	}
	return err
}

// exitCode returns the exit code of a run. External failures win over findings, because
// only they may go away when the user runs again.
func exitCode(run *render.Run) int {
	switch {
	case len(run.Errors) > 0:
		return exitUnavailable
	case run.Invalid():
		return exitFindings
	}
	return exitOK
}

// print prints the bundle of an entry, if it was kept.
func (j *job) print(o *pipeline.Outcome) error {
	_, err := j.stdout.Write(o.Content)
	switch {
	case err != nil && o.Dir != "":
		return fmt.Errorf("printing the bundle: %w: it is stored in %s", err, o.Dir)
	case err != nil:
		return fmt.Errorf("printing the bundle: %w", err)
	}
	return nil
}

// logFindings writes findings as text to the log.
func (a *app) logFindings(findings []diag.Finding, source func(string) []byte) error {
	if len(findings) == 0 {
		return nil
	}
	var text bytes.Buffer
	if err := diag.WriteText(&text, findings, secrets.MaskSource(source), false); err != nil {
		return err
	}
	a.runner.Logf("%s", strings.TrimSuffix(text.String(), "\n"))
	return nil
}

// publish writes outputs and summary.
func (a *app) publish(out actions.Outputs, s actions.Summary) error {
	a.reported = true
	return errors.Join(a.runner.WriteOutputs(out), a.runner.WriteSummary(s))
}

// writeReport writes a command's report to standard output, or in one step to a file.
func (a *app) writeReport(out string, data []byte) error {
	if out == "" {
		_, err := a.stdout.Write(data)
		return err
	}
	if err := checkout.ReplaceFile(out, data, a.runner.Logf, a.dir, a.env.Workspace); err != nil {
		return usagef("writing the report to %s: %w: name a file in a directory that exists", out, err)
	}
	return nil
}
