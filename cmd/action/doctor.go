package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
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

// sentence is the message and the next step.
func (c check) sentence() string {
	if c.Hint == "" {
		return c.Message
	}
	return c.Message + ": " + c.Hint
}

// doctorDeadline is enough to read the workflows of some hundred targets within the platform's limits.
const doctorDeadline = 15 * time.Minute

// doctor is one examination. It only reads: nothing is stored, dispatched or published.
type doctor struct {
	*app
	*pipeline.Project
	format   string
	channels channels
	entries  []*schedule.Entry // those whose events are built; nil without a valid manifest
	checks   []check
}

// runDoctor checks everything that a run of prepare will need.
func runDoctor(ctx context.Context, a *app) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorDeadline)
	defer cancel()
	d, err := newDoctor(a)
	if err != nil {
		return exitUsage, err
	}
	defer d.Close()
	if err := d.refusePullRequests(); err != nil {
		message, hint, _ := strings.Cut(err.Error(), ": ")
		d.add(failed("trigger", hint, "prepare is %s", message))
	}
	d.checkManifest()
	if d.Manifest != nil {
		if err := d.checkEvents(); err != nil {
			return exitUsage, err
		}
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

func newDoctor(a *app) (*doctor, error) {
	d := &doctor{app: a}
	var err error
	if d.format, err = a.oneOf("format", "", "text", "json"); err != nil {
		return nil, err
	}
	if d.channels, err = a.channels(); err != nil {
		return nil, err
	}
	selection, err := a.selection()
	if err != nil {
		return nil, err
	}
	if d.Project, err = a.openProject(); err != nil || d.Manifest == nil {
		return d, err
	}
	entries, err := selection.Entries(d.Manifest)
	for _, e := range entries {
		if e.Enabled || len(selection.Names) > 0 {
			d.entries = append(d.entries, e)
		}
	}
	if err != nil {
		err = usageError{err}
	}
	return d, err
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
		d.checks[i].Message, d.checks[i].Hint = emit.Sanitize(c.Message), emit.Sanitize(c.Hint)
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
		return exitOutside, err
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

func (d *doctor) summary(failures, warnings int) emit.Summary {
	s := emit.Summary{Verdict: "✅ Everything that a run needs is there"}
	switch {
	case failures > 0:
		s.Verdict = fmt.Sprintf("❌ %s failed, %s", count(failures, "check"), count(warnings, "warning"))
	case warnings > 0:
		s.Verdict = fmt.Sprintf("⚠️ Nothing failed, %s", count(warnings, "warning"))
	}
	marks := map[verdict]string{verdictOK: "✅", verdictWarning: "⚠️", verdictFailed: "❌"}
	table := &emit.Table{Header: []string{"Check", "Verdict", "Result", "Next step"}}
	for _, c := range d.checks {
		table.Rows = append(table.Rows, []emit.Cell{{Text: c.Name}, {Text: marks[c.Verdict] + " " + string(c.Verdict)}, {Text: c.Message}, {Text: c.Hint}})
	}
	s.Sections = []emit.Section{{Title: "Checks", Table: table}}
	return s
}
