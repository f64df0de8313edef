package scaffold

import (
	"fmt"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
)

// Bootstrap is how often the entries of a new manifest run.
type Bootstrap string

// The presets of kaizen-agentic's own `schedule init`. The default is weekly.
const (
	BootstrapHourly Bootstrap = "hourly"
	BootstrapDaily  Bootstrap = "daily"
	BootstrapWeekly Bootstrap = "weekly"
)

// ownAgents has the entries, with their weekly crons, that kaizen-agentic's own `schedule
// init` writes.
var ownAgents = []struct{ agent, cron string }{{"coach", "0 9 * * 1"}, {"optimization", "0 10 * * 1"}}

// maxFound is the largest number of found agents that get an entry.
const maxFound = 100

// plannedEntry is an entry of a new manifest.
type plannedEntry struct {
	agent   string
	cadence schedule.Cadence
	cron    string // "" is the cadence's default
	enabled bool
	// prompts has the paths found in the checkout. The first one is used.
	prompts []string
	// memory is set if several agents share a conventional file. Naming the file shows
	// that sharing is intended.
	memory string
}

// manifestPlan is the content of a new manifest, and notes for the user.
type manifestPlan struct {
	entries []plannedEntry
	notes   []string
}

// planManifest chooses the entries. They are those of opts.Agents if there are any, else
// kaizen-agentic's own agents and the found ones.
func planManifest(tree *checkout.Tree, found []FoundAgent, opts Options) (*manifestPlan, error) {
	p := &manifestPlan{}
	var err error
	if len(opts.Agents) > 0 {
		err = p.addNamed(found, opts.Agents)
	} else {
		p.addFound(found)
	}
	for i := range p.entries {
		e := &p.entries[i]
		e.cadence, e.cron = opts.Bootstrap.timing(i, e.agent)
		if len(p.entries) > 1 {
			e.memory = sharedMemory(tree, e.agent)
		}
	}
	return p, err
}

// addNamed adds the agents that the user named. They are enabled even if the checkout has
// no prompt for them.
func (p *manifestPlan) addNamed(found []FoundAgent, agents []string) error {
	for _, name := range agents {
		meaning, reserved := spec.ReservedAgents[name]
		prompts := promptsOf(found, name)
		near := suggest.Nearest(name, agentNames(found))
		switch {
		case !spec.IsAgent(name):
			return advice.New("use 1 to 64 letters, digits, hyphens and underscores, the first a letter or digit",
				"agents lists %s, which is not a valid agent name", diag.Quote(name))
		case reserved:
			return advice.New("list names", "agents lists %q, which means %s", name, meaning)
		case prompts == nil && near != "":
			return advice.New(fmt.Sprintf("did you mean %q?", near),
				"agents lists %q, which has no prompt in the checkout", name)
		}
		if !p.has(name) {
			p.entries = append(p.entries, plannedEntry{agent: name, enabled: true, prompts: prompts})
		}
	}
	return nil
}

// addFound adds kaizen-agentic's own agents and the found ones. Agents without a prompt
// are disabled.
func (p *manifestPlan) addFound(found []FoundAgent) {
	for _, own := range ownAgents {
		prompts := promptsOf(found, own.agent)
		if near := suggest.Nearest(own.agent, agentNames(found)); near != "" && prompts == nil {
			p.notes = append(p.notes, fmt.Sprintf(
				"%s has no entry for kaizen-agentic's %q, because %q may be the same agent",
				schedule.DefaultPath, own.agent, near))
			continue
		}
		p.entries = append(p.entries, plannedEntry{agent: own.agent, enabled: prompts != nil, prompts: prompts})
	}
	for _, a := range found[:min(len(found), maxFound)] {
		if !p.has(a.Agent) {
			p.entries = append(p.entries, plannedEntry{agent: a.Agent, enabled: true, prompts: a.Paths})
		}
	}
	left := 0
	for _, a := range found {
		if !p.has(a.Agent) {
			left++
		}
	}
	if left > 0 {
		p.notes = append(p.notes, fmt.Sprintf(
			"%s has the first %d agents and leaves out %d: add those that should run",
			schedule.DefaultPath, maxFound, left))
	}
}

func (p *manifestPlan) has(agent string) bool {
	return slices.ContainsFunc(p.entries, func(e plannedEntry) bool { return e.agent == agent })
}

func promptsOf(found []FoundAgent, agent string) []string {
	if i := slices.IndexFunc(found, func(a FoundAgent) bool { return a.Agent == agent }); i >= 0 {
		return found[i].Paths
	}
	return nil
}

func agentNames(found []FoundAgent) []string {
	names := make([]string, len(found))
	for i, a := range found {
		names[i] = a.Agent
	}
	return names
}

// hourlyMinutes has the minutes for hourly entries in the order of use, far from each
// other.
var hourlyMinutes = []int{0, 30, 15, 45, 5, 35, 20, 50, 10, 40, 25, 55}

// timing returns the cadence and the cron of entry i.
func (b Bootstrap) timing(i int, agent string) (schedule.Cadence, string) {
	switch b {
	case BootstrapHourly:
		return schedule.Daily, fmt.Sprintf("%d * * * *", hourlyMinutes[i%len(hourlyMinutes)])
	case BootstrapDaily:
		return schedule.Daily, fmt.Sprintf("0 %d * * *", (9+i)%24)
	}
	for _, own := range ownAgents {
		if own.agent == agent {
			return schedule.Weekly, own.cron
		}
	}
	if i == 0 {
		return schedule.Weekly, schedule.Weekly.DefaultCron() // written once, so that its comment explains it
	}
	return schedule.Weekly, ""
}

// sharedMemory returns the conventional memory file of the agent if all agents share it,
// else "".
func sharedMemory(tree *checkout.Tree, agent string) string {
	for _, pattern := range schedule.Conventions[schedule.PartMemory] {
		if file := schedule.Expand(pattern, agent); tree.IsFile(file) {
			if file == pattern {
				return file
			}
			return ""
		}
	}
	return ""
}
