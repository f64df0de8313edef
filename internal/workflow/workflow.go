// Package workflow checks a repository's workflow files: whether their crons serve the
// manifest, their permissions and concurrency, and which of them receive events.
package workflow

import (
	"fmt"
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

// CheckWorkflows warns if the workflows that run this action cannot do what the manifest
// asks for: crons that miss periods, tick on the hour or are not valid on GitHub; missing
// permissions; runs that may overlap or cancel each other; receipts that expire too
// early. Self lists the repositories (owner/name) whose `uses:` means this action.
// Workflows that cannot be read, or that only GitHub can evaluate, are skipped, because a
// guess may be wrong.
func Check(m *schedule.Manifest, self []string, tree *checkout.Tree) []diag.Finding {
	all, findings := ReadUses(tree, self)
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
	// scheduled means that it has on.schedule, and foreign that an event outside this
	// checkout may start it at any time.
	scheduled, foreign bool
	crons              []tick
	badCrons           []mistake
	ignores            schedule.Ignores
	ignoreFindings     []diag.Finding
}

// mistake is a problem of a cron, of the place of a cron, or of a step.
type mistake struct {
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

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
