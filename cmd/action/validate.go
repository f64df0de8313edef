package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/render"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

// validateOptions are the options of validate.
type validateOptions struct {
	files       []string // named instead of the checkout's manifest
	format      string   // text, json or sarif
	failOn      diag.Severity
	secrets     prepare.Policy
	out         string // file for the report, "" for standard output
	base        string // file to compare with, "" for the pull request's base
	token       string
	allowEvents []string
}

func (r *reader) validate() validateOptions {
	return validateOptions{
		files: r.args, format: cmp.Or(r.oneOf(optFormat, "", "text", "json", "sarif"), "text"),
		failOn: diag.Severity(r.oneOf(optFailOn, "error", "warning")), secrets: r.secrets(), out: r.values[optOut],
		base: r.values[optBase], token: r.values[optToken], allowEvents: r.list(optAllowEvents),
	}
}

// validation is one run of validate.
type validation struct {
	*app
	validateOptions
	sources  map[string][]byte
	findings []diag.Finding
	manifest *schedule.Manifest // of the one manifest that was checked, nil when invalid or several
	foreign  bool               // the checkout is of another repository than the workflow's
	diff     *comparison        // nil where there is nothing to compare with
	// unscheduled are agents with a prompt in the checkout and without an entry, and
	// skipped what looks like a prompt and gives no agent.
	unscheduled []string
	skipped     []scaffold.SkippedPrompt
}

// runValidate is the pull request check.
func runValidate(ctx context.Context, a *app, r *reader) (int, error) {
	v := &validation{app: a, validateOptions: r.validate(), sources: make(map[string][]byte)}
	if r.err != nil {
		return exitUsage, r.err
	}
	// validate only reads, but its token may be able to write, and a stranger's file must
	// not run with such a token.
	if err := refuseEvent(a.env.EventName, v.allowEvents, "pull_request_target"); err != nil {
		return exitUsage, err
	}
	if err := v.checkBase(); err != nil {
		return exitUsage, err
	}
	check := v.checkProject
	if len(v.files) > 0 {
		check = v.checkFiles
	}
	if err := check(); err != nil {
		return exitUnavailable, err // wrong usage says so itself
	}
	if v.manifest != nil {
		if err := v.compare(ctx); err != nil {
			return exitUsage, err
		}
	}
	return v.report()
}

// checkProject checks the checkout's manifest and the files that it names.
func (v *validation) checkProject() error {
	p, err := v.openProject()
	if err != nil {
		return err
	}
	defer p.Close()
	v.manifest, v.foreign = p.Manifest, !v.isWorkflows(p.Tree)
	if p.Manifest != nil {
		v.unscheduled, v.skipped = scaffold.Unscheduled(p.Manifest, p.Tree)
	}
	return v.add(p.Tree, p.File, p.Source, p.Manifest, p.Findings)
}

// checkFiles checks files named relative to the working directory, or standard input for
// "-".
func (v *validation) checkFiles() error {
	tree, err := checkout.Open(v.dir)
	if err != nil {
		return usagef("opening the checkout: %w", err)
	}
	defer tree.Close()
	for _, file := range v.files {
		if err := v.checkFile(tree, file); err != nil {
			return err
		}
	}
	if len(v.files) > 1 {
		v.manifest = nil
	}
	return nil
}

// checkFile checks a file. Inside the checkout it also checks the files that the manifest
// names; elsewhere its paths have no meaning.
func (v *validation) checkFile(tree *checkout.Tree, file string) error {
	var data []byte
	var err error
	var slug string
	name, inside := nameIn(tree, file)
	if inside {
		slug = pipeline.Slug(tree, &v.env)
		data, err = tree.ReadFile(name, schedule.MaxSize)
	} else {
		tree = nil
		data, err = checkout.ReadArgument(file, v.stdin, schedule.MaxSize)
	}
	if err != nil {
		v.manifest = nil
		return v.add(nil, name, nil, nil, []diag.Finding{pipeline.Unreadable(name, err)})
	}
	var findings []diag.Finding
	v.manifest, findings = pipeline.LoadManifest(name, data, slug)
	return v.add(tree, name, data, v.manifest, findings)
}

// standardInput is the name of standard input in findings.
const standardInput = "<stdin>"

// nameIn returns the name of a file in findings, and whether the file is in the tree.
func nameIn(tree *checkout.Tree, file string) (name string, inside bool) {
	if file == "-" {
		return standardInput, false
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return file, false
	}
	rel, err := filepath.Rel(tree.Dir(), abs)
	if err != nil || !filepath.IsLocal(rel) {
		return file, false
	}
	return filepath.ToSlash(rel), true
}

// add adds the findings of one manifest; tree is nil if it is outside the checkout.
func (v *validation) add(tree *checkout.Tree, file string, source []byte, m *schedule.Manifest,
	findings []diag.Finding) error {
	v.sources[file] = source
	v.findings = append(v.findings, findings...)
	if tree == nil {
		return nil
	}
	if m == nil {
		// Files that are named and missing are reported with the rest, not after it is
		// fixed.
		v.findings = append(v.findings,
			secrets.Mask(file, source, prepare.CheckNamed(schedule.LoadReadable(file, source), tree))...)
		return nil
	}
	more, err := v.checkContents(m, tree)
	more = oncePerPlace(append(more, prepare.Check(m, tree)...), m.File)
	if !v.env.Actions {
		more = append(more, prepare.CheckUntracked(m, tree)...)
	}
	more = append(more, workflow.Check(m, nil, tree)...)
	v.findings = append(v.findings, m.Unsilenced(more)...)
	for _, f := range more {
		if _, ok := v.sources[f.File]; !ok {
			// the text renderer does without a source that can't be read
			v.sources[f.File], _ = tree.ReadFile(f.File, schedule.MaxSize)
		}
	}
	return err
}

// maxContents is how many entries have the contents of their files checked. It exceeds
// the size of real manifests, and bounds the time of a pull request whose entries all
// name the same large file.
const maxContents = 100

// checkContents builds every entry's bundle and event to find problems in them: secrets,
// hidden characters, sizes, metrics, an event that exceeds the platform's limit.
func (v *validation) checkContents(m *schedule.Manifest, tree *checkout.Tree) ([]diag.Finding, error) {
	entries := m.Entries
	if len(entries) > maxContents {
		v.runner.Logf("warning: the files of the first %d entries are looked into; prepare looks into all", maxContents)
		entries = entries[:maxContents]
	}
	builder := pipeline.Builder{
		Tree: tree, Manifest: m, Now: v.now, Secrets: v.secrets, Root: v.anyRoot(tree),
		Artifacts: pipeline.ArtifactHome(&v.env),
	}
	planner := pipeline.Planner{Manifest: m, Now: v.now}
	found, errs := make([][]diag.Finding, len(entries)), make([]error, len(entries))
	pipeline.Each(len(entries), func(i int) {
		var built *pipeline.Built
		built, errs[i] = builder.Build(planner.Entry(&entries[i]))
		found[i] = built.Findings
	})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	// Check reports missing prompts, and knows the other entries.
	return slices.DeleteFunc(slices.Concat(found...), func(f diag.Finding) bool { return f.Rule == diag.NoPrompt.ID }),
		nil
}

// anyRoot returns the checkout's path on the host, or a placeholder if no event can
// contain that path. prepare reports such a path itself.
func (v *validation) anyRoot(tree *checkout.Tree) string {
	root := v.env.HostPath(tree.Dir())
	if !event.IsRoot(root) {
		return "/"
	}
	return root
}

// oncePerPlace keeps the first finding of a rule at a position outside the manifest,
// because two agents may read the same file.
func oncePerPlace(findings []diag.Finding, manifest string) []diag.Finding {
	seen := make(map[diag.Finding]bool)
	return slices.DeleteFunc(findings, func(f diag.Finding) bool {
		place := diag.Finding{File: f.File, Line: f.Line, Column: f.Column, Rule: f.Rule}
		again := f.File != manifest && seen[place]
		seen[place] = true
		return again
	})
}

func (v *validation) report() (int, error) {
	diag.Sort(v.findings)
	v.findings = slices.Compact(v.findings) // what Check and Prepare both see
	errs, warnings := diag.Count(v.findings)
	failed := errs > 0 || v.failOn == diag.Warning && warnings > 0
	report, err := v.render()
	if err != nil {
		return exitUnavailable, err
	}
	hidden := v.annotator().Annotate(v.located(v.findings))
	err = errors.Join(v.publish(report), v.setOutputs(errs, warnings), v.runner.WriteSummary(v.summary(failed, hidden)))
	v.runner.Logf("%s: %s, %s", v.checked(), advice.Count(errs, "error"), advice.Count(warnings, "warning"))
	switch {
	case err != nil:
		return exitUnavailable, err
	case failed:
		return exitFindings, nil
	}
	return exitOK, nil
}

// checked returns the names of the checked files.
func (v *validation) checked() string {
	if len(v.files) == 0 {
		return v.file
	}
	names := make([]string, len(v.files))
	for i, file := range v.files {
		if names[i] = file; file == "-" {
			names[i] = standardInput
		}
	}
	return strings.Join(names, ", ")
}

// machine reports whether the report is for a program. It then has standard output to
// itself, even in Actions, because it cannot contain a command.
func (v *validation) machine() bool { return v.format == "json" || v.format == "sarif" }

// annotator returns the runner for annotations. It writes to standard error, which the
// runner also reads, if a program reads standard output.
func (v *validation) annotator() *actions.Runner {
	if v.machine() && v.out == "" {
		return actions.NewRunner(actions.RunnerOptions{Getenv: v.getenv, Stdout: v.stderr, Stderr: v.stderr})
	}
	return v.runner
}

// publish writes the report. In Actions text goes to the log, because on standard output
// it could contain commands.
func (v *validation) publish(report []byte) error {
	if v.out == "" && v.env.Actions && !v.machine() {
		if len(report) > 0 {
			v.runner.Logf("%s", strings.TrimSuffix(string(report), "\n"))
		}
		return nil
	}
	return v.writeReport(v.out, report)
}

func (v *validation) render() ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch v.format {
	case "json":
		err = diag.WriteJSON(&b, v.findings)
	case "sarif":
		err = diag.WriteSARIF(&b, v.located(v.findings), version)
	default:
		err = diag.WriteText(&b, v.findings, func(file string) []byte { return v.sources[file] }, v.color())
		if v.diff != nil && err == nil {
			v.diff.writeText(&b)
		}
		if text := v.unscheduledText(); text != "" && err == nil {
			fmt.Fprintln(&b, text)
		}
	}
	return b.Bytes(), err
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

func (v *validation) setOutputs(errs, warnings int) error {
	roster := []render.RosterEntry{}
	if v.manifest != nil {
		for i := range v.manifest.Entries {
			row := render.NewRosterEntry(schedule.Decide(&v.manifest.Entries[i], v.now, schedule.Known{}))
			if row.Enabled { // no ledger is read on a pull request, so this is what holds before any receipt
				row.First, row.Reason = false, "the ledger was not read"
			}
			roster = append(roster, row)
		}
	}
	var out actions.Outputs
	out.SetResult(errs == 0, errs, warnings)
	out.SetJSON("roster", roster)
	return v.runner.WriteOutputs(out)
}

func (v *validation) summary(failed bool, hidden []diag.Finding) actions.Summary {
	errs, warnings := diag.Count(v.findings)
	s := actions.Summary{Verdict: fmt.Sprintf("✅ %s is valid", v.checked())}
	switch {
	case failed:
		s.Verdict = fmt.Sprintf("❌ %s: %s, %s", v.checked(), advice.Count(errs, "error"),
			advice.Count(warnings, "warning"))
	case warnings > 0:
		s.Verdict = fmt.Sprintf("⚠️ %s is valid, with %s", v.checked(), advice.Count(warnings, "warning"))
	}
	s.Sections = append(s.Sections, render.FindingsSections(v.findings, len(hidden))...)
	if v.diff != nil {
		s.Sections = append(s.Sections, v.diff.section())
	}
	if text := v.unscheduledText(); text != "" {
		s.Sections = append(s.Sections, actions.Section{Title: "Agents without an entry", Text: text})
	}
	return s
}

// maxUnscheduled is how many agents without an entry, and how many skipped files, are
// listed.
const maxUnscheduled = 20

// unscheduledText lists agents with a prompt and without an entry, and skipped files that
// look like prompts. It is information, not a finding; "" if there are none.
func (v *validation) unscheduledText() string {
	var sentences []string
	if len(v.unscheduled) > 0 {
		sentences = append(sentences,
			"These agents have a prompt and no entry in the manifest, so nothing schedules them: "+
				firstOf(v.unscheduled)+".")
	}
	if len(v.skipped) > 0 {
		reasons := make([]string, len(v.skipped))
		for i, s := range v.skipped {
			reasons[i] = strconv.Quote(s.Path) + " " + s.Reason
		}
		sentences = append(sentences, "These look like prompts and give no agent: "+firstOf(reasons)+".")
	}
	return strings.Join(sentences, " ")
}

// firstOf lists the first names and counts the others.
func firstOf(names []string) string {
	more := ""
	if n := len(names) - maxUnscheduled; n > 0 {
		names, more = names[:maxUnscheduled], fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ") + more
}

func write(w interface{ Write([]byte) (int, error) }, data []byte) error {
	_, err := w.Write(data)
	return err
}
