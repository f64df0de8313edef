package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// The limits of the search for checkouts below a root: how deep, as in host/owner/name, and
// how many directories.
const (
	maxDepth    = 3
	maxDirs     = 50_000
	maxInFolder = 20_000
)

// root adds the checkouts below a directory, or the directory itself if it is one.
func (r *run) root(ctx context.Context, dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	tree, err := checkout.OpenContext(ctx, abs)
	if err != nil {
		return advice.New("name a directory with checkouts", "root: %w", err)
	}
	defer tree.Close()
	w := &search{run: r, tree: tree}
	return w.visit(ctx, ".", 0)
}

// search walks the directories below a root. It follows no link, and does not look into
// checkouts.
type search struct {
	*run
	tree *checkout.Tree
	dirs int
}

func (w *search) visit(ctx context.Context, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.dirs++; w.dirs > maxDirs {
		return advice.New("name a directory further down", "root: more than %d directories", maxDirs)
	}
	entries, err := w.tree.Entries(dir, maxInFolder)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrNotExist): // removed meanwhile
		return nil
	case err != nil:
		if path := filepath.Join(w.tree.Dir(), dir); !w.isDone(path) {
			w.state.fail("%s may have checkouts: %s", transfer.Quote(path), safetext.OneLine(err.Error()))
		}
		return nil
	}
	manifestDir, _, _ := strings.Cut(w.File, "/")
	for _, e := range entries {
		if name := e.Name(); name == ".git" || name == manifestDir && e.IsDir() || name == w.File {
			return w.found(ctx, filepath.Join(w.tree.Dir(), dir))
		}
	}
	if depth == maxDepth {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "node_modules" {
			if err := w.visit(ctx, filepath.ToSlash(filepath.Join(dir, e.Name())), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// isDone reports whether it was asked about a directory before.
func (r *run) isDone(dir string) bool {
	before := r.done[dir]
	r.done[dir] = true
	return before
}

// found adds the checkout at dir, unless another root has led to it.
func (w *search) found(ctx context.Context, dir string) error {
	if w.isDone(dir) {
		return nil
	}
	repo := fleet.Repository{Forge: fleet.Local, Manifest: w.File}
	exists, err := w.checkout(ctx, &repo, dir, "")
	if ctx.Err() != nil { // the error is not of the checkout
		return ctx.Err()
	}
	if err != nil {
		repo.Name = filepath.Base(dir)
		setError(&repo, err)
	}
	if repo.Clean(); w.Filter.matches(repo.Name) { // nothing else is known of a checkout
		w.add(repo, exists)
	}
	return nil
}

// checkout reads the checkout at dir. Slug is that of a manifest without one, "" for the
// repository's name.
func (r *run) checkout(ctx context.Context, repo *fleet.Repository, dir, slug string) (exists bool, err error) {
	tree, err := checkout.OpenContext(ctx, dir)
	if err != nil {
		return false, err
	}
	defer tree.Close()
	slug = cmp.Or(slug, pipeline.Slug(tree, &actions.Environment{}))
	repo.Name = cmp.Or(repo.Name, slug)
	if name, host := tree.OriginFullName(), tree.OriginHost(); bundleid.IsRepository(name) && host != "" {
		repo.Name, repo.Server = name, serverOf(host, r.ServerURL)
	}
	repo.Slug, repo.Root = cmp.Or(repo.Slug, slugOf(slug)), r.HostPath(tree.Dir())
	repo.Commit, _ = tree.Commit() // "" without git
	data, err := tree.ReadFile(r.File, schedule.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		setUnusable(repo, err)
	default:
		repo.Blob = blobID(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
		setManifest(repo, data, slug)
	}
	return true, nil
}

// serverOf is the address of the server on a host. That of the API may have a port and no
// TLS.
func serverOf(host, server string) string {
	_, rest, _ := strings.Cut(server, "://")
	name, _, _ := strings.Cut(rest, "/")
	if name, _, _ = strings.Cut(name, ":"); strings.EqualFold(name, host) {
		return server
	}
	return "https://" + host
}
