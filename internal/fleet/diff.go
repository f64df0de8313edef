package fleet

import (
	"fmt"
	"slices"
	"strings"
)

// ChangeKind says what happened to a repository between two rosters.
type ChangeKind string

// The kinds of changes.
const (
	Added      ChangeKind = "added"
	Removed    ChangeKind = "removed"
	Changed    ChangeKind = "changed"
	Invalid    ChangeKind = "invalid"        // its manifest was valid or not known, or is new
	Fixed      ChangeKind = "fixed"          // its manifest was invalid
	Unreadable ChangeKind = "unreadable"     // it could be read before, or is new
	Readable   ChangeKind = "readable again" // it could not be read before, and is valid
)

// Change is what differs for one repository.
type Change struct {
	Kind       ChangeKind
	Repository string
	Details    []string // in a few words each
}

// identity finds a repository again. The forge's id outlives a rename.
func identity(r *Repository) string {
	if r.ID != 0 {
		return fmt.Sprintf("%s#%d", r.Server, r.ID)
	}
	return strings.ToLower(r.Server + "/" + r.Name + "#" + r.Root)
}

// Changes returns what differs between an earlier roster and this one, in its order, and
// then what was removed.
func (r *Roster) Changes(earlier *Roster) []Change {
	before := make(map[string]*Repository, len(earlier.Repositories))
	for i := range earlier.Repositories {
		before[identity(&earlier.Repositories[i])] = &earlier.Repositories[i]
	}
	var changes []Change
	for i := range r.Repositories {
		now := &r.Repositories[i]
		old := before[identity(now)]
		delete(before, identity(now))
		if c, ok := change(old, now); ok {
			changes = append(changes, c)
		}
	}
	for i := range earlier.Repositories {
		if old := &earlier.Repositories[i]; before[identity(old)] == old {
			changes = append(changes, Change{Kind: Removed, Repository: old.Name, Details: describeEntries(old)})
		}
	}
	return changes
}

// change compares a repository with its earlier state, nil if it is new.
func change(old, now *Repository) (Change, bool) {
	c := Change{Repository: now.Name}
	switch {
	case now.Error != "":
		c.Kind, c.Details = Unreadable, []string{now.Error}
		return c, old == nil || old.Error == ""
	case !now.Valid:
		c.Kind = Invalid
		for _, f := range now.Findings {
			c.Details = append(c.Details, fmt.Sprintf("%s: %s", f.Place(), f.Message))
		}
		return c, old == nil || old.Valid || old.Error != ""
	case old == nil:
		c.Kind, c.Details = Added, describeEntries(now)
		return c, true
	case old.Valid:
		c.Kind, c.Details = Changed, compare(old, now)
		return c, len(c.Details) > 0
	case old.Error != "":
		c.Kind, c.Details = Readable, describeEntries(now)
		return c, true
	}
	c.Kind, c.Details = Fixed, describeEntries(now)
	return c, true
}

func describeEntries(r *Repository) (details []string) {
	for _, e := range r.Entries {
		details = append(details, describe(e))
	}
	return details
}

func describe(e Entry) string {
	text := fmt.Sprintf("%s %s %q", e.Agent, e.Cadence, e.Cron)
	if !e.Enabled {
		text += " paused"
	}
	return text
}

// compare lists what differs between two valid manifests.
func compare(old, now *Repository) (details []string) {
	differs := func(what, a, b string) {
		if a != b {
			details = append(details, fmt.Sprintf("%s %s, was %s", what, orNone(b), orNone(a)))
		}
	}
	differs("name", old.Name, now.Name)
	differs("slug", old.Slug, now.Slug)
	differs("timezone", old.Timezone, now.Timezone)
	differs("root", old.Root, now.Root)
	differs("domain", old.Domain, now.Domain)
	for _, e := range now.Entries {
		i := slices.IndexFunc(old.Entries, func(o Entry) bool { return o.Agent == e.Agent })
		switch {
		case i < 0:
			details = append(details, "new: "+describe(e))
		case old.Entries[i] != e:
			details = append(details, describe(e)+", was "+strings.TrimPrefix(describe(old.Entries[i]), e.Agent+" "))
		}
	}
	for _, o := range old.Entries {
		if !slices.ContainsFunc(now.Entries, func(e Entry) bool { return o.Agent == e.Agent }) {
			details = append(details, "gone: "+describe(o))
		}
	}
	return details
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
