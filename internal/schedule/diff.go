package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ChangeKind is one way in which an entry differs from its base version.
type ChangeKind string

// The kinds of change. Repointed means that it names other files, pointers or close commands.
const (
	Added       ChangeKind = "added"
	Removed     ChangeKind = "removed"
	Retimed     ChangeKind = "re-timed"
	SwitchedOn  ChangeKind = "enabled"
	SwitchedOff ChangeKind = "disabled"
	Repointed   ChangeKind = "files changed"
)

// Change is one difference. Detail, which may be empty, is one line such as "weekly on monday at 05:00 → daily at 05:00"; paths in it
// are quoted.
type Change struct {
	Kind   ChangeKind
	Detail string
}

// Rate is a number of runs per month, averaged over the Gregorian calendar's 400 years; a disabled entry has none.
type Rate float64

// String has at most one decimal: 30.4, 4.3, 1, 0.
func (r Rate) String() string {
	return strings.TrimSuffix(strconv.FormatFloat(float64(r), 'f', 1, 64), ".0")
}

// EntryDiff is one agent in both versions of a manifest.
type EntryDiff struct {
	Agent   string
	Cadence Cadence // head's, or base's of a removed entry
	Enabled bool    // in head; false if removed
	// Changes are empty for an entry that stays as it is.
	Changes       []Change
	Before, After Rate
	// Next are the five slots after the moment of comparison, nil if removed.
	Next []Slot
}

// Diff is what a pull request changes in the roster.
type Diff struct {
	// New says that there is no base version.
	New bool
	// Repo is the change of the slug, "" if it stays. The slug is part of every bundle's name, so every entry becomes due again.
	Repo string
	// Entries are head's in its order, then the removed ones in base's.
	Entries       []EntryDiff
	Before, After Rate // of all entries together
}

// Changed reports whether anything differs.
func (d Diff) Changed() bool {
	return d.New || d.Repo != "" || slices.ContainsFunc(d.Entries, func(e EntryDiff) bool { return len(e.Changes) > 0 })
}

// Compare tells what changes from base, nil if there is none, to head; the next dates are those after now.
func Compare(base, head *Manifest, now time.Time) Diff {
	d := Diff{New: base == nil}
	if base == nil {
		base = &Manifest{Repo: head.Repo}
	}
	if base.Repo != head.Repo {
		d.Repo = arrow(base.Repo, head.Repo)
	}
	old := byAgent(base)
	for i := range head.Entries {
		e := &head.Entries[i]
		d.Entries = append(d.Entries, compareEntry(old[e.Agent], e, now))
		delete(old, e.Agent)
	}
	for i := range base.Entries {
		if e := &base.Entries[i]; old[e.Agent] != nil {
			d.Entries = append(d.Entries, EntryDiff{
				Agent: e.Agent, Cadence: e.Cadence, Before: e.rate(), Changes: []Change{{Removed, e.timing()}},
			})
		}
	}
	for _, e := range d.Entries {
		d.Before += e.Before
		d.After += e.After
	}
	return d
}

func byAgent(m *Manifest) map[string]*Entry {
	entries := make(map[string]*Entry, len(m.Entries))
	for i := range m.Entries {
		entries[m.Entries[i].Agent] = &m.Entries[i]
	}
	return entries
}

// compareEntry compares an entry with its base version, nil if it had none.
func compareEntry(base, head *Entry, now time.Time) EntryDiff {
	d := EntryDiff{Agent: head.Agent, Cadence: head.Cadence, Enabled: head.Enabled, After: head.rate(), Next: head.Next(now, nextSlots)}
	if base == nil {
		detail := head.timing()
		if !head.Enabled {
			detail += ", disabled"
		}
		d.Changes = []Change{{Added, detail}}
		return d
	}
	d.Before = base.rate()
	switch {
	case head.Enabled && !base.Enabled:
		d.Changes = append(d.Changes, Change{Kind: SwitchedOn})
	case base.Enabled && !head.Enabled:
		d.Changes = append(d.Changes, Change{Kind: SwitchedOff})
	}
	if before, after := base.timing(), head.timing(); before != after {
		d.Changes = append(d.Changes, Change{Retimed, arrow(before, after)})
	}
	d.Changes = append(d.Changes, compareFiles(base, head)...)
	return d
}

// compareFiles tells which files, pointers and close commands changed, one change each.
func compareFiles(base, head *Entry) (changes []Change) {
	add := func(what, before, after string) {
		if before != after {
			changes = append(changes, Change{Repointed, what + " " + arrow(before, after)})
		}
	}
	add("prompt", named(base.Prompt), named(head.Prompt))
	add("memory", named(base.Memory), named(head.Memory))
	add("metrics", named(base.Metrics), named(head.Metrics))
	add("pointers", pointerList(base.Pointers), pointerList(head.Pointers))
	if !slices.Equal(base.SessionClose, head.SessionClose) {
		changes = append(changes, Change{Repointed, "session_close"})
	}
	return changes
}

func named(path string) string {
	if path == "" {
		return "by convention"
	}
	return strconv.Quote(path)
}

func pointerList(pointers []Pointer) string {
	list := make([]string, 0, len(pointers))
	for _, p := range pointers {
		list = append(list, p.Label+" "+strconv.Quote(p.Path))
	}
	return cmp.Or(strings.Join(list, ", "), "by convention")
}

func arrow(before, after string) string { return before + " → " + after }

// timing says when an entry runs: "weekly on monday at 05:00 Europe/Berlin".
func (e *Entry) timing() string {
	day := ""
	switch e.Cadence {
	case Weekly:
		day = " on " + strings.ToLower(e.Weekday.String())
	case Monthly:
		day = fmt.Sprintf(" on day %d", e.MonthDay)
	}
	return fmt.Sprintf("%s%s at %02d:%02d %s", e.Cadence, day, e.Hour, e.Minute, e.Location)
}

func (e *Entry) rate() Rate {
	const daysPerMonth = 365.2425 / 12
	switch {
	case !e.Enabled:
		return 0
	case e.Cadence == Daily:
		return daysPerMonth
	case e.Cadence == Weekly:
		return daysPerMonth / 7
	}
	return 1
}
