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

// hostPath translates dir from this container to the runner's host, where the workspace
// has another path.
func (a *app) hostPath(dir string) string {
	rel, ok := a.inWorkspace(dir)
	if a.host == "" || !ok {
		return dir
	}
	return filepath.Join(a.host, rel)
}

// inWorkspace returns dir relative to the workspace, and whether it is inside.
func (a *app) inWorkspace(dir string) (string, bool) {
	if a.env.Workspace == "" {
		return "", false
	}
	rel, err := filepath.Rel(a.env.Workspace, dir)
	return rel, err == nil && filepath.IsLocal(rel)
}

// isWorkflows reports whether the checkout belongs to the workflow's repository: it is
// the whole workspace, or a part of it without a .git of its own.
func (a *app) isWorkflows(tree *checkout.Tree) bool {
	rel, ok := a.inWorkspace(tree.Dir())
	return ok && (rel == "." || !tree.HasGit())
}

// located returns findings whose files are relative to the workspace, as the platform
// expects them. The checkout may be a part of the workspace.
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

// annotate annotates the lines of findings, and returns the findings that exceed the
// platform's limit.
func (a *app) annotate(findings []diag.Finding) (hidden []diag.Finding) {
	return a.runner.Annotate(a.located(findings))
}

// slug returns the State Hub slug of a manifest without one: the repository's name. It
// comes from the workspace's repository, else from the checkout's remote, else from the
// directory's name.
func (a *app) slug(tree *checkout.Tree) string {
	_, name, _ := strings.Cut(a.env.Repository, "/")
	if name != "" && tree.Dir() == filepath.Clean(a.env.Workspace) {
		return name
	}
	return cmp.Or(tree.Origin(), name, filepath.Base(tree.Dir()))
}
