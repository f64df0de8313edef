package discover

import (
	"strconv"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Settings are the options of the command discover.
type Settings struct {
	Options
	Format   string // text, json, scheduled-runs or matrix; "" is json, or nothing in the log of Actions
	Out      string // file for the report, "" for standard output
	Previous string // file with an earlier roster, "" for none
	FailOn   string // error, warning or never
	Cadence  schedule.Cadence
	Due      bool
	Page     int
	Stores   pipeline.StoreOptions
}

// ReadSettings reads the options of discover.
func ReadSettings(r *option.Reader) *Settings {
	s := &Settings{
		Format: r.OneOf(option.Format, "", "json", "text", "scheduled-runs", "matrix"), Out: r.Values[option.Out],
		Previous: r.Values[option.Previous], FailOn: r.OneOf(option.FailOn, "error", "warning", "never"),
		Cadence: schedule.Cadence(r.OneOf(option.Cadence, "", "daily", "weekly", "monthly")),
		Due:     r.IsOn(option.Due),
		Stores:  pipeline.StoreOptions{Token: r.Values[option.Token], Branch: r.Values[option.LedgerBranch]},
	}
	var err error
	if s.Page, err = strconv.Atoi(r.Values[option.Page]); err != nil || s.Page < 1 {
		r.Fail(advice.New("write a number from 1", "page is %q", r.Values[option.Page]))
	}
	s.Options = Options{
		Owners: r.List(option.Owner), Roots: r.Lines(option.Root), Hub: r.Values[option.StateHub],
		Host: r.Values[option.Host], Chosen: r.Given(option.Host), File: r.Values[option.Schedule],
		Filter: Filter{
			Match: r.List(option.Match), Topics: r.List(option.Topic), Domain: r.Values[option.Domain],
			Visibility: r.OneOf(option.Visibility, "", "public", "private", "internal"),
			Forks:      r.IsOn(option.IncludeForks), Archived: r.IsOn(option.IncludeArchived),
		},
		Cursor: Cursor{Path: r.Values[option.Cursor]},
	}
	if err := s.Check(); err != nil {
		r.Fail(err)
	}
	return s
}

// Connect completes the sources with what a run in the checkout dir has.
func (s *Settings) Connect(services pipeline.Services, dir string) {
	env := services.Env
	s.Client = func() (*gh.Client, error) { return services.Clients.For(s.Stores.Token) }
	s.APIURL, s.ServerURL, s.HostPath = env.APIURL, env.ServerURL, env.HostPath
	s.Log, s.Clock, s.Sleep = services.Log, services.Clock, services.Sleep
	if s.Sleep == nil {
		s.Sleep = transfer.Sleep
	}
	s.Cursor.Log, s.Cursor.Trees = services.Log, []string{dir, env.Workspace}
}
