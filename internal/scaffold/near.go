package scaffold

import (
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
)

// NearAgent returns the agent that name probably means, or "". It considers agents with a
// prompt, except those for which taken returns true; taken may be nil. Slip reports that
// the two names are one typing error apart.
func NearAgent(tree *checkout.Tree, name string, taken func(string) bool) (near string, slip bool) {
	var agents []string
	for _, p := range searchPrompts(tree).prompts {
		if (taken == nil || !taken(p.agent)) && tree.IsFile(p.path) {
			agents = append(agents, p.agent)
		}
	}
	if i := slices.IndexFunc(agents, func(agent string) bool { return suggest.OneSlip(name, agent) }); i >= 0 {
		return agents[i], true
	}
	return suggest.Nearest(name, agents), false
}
