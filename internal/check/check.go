// Package check is the pull request check: it finds the problems of a manifest and of what
// the manifest names, and compares it with its base version.
package check

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

// StandardInput is the name of standard input in findings.
const StandardInput = "<stdin>"

// Options are what a check depends on, besides the files.
type Options struct {
	Env     *actions.Environment
	Stdin   io.Reader // the file "-"
	Now     time.Time
	Secrets prepare.Policy
	// Base is a file with the base version of the manifest, "-" for standard input, or ""
	// for the version of a pull request's base commit. ReadBase has to read it.
	Base string
	// File is the manifest in the checkout, "" for the default, and used in messages only.
	File string
	// Client returns the client that reads the base version of a pull request.
	Client func() (*gh.Client, error)

	base []byte
}

// Result is what a check found.
type Result struct {
	Files    []string       // the checked files, as findings name them
	Findings []diag.Finding // sorted, each once
	// Manifest is nil if it has errors, or if several files were checked.
	Manifest *schedule.Manifest
	// Decisions are about the manifest's entries, as if there were no receipts: the check
	// does not read the ledger.
	Decisions []schedule.Decision
	// Unscheduled are the agents that have a prompt in the checkout and no entry. Skipped
	// are files that look like a prompt and give no agent.
	Unscheduled []string
	Skipped     []scaffold.SkippedPrompt
	// Comparison is nil where there is nothing to compare with.
	Comparison *Comparison
	// Warnings are sentences about what was not checked.
	Warnings []string
	// Unfinished means that the run ended before everything was checked.
	Unfinished bool

	sources map[string][]byte
}

// Source returns the text of a file with findings, nil if it cannot be read.
func (r *Result) Source(file string) []byte { return r.sources[file] }

// Project checks the manifest of an open project and the files that it names. The error is
// a problem of the machine.
func Project(ctx context.Context, p *pipeline.Project, o Options) (*Result, error) {
	c := newChecker(o)
	if p.Manifest != nil {
		c.Unscheduled, c.Skipped = scaffold.Unscheduled(p.Manifest, p.Tree)
	}
	if err := c.add(ctx, p.Files, p.File, p.Text, p.Manifest, p.Findings); err != nil {
		return nil, err
	}
	c.finish()
	if c.Manifest != nil && o.Base == "" && !c.Unfinished {
		c.comparePullRequest(ctx, p.Tree)
	}
	return c.Result, nil
}

// Files checks manifests that are named relative to the working directory; "-" is standard
// input. Of a manifest in the tree it also checks the files that the manifest names. The
// paths in any other have no meaning. The error is a problem of the machine.
func Files(ctx context.Context, tree *checkout.Tree, names []string, o Options) (*Result, error) {
	c := newChecker(o)
	for _, name := range names {
		if err := c.file(ctx, tree, name); err != nil {
			return nil, err
		}
	}
	c.finish()
	return c.Result, nil
}

// checker collects the findings of one check.
type checker struct {
	Options
	*Result
}

func newChecker(o Options) *checker { return &checker{o, &Result{sources: make(map[string][]byte)}} }

// file checks one file that the user named.
func (c *checker) file(ctx context.Context, tree *checkout.Tree, name string) error {
	var data []byte
	var err error
	var slug string
	file, inside := nameIn(tree, name)
	if inside {
		slug = pipeline.Slug(tree, c.Env)
		data, err = tree.ReadFile(file, schedule.MaxSize)
	} else {
		tree = nil
		data, err = checkout.ReadArgument(ctx, name, c.Stdin, schedule.MaxSize)
	}
	if ctx.Err() != nil {
		c.Unfinished = true
		return nil
	}
	if err != nil {
		return c.add(ctx, nil, file, nil, nil, []diag.Finding{pipeline.Unreadable(file, err)})
	}
	m, findings := pipeline.LoadManifest(file, data, slug)
	var files *prepare.Files
	if tree != nil {
		files = prepare.NewFiles(tree, nil)
		if m != nil {
			files = prepare.NewFiles(tree, m.Entries)
		}
	}
	return c.add(ctx, files, file, data, m, findings)
}

// nameIn returns the name of a file in findings, and whether the file is in the tree.
func nameIn(tree *checkout.Tree, file string) (name string, inside bool) {
	if file == "-" {
		return StandardInput, false
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

// add adds a manifest, which is nil if it has errors, and its findings. Files is nil for a
// manifest outside of the checkout.
func (c *checker) add(ctx context.Context, files *prepare.Files, file string, source []byte, m *schedule.Manifest,
	findings []diag.Finding) error {
	c.Files, c.Manifest, c.sources[file] = append(c.Files, file), m, source
	c.Findings = append(c.Findings, findings...)
	switch {
	case files == nil:
		return nil
	case m == nil:
		// Named files that are missing are reported together with the errors.
		c.Findings = append(c.Findings,
			secrets.Mask(file, source, prepare.CheckNamed(schedule.LoadReadable(file, source), files))...)
		return nil
	}
	more, err := c.repository(ctx, m, files)
	if ctx.Err() != nil {
		c.Unfinished = true // findings about files that were not read would be wrong
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range more {
		if _, ok := c.sources[f.File]; !ok {
			c.sources[f.File], _ = files.Tree().ReadFile(f.File, schedule.MaxSize) // nil if it cannot be read
		}
	}
	c.Findings = append(c.Findings, more...)
	return nil
}

// repository checks what a valid manifest names, and the workflows.
func (c *checker) repository(ctx context.Context, m *schedule.Manifest,
	files *prepare.Files) ([]diag.Finding, error) {
	more, err := c.contents(ctx, m, files)
	if err != nil {
		return nil, err
	}
	found, err := prepare.Check(ctx, m, files)
	if err != nil {
		return nil, err
	}
	more = oncePerPlace(append(more, found...), m.File)
	if !c.Env.Actions {
		more = append(more, prepare.CheckUntracked(m, files)...)
	}
	more = m.Unsilenced(append(more, workflow.Check(m, files.Tree())...))
	return append(more, exceeded(files.Tree(), more)...), nil
}

// exceeded reports the file that exceeds the budget of the run, unless a finding does so.
// Checks skip files that they cannot read.
func exceeded(tree *checkout.Tree, findings []diag.Finding) []diag.Finding {
	err := tree.Exceeded()
	if err == nil || slices.ContainsFunc(findings, func(f diag.Finding) bool {
		return f.Rule == diag.Unreadable.ID && f.File == err.Path
	}) {
		return nil
	}
	message, hint := advice.Split(err)
	return []diag.Finding{diag.Unreadable.At(err.Path, 0, 0, message, hint)}
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

// finish completes the result when all files are checked.
func (c *checker) finish() {
	diag.Sort(c.Findings)
	c.Findings = slices.Compact(c.Findings) // prepare.Check and the builder report some problems both
	if len(c.Files) > 1 {
		c.Manifest = nil
	}
	if c.Manifest == nil {
		return
	}
	for i := range c.Manifest.Entries {
		c.Decisions = append(c.Decisions, schedule.Decide(&c.Manifest.Entries[i], c.Now, schedule.Known{}))
	}
	if c.Base != "" {
		c.compare(c.base)
	}
}
