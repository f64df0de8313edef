package checkout

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// ignoreCases has .gitignore files by directory, and the paths that git check-ignore is
// asked about.
var ignoreCases = []struct {
	name  string
	files map[string]string
}{
	{"directory", map[string]string{"": ".kaizen/\n"}},
	{"directory, anchored", map[string]string{"": "/.kaizen/\n"}},
	{"without a slash", map[string]string{"": ".kaizen\n"}},
	{"file", map[string]string{"": "memory.md\n"}},
	{"file as a directory", map[string]string{"": "memory.md/\n"}},
	{"file, anchored", map[string]string{"": "/memory.md\n"}},
	{"middle slash", map[string]string{"": ".kaizen/agents\n"}},
	{"middle slash, elsewhere", map[string]string{"": "agents/coach\n"}},
	{"star", map[string]string{"": "*.md\n"}},
	{"star alone", map[string]string{"": "*\n"}},
	{"star and slash", map[string]string{"": "*/\n"}},
	{"anchored star", map[string]string{"": "/*\n"}},
	{"star between slashes", map[string]string{"": ".kaizen/*/coach\n"}},
	{"star does not cross a slash", map[string]string{"": ".kaizen/*.md\n"}},
	{"hidden files", map[string]string{"": ".*\n"}},
	{"question mark", map[string]string{"": "memory.m?\n"}},
	{"question mark for a slash", map[string]string{"": ".kaizen?agents/\n"}},
	{"question marks for UTF-8", map[string]string{"": "caf??\n"}},
	{"one question mark for UTF-8", map[string]string{"": "caf?\n"}},
	{"UTF-8", map[string]string{"": "café\n"}},
	{"class", map[string]string{"": "[lm]emory.md\n"}},
	{"class, negated", map[string]string{"": "[!m]emory.md\n[!x]ummary.json\n"}},
	{"class, negated otherwise", map[string]string{"": "[^m]emory.md\n[^x]ummary.json\n"}},
	{"range", map[string]string{"": "[a-m]emory.md\n[t-z]ummary.json"}},
	{"class with a bracket", map[string]string{"": "[]m]emory.md\n"}},
	{"class with a hyphen", map[string]string{"": "a[-_]b\n"}},
	{"class with an escape", map[string]string{"": "a[\\-x]b\n"}},
	{"class with a slash", map[string]string{"": ".kaizen[/x]agents\nax[/m]emory.md\n"}},
	{"POSIX class", map[string]string{"": "[[:lower:]]emory.md\n[[:digit:]]ummary.json\n"}},
	{"POSIX class, unknown", map[string]string{"": "[[:lowers:]m]emory.md\n"}},
	{"class that is not closed", map[string]string{"": "[memory.md\n"}},
	{"double star before", map[string]string{"": "**/memory.md\n"}},
	{"double star before directories", map[string]string{"": "**/coach/memory.md\n"}},
	{"double star behind", map[string]string{"": ".kaizen/**\n"}},
	{"double star behind, of a file", map[string]string{"": ".kaizen/agents/coach/memory.md/**\n"}},
	{"double star between", map[string]string{"": ".kaizen/**/memory.md\n"}},
	{"double star for nothing", map[string]string{"": ".kaizen/agents/**/coach\n"}},
	{"two double stars", map[string]string{"": "**/agents/**/memory.md\n"}},
	{"double star in a word", map[string]string{"": ".kaizen/ag**/memory.md\nmem**.md\n"}},
	{"three stars", map[string]string{"": "***/memory.md\n"}},
	{"double star alone", map[string]string{"": "**\n"}},
	{"double star and slash", map[string]string{"": "**/\n"}},
	{"exception", map[string]string{"": "*.md\n!memory.md\n"}},
	{"exception before", map[string]string{"": "!memory.md\n*.md\n"}},
	{"exception in an excluded directory", map[string]string{"": ".kaizen/\n!.kaizen/agents/coach/memory.md\n"}},
	{"exceptions all the way", map[string]string{"": ".kaizen/*\n!.kaizen/agents/\n"}},
	{"exceptions, then a rule", map[string]string{"": "/.kaizen/*\n!/.kaizen/agents\n/.kaizen/agents/*/*.md\n"}},
	{"exception of a directory only", map[string]string{"": "*\n!*/\n"}},
	{"exception of everything", map[string]string{"": "*\n!*/\n!*.md\n"}},
	{"comment", map[string]string{"": "#memory.md\n"}},
	{"escaped mark", map[string]string{"": "\\#x\n\\!x\n"}},
	{"escaped star", map[string]string{"": "\\*.md\n"}},
	{"escaped letter", map[string]string{"": "\\memory.md\n"}},
	{"backslash at the end", map[string]string{"": "memory.md\\\n"}},
	{"spaces at the end", map[string]string{"": "memory.md   \n"}},
	{"escaped space at the end", map[string]string{"": "memory.md\\ \n"}},
	{"tab at the end", map[string]string{"": "memory.md\t\n"}},
	{"spaces before", map[string]string{"": "  memory.md\n"}},
	{"a space within", map[string]string{"": "a b\n"}},
	{"CRLF", map[string]string{"": "# x\r\nmemory.md\r\n"}},
	{"byte order mark", map[string]string{"": "\ufeffmemory.md\n"}},
	{"no line feed at the end", map[string]string{"": "memory.md"}},
	{"blank lines and slashes", map[string]string{"": "\n   \n/\n//\n!\n!/\n"}},
	{"two slashes", map[string]string{"": ".kaizen//agents\n"}},
	{"dot segments", map[string]string{"": "./memory.md\n./.kaizen/\n"}},
	{"capitals", map[string]string{"": "MEMORY.MD\n"}},
	{"nested", map[string]string{".kaizen": "agents/\n"}},
	{"nested, anchored", map[string]string{".kaizen/agents": "/coach/memory.md\n"}},
	{"nested, by name", map[string]string{".kaizen": "memory.md\n", "docs": "*\n"}},
	{"nested exception", map[string]string{"": "*.md\n", ".kaizen": "!memory.md\n"}},
	{"nested exception in an excluded directory", map[string]string{"": ".kaizen/agents\n", ".kaizen/agents": "!*\n"}},
	{"nested rule against an exception", map[string]string{"": "!memory.md\n", ".kaizen/agents/coach": "memory.md\n"}},
	{"everything but itself", map[string]string{".kaizen": "*\n!.gitignore\n"}},
	{"broken", map[string]string{"": strings.Repeat("*a", 20) + "\n[[\n[a-\n[\\\n[[:\nx\n"}},
}

var ignorePaths = []string{
	".kaizen/agents/coach/memory.md", ".kaizen/metrics/coach/summary.json", ".kaizen/metrics/coach/executions.jsonl",
	".kaizen/schedule.yml",
	"memory.md", "memory-bank/activeContext.md", "docs/memory.md", "MEMORY.md", "memory.md ", "café", "docs/café/x",
	"a-b", "a_b", "axb", "a b", "axmemory.md",
	"#x", "!x", "*.md", "docs/agents/coach/x", "deep/er/agents/and/memory.md", "x", "a/x", "  memory.md", "]emory.md",
}

// TestIgnored compares with git check-ignore, which also prints the line.
func TestIgnored(t *testing.T) {
	t.Parallel()
	for _, c := range ignoreCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			git(t, dir, "init", "--quiet")
			files := make(map[string]string)
			for in, text := range c.files {
				files[strings.TrimPrefix(in+"/.gitignore", "/")] = text
			}
			fixture.Write(t, dir, files)
			tree, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			want := checkIgnore(t, dir, ignorePaths)
			for _, path := range ignorePaths {
				got := ""
				if rule, ok := tree.Ignored(path); ok {
					got = fmt.Sprintf("%s:%d:%s", rule.File, rule.Line, rule.Pattern)
				}
				if got != want[path] {
					t.Errorf("%q: ignored by %q, git says %q", path, got, want[path])
				}
			}
		})
	}
}

// checkIgnore returns what git prints for ignored paths: "<file>:<line>:<pattern>".
func checkIgnore(t *testing.T, dir string, paths []string) map[string]string {
	t.Helper()
	cmd := exec.Command("git", "check-ignore", "--no-index", "--verbose", "--stdin", "-z")
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null")
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\x00") + "\x00")
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 { // status 1: no path is ignored
		t.Fatalf("git check-ignore: %v", err)
	}
	ignored := make(map[string]string)
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+3 < len(fields); i += 4 {
		if !strings.HasPrefix(fields[i+2], "!") {
			ignored[fields[i+3]] = fields[i] + ":" + fields[i+1] + ":" + fields[i+2]
		}
	}
	return ignored
}

func TestIgnoredBounds(t *testing.T) {
	t.Parallel()
	hostile := strings.Repeat("**/", 4000) + "z\n" + strings.Repeat(strings.Repeat("*a", 30)+"b\n", maxIgnoreFile/80)
	tree, dir := newTree(t, map[string]string{".gitignore": hostile + "x\n",
		"big/.gitignore": "x\n" + strings.Repeat("#", maxIgnoreFile), "dir/.gitignore/x": ""})
	for _, name := range []string{"", ".", "/", "/x", "..", "../x", "big/x", "dir/y",
		strings.Repeat("y/", maxIgnorePath) + "x", "\x00"} {
		if rule, ok := tree.Ignored(name); ok && name != "big/x" {
			t.Errorf("%q: %v", name, rule)
		}
	}
	if rule, ok := tree.Ignored("x"); !ok || rule.Pattern != "x" {
		t.Errorf("x: %v, %v", rule, ok)
	}
	bounded := false
	for i := 0; i < 3000 && !bounded; i++ {
		tree.Ignored(fmt.Sprintf("%s%d", strings.Repeat("a", 200), i))
		_, ok := tree.Ignored("x")
		bounded = !ok
	}
	if !bounded {
		t.Error("the work was never bounded")
	}
	fresh, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if _, ok := fresh.Ignored("x/"); !ok {
		t.Error("a directory is not ignored")
	}
}

func FuzzIgnored(f *testing.F) {
	for _, c := range ignoreCases {
		f.Add([]byte(c.files[""]), "a/memory.md")
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		left := maxIgnoreWork
		for _, rule := range parseIgnore(".gitignore", data) {
			rule.glob.match(strings.Split(name, "/"), &left)
		}
	})
}
