// Package report states for every entry of a roster, and for every period of it, what
// happened: prepared, received, executed, failed, missed, and the evidence of each.
package report

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Version is the version of the report's JSON form.
const Version = "1"

// Report is the state of a fleet at an instant.
type Report struct {
	Version   string    `json:"version"`
	Generated time.Time `json:"generated_at"`
	// Since is the begin of the window. Periods whose slot is in it are reported.
	Since time.Time `json:"since"`
	// Grace is how long after its slot a period may stay without a receipt, in seconds.
	Grace int64 `json:"grace_s"`
	// Acknowledged says that acknowledgements were read. Otherwise a period without one is
	// not unreceived.
	Acknowledged bool         `json:"acknowledged"`
	Totals       Totals       `json:"totals"`
	Repositories []Repository `json:"repositories"` // in the roster's order
	// Problems says what could not be read, and what to do.
	Problems []Problem `json:"problems"`
}

// Totals counts repositories, entries, and the periods of the window by state and flag.
type Totals struct {
	Scanned      int           `json:"scanned"`
	Repositories int           `json:"repositories"`
	Invalid      int           `json:"invalid"` // repositories whose manifest has errors
	Unreadable   int           `json:"unreadable"`
	Entries      int           `json:"entries"`
	Enabled      int           `json:"enabled"`
	Periods      map[State]int `json:"periods"`
	Flags        map[Flag]int  `json:"flags"`
}

// Repository is one repository of the roster.
type Repository struct {
	Name     string         `json:"name"`
	Slug     string         `json:"slug"`
	URL      string         `json:"url"` // of its page, "" if unknown
	State    State          `json:"state"`
	Error    string         `json:"error"` // why the manifest or the ledger could not be read
	Findings []diag.Finding `json:"findings"`
	Entries  []Entry        `json:"entries"`
}

// Entry is one agent's schedule and its periods in the window.
type Entry struct {
	Agent    string           `json:"agent"`
	Cadence  schedule.Cadence `json:"cadence"`
	Cron     string           `json:"cron"`
	Timezone string           `json:"timezone"`
	Enabled  bool             `json:"enabled"`
	// State is that of the latest period which is not merely due.
	State State `json:"state"`
	// Next has the next five slots, as list shows them.
	Next    []Slot   `json:"next"`
	Periods []Period `json:"periods"` // newest first
}

// Slot is a coming instant and its period.
type Slot struct {
	Period string    `json:"period"`
	At     time.Time `json:"at"`
}

// Period is what happened in one period.
type Period struct {
	Period string    `json:"period"`
	Slot   time.Time `json:"slot"`
	State  State     `json:"state"`
	Flags  []Flag    `json:"flags"`
	// Evidence is what the state follows from, oldest first.
	Evidence []Evidence `json:"evidence"`
}

// Problem is something that could not be read.
type Problem struct {
	Repository string `json:"repository"` // "" for none
	Message    string `json:"message"`
	Hint       string `json:"hint"`

	unread bool // the API did not give something, so that a failure may be unknown
}

// Incomplete reports whether something could not be read, so that an alarm may be missing.
func (r *Report) Incomplete() bool {
	return r.Totals.Unreadable > 0 || slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.unread })
}

// Options are what a report is made from.
type Options struct {
	Roster *fleet.Roster
	Facts  *Facts
	Now    time.Time
	Since  time.Time
	Grace  time.Duration
}

// New makes the report. The error is about a roster that cannot be read, or that of ctx.
func New(ctx context.Context, o Options) (*Report, error) {
	r := &Report{
		Version: Version, Generated: o.Now.UTC().Truncate(time.Second), Since: o.Since.UTC().Truncate(time.Second),
		Grace: int64(o.Grace / time.Second), Acknowledged: o.Facts.acknowledged,
		Repositories: []Repository{}, Problems: append([]Problem{}, o.Facts.problems...),
		Totals: Totals{Scanned: o.Roster.Scanned, Periods: map[State]int{}, Flags: map[Flag]int{}},
	}
	clock := &clock{now: o.Now, since: o.Since, grace: o.Grace, slots: map[pattern]*timetable{}}
	for i := range o.Roster.Repositories {
		repo, err := o.repository(&o.Roster.Repositories[i], clock)
		if err := cmp.Or(ctx.Err(), err); err != nil {
			return nil, err
		}
		r.Repositories = append(r.Repositories, repo)
	}
	r.count()
	return r, nil
}

// repository states what happened in one repository.
func (o *Options) repository(from *fleet.Repository, clock *clock) (Repository, error) {
	repo := Repository{
		Name: from.Name, Slug: from.Slug, URL: pageOf(from), Error: from.Error, Findings: from.Findings, State: Unknown,
		Entries: []Entry{},
	}
	if repo.Findings == nil {
		repo.Findings = []diag.Finding{}
	}
	switch {
	case from.Error != "":
		return repo, nil
	case !from.Valid:
		repo.State = Invalid
		return repo, nil
	}
	entries, err := from.Schedule()
	if err != nil {
		return repo, err
	}
	ledger := o.Facts.ledgers[nameOf(from)]
	if ledger != nil {
		repo.Error = ledger.unread
	}
	for i := range entries {
		e := clock.entry(&entries[i], o.Facts.about(from, &entries[i], clock.now), ledger.isRead())
		repo.Entries = append(repo.Entries, e)
	}
	repo.State = worst(repo.Entries)
	return repo, nil
}

// worst returns the state of the entries that needs attention first.
func worst(entries []Entry) State {
	state := Disabled
	for _, e := range entries {
		if severity(e.State) > severity(state) {
			state = e.State
		}
	}
	return state
}

// pageOf returns the address of a repository's page, "" if it has none.
func pageOf(r *fleet.Repository) string {
	if r.Server == "" || !bundleid.IsRepository(r.Name) {
		return ""
	}
	return strings.TrimRight(r.Server, "/") + "/" + r.Name
}

// nameOf is the key of a repository: names ignore the case, as on GitHub.
func nameOf(r *fleet.Repository) string { return strings.ToLower(cmp.Or(r.Name, r.Slug)) }

func (r *Report) count() {
	t := &r.Totals
	t.Repositories = len(r.Repositories)
	for _, repo := range r.Repositories {
		switch {
		case repo.State == Invalid:
			t.Invalid++
		case repo.Error != "":
			t.Unreadable++
		}
		t.Entries += len(repo.Entries)
		for _, e := range repo.Entries {
			if e.Enabled {
				t.Enabled++
			}
			for _, p := range e.Periods {
				t.Periods[p.State]++
				for _, f := range p.Flags {
					t.Flags[f]++
				}
			}
		}
	}
}

// has reports whether the period has a flag.
func (p *Period) has(f Flag) bool { return slices.Contains(p.Flags, f) }
