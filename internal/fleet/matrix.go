package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/render"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Job is one job of the central workflow: a repository, and what to prepare there.
type Job struct {
	Repository string `json:"repository"`
	Ref        string `json:"ref"` // the default branch, "" if unknown
	Slug       string `json:"slug"`
	Server     string `json:"server"`
	Root       string `json:"root"`
	Agents     string `json:"agents"` // names, separated by commas
}

// PageSize is the largest number of jobs of a matrix:
// https://docs.github.com/en/actions/reference/limits
const PageSize = 256

// Pages returns how many pages jobs have; at least one.
func Pages(jobs []Job) int { return max(1, (len(jobs)+PageSize-1)/PageSize) }

// Page returns a page of jobs, counted from 1. It is empty after the last one.
func Page(jobs []Job, number int) []Job {
	if number < 1 || number > Pages(jobs) {
		return []Job{}
	}
	start := (number - 1) * PageSize
	return append([]Job{}, jobs[start:min(start+PageSize, len(jobs))]...)
}

// Jobs returns a job for each repository with an enabled entry of the cadence; "" is every
// cadence.
func (r *Roster) Jobs(cadence schedule.Cadence) []Job {
	var jobs []Job
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		var agents []string
		for _, e := range repo.Entries {
			if e.Enabled && (cadence == "" || cadence == e.Cadence) {
				agents = append(agents, e.Agent)
			}
		}
		jobs = appendJob(jobs, repo, agents)
	}
	return jobs
}

func appendJob(jobs []Job, repo *Repository, agents []string) []Job {
	if len(agents) == 0 {
		return jobs
	}
	return append(jobs, Job{Repository: repo.Name, Ref: repo.DefaultBranch, Slug: repo.Slug, Server: repo.Server,
		Root: repo.Root, Agents: strings.Join(agents, ",")})
}

// FindDue sets the jobs to those with an entry that is due by the ledger of the workflow's
// repository. The error is about the ledger; without one there are no jobs.
func (d *Discovery) FindDue(ctx context.Context, s pipeline.Services, o pipeline.StoreOptions,
	cadence schedule.Cadence, now time.Time) error {
	d.Due = true
	client, err := s.Clients.For(o.Token)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	ledger, err := store.OpenLedger(store.ArtifactsOptions{
		Repository: s.Env.Repository, RepositoryID: s.Env.RepositoryID, API: client, Log: s.Log,
		LedgerBranch: cmp.Or(o.Branch, s.Env.DefaultBranch()),
	})
	if err != nil {
		return advice.New("run it in the workflow that prepares the repositories", "due: %w", err)
	}
	place := pipeline.Place{Workspace: s.Env.Workspace, Repository: s.Env.Repository, ServerURL: s.Env.ServerURL}
	d.Jobs, err = d.DueJobs(ctx, ledger, place, cadence, now)
	return err
}

// candidate is an enabled entry, whose period the ledger may have.
type candidate struct {
	repo  *Repository
	entry schedule.Entry
}

// DueJobs returns a job for each repository with an entry that is due: the ledger of the
// place has no receipt for its period. An entry that the ledger cannot decide has no job;
// the error counts them.
func (r *Roster) DueJobs(ctx context.Context, ledger store.Ledger, place pipeline.Place, cadence schedule.Cadence,
	now time.Time) ([]Job, error) {
	var candidates []candidate
	var names []string
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		entries, err := repo.Schedule()
		if err != nil {
			return nil, err
		}
		source := place.SourceOf(repo.Server, repo.Name)
		for _, e := range entries {
			if !e.Enabled || cadence != "" && cadence != e.Cadence {
				continue
			}
			period := schedule.Decide(&e, now, schedule.Known{}).Slot.Period
			id := bundleid.Entry{Repo: repo.Slug, Source: source, Agent: e.Agent}
			candidates = append(candidates, candidate{repo, e})
			names = append(names, bundleid.Bundle{Entry: id, Period: period}.Name())
		}
	}
	var jobs []Job
	var agents []string
	undecided := map[string]int{}
	records := ledger.Lookup(ctx, names)
	for i, c := range candidates {
		known := pipeline.KnownOf(records[i])
		if known.Undecided != "" {
			undecided[known.Undecided]++
		} else if schedule.Decide(&c.entry, now, known).Due() {
			agents = append(agents, c.entry.Agent)
		}
		if i+1 == len(candidates) || candidates[i+1].repo != c.repo {
			jobs, agents = appendJob(jobs, c.repo, agents), nil
		}
	}
	return jobs, undecidedError(undecided)
}

func undecidedError(undecided map[string]int) error {
	var errs []error
	for _, why := range slices.Sorted(maps.Keys(undecided)) {
		errs = append(errs, fmt.Errorf("%s undecided: %s", advice.Count(undecided[why], "entry"), why))
	}
	return errors.Join(errs...)
}

// ScheduledRuns returns the entries of all valid manifests in the form of activity-core's
// resolver.
func (r *Roster) ScheduledRuns(cadence schedule.Cadence) ([]byte, error) {
	var runs []render.ScheduledRun
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		entries, err := repo.Schedule()
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if cadence == "" || cadence == e.Cadence {
				runs = append(runs, render.NewScheduledRun(repo.Slug, repo.Root, &e))
			}
		}
	}
	return render.EncodeScheduledRuns(runs), nil
}
