package fleet

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Proposal is a cron that would spread an entry.
type Proposal struct {
	Repository string
	Agent      string
	Cron       string
	// Shared is how many enabled entries of the fleet run in its busiest minute, itself
	// included.
	Shared  int
	Instead string // the proposed cron
}

// crowded is how many entries may share a minute without a proposal.
const crowded = 10

// week is the week whose minutes are compared. It begins on the first of a month, so that
// most monthly entries have a slot in it.
var week = struct{ start, end time.Time }{
	time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, time.June, 8, 0, 0, 0, 0, time.UTC),
}

// Spread proposes another minute for each entry that shares one with many others. The
// proposal depends on the names of repository and agent alone, so it stays when the fleet
// changes.
func (r *Roster) Spread() ([]Proposal, error) {
	load := map[int64]int{}
	var all []Proposal
	var slots [][]int64
	known := map[string][]int64{} // entries often share a timing
	for i := range r.Repositories {
		entries, err := r.Repositories[i].Schedule()
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.Enabled {
				continue
			}
			key := e.Cron + " " + e.Location.String()
			if known[key] == nil {
				known[key] = minutes(&e)
			}
			for _, m := range known[key] {
				load[m]++
			}
			all = append(all, Proposal{Repository: r.Repositories[i].Name, Agent: e.Agent, Cron: e.Cron})
			slots = append(slots, known[key])
		}
	}
	for i := range all {
		p := &all[i]
		for _, m := range slots[i] {
			p.Shared = max(p.Shared, load[m])
		}
		if p.Shared > crowded {
			p.Instead = Respread(p.Repository, p.Agent, p.Cron)
		}
	}
	return slices.DeleteFunc(all, func(p Proposal) bool { return p.Instead == "" || p.Instead == p.Cron }), nil
}

// minutes returns the entry's slots in the week, as Unix times.
func minutes(e *schedule.Entry) []int64 {
	slots := []int64{}
	for t := e.Slots.After(week.start.Add(-time.Minute), e.Location); !t.IsZero() && t.Before(week.end); {
		slots = append(slots, t.Unix())
		t = e.Slots.After(t, e.Location)
	}
	return slots
}

// Respread returns the cron at the minute that belongs to a repository and an agent. It
// returns "" for a cron that runs at several minutes of an hour.
func Respread(repository, agent, expression string) string {
	e, err := cron.Parse(expression, cron.Manifest)
	if err != nil || len(e.Minutes()) != 1 {
		return ""
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\x00%s", strings.ToLower(repository), agent)
	// Most crons of the platform are on a full or a quarter hour, so it delays and drops runs
	// there. The proposal is one of the other 56 minutes.
	m := h.Sum32() % 56
	minute := 1 + m + m/14
	return fmt.Sprintf("%d %s", minute, strings.Join(strings.Fields(expression)[1:], " "))
}

// Suggest proposes another minute for the entries of one repository that run on a full or a
// quarter hour, where most entries of a fleet do.
func Suggest(repository string, m *schedule.Manifest) (proposals []Proposal) {
	for i := range m.Entries {
		e := &m.Entries[i]
		if of := e.Slots.Minutes(); !e.Enabled || len(of) != 1 || of[0]%15 != 0 {
			continue
		}
		instead := Respread(repository, e.Agent, e.Cron)
		proposals = append(proposals, Proposal{Repository: repository, Agent: e.Agent, Cron: e.Cron, Instead: instead})
	}
	return proposals
}
