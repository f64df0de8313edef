package schedule

import "strings"

// Part is a part of a bundle that is found by convention when the manifest does not name
// its file.
type Part string

// The parts of a bundle. Scope, todo and workplans are the labels of the pointers that
// every repository may have; workplans is a directory.
const (
	PartPrompt    Part = "prompt"
	PartMemory    Part = "memory"
	PartMetrics   Part = "metrics"
	PartScope     Part = "scope"
	PartTodo      Part = "todo"
	PartWorkplans Part = "workplans"
)

// Conventions are the paths at which each part is searched, first match wins. {a} is the
// agent, ** is one or more directories. It is read only.
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
