// Package fleet is about many repositories: the roster of those that have a manifest, its
// JSON form, what changed between two rosters, and how to spread schedules.
package fleet

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Version is the version of the roster's JSON form.
const Version = "1"

// Roster lists the repositories that have a manifest, and those whose manifest could not
// be read. It depends only on the fleet: two runs over the same repositories give the same
// bytes.
type Roster struct {
	Version string `json:"version"`
	// Scanned is how many repositories were looked at, those without a manifest included.
	Scanned      int          `json:"scanned"`
	Repositories []Repository `json:"repositories"` // sorted by Compare
}

// Forge is where a repository was found.
type Forge string

// The forges.
const (
	GitHub   Forge = "github"
	Gitea    Forge = "gitea"
	StateHub Forge = "state-hub" // a checkout that the State Hub knows
	Local    Forge = "local"     // a checkout below --root
)

// Repository is one repository of a roster. Texts that are unknown are "".
type Repository struct {
	// Name is owner/name. A checkout whose remote is unknown has only a slug.
	Name          string `json:"name"`
	ID            int64  `json:"id"` // of the forge; 0 if unknown
	Forge         Forge  `json:"forge"`
	Server        string `json:"server"` // https://github.com
	DefaultBranch string `json:"default_branch"`
	// Visibility is public, private or internal.
	Visibility string   `json:"visibility"`
	Archived   bool     `json:"archived"`
	Fork       bool     `json:"fork"`
	Topics     []string `json:"topics"` // sorted
	Slug       string   `json:"slug"`   // as State Hub knows the repository
	Domain     string   `json:"domain"` // as State Hub groups repositories
	// Root is the path of the checkout on the host, where it is known.
	Root     string `json:"root"`
	Manifest string `json:"manifest"` // path in the repository
	Commit   string `json:"commit"`   // of the default branch
	Blob     string `json:"blob"`     // git's id of the manifest
	// Timezone is an IANA name. It is "" unless the manifest is valid.
	Timezone string `json:"timezone"`
	// Valid says that the manifest has no errors. It is false where Error is set.
	Valid bool `json:"valid"`
	// Entries are in the manifest's order, and empty unless the manifest is valid.
	Entries  []Entry        `json:"entries"`
	Findings []diag.Finding `json:"findings"` // warnings, too
	// Error says why the manifest could not be read. Then nothing is known of it.
	Error string `json:"error"`
}

// Entry is an agent's schedule.
type Entry struct {
	Agent   string           `json:"agent"`
	Cadence schedule.Cadence `json:"cadence"`
	Cron    string           `json:"cron"`
	Enabled bool             `json:"enabled"`
}

// New returns a roster with the repositories in order.
func New(scanned int, repositories []Repository) *Roster {
	r := &Roster{Version: Version, Scanned: scanned, Repositories: orEmpty(repositories)}
	slices.SortFunc(r.Repositories, Compare)
	return r
}

// Compare orders repositories by name, without regard to case, then by server and root.
func Compare(a, b Repository) int {
	return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Server, b.Server), cmp.Compare(a.Forge, b.Forge), cmp.Compare(a.Root, b.Root),
		cmp.Compare(a.Slug, b.Slug))
}

// Counts are the totals of a roster.
type Counts struct {
	Repositories int // with a manifest, or unreadable
	Valid        int
	Invalid      int // the manifest has errors
	Unreadable   int
	Entries      int // of valid manifests, paused ones included
	Enabled      int
	Errors       int // findings
	Warnings     int // findings
}

// Count returns the totals.
func (r *Roster) Count() Counts {
	c := Counts{Repositories: len(r.Repositories)}
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		switch {
		case repo.Error != "":
			c.Unreadable++
		case repo.Valid:
			c.Valid++
		default:
			c.Invalid++
		}
		errors, warnings := diag.Count(repo.Findings)
		c.Errors, c.Warnings = c.Errors+errors, c.Warnings+warnings
		c.Entries += len(repo.Entries)
		for _, e := range repo.Entries {
			if e.Enabled {
				c.Enabled++
			}
		}
	}
	return c
}

// Schedule returns the entries with their parsed crons, from which slots and periods
// follow. It is empty unless the manifest is valid. The error is about a roster that
// Decode has not checked.
func (r *Repository) Schedule() ([]schedule.Entry, error) {
	if !r.Valid {
		return nil, nil
	}
	location, err := time.LoadLocation(r.Timezone)
	if err != nil {
		return nil, err
	}
	entries := make([]schedule.Entry, len(r.Entries))
	for i, e := range r.Entries {
		slots, err := cron.Parse(e.Cron, cron.Manifest)
		if err != nil {
			return nil, err
		}
		entries[i] = schedule.Entry{Agent: e.Agent, Cadence: e.Cadence, Cron: e.Cron, Slots: slots, Location: location,
			Enabled: e.Enabled}
	}
	return entries, nil
}

// SetManifest fills in what a valid manifest says.
func (r *Repository) SetManifest(m *schedule.Manifest) {
	r.Valid, r.Slug, r.Timezone = true, m.Repo, m.Location.String()
	r.Entries = make([]Entry, len(m.Entries))
	for i, e := range m.Entries {
		r.Entries[i] = Entry{e.Agent, e.Cadence, e.Cron, e.Enabled}
	}
}

// Senders returns the repositories by the digits that consumers put into the names of
// their records, in lower case.
func (r *Roster) Senders() map[string]string {
	senders := map[string]string{}
	for i := range r.Repositories {
		for _, name := range []string{r.Repositories[i].Slug, r.Repositories[i].Name} {
			if name != "" {
				senders[bundleid.Sender(name)] = strings.ToLower(name)
			}
		}
	}
	return senders
}
