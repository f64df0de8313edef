package schedule

import "strings"

// Part is a part of a bundle that is found by convention when the manifest does not name its file.
type Part string

// The parts of a bundle. Scope and todo are the labels of the pointers that every repository may have.
const (
	PartPrompt  Part = "prompt"
	PartMemory  Part = "memory"
	PartMetrics Part = "metrics"
	PartScope   Part = "scope"
	PartTodo    Part = "todo"
)

// Conventions are the paths at which each part is searched, first match wins; {a} stands for the agent (design §5).
// It is read only.
var Conventions = map[Part][]string{
	PartPrompt: {
		".claude/agents/{a}.md",
		".github/agents/{a}.agent.md",
		".github/agents/{a}.md",
		"agents/agent-{a}.md",
		"agents/{a}.md",
		".opencode/agents/{a}.md",
		".cursor/agents/{a}.md",
		".agents/agents/{a}.md",
		".codex/agents/{a}.toml",
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
	PartScope: {"SCOPE.md", "docs/SCOPE.md"},
	PartTodo:  {"TODO.md", "docs/TODO.md"},
}

// Expand puts the agent's name into a pattern of Conventions.
func Expand(pattern, agent string) string { return strings.ReplaceAll(pattern, "{a}", agent) }
