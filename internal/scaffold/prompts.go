package scaffold

import (
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// maxNames is how many names of a directory are read.
const maxNames = 1000

// notAgents are names of files that many repositories keep beside prompts.
var notAgents = []string{
	"readme", "agents", "claude", "gemini", "index", "changelog", "contributing", "license", "template",
}

// namedPrompt is an agent and the path that looks like its prompt, which may be a
// directory.
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
	return schedule.IsAgent(name) && schedule.ReservedAgents[name] == "" &&
		!slices.Contains(notAgents, strings.ToLower(name))
}
