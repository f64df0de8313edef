package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// initOptions are the options of init.
type initOptions struct {
	target     string   // as the user names it, "" for the working directory
	agents     []string // that get an entry, none for those that are found
	timezone   string
	engagement string
	bootstrap  scaffold.Bootstrap
	given      []string // names of the options that shape the manifest and were given
}

func (r *reader) init() initOptions {
	o := initOptions{
		target: r.values[optTarget], timezone: r.values[optTimezone], engagement: r.values[optEngagement],
		bootstrap: scaffold.Bootstrap(r.oneOf(optBootstrapCadence, "", "hourly", "daily", "weekly")),
	}
	for _, name := range []string{optTimezone, optEngagement, optAgents, optBootstrapCadence} {
		if r.values[name] != optionNamed(name).initial {
			o.given = append(o.given, name)
		}
	}
	if slices.Contains(o.given, optAgents) {
		o.agents = r.list(optAgents)
	}
	if e := o.engagement; e != "" && !schedule.IsSlug(e) {
		r.fail(fmt.Errorf("engagement is %q, must be a slug: 1 to 100 letters, digits, dots, hyphens and underscores, "+
			"the first a letter or digit", e))
	}
	return o
}

// runInit writes what a repository needs to be scheduled, and shows what it did. It never overwrites.
func runInit(_ context.Context, a *app, r *reader) (int, error) {
	if len(r.args) > 0 {
		return exitUsage, usagef("init takes no arguments: name the checkout with --target, agents with --agents")
	}
	o := r.init()
	if r.err != nil {
		return exitUsage, r.err
	}
	tree, err := checkout.Open(a.dir)
	if err != nil {
		return exitUsage, usagef("opening the checkout: %w", err)
	}
	defer tree.Close()
	root := repositoryRoot(tree)
	s, err := scaffold.New(tree, scaffold.Options{
		Slug: a.slug(tree), Repository: a.fullName(tree, root), Timezone: o.timezone, Engagement: o.engagement,
		Bootstrap: o.bootstrap, Agents: o.agents,
	})
	if err != nil {
		return exitUsage, err
	}
	if err := writeScaffold(a.dir, s.Files); err != nil {
		return exitUsage, err
	}
	report := initReport{initOptions: o, Scaffold: s, root: root, dir: tree.Dir()}
	_, err = io.WriteString(a.stdout, safetext.Sanitize(report.text())) // names of files are untrusted
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

// fullName is the repository's name with its owner, as far as it is known: that of the workspace, or where
// the checkout came from, or its slug.
func (a *app) fullName(tree *checkout.Tree, root string) string {
	if a.isWorkflows(tree) && a.env.Repository != "" {
		return a.env.Repository
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
