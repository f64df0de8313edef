// Package schedule is the manifest .kaizen/schedule.yml: it loads, checks, compares and scaffolds it,
// and knows when each of its entries falls due (design §3, §4).
package schedule

import (
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// DefaultPath is where a repository keeps its manifest.
const DefaultPath = ".kaizen/schedule.yml"

// MaxSize is the largest manifest that is read, in bytes.
const MaxSize = 256 << 10

// Pos is a place in a file: 1-based line, and 1-based column in Unicode code points.
type Pos struct{ Line, Column int }

// Cadence is how often an entry runs.
type Cadence string

// The cadences of the contract.
const (
	Daily   Cadence = "daily"
	Weekly  Cadence = "weekly"
	Monthly Cadence = "monthly"
)

// Retention is for how many days a receipt has to be kept, so that it outlives its period and one more, whatever their lengths: with
// less, a late tick may find no receipt and run a period twice.
func (c Cadence) Retention() int {
	switch c {
	case Daily:
		return 1 + 2*1
	case Weekly:
		return 1 + 2*7
	}
	return 1 + 2*31
}

// Manifest is a valid .kaizen/schedule.yml with its defaults filled in.
type Manifest struct {
	// File is the path the manifest was loaded under, as findings name it.
	File string
	// Repo is the State Hub slug.
	Repo string
	// Location is the manifest's time zone, UTC by default.
	Location *time.Location
	Entries  []Entry

	positions map[string]Pos
	ignores   map[int][]string
}

// Entry is one agent's schedule.
type Entry struct {
	Agent   string
	Cadence Cadence
	// Weekday is the day of a weekly entry, MonthDay (1…31) that of a monthly one.
	Weekday  time.Weekday
	MonthDay int
	// Hour and Minute are the local time before which the entry is not due.
	Hour, Minute int
	// Location is the manifest's.
	Location *time.Location
	Enabled  bool

	// Paths inside the checkout, "" where the conventions of design §5 decide. They are clean: no "./", no trailing slash.
	Prompt, Memory, Metrics string
	// Pointers are in the manifest's order.
	Pointers []Pointer
	// SessionClose is nil where the contract's default applies.
	SessionClose []string

	positions map[string]Pos
}

// Pointer names a file of the repository that a bundle refers to without containing it.
type Pointer struct{ Label, Path string }

// Options are the defaults that come from outside the manifest.
type Options struct {
	// Repo is the slug used when the manifest does not name one; what is no slug then is an error. "" when unknown.
	Repo string
}

// Pos is where the value of a top-level key stands, or the start of the mapping when the manifest has no such key.
func (m *Manifest) Pos(key string) Pos { return posOf(m.positions, key) }

// Entry is the entry of agent, or nil.
func (m *Manifest) Entry(agent string) *Entry {
	for i := range m.Entries {
		if m.Entries[i].Agent == agent {
			return &m.Entries[i]
		}
	}
	return nil
}

// Pos is where the value of the entry's key stands, or the entry itself when it has no such key.
// A pointer's key is "pointers.<label>", that of a close command "session_close.<index>", counted from 0.
func (e *Entry) Pos(key string) Pos { return posOf(e.positions, key) }

// posOf looks key up, and without it takes the place of the mapping itself, which is kept under "".
func posOf(positions map[string]Pos, key string) Pos {
	if p, ok := positions[key]; ok {
		return p
	}
	return positions[""]
}

// Unsilenced drops the warnings that a `# kaizen-ignore: <rule>` comment on their line of the manifest silences.
func (m *Manifest) Unsilenced(findings []diag.Finding) []diag.Finding {
	return unsilenced(m.File, m.ignores, findings)
}
