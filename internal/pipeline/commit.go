package pipeline

import (
	"errors"
	"path/filepath"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// CommitOf returns the commit of a checkout. It is that of its own .git, else of the
// nearest .git above it in the workspace, because a workflow may check out another commit
// than its own. Without any .git it is the workflow's commit, or "" outside the
// workspace.
func CommitOf(tree *checkout.Tree, env *actions.Environment) (string, error) {
	commit, err := tree.Commit()
	if err == nil {
		return commit, nil
	}
	if !errors.Is(err, checkout.ErrNoRepository) {
		return "", err
	}
	rel, inside := env.InWorkspace(tree.Dir())
	if !inside {
		return "", nil
	}
	if rel == "." {
		return env.SHA, nil
	}
	parent, err := tree.Beside(filepath.Dir(tree.Dir()))
	if err != nil {
		return "", err
	}
	defer parent.Close()
	return CommitOf(parent, env)
}
