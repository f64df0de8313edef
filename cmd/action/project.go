package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// openProject opens the checkout and loads its manifest. The error is a usage error.
func (a *app) openProject() (*pipeline.Project, error) {
	p, err := pipeline.OpenProject(pipeline.ProjectOptions{
		Dir: a.dir, File: a.file, Slug: a.slug, Actions: a.env.Actions, Workspace: a.env.Workspace,
	})
	if err != nil {
		return nil, usageError{err}
	}
	return p, nil
}

// client returns the GitHub client for token. All users of a token share one client,
// because GitHub counts rate limits per token.
func (a *app) client(token string) (*gh.Client, error) {
	if c, ok := a.clients[token]; ok {
		return c, nil
	}
	c, err := gh.New(gh.Options{BaseURL: a.env.APIURL, Token: token, UserAgent: "schedule-action/" + version,
		Log: a.runner.Logf})
	if err != nil {
		return nil, err
	}
	if a.clients == nil {
		a.clients = map[string]*gh.Client{}
	}
	a.clients[token] = c
	return c, nil
}

// stores holds where this run keeps bundles and receipts.
type stores struct {
	directory *store.Directory
	artifacts store.Store // job artifacts, nil without an artifact service
}

// ledger returns the store that decides what is due: job artifacts if there are any,
// because a runner's directory is temporary.
func (s stores) ledger() store.Store {
	if s.artifacts != nil {
		return s.artifacts
	}
	return s.directory
}

// openStores opens both stores. Without an artifact service it logs a warning and uses
// the directory only.
func (a *app) openStores(p *pipeline.Project, o ledgerOptions) (stores, error) {
	var s stores
	if o.daysErr != nil {
		return s, usageError{o.daysErr}
	}
	var err error
	if s.directory, err = a.openDirectory(p.Tree.Dir(), o.out); err != nil {
		return s, usageError{err}
	}
	if !a.env.Actions {
		return s, nil
	}
	api, err := a.client(o.token)
	if err != nil {
		return s, usageError{fmt.Errorf("token: %w", err)}
	}
	artifacts, err := store.NewArtifacts(store.ArtifactsOptions{
		ResultsURL:    a.env.ResultsURL,
		RuntimeToken:  a.env.RuntimeToken,
		ServerURL:     a.env.ServerURL,
		Repository:    a.env.Repository,
		RepositoryID:  a.env.RepositoryID,
		RunID:         a.env.RunID,
		LedgerBranch:  cmp.Or(o.branch, a.env.DefaultBranch()),
		RetentionDays: func(name string) int { return a.retention(p.Manifest, name, o.days) },
		API:           api,
		Now:           a.streams.now,
		Log:           a.runner.Logf,
	})
	if errors.Is(err, store.ErrNoArtifactService) {
		a.runner.Logf("warning: %v; bundles and receipts stay in %s, so keep that directory between runs or every "+
			"run prepares again", err, s.directory.Path(""))
		return s, nil
	}
	if err != nil {
		return s, usageError{err}
	}
	s.artifacts = artifacts
	return s, nil
}

// retention returns how many days the bundle of this name is kept: the user's choice,
// else long enough for its entry's cadence.
func (a *app) retention(m *schedule.Manifest, name string, wanted int) int {
	b, _ := bundleid.Parse(name)
	e := m.Entry(b.Agent)
	if e == nil {
		return wanted
	}
	days, _ := store.Retention(e.Cadence, wanted, a.env.Retention)
	return days
}

// retentionFindings warns about entries whose receipts expire before the next period
// ends.
func (a *app) retentionFindings(p *pipeline.Project, wanted int) []diag.Finding {
	var findings []diag.Finding
	for i := range p.Manifest.Entries {
		e := &p.Manifest.Entries[i]
		days, short := store.Retention(e.Cadence, wanted, a.env.Retention)
		if !short {
			continue
		}
		need, _ := store.Retention(e.Cadence, 0, 0)
		var hints []string
		if wanted > 0 && wanted < need {
			hints = append(hints, fmt.Sprintf("raise retention-days from %d to %d, or leave it out", wanted, need))
		}
		if a.env.Retention > 0 && a.env.Retention < need {
			hints = append(hints,
				fmt.Sprintf("raise the repository's limit for artifacts (Settings, Actions, General) from %d to %d "+
					"days", a.env.Retention, need))
		}
		pos := e.Pos("cadence")
		findings = append(findings, diag.Retention.At(p.File, pos.Line, pos.Column,
			fmt.Sprintf("receipts of %q are kept for %s, too short to outlive a period of a %s entry and the next: "+
				"it may run twice in one", e.Agent, advice.Count(days, "day"), e.Cadence),
			strings.Join(hints, "; ")))
	}
	return p.Manifest.Unsilenced(findings)
}

// openDirectory opens the directory store: --out relative to the working directory, else
// .kaizen/prepared in the checkout.
func (a *app) openDirectory(target, given string) (*store.Directory, error) {
	out := filepath.Join(target, ".kaizen", "prepared")
	if given != "" {
		var err error
		if out, err = filepath.Abs(given); err != nil {
			return nil, err
		}
	}
	workspace := target
	if _, ok := a.inWorkspace(target); ok {
		workspace = a.env.Workspace
	}
	return store.OpenDirectory(store.DirectoryOptions{
		Workspace:  workspace,
		Out:        out,
		Repository: a.env.Repository,
		// then job artifacts are the ledger
		NoSync: a.env.Actions && a.env.ResultsURL != "" && a.env.RuntimeToken != "",
		Log:    a.runner.Logf,
	})
}

// writeReport writes a command's report to standard output, or atomically to a file.
func (a *app) writeReport(out string, data []byte) error {
	if out == "" {
		_, err := a.stdout.Write(data)
		return err
	}
	wrong := func(err error) error {
		return usagef("writing the report to %s: %w: name a file in a directory that exists", out,
			pipeline.RootCause(err))
	}
	tmp, err := os.CreateTemp(filepath.Dir(out), ".report-*")
	if err != nil {
		return wrong(err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("writing the report to %s: %w", out, pipeline.RootCause(err))
	}
	if err := os.Rename(tmp.Name(), out); err != nil {
		return wrong(err)
	}
	return nil
}
