package scaffold

import (
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// maxNames is the largest number of names that are read from a directory.
const maxNames = 1000

// notAgents has names of files that are often next to prompts and are not prompts.
var notAgents = []string{
	"readme", "agents", "claude", "gemini", "index", "changelog", "contributing", "license", "template",
}

// namedPrompt is an agent and a path that looks like its prompt. The path may be a
// directory.
type namedPrompt struct{ agent, path string }

func isAgent(name string) bool {
	return spec.IsAgent(name) && spec.ReservedAgents[name] == "" &&
		!slices.Contains(notAgents, strings.ToLower(name))
}
