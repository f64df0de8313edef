package main

import (
	"path"
	"path/filepath"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// isWorkflows reports whether the checkout belongs to the workflow's repository: it is
// the whole workspace, or a part of it without a .git of its own.
func (a *app) isWorkflows(tree *checkout.Tree) bool {
	rel, ok := a.env.InWorkspace(tree.Dir())
	return ok && (rel == "." || !tree.HasGit())
}

// located returns findings whose files are relative to the workspace, as the platform
// expects them. The checkout may be a part of the workspace.
func (a *app) located(findings []diag.Finding) []diag.Finding {
	rel, ok := a.env.InWorkspace(a.dir)
	if !ok || rel == "." {
		return findings
	}
	findings = slices.Clone(findings)
	for i, f := range findings {
		if filepath.IsLocal(f.File) && f.File != standardInput {
			findings[i].File = path.Join(filepath.ToSlash(rel), f.File)
		}
	}
	return findings
}

// annotate annotates the lines of findings, and returns the findings that exceed the
// platform's limit.
func (a *app) annotate(findings []diag.Finding) (hidden []diag.Finding) {
	return a.runner.Annotate(a.located(findings))
}
