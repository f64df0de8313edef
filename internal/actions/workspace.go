package actions

import "path/filepath"

// InWorkspace returns dir relative to the workspace, and whether it is inside.
func (e *Environment) InWorkspace(dir string) (rel string, inside bool) {
	if e.Workspace == "" {
		return "", false
	}
	rel, err := filepath.Rel(e.Workspace, dir)
	return rel, err == nil && filepath.IsLocal(rel)
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
