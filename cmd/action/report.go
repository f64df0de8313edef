package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// outcome sums up a run of prepare.
type outcome struct {
	entries  []*pipeline.Outcome
	findings []diag.Finding
	prepared []*pipeline.Outcome // entries with an event
	failed   int                 // agents that failed for external reasons
	errs     []error
}

func (j *job) outcome(entries []*pipeline.Outcome) outcome {
	o := outcome{entries: entries, findings: j.Findings}
	var failed agentErrors
	for _, r := range entries {
		o.findings = append(o.findings, r.Findings...)
		if r.Err != nil {
			o.failed++
			failed.add(r.Entry.Agent, r.Err)
		}
		if r.Payload != nil {
			o.prepared = append(o.prepared, r)
		}
	}
	o.errs = append(o.errs, failed.errors()...)
	diag.Sort(o.findings)
	return o
}

// code returns the exit code. External failures win over findings, because only they may
// go away when the user runs again.
func (o outcome) code() int {
	switch {
	case len(o.errs) > 0:
		return exitUnavailable
	case invalid(o.findings):
		return exitFindings
	}
	return exitOK
}

// report reports a run in the log, annotations, standard output, outputs and summary. It
// also runs after a failure, so that later steps can read the outputs.
func (j *job) report(entries []*pipeline.Outcome) (int, error) {
	o := j.outcome(entries)
	if err := j.logFindings(o.findings, j.SourceOf); err != nil {
		o.errs = append(o.errs, err)
	}
	for _, r := range entries {
		j.logResult(r)
	}
	for _, r := range entries {
		if err := j.print(r); err != nil {
			o.errs = append(o.errs, err)
		}
	}
	hidden := j.annotate(o.findings)
	if err := j.setOutputs(o); err != nil {
		o.errs = append(o.errs, err)
	}
	if j.targets.Channels.Summary {
		if err := j.runner.WriteSummary(j.summary(o, hidden)); err != nil {
			o.errs = append(o.errs, err)
		}
	}
	return o.code(), errors.Join(o.errs...)
}

// logFindings writes findings as text to the log.
func (a *app) logFindings(findings []diag.Finding, source func(string) []byte) error {
	if len(findings) == 0 {
		return nil
	}
	var text bytes.Buffer
	if err := diag.WriteText(&text, findings, source, false); err != nil {
		return err
	}
	a.runner.Logf("%s", strings.TrimSuffix(text.String(), "\n"))
	return nil
}

// logResult logs one line about an entry. For an entry that was not chosen, the line has
// its next five dates.
func (j *job) logResult(r *pipeline.Outcome) {
	line := fmt.Sprintf("%s: %s", r.Entry.Agent, j.state(r))
	if !r.Chosen {
		line += "; next " + strings.Join(dates(r.Decision.Next), ", ")
	}
	j.runner.Logf("%s", line)
	for _, d := range r.Deliveries {
		j.runner.Logf("%s", deliveryLine(d))
	}
}

func deliveryLine(d store.Delivery) string {
	line := fmt.Sprintf("  %s %s: %s", d.Channel, d.Target, d.Status)
	if d.Error != "" {
		line += ": " + d.Error
	}
	return line
}

// state describes in a few words what happened to an entry, and why.
func (j *job) state(r *pipeline.Outcome) string {
	switch {
	case !r.Chosen && r.Err != nil:
		return "undecided: " + r.Reason
	case !r.Chosen && r.Decision.State == schedule.NotDue:
		return "not due: " + r.Reason
	case !r.Chosen:
		return "not prepared: " + r.Reason
	case r.Stopped():
		return "stopped by findings"
	case r.Err != nil && r.Payload == nil:
		return "failed: " + r.Err.Error()
	case r.Err != nil:
		return "delivered partly: " + r.Err.Error()
	case j.dryRun:
		return fmt.Sprintf("would be prepared as %s: %s", r.ID.Name(), r.Reason)
	}
	return fmt.Sprintf("prepared as %s: %s", r.ID.Name(), r.Reason)
}

func dates(slots []schedule.Slot) []string {
	out := make([]string, len(slots))
	for i, s := range slots {
		out[i] = s.At.Format(time.RFC3339)
	}
	return out
}

// setOutputs sets every output of prepare that action.yml declares.
func (j *job) setOutputs(o outcome) error {
	errs, warnings := diag.Count(o.findings)
	agents, payloads, matrix, deliveries := []string{}, []json.RawMessage{}, []matrixEntry{}, []agentDelivery{}
	for _, r := range o.entries {
		if r.Chosen {
			matrix = append(matrix, newMatrixEntry(r.Entry, r.Decision.Slot))
		}
		for _, d := range r.Deliveries {
			deliveries = append(deliveries, agentDelivery{Agent: r.Entry.Agent, Delivery: d})
		}
	}
	for _, r := range o.prepared {
		agents, payloads = append(agents, r.Entry.Agent), append(payloads, r.Payload)
	}
	out := outputs{
		{"valid", strconv.FormatBool(errs == 0)},
		{"errors", strconv.Itoa(errs)},
		{"warnings", strconv.Itoa(warnings)},
		{"count", strconv.Itoa(len(o.prepared))},
		{"prepared", compactJSON(agents)},
		{"payloads", compactJSON(payloads)},
		{"matrix", matrixJSON(matrix)},
		{"deliveries", compactJSON(deliveries)},
	}
	if len(o.prepared) == 1 {
		out = append(out, singular(o.prepared[0])...)
	}
	if out.size() > actions.MaxOutputs {
		j.runner.Logf("warning: output deliveries lists failed deliveries only, because all %d exceed the "+
			"platform's limit: see the log and the receipts", len(deliveries))
		deliveries = slices.DeleteFunc(deliveries, func(d agentDelivery) bool { return d.Status != store.Failed })
		out.replace("deliveries", compactJSON(deliveries))
		for out.size() > actions.MaxOutputs && len(deliveries) > 0 {
			deliveries = deliveries[:len(deliveries)/2]
			out.replace("deliveries", compactJSON(deliveries))
		}
	}
	return out.set(j.runner)
}

// singular returns the outputs that exist only if exactly one agent was prepared.
func singular(r *pipeline.Outcome) outputs {
	out := outputs{{"payload", string(r.Payload)}}
	if r.Dir != "" {
		out = append(out, output{"bundle-dir", r.Dir}, output{"bundle-path", r.Dir + "/" + r.ContentName})
	}
	if a := r.Event.Bundle.Artifact; a != nil {
		out = append(out, output{"artifact-name", a.Name}, output{"artifact-id", strconv.FormatInt(a.ID, 10)},
			output{"artifact-url", a.URL}, output{"artifact-digest", a.Digest})
	}
	return out
}

// agentDelivery is one element of the output deliveries.
type agentDelivery struct {
	Agent string `json:"agent"`
	store.Delivery
}

// matrixEntry is one job of a fan-out.
type matrixEntry struct {
	Agent   string           `json:"agent"`
	Cadence schedule.Cadence `json:"cadence"`
	Period  string           `json:"period"`
}

func newMatrixEntry(e *schedule.Entry, s schedule.Slot) matrixEntry {
	return matrixEntry{e.Agent, e.Cadence, s.Period}
}

func matrixJSON(include []matrixEntry) string {
	return compactJSON(map[string][]matrixEntry{"include": include})
}

// compactJSON encodes plain structs, strings and valid raw messages, which never fail to
// encode. It escapes ##[ because the runner takes it for a command anywhere in a line,
// and a later step may print the output. In JSON it occurs inside strings only.
func compactJSON(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "##[", `#\u0023[`)
}

type output struct{ name, value string }

type outputs []output

// size estimates the bytes in the runner's file, including delimiters.
func (out outputs) size() (bytes int) {
	for _, o := range out {
		bytes += len(o.name) + len(o.value) + 2*len("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	}
	return bytes
}

func (out outputs) replace(name, value string) {
	for i := range out {
		if out[i].name == name {
			out[i].value = value
		}
	}
}

// set writes all outputs. An error of one does not stop the others.
func (out outputs) set(runner *actions.Runner) error {
	var errs []error
	for _, o := range out {
		errs = append(errs, runner.WriteOutput(o.name, o.value))
	}
	return errors.Join(errs...)
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

// writeReport writes a command's report to standard output, or atomically to a file.
func (a *app) writeReport(out string, data []byte) error {
	if out == "" {
		_, err := a.stdout.Write(data)
		return err
	}
	wrong := func(err error) error {
		return usagef("writing the report to %s: %w: name a file in a directory that exists", out,
			pipeline.RootCause(err))
	}
	tmp, err := os.CreateTemp(filepath.Dir(out), ".report-*")
	if err != nil {
		return wrong(err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("writing the report to %s: %w", out, pipeline.RootCause(err))
	}
	if err := os.Rename(tmp.Name(), out); err != nil {
		return wrong(err)
	}
	return nil
}

// invalid reports whether findings contain an error.
func invalid(findings []diag.Finding) bool {
	errs, _ := diag.Count(findings)
	return errs > 0
}
