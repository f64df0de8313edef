package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// validation is one run of validate.
type validation struct {
	*app
	format   string
	failOn   diag.Severity
	sources  map[string][]byte
	findings []diag.Finding
	manifest *schedule.Manifest // of the one manifest that was checked, nil when invalid or several
	diff     *schedule.Diff
}

// runValidate is the pull request check.
func runValidate(ctx context.Context, a *app) (int, error) {
	// It only reads, but a comment by a token that can write is one step further; a stranger's file deserves no such token.
	if err := a.refuseEvent("pull_request_target"); err != nil {
		return exitUsage, err
	}
	format, err := a.oneOf("format", "", "text", "json", "sarif")
	if err != nil {
		return exitUsage, err
	}
	failOn, err := a.oneOf("fail-on", "error", "warning")
	if err != nil {
		return exitUsage, err
	}
	v := &validation{app: a, format: format, failOn: diag.Severity(failOn), sources: map[string][]byte{}}
	if len(a.args) > 0 {
		err = v.checkFiles(a.args)
	} else {
		err = v.checkProject()
	}
	if err != nil {
		return exitUsage, err
	}
	if v.manifest != nil {
		if err := v.compare(ctx); err != nil {
			return exitUsage, err
		}
	}
	return v.report()
}

// checkProject checks the checkout's manifest with all that it refers to.
func (v *validation) checkProject() error {
	p, err := v.openProject()
	if err != nil {
		return err
	}
	defer p.Close()
	v.add(p.tree, p.file, p.source, p.manifest, p.findings)
	return nil
}

// checkFiles checks files named relative to the working directory, or standard input for "-".
func (v *validation) checkFiles(files []string) error {
	dir, err := v.target()
	if err != nil {
		return err
	}
	tree, err := checkout.Open(dir)
	if err != nil {
		return usagef("opening the checkout: %w", err)
	}
	defer tree.Close()
	for _, file := range files {
		v.checkFile(tree, dir, file)
	}
	return nil
}

func (v *validation) checkFile(tree *checkout.Tree, dir, file string) {
	if abs, err := filepath.Abs(file); err == nil && file != "-" {
		if rel, err := filepath.Rel(dir, abs); err == nil && filepath.IsLocal(rel) {
			rel = filepath.ToSlash(rel)
			source, m, findings := loadManifest(tree, rel, v.slug(dir))
			v.add(tree, rel, source, m, findings)
			return
		}
	}
	shown := file
	if file == "-" {
		shown = "<stdin>"
	}
	data, err := readLimited(file, v.stdin, schedule.MaxSize+1)
	if err != nil {
		v.add(nil, shown, nil, nil, []diag.Finding{unreadable(shown, err)})
		return
	}
	m, findings := schedule.Load(shown, data, schedule.Options{Repo: v.slug(dir)})
	v.add(nil, shown, data, m, findings)
}

// add takes in one manifest; tree is nil for a file outside the checkout, whose paths mean nothing here.
func (v *validation) add(tree *checkout.Tree, file string, source []byte, m *schedule.Manifest, findings []diag.Finding) {
	v.sources[file] = source
	v.findings = append(v.findings, findings...)
	v.manifest = m
	if m == nil || tree == nil {
		return
	}
	more := append(prepare.Check(m, tree), schedule.CheckWorkflows(m, selfNames(v.env.repository), tree)...)
	v.findings = append(v.findings, m.Unsilenced(more)...)
	for _, f := range more {
		if _, ok := v.sources[f.File]; !ok {
			v.sources[f.File], _ = tree.ReadFile(f.File, schedule.MaxSize) // the text renderer does without a source that can't be read
		}
	}
}

// selfNames are the repositories whose `uses:` means this action.
func selfNames(string) []string { return []string{"kaizen-agentic/schedule-action"} }

// compare finds the base version of the manifest: --base, or on a pull request that of the base commit.
func (v *validation) compare(ctx context.Context) error {
	var base *schedule.Manifest
	switch sha := v.env.webhook.PullRequest.Base.SHA; {
	case v.opts["base"] != "":
		data, err := readLimited(v.opts["base"], v.stdin, schedule.MaxSize)
		if err != nil {
			return usagef("reading the base version: %w", err)
		}
		base = v.loadBase(data)
	case len(v.args) > 0 || !commitID.MatchString(sha):
		return nil
	default:
		data, err := v.fetchBase(ctx, sha)
		if err != nil {
			v.runner.Logf("warning: the base version could not be read, so there is no comparison: %v", err)
			return nil
		}
		base = v.loadBase(data)
	}
	diff := schedule.Compare(base, v.manifest, v.now)
	v.diff = &diff
	return nil
}

// loadBase loads a base version; one that is missing or not valid compares like none at all.
func (v *validation) loadBase(data []byte) *schedule.Manifest {
	if data == nil {
		return nil
	}
	m, _ := schedule.Load(v.manifest.File, data, schedule.Options{Repo: v.manifest.Repo})
	if m == nil {
		v.runner.Logf("warning: the base version is not a valid manifest, so every entry counts as added")
	}
	return m
}

// fetchBase returns the manifest at the pull request's base commit, nil when there was none.
func (v *validation) fetchBase(ctx context.Context, sha string) ([]byte, error) {
	client, err := v.client(v.opts["token"])
	if err != nil {
		return nil, err
	}
	data, err := client.File(ctx, v.env.repository, v.manifest.File, sha, schedule.MaxSize)
	if ghErr, ok := errors.AsType[*gh.Error](err); ok && ghErr.Kind == gh.NotFound {
		return nil, nil
	}
	return data, err
}

func (v *validation) report() (int, error) {
	diag.Sort(v.findings)
	errs, warnings := diag.Count(v.findings)
	failed := errs > 0 || v.failOn == diag.Warning && warnings > 0
	report, err := v.render()
	if err != nil {
		return exitOutside, err
	}
	hidden := v.runner.Annotate(v.findings)
	err = errors.Join(v.publish(report), v.setOutputs(errs, warnings), v.runner.WriteSummary(v.summary(failed, hidden)))
	v.runner.Logf("%s: %s, %s", v.checked(), count(errs, "error"), count(warnings, "warning"))
	switch {
	case err != nil:
		return exitOutside, err
	case failed:
		return exitFindings, nil
	}
	return exitOK, nil
}

// checked names what was checked.
func (v *validation) checked() string {
	files := make([]string, 0, len(v.sources))
	for file := range v.sources {
		if len(v.args) > 0 || file == v.opts["schedule"] {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	if len(files) == 0 {
		return v.opts["schedule"]
	}
	return strings.Join(files, ", ")
}

// publish writes the report: text goes to the log in Actions, where standard output is parsed for commands.
func (v *validation) publish(report []byte) error {
	if v.opts["out"] == "" && v.env.actions {
		if len(report) > 0 {
			v.runner.Logf("%s", strings.TrimSuffix(string(report), "\n"))
		}
		return nil
	}
	return v.writeReport(report)
}

func (v *validation) render() ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch v.format {
	case "json":
		err = diag.WriteJSON(&b, v.findings)
	case "sarif":
		err = diag.WriteSARIF(&b, v.findings, version)
	default:
		err = diag.WriteText(&b, v.findings, func(file string) []byte { return v.sources[file] }, v.color())
		if v.diff != nil && err == nil {
			writeDiffText(&b, *v.diff)
		}
	}
	return b.Bytes(), err
}

// color is for a terminal whose user did not say NO_COLOR.
func (v *validation) color() bool {
	f, ok := v.stdout.(*os.File)
	if !ok || v.getenv("NO_COLOR") != "" || v.getenv("TERM") == "dumb" || v.opts["out"] != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (v *validation) setOutputs(errs, warnings int) error {
	out := outputs{
		{"valid", strconv.FormatBool(errs == 0)}, {"errors", strconv.Itoa(errs)}, {"warnings", strconv.Itoa(warnings)},
	}
	if v.manifest != nil {
		roster := make([]listed, len(v.manifest.Entries))
		for i := range v.manifest.Entries {
			d := schedule.Decide(&v.manifest.Entries[i], v.now, schedule.Known{})
			roster[i] = newListed(d)
			// No ledger is read on a pull request, so this is what holds before any receipt.
			roster[i].Reason = "the ledger was not asked"
		}
		out = append(out, output{"roster", compactJSON(roster)})
	}
	return out.set(v.runner)
}

func (v *validation) summary(failed bool, hidden []diag.Finding) emit.Summary {
	errs, warnings := diag.Count(v.findings)
	s := emit.Summary{Verdict: fmt.Sprintf("✅ %s is valid", v.checked())}
	switch {
	case failed:
		s.Verdict = fmt.Sprintf("❌ %s: %s, %s", v.checked(), count(errs, "error"), count(warnings, "warning"))
	case warnings > 0:
		s.Verdict = fmt.Sprintf("⚠️ %s is valid, with %s", v.checked(), count(warnings, "warning"))
	}
	s.Sections = append(s.Sections, findingsSections(v.findings, hidden)...)
	if v.diff != nil {
		s.Sections = append(s.Sections, diffSection(*v.diff))
	}
	return s
}

func write(w interface{ Write([]byte) (int, error) }, data []byte) error {
	_, err := w.Write(data)
	return err
}
