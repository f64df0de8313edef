package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// verdict is how a check of doctor ended.
type verdict string

const (
	verdictOK      verdict = "ok"
	verdictWarning verdict = "warning" // works, or nobody can tell from here
	verdictFailed  verdict = "failed"
)

// check is one line of doctor, and one element of `doctor --format json`.
type check struct {
	Name    string  `json:"check"` // manifest, event, token, …; with a target "dispatch acme/web"
	Verdict verdict `json:"verdict"`
	Message string  `json:"message"`
	Hint    string  `json:"hint"` // the next step, "" when there is none

	outside bool // failed because something did not answer: there is nothing to mend
}

func passed(name, format string, args ...any) check {
	return check{Name: name, Verdict: verdictOK, Message: fmt.Sprintf(format, args...)}
}

func warned(name, hint, format string, args ...any) check {
	return check{Name: name, Verdict: verdictWarning, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func failed(name, hint, format string, args ...any) check {
	return check{Name: name, Verdict: verdictFailed, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// failedBy reports an error with the next step that it knows.
func failedBy(name string, err error) check {
	message, hint := advice.Split(err)
	return failed(name, hint, "%s", message)
}

// sentence is the message and the next step.
func (c check) sentence() string {
	if c.Hint == "" {
		return c.Message
	}
	return c.Message + ": " + c.Hint
}

// doctorDeadline is enough to read the workflows of some hundred targets within the platform's limits.
const doctorDeadline = 15 * time.Minute

// doctorOptions are the options of doctor.
type doctorOptions struct {
	ledgerOptions
	targetOptions
	selection   pipeline.Selection
	secrets     prepare.Policy
	format      string // text or json
	allowEvents []string
}

func (r *reader) doctor(inActions bool) doctorOptions {
	return doctorOptions{
		format: cmp.Or(r.oneOf(optFormat, "", "text", "json"), "text"), targetOptions: r.to(inActions), selection: r.selection(),
		ledgerOptions: r.ledger(), secrets: r.secrets(), allowEvents: r.list(optAllowEvents),
	}
}

// doctor is one examination. It only reads: nothing is stored, dispatched or published.
type doctor struct {
	*app
	*pipeline.Project
	doctorOptions
	entries []*schedule.Entry // those whose events are built; nil without a valid manifest
	checks  []check
}

// runDoctor checks everything that a run of prepare will need.
func runDoctor(ctx context.Context, a *app, r *reader) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorDeadline)
	defer cancel()
	d := &doctor{app: a, doctorOptions: r.doctor(a.env.Actions)}
	if r.err != nil {
		return exitUsage, r.err
	}
	if err := d.open(); err != nil {
		return exitUsage, err
	}
	defer d.Close()
	if err := refuseEvent(a.env.EventName, d.allowEvents, unpublished...); err != nil {
		message, hint := advice.Split(err)
		d.add(failed("trigger", hint, "prepare is %s", message))
	}
	d.checkManifest()
	if d.Manifest != nil {
		d.checkEvents()
		d.checkWorkflows()
		d.checkRetention()
	}
	d.checkStore()
	d.checkLedger(ctx)
	d.checkTargets(ctx)
	d.checkNATS(ctx)
	d.checkClock()
	return d.report()
}

// open opens the checkout and chooses the entries.
func (d *doctor) open() error {
	var err error
	if d.Project, err = d.openProject(); err != nil || d.Manifest == nil {
		return err
	}
	entries, err := d.selection.Entries(d.Manifest)
	if err != nil {
		return usageError{err}
	}
	for _, e := range entries {
		if e.Enabled || len(d.selection.Names) > 0 {
			d.entries = append(d.entries, e)
		}
	}
	return nil
}

func (d *doctor) add(c ...check) { d.checks = append(d.checks, c...) }

// tally counts what did not pass. Mend says that something has to be changed before it can, outside that something did not answer.
func (d *doctor) tally() (failures, warnings int, mend, outside bool) {
	for _, c := range d.checks {
		switch c.Verdict {
		case verdictFailed:
			failures++
			mend, outside = mend || !c.outside, outside || c.outside
		case verdictWarning:
			warnings++
		}
	}
	return failures, warnings, mend, outside
}

// report tells the result. What has to be mended wins over what did not answer: running again mends only the latter.
func (d *doctor) report() (int, error) {
	for i, c := range d.checks {
		// Servers have a say in some messages, and standard output is parsed for commands in Actions.
		d.checks[i].Message, d.checks[i].Hint = safetext.Sanitize(c.Message), safetext.Sanitize(c.Hint)
	}
	failures, warnings, mend, outside := d.tally()
	d.annotate(d.Findings)
	err := errors.Join(
		d.logFindings(d.Findings, d.SourceOf),
		write(d.stdout, d.render()),
		outputs{{"valid", strconv.FormatBool(failures == 0)}, {"errors", strconv.Itoa(failures)}, {"warnings", strconv.Itoa(warnings)}}.set(d.runner),
		d.runner.WriteSummary(d.summary(failures, warnings)),
	)
	switch {
	case mend:
		return exitFindings, err
	case outside, err != nil:
		return exitUnavailable, err
	}
	return exitOK, nil
}

func (d *doctor) render() []byte {
	var b bytes.Buffer
	if d.format == "json" {
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(d.checks); err != nil {
			panic(err) // plain strings encode
		}
		return b.Bytes()
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERDICT\tCHECK\tRESULT AND NEXT STEP")
	for _, c := range d.checks {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Verdict, c.Name, c.sentence())
	}
	w.Flush() // a bytes.Buffer never fails
	return b.Bytes()
}

func (d *doctor) summary(failures, warnings int) actions.Summary {
	s := actions.Summary{Verdict: "✅ Everything that a run needs is there"}
	switch {
	case failures > 0:
		s.Verdict = fmt.Sprintf("❌ %s failed, %s", count(failures, "check"), count(warnings, "warning"))
	case warnings > 0:
		s.Verdict = fmt.Sprintf("⚠️ Nothing failed, %s", count(warnings, "warning"))
	}
	marks := map[verdict]string{verdictOK: "✅", verdictWarning: "⚠️", verdictFailed: "❌"}
	table := &actions.Table{Header: []string{"Check", "Verdict", "Result", "Next step"}}
	for _, c := range d.checks {
		table.Rows = append(table.Rows, []actions.Cell{{Text: c.Name}, {Text: marks[c.Verdict] + " " + string(c.Verdict)}, {Text: c.Message}, {Text: c.Hint}})
	}
	s.Sections = []actions.Section{{Title: "Checks", Table: table}}
	return s
}
