package main

import (
	"cmp"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// hostPath is where dir, a path in this container, is on the runner's host (platform-facts: the workspace is mounted elsewhere).
func (a *app) hostPath(dir string) string {
	rel, ok := a.inWorkspace(dir)
	if a.host == "" || !ok {
		return dir
	}
	return filepath.Join(a.host, rel)
}

// inWorkspace is dir relative to the workspace, and whether it lies inside.
func (a *app) inWorkspace(dir string) (string, bool) {
	if a.env.Workspace == "" {
		return "", false
	}
	rel, err := filepath.Rel(a.env.Workspace, dir)
	return rel, err == nil && filepath.IsLocal(rel)
}

// isWorkflows reports whether the checkout is one of the repository that the workflow runs for: all of the workspace, or a part of it that is
// no repository of its own.
func (a *app) isWorkflows(tree *checkout.Tree) bool {
	rel, ok := a.inWorkspace(tree.Dir())
	return ok && (rel == "." || !tree.HasGit())
}

// located are findings with their files as the platform knows them: relative to the workspace, of which the checkout may be a part.
func (a *app) located(findings []diag.Finding) []diag.Finding {
	rel, ok := a.inWorkspace(a.dir)
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

// annotate shows findings on the lines that they are about, and returns those for which the platform has no room.
func (a *app) annotate(findings []diag.Finding) (hidden []diag.Finding) {
	return a.runner.Annotate(a.located(findings))
}

// slug is the State Hub slug of a manifest that names none: the repository's name. That of the workspace is known; another checkout knows
// where it came from; else the directory's name has to do.
func (a *app) slug(tree *checkout.Tree) string {
	_, name, _ := strings.Cut(a.env.Repository, "/")
	if name != "" && tree.Dir() == filepath.Clean(a.env.Workspace) {
		return name
	}
	return cmp.Or(tree.Origin(), name, filepath.Base(tree.Dir()))
}
