// Package schedule loads, checks and compares the manifest .kaizen/schedule.yml, and
// decides when each of its entries is due.
package schedule

import (
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// DefaultPath is the path of the manifest in a repository.
const DefaultPath = ".kaizen/schedule.yml"

// MaxSize is the size of the largest manifest that is read, in bytes.
const MaxSize = 256 << 10

// Cadence is how often an entry runs at least. It decides the calendar unit of the
// entry's periods.
type Cadence = spec.Cadence

// The valid cadences.
const (
	Daily   = spec.Daily
	Weekly  = spec.Weekly
	Monthly = spec.Monthly
)

// Manifest is a valid .kaizen/schedule.yml with all defaults filled in.
type Manifest struct {
	// File is the path of the manifest in findings.
	File string
	// Repo is the State Hub slug.
	Repo string
	// Location is the manifest's time zone, UTC by default.
	Location *time.Location
	// Entries has the entries in the manifest's order.
	Entries []Entry

	positions map[string]yamlnode.Pos
	ignores   Ignores
}

// Entry is one agent's schedule.
type Entry struct {
	Agent   string
	Cadence Cadence
	// Cron is the expression in the manifest, or the cadence's default. Slots is the
	// parsed expression.
	Cron  string
	Slots cron.Expression
	// Location is the manifest's time zone.
	Location *time.Location
	// Enabled is false if the manifest has the entry but pauses it.
	Enabled bool

	// These are paths inside the checkout, or "" if Conventions apply. They are clean, as
	// path.Clean returns them.
	Prompt, Memory, Metrics string
	// Pointers has the pointers in the manifest's order.
	Pointers []Pointer
	// SessionClose has the close commands. It is nil if the default of the event applies.
	SessionClose []string

	positions map[string]yamlnode.Pos
}

// Pointer names a file or directory that a bundle refers to and does not contain.
type Pointer struct{ Label, Path string }

// Options has the defaults that do not come from the manifest.
type Options struct {
	// Repo is the slug if the manifest has none, or "" if it is unknown. An invalid slug
	// is an error.
	Repo string
}

// Pos returns the position of a top-level key's value, or the start of the manifest if it
// has no such key.
func (m *Manifest) Pos(key string) yamlnode.Pos { return posOf(m.positions, key) }

// Entry returns the entry of an agent, or nil.
func (m *Manifest) Entry(agent string) *Entry {
	for i := range m.Entries {
		if m.Entries[i].Agent == agent {
			return &m.Entries[i]
		}
	}
	return nil
}

// Pos returns the position of the value of the entry's key, or of the agent's name if the
// entry has no such key. The key of the name itself is "agent". The key of a pointer is
// "pointers.<label>", and the key of a close command is "session_close.<index>", counted
// from 0.
func (e *Entry) Pos(key string) yamlnode.Pos { return posOf(e.positions, key) }

// posOf returns the position of key, or else the one stored under "".
func posOf(positions map[string]yamlnode.Pos, key string) yamlnode.Pos {
	if p, ok := positions[key]; ok {
		return p
	}
	return positions[""]
}

// Unsilenced returns the findings without the warnings that a `# kaizen-ignore: <rule>`
// comment on the same line of the manifest silences.
func (m *Manifest) Unsilenced(findings []diag.Finding) []diag.Finding {
	return m.ignores.Unsilenced(findings)
}
