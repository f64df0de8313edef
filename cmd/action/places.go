package main

import (
	"path"
	"path/filepath"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// located returns findings whose files are relative to the workspace, as the platform
// expects them. The checkout may be a part of the workspace.
func (a *app) located(findings []diag.Finding) []diag.Finding {
	rel, ok := a.env.InWorkspace(a.dir)
	if !ok || rel == "." {
		return findings
	}
	findings = slices.Clone(findings)
	for i, f := range findings {
		if filepath.IsLocal(f.File) && f.File != check.StandardInput {
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
