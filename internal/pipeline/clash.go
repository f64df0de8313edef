package pipeline

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Limits of the search for other manifests: how deep in the workspace, how many
// directories, and how many entries a directory may have.
const (
	maxClashDepth   = 3
	maxClashDirs    = 500
	maxClashEntries = 1000
)

// clashes reports entries whose bundles have the names of another manifest's in the
// workspace: a second manifest beside this one, or a second checkout of its repository.
// The second of two such entries would never run. A problem of the other manifest is not
// reported.
func clashes(p *Project, place Place, env *actions.Environment) []diag.Finding {
	if !filepath.IsLocal(p.File) {
		return nil
	}
	top := p.Tree.Dir()
	if isWithin(place.Workspace, top) {
		top = place.Workspace
	} else {
		top = cmp.Or(gitRoot(top, ""), top)
	}
	tree, err := p.Tree.Beside(top)
	if err != nil {
		return nil
	}
	defer tree.Close()
	place.Workspace = top
	s := clashSearch{
		place: place, env: env, project: p, tree: tree, own: relative(top, p.Tree.Dir()),
		source: place.source(p.Tree.Dir()),
	}
	s.siblings() // the search does not reach every place of the project
	s.visit(".", 0)
	return p.Manifest.Unsilenced(s.findings)
}

type clashSearch struct {
	place    Place
	env      *actions.Environment
	project  *Project
	tree     *checkout.Tree // of the workspace
	own      string         // the project's directory in it
	source   string         // of the project
	dirs     int
	findings []diag.Finding
}

// visit looks for manifests in a directory of the workspace and below it.
func (s *clashSearch) visit(dir string, depth int) {
	if s.dirs++; s.dirs > maxClashDirs {
		return
	}
	if dir != s.own && s.tree.IsFile(path.Join(dir, s.project.File)) {
		s.compare(dir, s.project.File)
	}
	if depth == maxClashDepth {
		return
	}
	entries, err := s.tree.Entries(dir, maxClashEntries)
	if err != nil {
		return
	}
	for _, e := range entries {
		if name := e.Name(); e.IsDir() && name[0] != '.' && name != "node_modules" && name != "vendor" {
			s.visit(path.Join(dir, name), depth+1)
		}
	}
}

// siblings compares the other YAML files beside the project's manifest.
func (s *clashSearch) siblings() {
	beside := path.Dir(s.project.File)
	entries, err := s.tree.Entries(path.Join(s.own, beside), maxClashEntries)
	if err != nil {
		return
	}
	for _, e := range entries {
		file := path.Join(beside, e.Name())
		ext := strings.ToLower(path.Ext(file))
		if e.Type()&fs.ModeType == 0 && (ext == ".yml" || ext == ".yaml") && file != s.project.File {
			s.compare(s.own, file)
		}
	}
}

// compare reports the entries that the manifest file in dir shares with the project's.
func (s *clashSearch) compare(dir, file string) {
	full := filepath.Join(s.tree.Dir(), filepath.FromSlash(dir))
	if s.place.source(full) != s.source {
		return
	}
	tree, err := s.tree.Beside(full)
	if err != nil {
		return
	}
	defer tree.Close()
	data, err := tree.ReadFile(file, schedule.MaxSize)
	if err != nil {
		return
	}
	m, _ := schedule.Load(file, data, schedule.Options{Repo: Slug(tree, s.env)})
	if m == nil || m.Repo != s.project.Manifest.Repo {
		return
	}
	for i := range s.project.Manifest.Entries {
		e := &s.project.Manifest.Entries[i]
		other := m.Entry(e.Agent)
		if other == nil || !e.Enabled || !other.Enabled || e.Cadence != other.Cadence {
			continue
		}
		pos := e.Pos("agent")
		s.findings = append(s.findings, diag.NameClash.At(s.project.File, pos.Line, pos.Column,
			fmt.Sprintf("bundles of %q have the same names as those of %s, so only one of the two entries runs in a "+
				"period", e.Agent, path.Join(dir, file)),
			"rename the agent in one of them, give one of them another `repo`, or prepare one of them only"))
	}
}
