package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// runInit writes what a repository needs to be scheduled, and shows what it did. It never overwrites.
func runInit(_ context.Context, a *app) (int, error) {
	if len(a.args) > 0 {
		return exitUsage, usagef("init takes no arguments: name the checkout with --target, agents with --agents")
	}
	dir, err := a.target()
	if err != nil {
		return exitUsage, err
	}
	tree, err := checkout.Open(dir)
	if err != nil {
		return exitUsage, usagef("opening the checkout: %w", err)
	}
	defer tree.Close()
	root := repositoryRoot(tree)
	opts, err := a.scaffoldOptions(tree, root)
	if err != nil {
		return exitUsage, err
	}
	s, err := schedule.NewScaffold(tree, opts)
	if err != nil {
		return exitUsage, err
	}
	if err := writeScaffold(dir, s.Files); err != nil {
		return exitUsage, err
	}
	r := initReport{app: a, Scaffold: s, root: root, dir: tree.Dir()}
	_, err = io.WriteString(a.stdout, emit.Sanitize(r.text())) // names of files are untrusted
	return exitOK, err
}

// repositoryRoot is the directory above the checkout that holds the repository of which the checkout is a
// part, "" if there is none.
func repositoryRoot(tree *checkout.Tree) string {
	if tree.HasGit() {
		return ""
	}
	for dir := filepath.Dir(tree.Dir()); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
	}
	return ""
}

func (a *app) scaffoldOptions(tree *checkout.Tree, root string) (schedule.ScaffoldOptions, error) {
	bootstrap, err := a.oneOf("bootstrap-cadence", "", "hourly", "daily", "weekly")
	opts := schedule.ScaffoldOptions{
		Slug:       a.slug(tree),
		Repository: a.fullName(tree, root),
		Timezone:   a.opts["timezone"],
		Engagement: a.opts["engagement"],
		Bootstrap:  schedule.Bootstrap(bootstrap),
	}
	if given := a.opts["agents"]; given != optionNamed("agents").initial {
		opts.Agents = splitList(given)
	}
	if e := opts.Engagement; e != "" && !schedule.IsSlug(e) {
		return opts, usagef("engagement is %q, must be a slug: 1 to 100 letters, digits, dots, hyphens and underscores, "+
			"the first a letter or digit", e)
	}
	return opts, err
}

// fullName is the repository's name with its owner, as far as it is known: that of the workspace, or where
// the checkout came from, or its slug.
func (a *app) fullName(tree *checkout.Tree, root string) string {
	if a.isWorkflows(tree) && a.env.repository != "" {
		return a.env.repository
	}
	name := tree.OriginFullName()
	if name == "" && root != "" {
		if above, err := checkout.Open(root); err == nil {
			name = above.OriginFullName()
			above.Close()
		}
	}
	return cmp.Or(name, a.slug(tree))
}
