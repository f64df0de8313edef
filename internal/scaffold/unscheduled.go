package scaffold

import (
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Unscheduled returns the agents, sorted by name, that have a prompt in the tree and no
// entry in the manifest. Skipped and the error are those of FindAgents.
func Unscheduled(m *schedule.Manifest, tree *checkout.Tree) (agents []string, skipped []SkippedPrompt, err error) {
	found, skipped, err := FindAgents(tree)
	for _, a := range found {
		if m.Entry(a.Agent) == nil {
			agents = append(agents, a.Agent)
		}
	}
	return agents, skipped, err
}
