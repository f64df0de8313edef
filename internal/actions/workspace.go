package actions

import (
	"fmt"
	"path/filepath"
)

// InWorkspace returns dir relative to the workspace, and whether it is inside.
func (e *Environment) InWorkspace(dir string) (rel string, inside bool) {
	if e.Workspace == "" {
		return "", false
	}
	rel, err := filepath.Rel(e.Workspace, dir)
	return rel, err == nil && filepath.IsLocal(rel)
}

// CheckPlace returns an error for the path of an option that leaves the workspace, or that
// later steps cannot see.
func (e *Environment) CheckPlace(name, place string) error {
	if place == "" {
		return nil
	}
	path, err := filepath.Abs(place)
	if err != nil {
		return err
	}
	_, inside := e.InWorkspace(path)
	if !inside && e.HostWorkspace != "" {
		return fmt.Errorf("%s is %s, outside the workspace, which is the only directory that later steps see: "+
			"use a path inside it", name, place)
	}
	if inside && e.leaves(path) {
		return fmt.Errorf("%s is %s, where a link leads out of the workspace: replace it with a directory", name, place)
	}
	return nil
}

// leaves reports whether a path leads out of the workspace when its links are followed. A
// path that does not exist does not.
func (e *Environment) leaves(path string) bool {
	workspace, err := filepath.EvalSymlinks(e.Workspace)
	if err != nil {
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(workspace, real)
	return err != nil || !filepath.IsLocal(rel)
}

// HostPath returns the path of a directory on the runner's host. A directory outside the
// workspace has the same path there.
func (e *Environment) HostPath(dir string) string {
	rel, inside := e.InWorkspace(dir)
	if e.HostWorkspace == "" || !inside {
		return dir
	}
	return filepath.Join(e.HostWorkspace, rel)
}

// HasArtifactService reports whether the runner passed the address and the token of the
// artifact service. It passes them only to steps that have `uses:`.
func (e *Environment) HasArtifactService() bool { return e.ResultsURL != "" && e.RuntimeToken != "" }
