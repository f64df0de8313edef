package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ChangeKind is a way in which an entry differs from its base version.
type ChangeKind string

// The kinds of change. Repointed means that the entry names other files, pointers or
// close commands.
const (
	Added       ChangeKind = "added"
	Removed     ChangeKind = "removed"
	Retimed     ChangeKind = "re-timed"
	SwitchedOn  ChangeKind = "enabled"
	SwitchedOff ChangeKind = "disabled"
	Repointed   ChangeKind = "files changed"
)

// Change is one difference. Detail is one line such as
// `weekly, cron "0 9 * * 1" UTC → daily, cron "0 9 * * *" UTC`, or "". Paths in it are
// quoted.
type Change struct {
	Kind   ChangeKind
	Detail string
}

// Rate is the number of runs per month, averaged over 28 years. It is 0 for a disabled
// entry.
type Rate float64

// String formats the rate with at most one decimal: 30.4, 4.3, 1, 0.
func (r Rate) String() string {
	return strings.TrimSuffix(strconv.FormatFloat(float64(r), 'f', 1, 64), ".0")
}

// EntryDiff is one agent in both versions of a manifest.
type EntryDiff struct {
	Agent   string
	Cadence Cadence // that of head, or of base for a removed entry
	Enabled bool    // in head; false if removed
	// Changes is empty if the entry does not change.
	Changes       []Change
	Before, After Rate
	// Next has the five slots after the comparison. It is nil for a removed entry.
	Next []Slot
	// Effect is what the change does to the current period, without a full stop: "first
	// run at the next tick, for 2026-W48; then Mon 2026-11-30 09:00 CET". It is "" if the
	// change does not affect the period.
	Effect string
}

// Diff is the difference between two versions of a manifest.
type Diff struct {
	// New is true if there is no base version.
	New bool
	// Repo is the change of the slug, or "". The slug is part of every bundle's name, so
	// a change makes every entry due again.
	Repo string
	// Entries has the entries of head in its order, then the removed ones in the order of
	// base.
	Entries       []EntryDiff
	Before, After Rate // of all entries together
}

// Changed reports whether anything differs.
func (d Diff) Changed() bool {
	return d.New || d.Repo != "" || slices.ContainsFunc(d.Entries, func(e EntryDiff) bool { return len(e.Changes) > 0 })
}

// Compare returns the difference between base, which may be nil, and head. The next slots
// are those after now.
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
		entry := compareEntry(old[e.Agent], e, now)
		if entry.Effect = effect(old[e.Agent], e, now); d.Repo != "" && e.Enabled {
			entry.Effect = firstRun(e, now) // receipts under another slug do not count
		}
		d.Entries = append(d.Entries, entry)
		delete(old, e.Agent)
	}
	for i := range base.Entries {
		if e := &base.Entries[i]; old[e.Agent] != nil {
			d.Entries = append(d.Entries, EntryDiff{
				Agent: e.Agent, Cadence: e.Cadence, Before: e.rate(), Changes: []Change{{Removed, e.Timing()}},
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

// compareEntry compares an entry with its base version, which may be nil.
func compareEntry(base, head *Entry, now time.Time) EntryDiff {
	d := EntryDiff{Agent: head.Agent, Cadence: head.Cadence, Enabled: head.Enabled, After: head.rate(),
		Next: head.Next(now, nextSlots)}
	if base == nil {
		detail := head.Timing()
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
	if !sameTiming(base, head) {
		d.Changes = append(d.Changes, Change{Retimed, arrow(base.Timing(), head.Timing())})
	}
	d.Changes = append(d.Changes, compareFiles(base, head)...)
	return d
}

// compareFiles returns one change for each file, list of pointers and list of close
// commands that differs.
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

// Timing describes when an entry runs: `weekly, cron "0 9 * * 1" Europe/Berlin`.
func (e *Entry) Timing() string {
	return fmt.Sprintf("%s, cron %q %s", e.Cadence, e.Cron, e.Location)
}

// sameTiming reports whether two entries run at the same times, even if their crons are
// written differently.
func sameTiming(a, b *Entry) bool {
	return a.Cadence == b.Cadence && a.Slots == b.Slots && a.Location.String() == b.Location.String()
}

func (e *Entry) rate() Rate {
	if !e.Enabled {
		return 0
	}
	return Rate(e.Slots.PerMonth())
}

// effect returns what a change from base, which may be nil, does to head's current
// period. It does not read the ledger and assumes that all slots of base so
// far are delivered.
func effect(base, head *Entry, now time.Time) string {
	switch {
	case !head.Enabled:
		return ""
	case base == nil:
		return firstRun(head, now)
	case !base.Enabled:
		return fmt.Sprintf("runs at the next tick, for %s, unless that is delivered; then %s",
			head.Current(now).Period, head.Next(now, 1)[0])
	case sameTiming(base, head):
		return ""
	}
	delivered := base.delivered(now)
	current := head.Current(now)
	if !delivered[current.Period] {
		return fmt.Sprintf("runs at the next tick, for %s; then %s", current.Period, head.Next(now, 1)[0])
	}
	for _, s := range head.Next(now, nextSlots) {
		if !delivered[s.Period] {
			return fmt.Sprintf("%s counts as delivered, so the next run is %s", current.Period, s)
		}
		current = s
	}
	return fmt.Sprintf("all of %s counts as delivered", current.Period)
}

func firstRun(e *Entry, now time.Time) string {
	return Decide(e, now, Known{}).Outlook()
}

// maxDelivered is the number of past periods that count as delivered: more than a month
// of hourly ones.
const maxDelivered = 750

// delivered returns the latest periods of an entry up to now, assuming that each slot
// ran.
func (e *Entry) delivered(now time.Time) map[string]bool {
	periods := map[string]bool{e.Current(now).Period: true}
	for s := range e.Previous(now) {
		if len(periods) == maxDelivered {
			break
		}
		periods[s.Period] = true
	}
	return periods
}
