package scaffold

import (
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Unscheduled returns the agents, sorted by name, that have a prompt in the tree and no
// entry in the manifest. Skipped is that of FindAgents.
func Unscheduled(m *schedule.Manifest, tree *checkout.Tree) (agents []string, skipped []SkippedPrompt) {
	found, skipped := FindAgents(tree)
	for _, a := range found {
		if m.Entry(a.Agent) == nil {
			agents = append(agents, a.Agent)
		}
	}
	return agents, skipped
}
