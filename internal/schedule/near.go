package schedule

import (
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// NearAgent is the agent with a prompt in any layout that name was probably meant to be, or "". Those that are
// taken do not count; taken may be nil. slip reports that one slip of the pen lies between the two names.
func NearAgent(tree *checkout.Tree, name string, taken func(string) bool) (near string, slip bool) {
	prompts, _ := namedPrompts(tree) // without the names there is nothing to suggest
	var agents []string
	for _, p := range prompts {
		if (taken == nil || !taken(p.agent)) && tree.IsFile(p.path) {
			agents = append(agents, p.agent)
		}
	}
	if i := slices.IndexFunc(agents, func(agent string) bool { return oneSlip(name, agent) }); i >= 0 {
		return agents[i], true
	}
	return Suggest(name, agents), false
}

// oneSlip reports whether two names differ in case only, or in one letter that is missing, added, wrong or
// swapped with its neighbour. Another number is another thing, and so is another letter of a very short name.
func oneSlip(a, b string) bool {
	switch x, y := []rune(a), []rune(b); {
	case a == b || digits(a) != digits(b):
		return false
	case strings.EqualFold(a, b):
		return true
	case min(len(x), len(y)) <= 3:
		return swapped(x, y)
	default:
		return distance(x, y, 2) == 1
	}
}
