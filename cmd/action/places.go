package main

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/option"
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

// checkPlaces returns an error for a path that leaves the workspace in Actions. In a
// container later steps would not find what root and bundle-path name. And a link that the
// repository has instead of a directory must not make another directory the checkout.
func (a *app) checkPlaces(o option.Values) error {
	if !a.env.Actions {
		return nil
	}
	for _, name := range []string{option.Target, option.Out, option.Cursor, option.ArchiveDir} {
		for place := range strings.SplitSeq(o[name], "\n") { // report writes several files
			if err := a.env.CheckPlace(name, place); err != nil {
				return err
			}
		}
	}
	return nil
}
