package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// initOptions holds the options of init.
type initOptions struct {
	target     string   // as the user gave it; "" is the working directory
	agents     []string // that get an entry; none means those that are found
	timezone   string
	engagement string
	bootstrap  scaffold.Bootstrap
	given      []string // options of the manifest that the user set
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
	if e := o.engagement; e != "" && !spec.IsSlug(e) {
		r.fail(fmt.Errorf("engagement is %q, must be a slug: 1 to 100 letters, digits, dots, hyphens and underscores, "+
			"the first a letter or digit", e))
	}
	return o
}

// runInit writes the files that schedule a repository's agents, and reports what it did.
// It never overwrites a file.
func runInit(_ context.Context, a *app, r *reader) (int, error) {
	if len(r.args) > 0 {
		return exitUsage, usagef("init takes no arguments: name the checkout with --target, agents with --agents")
	}
	o := r.init()
	if r.err != nil {
		return exitUsage, r.err
	}
	if err := refuseGit(a.dir); err != nil {
		return exitUsage, err
	}
	tree, err := checkout.Open(a.dir)
	if err != nil {
		return exitUsage, usagef("opening the checkout: %w", err)
	}
	defer tree.Close()
	if err := a.refuseSecond(tree); err != nil {
		return exitUsage, err
	}
	root := repositoryRoot(tree)
	s, err := scaffold.New(tree, scaffold.Options{
		Slug: pipeline.Slug(tree, &a.env), Repository: a.fullName(tree, root), Timezone: o.timezone, Engagement: o.engagement,
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

// refuseSecond returns an error if there is already a manifest with another name, or in a
// directory above.
func (a *app) refuseSecond(tree *checkout.Tree) error {
	const file = schedule.DefaultPath
	if tree.IsFile(file) {
		return nil
	}
	if found := pipeline.Misnamed(tree, file); found != "" && looksLikeManifest(tree, found) {
		return usagef("%q is probably the manifest: rename it to %s, or rename it to something else, "+
			"then run init again", found, file)
	}
	if above := pipeline.ManifestAbove(tree.Dir(), file, a.env.Workspace); above != "" {
		return usagef("the repository has a manifest already, %s: add the agents of this directory to it, or run "+
			"init in %s",
			filepath.Join(above, file), above)
	}
	return nil
}

// looksLikeManifest reports whether a file may be a manifest. Inside .kaizen every file
// may; elsewhere it has to contain a word of a manifest.
func looksLikeManifest(tree *checkout.Tree, name string) bool {
	if path.Dir(name) == path.Dir(schedule.DefaultPath) {
		return true
	}
	data, err := tree.ReadFile(name, schedule.MaxSize)
	return err == nil && slices.ContainsFunc([]string{"agents", "schedules"}, func(key string) bool {
		return bytes.Contains(data, []byte(key+":"))
	})
}

// repositoryRoot returns the directory above the checkout that is the root of its
// repository, or "" if there is none.
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

// fullName returns the repository's name with its owner, as far as it is known: from the
// workspace, from the remote, or else only the slug.
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
	return cmp.Or(name, pipeline.Slug(tree, &a.env))
}
