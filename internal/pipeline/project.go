package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// ProjectOptions name the checkout and the manifest.
type ProjectOptions struct {
	Dir  string // absolute path of the checkout
	File string // the manifest, relative to Dir or absolute
	Env  *actions.Environment
}

// Project is an open checkout and its manifest.
type Project struct {
	Tree     *checkout.Tree
	Files    *prepare.Files     // of the tree, for all bundles of the run
	Root     string             // the checkout's path on the runner's host
	File     string             // the manifest's path in the checkout
	Text     []byte             // the manifest's text; nil if it cannot be read
	Manifest *schedule.Manifest // nil if Findings has an error
	Findings []diag.Finding
	// Source sets the names of its bundles apart in the ledger; see Place.Source.
	Source string
}

// OpenProject opens a checkout for a run and loads its manifest. Problems of the manifest
// are findings; the error is about the checkout.
func OpenProject(ctx context.Context, o ProjectOptions) (*Project, error) {
	tree, err := checkout.OpenContext(ctx, o.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening the checkout: %w: check out the repository first or name it with --target", err)
	}
	p := &Project{Tree: tree, Root: o.Env.HostPath(tree.Dir()), File: o.File}
	if filepath.IsAbs(p.File) {
		if rel, err := filepath.Rel(o.Dir, p.File); err == nil && filepath.IsLocal(rel) {
			p.File = rel
		}
	}
	p.File = path.Clean(filepath.ToSlash(p.File))
	place := Place{
		Workspace: o.Env.Workspace, Repository: o.Env.Repository, ServerURL: o.Env.ServerURL, tree: tree,
	}
	p.Source = place.Source(tree.Dir())
	p.load(o)
	p.Files = prepare.NewFiles(tree, p.entries())
	if p.Manifest != nil {
		p.Findings = append(p.Findings, clashes(p, place, o.Env)...)
	}
	return p, nil
}

// entries returns the entries of the manifest, none if it is invalid.
func (p *Project) entries() []schedule.Entry {
	if p.Manifest == nil {
		return nil
	}
	return p.Manifest.Entries
}

// load reads and loads the manifest. An unreadable file is a finding.
func (p *Project) load(o ProjectOptions) {
	data, err := p.Tree.ReadFile(p.File, schedule.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.Findings = []diag.Finding{o.missingManifest(p.Tree, p.File)}
	case err != nil:
		p.Findings = []diag.Finding{Unreadable(p.File, err)}
	default:
		p.Text = data
		p.Manifest, p.Findings = LoadSource(p.File, data, Slug(p.Tree, o.Env))
	}
}

// LoadSource loads what a repository has at the manifest's path. A Git LFS pointer and the
// text of a link are findings.
func LoadSource(file string, data []byte, slug string) (*schedule.Manifest, []diag.Finding) {
	if prepare.IsLFSPointer(data) {
		return nil, []diag.Finding{prepare.LFSFinding(file, "the manifest")}
	}
	if text := prepare.LinkText(data); text != "" {
		f := prepare.LinkFinding(file, "the manifest", text)
		f.Severity = diag.Error
		return nil, []diag.Finding{f}
	}
	return LoadManifest(file, data, slug)
}

// Slug returns the State Hub slug for a manifest without one: the repository's name. It
// comes from the workspace's repository, else from the checkout's remote, else from the
// directory's name.
func Slug(tree *checkout.Tree, env *actions.Environment) string {
	_, name, _ := strings.Cut(env.Repository, "/")
	if name != "" && tree.Dir() == filepath.Clean(env.Workspace) {
		return name
	}
	return cmp.Or(tree.Origin(), name, filepath.Base(tree.Dir()))
}

// FullName returns the repository's name with its owner, as far as it is known: from the
// workspace, from the remote, or else only the slug.
func FullName(tree *checkout.Tree, env *actions.Environment) string {
	if IsWorkflows(tree, env) && env.Repository != "" {
		return env.Repository
	}
	name := tree.OriginFullName()
	if root := tree.Repository(); name == "" && root != "" {
		if above, err := tree.Beside(root); err == nil {
			name = above.OriginFullName()
			above.Close()
		}
	}
	return cmp.Or(name, Slug(tree, env))
}

// IsWorkflows reports whether the checkout belongs to the workflow's repository: it is the
// whole workspace, or a part of it without a .git of its own.
func IsWorkflows(tree *checkout.Tree, env *actions.Environment) bool {
	rel, ok := env.InWorkspace(tree.Dir())
	return ok && (rel == "." || !tree.HasGit())
}

// Close releases the checkout.
func (p *Project) Close() { p.Tree.Close() }

// TextOf returns the text of a file for rendering findings, or nil.
func (p *Project) TextOf(file string) []byte {
	if file == p.File {
		return p.Text
	}
	data, err := p.Tree.ReadFile(file, schedule.MaxSize)
	if err != nil {
		return nil
	}
	return data
}

// LoadManifest loads a manifest. A secret in a name that events and names of bundles have
// makes it invalid. It masks secrets in the findings of an invalid manifest.
func LoadManifest(file string, data []byte, slug string) (*schedule.Manifest, []diag.Finding) {
	m, findings := schedule.Load(file, data, schedule.Options{Repo: slug})
	if m == nil {
		return nil, secrets.Mask(file, data, findings)
	}
	if refused := secretNames(m); len(refused) > 0 {
		return nil, secrets.MaskFindings(append(refused, findings...), func(string) []byte { return data })
	}
	return m, findings
}

// secretNames returns a finding about each name or path in a manifest that is a secret.
func secretNames(m *schedule.Manifest) []diag.Finding {
	var findings []diag.Finding
	check := func(pos yamlnode.Pos, what string, names ...string) {
		for _, name := range names {
			if found := secrets.Find([]byte(name)); len(found) > 0 {
				findings = append(findings, secrets.Finding(m.File, pos.Line, pos.Column, found[0].Kind, what))
			}
		}
	}
	check(m.Pos("repo"), "the repo", m.Repo)
	for i := range m.Entries {
		e := &m.Entries[i]
		check(e.Pos(""), "the name of an agent", e.Agent)
		check(e.Pos("prompt"), "the path of a prompt", e.Prompt)
		check(e.Pos("memory"), "the path of a memory", e.Memory)
		check(e.Pos("metrics"), "the path of metrics", e.Metrics)
		for _, p := range e.Pointers {
			check(e.Pos("pointers."+p.Label), "the label or the path of a pointer", p.Label, p.Path)
		}
	}
	diag.Sort(findings)
	return findings
}
