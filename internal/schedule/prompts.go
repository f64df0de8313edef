package schedule

import (
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// maxNames is how many names of a directory are looked at.
const maxNames = 1000

// notAgents are files that stand beside prompts in many repositories.
var notAgents = []string{
	"readme", "agents", "claude", "gemini", "index", "changelog", "contributing", "license", "template",
}

// namedPrompt is an agent and the path of what bears the name of its prompt, which need not be a file.
type namedPrompt struct{ agent, path string }

// namedPrompts looks for prompts in every layout, in the order of the conventions.
func namedPrompts(tree *checkout.Tree) (prompts []namedPrompt, err error) {
	search, err := searchPrompts(tree)
	if err != nil {
		return nil, err
	}
	return search.prompts, nil
}

func isAgent(name string) bool {
	return IsAgent(name) && reservedAgents[name] == "" && !slices.Contains(notAgents, strings.ToLower(name))
}
