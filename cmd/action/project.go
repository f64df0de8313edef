package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// project is an open checkout and its manifest.
type project struct {
	dir      string // absolute, as this process sees it
	tree     *checkout.Tree
	file     string             // the manifest's path in the checkout
	source   []byte             // the manifest's text, nil when it could not be read
	manifest *schedule.Manifest // nil when findings has an error
	findings []diag.Finding
}

// openProject opens the checkout and loads its manifest. What is wrong with the manifest is in the findings; the error is wrong usage.
func (a *app) openProject() (*project, error) {
	dir, err := a.target()
	if err != nil {
		return nil, err
	}
	tree, err := checkout.Open(dir)
	if err != nil {
		return nil, usagef("opening the checkout: %w: check out the repository first or name it with --target", err)
	}
	p := &project{dir: dir, tree: tree, file: a.opts["schedule"]}
	if filepath.IsAbs(p.file) {
		if rel, err := filepath.Rel(dir, p.file); err == nil && filepath.IsLocal(rel) {
			p.file = rel
		}
	}
	p.file = path.Clean(filepath.ToSlash(p.file))
	p.source, p.manifest, p.findings = a.loadManifest(tree, p.file)
	return p, nil
}

func (p *project) Close() { p.tree.Close() }

// sourceOf gives the text renderer the lines of the manifest.
func (p *project) sourceOf(file string) []byte {
	if file == p.file {
		return p.source
	}
	data, err := p.tree.ReadFile(file, schedule.MaxSize)
	if err != nil {
		return nil
	}
	return data
}

// loadManifest reads and loads file of the tree; a file that can't be read is a finding like any other.
func (a *app) loadManifest(tree *checkout.Tree, file string) ([]byte, *schedule.Manifest, []diag.Finding) {
	data, err := tree.ReadFile(file, schedule.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, []diag.Finding{a.missingManifest(tree, file)}
	}
	if err != nil {
		return nil, nil, []diag.Finding{unreadable(file, err)}
	}
	if prepare.IsLFSPointer(data) {
		return data, nil, []diag.Finding{prepare.LFSFinding(file, "the manifest")}
	}
	m, findings := loadText(file, data, a.slug(tree))
	return data, m, findings
}

// loadText loads a manifest. The findings of an invalid one have its secrets masked.
func loadText(file string, data []byte, slug string) (*schedule.Manifest, []diag.Finding) {
	m, findings := schedule.Load(file, data, schedule.Options{Repo: slug})
	if m == nil {
		findings = prepare.Mask(file, data, findings)
	}
	return m, findings
}

// rootCause is the innermost reason, without the calls and the paths around it.
func rootCause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// client is the GitHub client with token. All that use one token share one client, because the platform's limits count per token.
func (a *app) client(token string) (*gh.Client, error) {
	if c, ok := a.clients[token]; ok {
		return c, nil
	}
	c, err := gh.New(gh.Options{BaseURL: a.env.apiURL, Token: token, UserAgent: "schedule-action/" + version, Log: a.runner.Logf})
	if err != nil {
		return nil, err
	}
	if a.clients == nil {
		a.clients = map[string]*gh.Client{}
	}
	a.clients[token] = c
	return c, nil
}

// stores are where this run keeps bundles and receipts.
type stores struct {
	directory *store.Directory
	artifacts store.Store // job artifacts, nil where there is no artifact service
}

// ledger is the store that decides what is due: job artifacts where there are any, because a runner's directory dies with it.
func (s stores) ledger() store.Store {
	if s.artifacts != nil {
		return s.artifacts
	}
	return s.directory
}

// openStores opens both stores. On a runner without an artifact service it says so and goes on with the directory.
func (a *app) openStores(p *project) (stores, error) {
	var s stores
	days, err := a.days()
	if err != nil {
		return s, err
	}
	if s.directory, err = a.openDirectory(p.dir); err != nil {
		return s, usageError{err}
	}
	if !a.env.actions {
		return s, nil
	}
	api, err := a.client(a.opts["token"])
	if err != nil {
		return s, usageError{fmt.Errorf("token: %w", err)}
	}
	artifacts, err := store.NewArtifacts(store.ArtifactsOptions{
		ResultsURL:    a.env.resultsURL,
		RuntimeToken:  a.env.runtimeToken,
		ServerURL:     a.env.serverURL,
		Repository:    a.env.repository,
		RepositoryID:  a.env.repositoryID,
		RunID:         a.env.runID,
		LedgerBranch:  cmp.Or(a.opts["ledger-branch"], a.env.defaultBranch()),
		RetentionDays: func(name string) int { return a.retention(p.manifest, name, days) },
		API:           api,
		Now:           a.world.now,
		Log:           a.runner.Logf,
	})
	if errors.Is(err, store.ErrNoArtifactService) {
		a.runner.Logf("warning: %v; bundles and receipts stay in %s, so keep that directory between runs or every run prepares again", err, s.directory.Path(""))
		return s, nil
	}
	if err != nil {
		return s, usageError{err}
	}
	s.artifacts = artifacts
	return s, nil
}

// retention is how long the bundle of this name is kept: as the user says, else long enough for its entry's cadence.
func (a *app) retention(m *schedule.Manifest, name string, wanted int) int {
	for i := range m.Entries {
		if strings.HasPrefix(name, prepare.Name(m.Repo, m.Entries[i].Agent, "")) {
			days, _ := store.Retention(m.Entries[i].Cadence, wanted, a.env.retention)
			return days
		}
	}
	return wanted
}

// retentionFindings warn of entries whose receipts would be gone before the next period is over.
func (a *app) retentionFindings(p *project) ([]diag.Finding, error) {
	wanted, err := a.days()
	if err != nil {
		return nil, err
	}
	var findings []diag.Finding
	for i := range p.manifest.Entries {
		e := &p.manifest.Entries[i]
		days, short := store.Retention(e.Cadence, wanted, a.env.retention)
		if !short {
			continue
		}
		need, _ := store.Retention(e.Cadence, 0, 0)
		var hints []string
		if wanted > 0 && wanted < need {
			hints = append(hints, fmt.Sprintf("raise retention-days from %d to %d, or leave it out", wanted, need))
		}
		if a.env.retention > 0 && a.env.retention < need {
			hints = append(hints, fmt.Sprintf("raise the repository's limit for artifacts (Settings, Actions, General) from %d to %d days", a.env.retention, need))
		}
		pos := e.Pos("cadence")
		findings = append(findings, diag.Retention.At(p.file, pos.Line, pos.Column,
			fmt.Sprintf("receipts of %q are kept for %s, too short to outlive a period of a %s entry and the next: it may run twice in one", e.Agent, count(days, "day"), e.Cadence),
			strings.Join(hints, "; ")))
	}
	return p.manifest.Unsilenced(findings), nil
}

// openDirectory opens the directory store: --out relative to where the user stands, else .kaizen/prepared in the checkout.
func (a *app) openDirectory(target string) (*store.Directory, error) {
	out := filepath.Join(target, ".kaizen", "prepared")
	if given := a.opts["out"]; given != "" {
		var err error
		if out, err = filepath.Abs(given); err != nil {
			return nil, err
		}
	}
	workspace := target
	if _, ok := a.inWorkspace(target); ok {
		workspace = a.env.workspace
	}
	return store.OpenDirectory(store.DirectoryOptions{
		Workspace:  workspace,
		Out:        out,
		Repository: a.env.repository,
		NoSync:     a.env.actions && a.env.resultsURL != "" && a.env.runtimeToken != "", // then job artifacts are the ledger
		Log:        a.runner.Logf,
	})
}

// known is what the ledger knows about an entry, or why it can't tell.
type known struct {
	schedule.Known
	err error
}

// askLedger asks the ledger what Decide needs to know about entries, in their order.
func askLedger(ctx context.Context, ledger store.Store, repo string, entries []*schedule.Entry, now time.Time) []known {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = bundleName(repo, e, now)
	}
	answers := make([]known, len(entries))
	for i, record := range ledger.Lookup(ctx, names) {
		answers[i] = known{schedule.Known{Delivered: record.Receipt != nil, Prepared: record.Prepared}, record.Err}
		prefix := prepare.Name(repo, entries[i].Agent, "")
		for _, earlier := range record.Earlier {
			answers[i].Earlier = append(answers[i].Earlier, strings.TrimPrefix(earlier, prefix))
		}
	}
	return answers
}

// writeReport writes a command's report to --out, beside and renamed, or to standard output.
func (a *app) writeReport(data []byte) error {
	out := a.opts["out"]
	if out == "" {
		_, err := a.stdout.Write(data)
		return err
	}
	wrong := func(err error) error {
		return usagef("writing the report to %s: %w: name a file in a directory that exists", out, rootCause(err))
	}
	tmp, err := os.CreateTemp(filepath.Dir(out), ".report-*")
	if err != nil {
		return wrong(err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("writing the report to %s: %w", out, rootCause(err))
	}
	if err := os.Rename(tmp.Name(), out); err != nil {
		return wrong(err)
	}
	return nil
}
