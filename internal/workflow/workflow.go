// Package workflow checks the workflow files of a repository: whether their crons,
// inputs, permissions and concurrency suit the manifest, and whether they receive events.
package workflow

import (
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// The repository and the name of this action, as in `uses:` and in action.yml.
const (
	actionRepository = "kaizen-agentic/schedule-action"
	actionName       = "schedule-action"
)

// Check warns about workflows that run this action and do not suit the manifest: crons
// that miss periods, tick on the hour or are invalid, events on which prepare does not
// run, missing permissions, runs that overlap or cancel each other, and receipts that
// expire too early.
//
// Files that cannot be read are skipped, and so are values that only the platform can
// evaluate.
func Check(m *schedule.Manifest, tree *checkout.Tree) []diag.Finding {
	all, findings := ReadUses(tree)
	var uses, idle []Use
	for _, u := range all {
		r := reporter{file: u.File.Path}
		u.checkInputs(&r)
		switch _, isIdle := u.idle(); {
		case u.prepares(m) && isIdle:
			idle = append(idle, u)
		case u.prepares(m):
			uses = append(uses, u)
		case u.lists(m):
			u.checkCheckout(&r)
			u.checkLedger(&r)
		}
		findings = append(findings, u.File.unsilenced(r.findings)...)
	}
	findings = append(findings, checkIdle(idle, uses)...)
	for i, u := range uses {
		r := reporter{file: u.File.Path}
		u.checkCheckout(&r)
		u.checkLedger(&r)
		u.checkDispatch([]string{m.Repo, tree.Origin()}, &r)
		u.checkRetention(m, &r)
		u.checkEvents(&r)
		if u.File.scheduled {
			u.checkConcurrency(&r)
		}
		if i == 0 || uses[i-1].File != u.File {
			u.File.checkCrons(&r)
			r.findings = append(r.findings, u.File.ignoreFindings...)
		}
		findings = append(findings, u.File.unsilenced(r.findings)...)
	}
	findings = append(findings, checkCoverage(m, uses)...)
	diag.Sort(findings)
	return slices.Compact(findings) // two steps of a job share its findings
}

// reporter collects findings about one file.
type reporter struct {
	file     string
	findings []diag.Finding
}

func (r *reporter) at(rule diag.Rule, pos yamlnode.Pos, message, hint string) {
	r.findings = append(r.findings, rule.At(r.file, pos.Line, pos.Column, message, hint))
}

// File is a workflow file.
type File struct {
	Path string
	root *yamlnode.Node
	on   *yamlnode.Node
	// scheduled is true if the workflow has on.schedule, external if an event from
	// outside this checkout may start it at any time.
	scheduled, external bool
	crons               []tick
	badCrons            []problem
	ignores             schedule.Ignores
	ignoreFindings      []diag.Finding
}

// problem is a finding without its rule and file.
type problem struct {
	pos           yamlnode.Pos
	message, hint string
}

// Use is a step that runs this action.
type Use struct {
	File  *File
	jobID *yamlnode.Node // the job's key
	job   *yamlnode.Node
	step  *yamlnode.Node
}

func (w *File) unsilenced(findings []diag.Finding) []diag.Finding {
	return w.ignores.Unsilenced(findings)
}
