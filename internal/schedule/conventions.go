package schedule

import (
	"path"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// Part is a part of a bundle that is found by convention when the manifest does not name its file.
type Part string

// The parts of a bundle. Scope, todo and workplans are the labels of the pointers that every
// repository may have; workplans is a directory.
const (
	PartPrompt    Part = "prompt"
	PartMemory    Part = "memory"
	PartMetrics   Part = "metrics"
	PartScope     Part = "scope"
	PartTodo      Part = "todo"
	PartWorkplans Part = "workplans"
)

// Conventions are the paths at which each part is searched, first match wins; {a} stands for the
// agent, ** for one or more directories. It is read only.
var Conventions = map[Part][]string{
	PartPrompt: {
		".claude/agents/{a}.md",
		".claude/agents/**/{a}.md", // https://code.claude.com/docs/en/sub-agents
		".github/agents/{a}.agent.md",
		".github/agents/{a}.md",
		"agents/agent-{a}.md",
		"agents/{a}.md",
		".opencode/agents/{a}.md",
		".opencode/agent/{a}.md",
		".cursor/agents/{a}.md",
		".agents/agents/{a}.md",
		".codex/agents/{a}.toml",
		".squad/agents/{a}/charter.md",
	},
	PartMemory: {
		".kaizen/agents/{a}/memory.md",
		".claude/agent-memory/{a}/MEMORY.md",
		".squad/agents/{a}/history.md",
		"memory-bank/activeContext.md",
	},
	PartMetrics: {
		".kaizen/metrics/{a}/summary.json",
		".kaizen/metrics/{a}.json",
		".kaizen/metrics/{a}/executions.jsonl",
	},
	PartScope:     {"SCOPE.md", "docs/SCOPE.md"},
	PartTodo:      {"TODO.md", "docs/TODO.md"},
	PartWorkplans: {"workplans"},
}

// Expand puts the agent's name into a pattern of Conventions.
func Expand(pattern, agent string) string { return strings.ReplaceAll(pattern, "{a}", agent) }

// Paths are the places in tree where a part of agent's bundle is searched, first match wins. Only
// for a pattern with ** the tree is looked at: nothing else may be there.
func Paths(tree *checkout.Tree, part Part, agent string) []string {
	var paths []string
	for _, pattern := range Conventions[part] {
		dir, file, nested := strings.Cut(pattern, "/**/")
		if !nested {
			paths = append(paths, Expand(pattern, agent))
			continue
		}
		below, _ := filesBelow(tree, dir)
		for _, p := range below {
			if path.Base(p) == Expand(file, agent) {
				paths = append(paths, p)
			}
		}
	}
	return paths
}
