package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
)

// Selection selects the entries of a manifest that a command is about.
type Selection struct {
	// Names are the named agents. It is empty with All, and if the ledger decides.
	Names []string
	// All selects every enabled entry.
	All bool
	// Cadence, if not "", selects only the entries of this cadence.
	Cadence schedule.Cadence
}

// Words that select agents in a list of names.
const (
	WordDue = "due"
	WordAll = "all"
)

// NewSelection parses a list of agents: names, or one of the words due and all alone.
func NewSelection(list []string, cadence schedule.Cadence) (Selection, error) {
	s := Selection{Cadence: cadence}
	for _, name := range list {
		switch {
		case name == WordDue || name == WordAll:
			if len(list) > 1 {
				return s, fmt.Errorf("agents lists %q beside others: give due, all, or names", name)
			}
			s.All = name == WordAll
		case !slices.Contains(s.Names, name):
			s.Names = append(s.Names, name)
		}
	}
	return s, nil
}

// Due reports whether the ledger decides.
func (s Selection) Due() bool { return len(s.Names) == 0 && !s.All }

// Entries returns the selected entries in the manifest's order. A name that the manifest
// does not have is an error.
func (s Selection) Entries(m *schedule.Manifest) ([]*schedule.Entry, error) {
	var out []*schedule.Entry
	missing := slices.Clone(s.Names)
	for i := range m.Entries {
		e := &m.Entries[i]
		if len(s.Names) > 0 && !slices.Contains(s.Names, e.Agent) {
			continue
		}
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == e.Agent })
		if (s.Cadence == "" || s.Cadence == e.Cadence) && (!s.All || e.Enabled) {
			out = append(out, e)
		}
	}
	if len(missing) > 0 {
		return nil, unknownAgents(m, missing)
	}
	return out, nil
}

// unknownAgents returns an error for names that the manifest does not have.
func unknownAgents(m *schedule.Manifest, missing []string) error {
	known := make([]string, len(m.Entries))
	for i, e := range m.Entries {
		known[i] = e.Agent
	}
	has := "it has"
	if near := suggest.Nearest(missing[0], known); near != "" {
		has = fmt.Sprintf("did you mean %q? It has", near)
	}
	quoted := make([]string, len(missing))
	for i, name := range missing {
		quoted[i] = strconv.Quote(name)
	}
	return fmt.Errorf("%s has no agent %s: %s %s", m.File, strings.Join(quoted, ", "), has, strings.Join(known, ", "))
}
