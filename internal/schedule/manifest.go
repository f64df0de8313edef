// Package schedule loads, checks and compares the manifest .kaizen/schedule.yml, and
// knows when each of its entries is due.
package schedule

import (
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// DefaultPath is where a repository keeps its manifest.
const DefaultPath = ".kaizen/schedule.yml"

// MaxSize is the largest manifest that is read, in bytes.
const MaxSize = 256 << 10

// Cadence is how often an entry runs at least, and the calendar unit of its periods.
type Cadence = spec.Cadence

// The valid cadences.
const (
	Daily   = spec.Daily
	Weekly  = spec.Weekly
	Monthly = spec.Monthly
)

// Manifest is a valid .kaizen/schedule.yml with its defaults filled in.
type Manifest struct {
	// File is the path the manifest was loaded under, as findings name it.
	File string
	// Repo is the State Hub slug.
	Repo string
	// Location is the manifest's time zone, UTC by default.
	Location *time.Location
	// Entries are in the manifest's order.
	Entries []Entry

	positions map[string]yamlnode.Pos
	ignores   Ignores
}

// Entry is one agent's schedule.
type Entry struct {
	Agent   string
	Cadence Cadence
	// Cron is the expression as the manifest has it, or the cadence's default, and Slots is
	// what it means.
	Cron  string
	Slots cron.Expression
	// Location is the manifest's.
	Location *time.Location
	// Enabled is false for an entry that is declared and paused.
	Enabled bool

	// Paths inside the checkout, "" where Conventions decide. They are clean: no "./", no
	// trailing slash.
	Prompt, Memory, Metrics string
	// Pointers are in the manifest's order.
	Pointers []Pointer
	// SessionClose is nil where the contract's default applies.
	SessionClose []string

	positions map[string]yamlnode.Pos
}

// Pointer names a file of the repository that a bundle refers to without containing it.
type Pointer struct{ Label, Path string }

// Options are the defaults that come from outside the manifest.
type Options struct {
	// Repo is the slug of a manifest that names none, "" when unknown. Text that is no slug
	// is an error.
	Repo string
}

// Pos is the place of the value of a top-level key, or the start of the mapping when the
// manifest has no such key.
func (m *Manifest) Pos(key string) yamlnode.Pos { return posOf(m.positions, key) }

// Entry is the entry of agent, or nil.
func (m *Manifest) Entry(agent string) *Entry {
	for i := range m.Entries {
		if m.Entries[i].Agent == agent {
			return &m.Entries[i]
		}
	}
	return nil
}

// Pos is the place of the value of the entry's key, or of the agent's name when the entry
// has no such key. The key of the name itself is "agent". A pointer's key is
// "pointers.<label>", and that of a close command "session_close.<index>", counted from
// 0.
func (e *Entry) Pos(key string) yamlnode.Pos { return posOf(e.positions, key) }

// posOf looks up key, or else the position under "".
func posOf(positions map[string]yamlnode.Pos, key string) yamlnode.Pos {
	if p, ok := positions[key]; ok {
		return p
	}
	return positions[""]
}

// Unsilenced drops the warnings that a `# kaizen-ignore: <rule>` comment on their line of
// the manifest silences.
func (m *Manifest) Unsilenced(findings []diag.Finding) []diag.Finding {
	return m.ignores.Unsilenced(findings)
}
