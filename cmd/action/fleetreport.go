package main

import (
	"context"
	"errors"

	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/report"
	"github.com/kaizen-agentic/schedule-action/internal/watchdog"
)

// runReport runs report.
func runReport(ctx context.Context, a *app, r *option.Reader) (int, error) {
	s, err := report.ReadSettings(r.Values, a.now)
	if err != nil {
		return exitUsage, err
	}
	ping, err := watchdog.NewPing(watchdog.PingOptions{Address: s.PingURL, Now: a.streams.now, Sleep: a.sleep,
		Log: a.runner.Logf})
	if err != nil {
		return exitUsage, err
	}
	ping.Start(ctx)
	code, err := a.report(ctx, s)
	ping.End(context.WithoutCancel(ctx), code == exitOK && err == nil)
	return code, err
}

// report makes the report, writes its forms and keeps the issue.
func (a *app) report(ctx context.Context, s report.Settings) (code int, err error) {
	reader := report.Reader{Server: a.env.ServerURL, Settings: s, Stdin: a.stdin, Log: a.runner.Logf}
	if s.Token != "" {
		if reader.API, err = a.clients.For(s.Token); err != nil {
			return exitUsage, usageError{err}
		}
	}
	var issue *watchdog.RollingIssue
	if s.Issue {
		if issue, err = watchdog.NewRollingIssue(a.clients, s.IssueToken, a.env.Repository, a.runner.Logf); err != nil {
			return exitUsage, usageError{err}
		}
	}
	made, servers, err := reader.Make(ctx, a.now)
	if err != nil {
		return exitUsage, usageError{err}
	}
	raised := made.Alarms(s.FailOn...)
	var failed []error
	for _, file := range s.Out {
		encoded, err := made.Encode(report.FormatOf(file), servers)
		if err == nil {
			err = a.writeReport(file, encoded)
		}
		failed = append(failed, err)
	}
	if issue != nil {
		failed = append(failed, issue.Keep(ctx, made, raised))
	}
	for _, line := range made.Lines(raised) {
		a.runner.Logf("%s", line)
	}
	failed = append(failed, a.publish(made.Outputs(raised), made.Summary(raised)))
	if len(s.Out) == 0 {
		failed = append(failed, write(a.stdout, made.Text()))
	}
	switch err = errors.Join(failed...); {
	case err != nil, made.Incomplete():
		return exitUnavailable, err
	case len(raised) > 0:
		return exitFindings, nil
	}
	return exitOK, nil
}
