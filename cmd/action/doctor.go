package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/doctor"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// doctorDeadline is long enough to read the workflows of a few hundred targets within the
// platform's rate limits.
const doctorDeadline = 15 * time.Minute

// doctorOptions holds the options of doctor.
type doctorOptions struct {
	selection   pipeline.Selection
	stores      pipeline.StoreOptions
	targets     pipeline.Targets
	secrets     prepare.Policy
	format      string // text or json
	allowEvents []string
}

func (r *reader) doctor(inActions bool) doctorOptions {
	return doctorOptions{
		format: cmp.Or(r.oneOf(optFormat, "", "text", "json"), "text"), targets: r.targets(inActions),
		selection: r.selection(), stores: r.stores(), secrets: r.secrets(), allowEvents: r.list(optAllowEvents),
	}
}

// runDoctor checks everything that a run of prepare will need.
func runDoctor(ctx context.Context, a *app, r *reader) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorDeadline)
	defer cancel()
	o := r.doctor(a.env.Actions)
	if r.err != nil {
		return exitUsage, r.err
	}
	p, err := a.openProject()
	if err != nil {
		return exitUsage, err
	}
	defer p.Close()
	input, err := a.doctorInput(p, o)
	if err != nil {
		return exitUsage, err
	}
	return a.reportDoctor(p, doctor.Run(ctx, input), o.format)
}

// doctorInput returns what doctor checks: the named entries, else those that are enabled.
func (a *app) doctorInput(p *pipeline.Project, o doctorOptions) (doctor.Options, error) {
	out := doctor.Options{
		Project: p, Services: a.services(), Now: a.now, Stores: o.stores, Targets: o.targets,
		Refused: refuseEvent(a.env.EventName, o.allowEvents, unpublished...),
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
func (a *app) reportDoctor(p *pipeline.Project, checks []doctor.Check, format string) (int, error) {
	for i, c := range checks {
		// Some messages quote servers, and in Actions the runner reads standard output
		// for commands.
		checks[i].Message, checks[i].Hint = safetext.Sanitize(c.Message), safetext.Sanitize(c.Hint)
	}
	t := doctor.Count(checks)
	a.annotate(p.Findings)
	report, err := renderChecks(checks, format)
	err = errors.Join(
		err,
		a.logFindings(p.Findings, p.SourceOf),
		write(a.stdout, report),
		outputs{{"valid", strconv.FormatBool(t.Failures == 0)}, {"errors", strconv.Itoa(t.Failures)},
			{"warnings", strconv.Itoa(t.Warnings)}}.set(a.runner),
		a.runner.WriteSummary(doctorSummary(checks, t)),
	)
	switch {
	case t.Fix:
		return exitFindings, err
	case t.Unanswered, err != nil:
		return exitUnavailable, err
	}
	return exitOK, nil
}

func renderChecks(checks []doctor.Check, format string) ([]byte, error) {
	var b bytes.Buffer
	if format == "json" {
		err := writeJSON(&b, checks)
		return b.Bytes(), err
	}
	rows := [][]string{{"VERDICT", "CHECK", "RESULT AND NEXT STEP"}}
	for _, c := range checks {
		rows = append(rows, []string{string(c.Verdict), c.Name, c.Sentence()})
	}
	writeTable(&b, rows)
	return b.Bytes(), nil
}

func doctorSummary(checks []doctor.Check, t doctor.Tally) actions.Summary {
	s := actions.Summary{Verdict: "✅ A run has everything that it needs"}
	switch {
	case t.Failures > 0:
		s.Verdict = fmt.Sprintf("❌ %s failed, %s", advice.Count(t.Failures, "check"),
			advice.Count(t.Warnings, "warning"))
	case t.Warnings > 0:
		s.Verdict = fmt.Sprintf("⚠️ Nothing failed, %s", advice.Count(t.Warnings, "warning"))
	}
	marks := map[doctor.Verdict]string{doctor.OK: "✅", doctor.Warning: "⚠️", doctor.Failed: "❌"}
	table := &actions.Table{Header: []string{"Check", "Verdict", "Result", "Next step"}}
	for _, c := range checks {
		table.Rows = append(table.Rows, []actions.Cell{
			{Text: c.Name}, {Text: marks[c.Verdict] + " " + string(c.Verdict)}, {Text: c.Message}, {Text: c.Hint},
		})
	}
	s.Sections = []actions.Section{{Title: "Checks", Table: table}}
	return s
}
