package checkout

import (
	"bytes"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// Limits for the work that .gitignore files cause: bytes of a file, bytes of a path, and
// comparisons in all calls for a tree.
const (
	maxIgnoreFile = 64 << 10
	maxIgnorePath = 4 << 10
	maxIgnoreWork = 100 << 20
)

// Ignore is the line of a .gitignore file that excludes a path.
type Ignore struct {
	File    string
	Line    int
	Pattern string
}

// ignores has the .gitignore files of a tree. Each is read once.
type ignores struct {
	mu    sync.Mutex
	files map[string][]ignoreRule
	left  int // comparisons left
}

// ignoreRule is a line of a .gitignore file.
type ignoreRule struct {
	Ignore
	negated, dirOnly bool
	glob             glob
}

// Ignored returns the line of a .gitignore file that makes git ignore name. A name with a
// final slash is a directory. Only .gitignore files inside the tree are read, and not
// .git/info/exclude. Above the limits Ignored returns false.
func (t *Tree) Ignored(name string) (Ignore, bool) {
	dir := strings.HasSuffix(name, "/")
	name = path.Clean(name)
	if len(name) > maxIgnorePath || name == "." || !filepath.IsLocal(filepath.FromSlash(name)) {
		return Ignore{}, false
	}
	t.ignores.mu.Lock()
	defer t.ignores.mu.Unlock()
	parts := strings.Split(name, "/")
	var stack [][]ignoreRule // one for each parent directory
	for i := range parts {
		stack = append(stack, t.ignoreRules(strings.Join(parts[:i], "/")))
		isDir := dir || i < len(parts)-1
		if rule := t.ignores.match(stack, parts[:i+1], isDir); rule != nil && !rule.negated {
			return rule.Ignore, true // everything below an ignored directory is ignored
		}
	}
	return Ignore{}, false
}

// ignoreRules returns the rules of the .gitignore file in dir.
func (t *Tree) ignoreRules(dir string) []ignoreRule {
	rules, known := t.ignores.files[dir]
	if known {
		return rules
	}
	if t.ignores.files == nil {
		t.ignores.files, t.ignores.left = map[string][]ignoreRule{}, maxIgnoreWork
	}
	name := path.Join(dir, ".gitignore")
	if data, err := t.ReadFile(name, maxIgnoreFile); err == nil { // most directories have none
		rules = parseIgnore(name, data)
	}
	t.ignores.files[dir] = rules
	return rules
}

// match returns the rule that applies to a path: the last match in the deepest file.
func (g *ignores) match(stack [][]ignoreRule, parts []string, isDir bool) *ignoreRule {
	for depth := len(stack) - 1; depth >= 0; depth-- {
		for i := len(stack[depth]) - 1; i >= 0; i-- {
			rule := &stack[depth][i]
			if (isDir || !rule.dirOnly) && rule.glob.match(parts[depth:], &g.left) {
				return rule
			}
		}
	}
	return nil
}

// parseIgnore reads the lines of a .gitignore file, as git's dir.c does.
func parseIgnore(file string, data []byte) (rules []ignoreRule) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	line := 0
	for text := range bytes.Lines(data) {
		line++
		text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
		pattern := trimTrailingSpaces(string(text))
		rule := ignoreRule{Ignore: Ignore{file, line, pattern}}
		if strings.HasPrefix(pattern, "#") {
			continue
		}
		pattern, rule.negated = strings.CutPrefix(pattern, "!")
		pattern, rule.dirOnly = strings.CutSuffix(pattern, "/")
		var ok bool
		if rule.glob, ok = parseGlob(pattern); ok {
			rules = append(rules, rule)
		}
	}
	return rules
}

// trimTrailingSpaces removes the spaces at the end, except one after a backslash.
func trimTrailingSpaces(s string) string {
	end := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
			continue
		case '\\':
			i++
		}
		end = min(i+1, len(s))
	}
	return s[:end]
}
