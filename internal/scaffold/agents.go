package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// FoundAgent is an agent that has a prompt in the checkout.
type FoundAgent struct {
	Agent string
	// Paths has its prompts in the order of the conventions. The first one is used.
	Paths []string
}

// SkippedPrompt is a file that looks like a prompt, or a directory that may have prompts,
// that FindAgents did not use.
type SkippedPrompt struct {
	Path string
	// Reason says why. It continues a sentence that starts with the path.
	Reason string
}

// FindAgents returns the agents that have a prompt at a conventional path, sorted by
// name. Skipped, sorted by path, has files with invalid names, files that are not
// regular, and directories that it did not search, such as those with more than 1,000
// names. It leaves out files such as README.md.
func FindAgents(tree *checkout.Tree) (agents []FoundAgent, skipped []SkippedPrompt) {
	search := searchPrompts(tree)
	skipped = search.refused()
	paths := make(map[string][]string)
	for _, p := range search.prompts {
		if tree.IsFile(p.path) {
			paths[p.agent] = append(paths[p.agent], p.path)
		} else {
			skipped = append(skipped, SkippedPrompt{p.path, "is not a regular file of the checkout"})
		}
	}
	for agent, paths := range paths {
		agents = append(agents, FoundAgent{agent, paths})
	}
	slices.SortFunc(agents, func(a, b FoundAgent) int { return cmp.Compare(a.Agent, b.Agent) })
	slices.SortFunc(skipped, func(a, b SkippedPrompt) int { return cmp.Compare(a.Path, b.Path) })
	return agents, skipped
}

// promptSearch collects paths that look like prompts.
type promptSearch struct {
	tree    *checkout.Tree
	prompts []namedPrompt
	claimed map[string]bool // by path, so that agents/agent-coach.md counts for coach and not for agent-coach
	skipped []SkippedPrompt
}

// searchPrompts looks for prompts in every layout, in the order of the conventions.
func searchPrompts(tree *checkout.Tree) *promptSearch {
	s := &promptSearch{tree: tree, claimed: make(map[string]bool)}
	for _, pattern := range schedule.Conventions[schedule.PartPrompt] {
		s.addPattern(pattern)
	}
	return s
}

// addPattern adds the paths that match a pattern of the conventions.
func (s *promptSearch) addPattern(pattern string) {
	before, after, _ := strings.Cut(pattern, "{a}")
	dir, prefix := path.Split(before)
	suffix, rest, _ := strings.Cut(after, "/")
	for _, full := range s.list(dir) {
		name := path.Base(full)
		agent := strings.TrimSuffix(strings.TrimPrefix(name, prefix), suffix)
		if full = path.Join(full, rest); name == prefix+agent+suffix && !s.claimed[full] {
			s.add(agent, full, rest != "")
		}
	}
}

// list returns the paths in dir. If dir ends in **/, it also returns those below it.
// It skips what it cannot read.
func (s *promptSearch) list(dir string) []string {
	if top, nested := strings.CutSuffix(dir, "/**/"); nested {
		below, skipped := filesBelow(s.tree, top)
		s.skipped = append(s.skipped, skipped...)
		return below
	}
	names, err := s.tree.ReadDir(path.Clean(dir), maxNames)
	switch {
	case isAbsent(err): // most repositories have only one of the layouts
	case err != nil:
		s.skipped = append(s.skipped, SkippedPrompt{path.Clean(dir), notSearched(err)})
	}
	for i, name := range names {
		names[i] = dir + name
	}
	return names
}

// add adds the prompt of agent at full. Own says that the agent has a directory of its
// own, in which the prompt may be missing.
func (s *promptSearch) add(agent, full string, own bool) {
	switch {
	case own && !s.tree.IsFile(full):
	case isAgent(agent):
		s.claimed[full] = true
		s.prompts = append(s.prompts, namedPrompt{agent, full})
	case slices.Contains(notAgents, strings.ToLower(agent)):
	case spec.ReservedAgents[agent] != "":
		s.skipped = append(s.skipped, SkippedPrompt{full,
			fmt.Sprintf("has the reserved name %q, which means %s", agent, spec.ReservedAgents[agent])})
	default:
		s.skipped = append(s.skipped, SkippedPrompt{full, fmt.Sprintf("gives the name %q, but an agent's name is "+
			"1 to 64 letters, digits, hyphens and underscores, the first a letter or digit", agent)})
	}
}

// refused returns each skipped path once, except those that match the pattern of another
// layout.
func (s *promptSearch) refused() []SkippedPrompt {
	seen := make(map[string]bool)
	return slices.DeleteFunc(slices.Clone(s.skipped), func(p SkippedPrompt) bool {
		again := seen[p.Path] || s.claimed[p.Path]
		seen[p.Path] = true
		return again
	})
}

// Paths returns the paths at which a part of the bundle of agent is searched. The first
// one that exists wins. Only patterns with ** are expanded from the tree, so the other
// paths may not exist.
func Paths(tree *checkout.Tree, part schedule.Part, agent string) []string {
	var paths []string
	for _, pattern := range schedule.Conventions[part] {
		dir, file, nested := strings.Cut(pattern, "/**/")
		if !nested {
			paths = append(paths, schedule.Expand(pattern, agent))
			continue
		}
		below, _ := filesBelow(tree, dir)
		for _, p := range below {
			if path.Base(p) == schedule.Expand(file, agent) {
				paths = append(paths, p)
			}
		}
	}
	return paths
}

// maxDepth is how many levels below its directory a layout is searched.
const maxDepth = 5

// filesBelow lists the files in the directories below top, sorted by depth and then by
// name. It reads at most maxNames names, and returns in skipped what it left out.
func filesBelow(tree *checkout.Tree, top string) (files []string, skipped []SkippedPrompt) {
	room := maxNames
	dirs := []string{top}
	for depth := 0; len(dirs) > 0; depth++ {
		var deeper []string
		for _, dir := range dirs {
			if depth > maxDepth {
				skipped = append(skipped, SkippedPrompt{dir,
					fmt.Sprintf("is not searched: it is more than %d directories below %s", maxDepth, top)})
				continue
			}
			entries, err := tree.Entries(dir, room)
			if err != nil && !isAbsent(err) {
				skipped = append(skipped, SkippedPrompt{dir, notSearched(err)})
			}
			room -= len(entries)
			in, below, links := sortEntries(tree, dir, entries)
			if depth > 0 {
				files = append(files, in...)
			}
			deeper, skipped = append(deeper, below...), append(skipped, links...)
		}
		dirs = deeper
	}
	return files, skipped
}

// sortEntries separates files from directories. Links to directories are not followed,
// because they may point to a parent.
func sortEntries(tree *checkout.Tree, dir string, entries []fs.DirEntry) (files, dirs []string, links []SkippedPrompt) {
	for _, e := range entries {
		switch full := path.Join(dir, e.Name()); {
		case e.IsDir():
			dirs = append(dirs, full)
		case e.Type()&fs.ModeSymlink != 0 && tree.IsDir(full):
			links = append(links, SkippedPrompt{full, "is not searched: it is a link to a directory"})
		default:
			files = append(files, full)
		}
	}
	return files, dirs, links
}

func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// notSearched continues a sentence that starts with a directory.
func notSearched(err error) string { return "is not searched: " + cause(err) }

// cause returns why a directory is not searched, without the name of the directory.
func cause(err error) string {
	switch {
	case errors.Is(err, checkout.ErrTooLarge):
		return fmt.Sprintf("more than %d names are not read", maxNames)
	case errors.Is(err, checkout.ErrEscapes):
		return "it leaves the checkout"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}
