package pipeline

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// Place says where a program runs. On a terminal all fields may be "".
type Place struct {
	Workspace  string // the directory of the workflow, absolute
	Repository string // owner/name of the repository whose ledger is used
	ServerURL  string // such as https://github.com

	tree *checkout.Tree // whose run reads the places; nil for none
}

// Source returns what sets the names of the bundles of the checkout at dir apart in the
// ledger of the place: "" for the repository's own root and where no repository is known,
// else digits.
//
// Another repository is known by the address of its remote "origin", else by its path in
// the workspace. A directory in a repository is known by its path there. The repository's
// own name is no part of it, so that a rename changes no name.
func (p Place) Source(dir string) string {
	if p.Repository == "" {
		return ""
	}
	return p.source(dir)
}

// SourceOf returns what Source returns for a checkout of a repository of a server. It
// needs no checkout.
func (p Place) SourceOf(server, repository string) string {
	address := checkout.Address(server + "/" + repository)
	if p.Repository == "" || address == checkout.Address(p.ServerURL+"/"+p.Repository) {
		return ""
	}
	return bundleid.Source(address, ".")
}

func (p Place) source(dir string) string {
	top, inside := p.Workspace, isWithin(p.Workspace, dir)
	root := gitRoot(dir, p.Workspace)
	if !inside {
		top = root
	}
	if root == "" && inside {
		root = top // checked out without git
	}
	if root == "" {
		return ""
	}
	path := relative(root, dir)
	address, own := p.identify(root, root == top)
	switch {
	case own && path == ".":
		return ""
	case own:
		return bundleid.Source("", path)
	case address == "":
		address = "./" + relative(top, root)
	}
	return bundleid.Source(address, path)
}

// identify returns the address of the remote of the repository at root, and whether it is
// the place's own. At the top of the workspace that is also one with the right name at
// another address, as behind a proxy, and one without a remote.
func (p Place) identify(root string, isTop bool) (address string, own bool) {
	open := checkout.Open
	if p.tree != nil {
		open = p.tree.Beside
	}
	tree, err := open(root)
	if err != nil {
		return "", isTop
	}
	defer tree.Close()
	address = tree.OriginAddress()
	switch {
	case address == "":
		return "", isTop
	case p.Repository == "":
		return address, isTop
	}
	ours := checkout.Address(p.ServerURL + "/" + p.Repository)
	return address, address == ours || isTop && strings.EqualFold(tree.OriginFullName(), p.Repository)
}

// gitRoot returns the nearest directory with a .git from dir upwards, not above the
// workspace if dir is in it; "" if there is none.
func gitRoot(dir, workspace string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Clean(workspace) || dir == filepath.Dir(dir) {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

// isWithin reports whether dir is the directory parent or below it; "" has none.
func isWithin(parent, dir string) bool {
	if parent == "" {
		return false
	}
	rel, err := filepath.Rel(parent, dir)
	return err == nil && filepath.IsLocal(rel)
}

// relative is dir, which is in parent, as a slash-separated path.
func relative(parent, dir string) string {
	rel, err := filepath.Rel(parent, dir)
	if err != nil {
		return filepath.ToSlash(dir)
	}
	return filepath.ToSlash(rel)
}
