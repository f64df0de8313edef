package schedule

import "strings"

// Part is a part of a bundle that is found by convention if the manifest does not name
// its file.
type Part string

// The parts of a bundle. Scope, todo and workplans are labels of pointers that every
// repository may have. Workplans is a directory.
const (
	PartPrompt    Part = "prompt"
	PartMemory    Part = "memory"
	PartMetrics   Part = "metrics"
	PartScope     Part = "scope"
	PartTodo      Part = "todo"
	PartWorkplans Part = "workplans"
)

// Conventions lists the paths where each part is searched; the first match wins. {a} is
// the agent, and ** is one or more directories. The map is read-only.
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

// Expand replaces {a} in a pattern of Conventions by the agent's name.
func Expand(pattern, agent string) string { return strings.ReplaceAll(pattern, "{a}", agent) }
