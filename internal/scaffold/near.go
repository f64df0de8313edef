package scaffold

import (
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// NearAgent is the agent with a prompt in any layout that name probably means, or "".
// Agents for which taken is true do not count; taken may be nil. slip reports that the
// two names are one typing error apart.
func NearAgent(tree *checkout.Tree, name string, taken func(string) bool) (near string, slip bool) {
	prompts, _ := namedPrompts(tree) // without the names there is nothing to suggest
	var agents []string
	for _, p := range prompts {
		if (taken == nil || !taken(p.agent)) && tree.IsFile(p.path) {
			agents = append(agents, p.agent)
		}
	}
	if i := slices.IndexFunc(agents, func(agent string) bool { return schedule.OneSlip(name, agent) }); i >= 0 {
		return agents[i], true
	}
	return schedule.Suggest(name, agents), false
}
