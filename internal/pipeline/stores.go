package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Services is what stores and sinks need in order to open.
type Services struct {
	Env     *actions.Environment
	Clients *gh.Clients
	Clock   func() time.Time // the machine's clock
	// Sleep waits between attempts; nil is a timer that the context ends.
	Sleep func(ctx context.Context, d time.Duration) error
	Log   func(format string, args ...any)
}

// StoreOptions says where bundles and receipts are kept.
type StoreOptions struct {
	Out    string // directory, "" for .kaizen/prepared in the checkout
	Token  string // reads the ledger
	Branch string // whose receipts count, "" for the default branch
	// Days is how long artifacts are kept; 0 is as long as the cadence needs. DaysErr is
	// why the option is invalid.
	Days    int
	DaysErr error
}

// Stores is where a run keeps bundles and receipts.
type Stores struct {
	Directory *store.Directory // always stores the bundle
	// Artifacts are the job artifacts, nil without an artifact service. If there are any,
	// they are the ledger.
	Artifacts store.Store
	// Base is the directory to which the paths of Directory are relative, or "" if it is
	// the workspace.
	Base string
}

// Ledger returns the store that decides what is due: job artifacts if there are any,
// because a runner's directory is temporary.
func (s Stores) Ledger() store.Store {
	if s.Artifacts != nil {
		return s.Artifacts
	}
	return s.Directory
}

// path returns the directory of a bundle, relative to the workspace if it is inside.
func (s Stores) path(name string) string { return s.Below(s.Directory.Path(name)) }

// Below returns a path of Directory, relative to the workspace if it is inside.
func (s Stores) Below(dir string) string {
	if s.Base == "" || filepath.IsAbs(dir) {
		return dir
	}
	return filepath.ToSlash(filepath.Join(s.Base, dir))
}

// OpenStores opens both stores. Without an artifact service it logs a warning and opens
// the directory only. The error is about a wrong option.
func (s Services) OpenStores(p *Project, o StoreOptions) (Stores, error) {
	var stores Stores
	if o.DaysErr != nil {
		return stores, o.DaysErr
	}
	if err := s.openDirectory(&stores, p.Tree.Dir(), "prepared", o.Out); err != nil {
		return stores, err
	}
	artifacts, err := s.openArtifacts(stores.Directory, o, Retention{p.Manifest, o.Days, s.Env.Retention}.Days)
	if artifacts != nil {
		stores.Artifacts = artifacts
	}
	return stores, err
}

// OpenReceptions opens what a consumer needs: the directory of received bundles, by default
// .kaizen/received in dir, and the ledger of received events. It is like OpenStores.
func (s Services) OpenReceptions(dir string, o StoreOptions) (Stores, store.Receptions, error) {
	var stores Stores
	if err := s.openDirectory(&stores, dir, "received", o.Out); err != nil {
		return stores, nil, err
	}
	artifacts, err := s.openArtifacts(stores.Directory, o, nil) // kept as long as the repository keeps artifacts
	if artifacts == nil {
		return stores, stores.Directory, err
	}
	return stores, artifacts, err
}

// openArtifacts opens the job artifacts; nil outside of Actions and without an artifact
// service.
func (s Services) openArtifacts(dir *store.Directory, o StoreOptions, days func(name string) int) (*store.Artifacts,
	error) {
	if !s.Env.Actions {
		return nil, nil
	}
	api, err := s.Clients.For(o.Token)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	artifacts, err := store.NewArtifacts(store.ArtifactsOptions{
		ResultsURL:    s.Env.ResultsURL,
		RuntimeToken:  s.Env.RuntimeToken,
		ServerURL:     s.Env.ServerURL,
		Repository:    s.Env.Repository,
		RepositoryID:  s.Env.RepositoryID,
		RunID:         s.Env.RunID,
		Attempt:       s.Env.RunAttempt,
		LedgerBranch:  cmp.Or(o.Branch, s.Env.DefaultBranch()),
		RetentionDays: days,
		API:           api,
		Now:           s.Clock,
		Sleep:         s.Sleep,
		Log:           s.Log,
	})
	if errors.Is(err, store.ErrNoArtifactService) {
		s.Log("warning: %v; bundles and receipts stay in %s, so keep that directory between runs or every "+
			"run begins anew", err, dir.Path(""))
		return nil, nil
	}
	return artifacts, err
}

// OpenLedger opens the ledger for reading, and describes it for people. Outside Actions it
// is the repository's own if there is a token for it, else the directory.
func (s Services) OpenLedger(p *Project, o StoreOptions) (ledger store.Ledger, name string, err error) {
	if s.Env.Actions || o.Token == "" || s.Env.Repository == "" {
		stores, err := s.OpenStores(p, o)
		if err != nil {
			return nil, "", err
		}
		if stores.Artifacts != nil {
			return stores.Artifacts, "the job artifacts of " + s.Env.Repository, nil
		}
		return stores.Directory, "the directory " + stores.Directory.Path(""), nil
	}
	api, err := s.Clients.For(o.Token)
	if err != nil {
		return nil, "", fmt.Errorf("token: %w", err)
	}
	ledger, err = store.OpenLedger(store.ArtifactsOptions{
		Repository: s.Env.Repository, LedgerBranch: o.Branch, API: api, Log: s.Log,
	})
	return ledger, "the job artifacts of " + s.Env.Repository, err
}

// KnownRepository returns the repository of the environment, or else that of the
// checkout's remote if it is on the server that the environment names; "" if unknown.
func KnownRepository(tree *checkout.Tree, env *actions.Environment) string {
	server, err := url.Parse(env.ServerURL)
	if env.Repository != "" || err != nil || tree.OriginHost() != strings.ToLower(server.Hostname()) {
		return env.Repository
	}
	return tree.OriginFullName()
}

// openDirectory opens the directory store: given, relative to the working directory, or
// .kaizen/<name> in the checkout.
func (s Services) openDirectory(stores *Stores, target, name, given string) (err error) {
	out := filepath.Join(target, ".kaizen", name)
	if given != "" {
		if out, err = filepath.Abs(given); err != nil {
			return err
		}
	}
	workspace := s.Env.Workspace
	if _, inside := s.Env.InWorkspace(target); !inside {
		workspace, stores.Base = target, target
	}
	stores.Directory, err = store.OpenDirectory(store.DirectoryOptions{
		Workspace:    workspace,
		Target:       target,
		Out:          out,
		Repository:   s.Env.Repository,
		RepositoryID: s.Env.RepositoryID,
		NoSync:       s.Env.Actions && s.Env.HasArtifactService(), // job artifacts are then the ledger
		Log:          s.Log,
	})
	return err
}
