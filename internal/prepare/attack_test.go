package prepare

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

const outside = "root:x:not-for-agents"

// Whatever replaces a part, no text from outside the checkout is in a bundle, and a
// finding says why.
func TestAttacks(t *testing.T) {
	t.Parallel()
	const prompt, memory, scope = ".claude/agents/coach.md", ".kaizen/agents/coach/memory.md", "SCOPE.md"
	link := func(target string) func(string) error {
		return func(path string) error { return os.Symlink(target, path) }
	}
	// The directory of the file becomes a link, or a file at the root itself.
	linkParent := func(target string) func(string) error {
		return func(path string) error {
			parent := filepath.Dir(path)
			if filepath.Base(parent) == "repo" {
				return os.Symlink(filepath.Join(target, filepath.Base(path)), path)
			}
			return errors.Join(os.RemoveAll(parent), os.Symlink(target, parent))
		}
	}
	tests := []struct {
		name string
		make func(path string) error
		rule string
	}{
		{"link to a file outside", link("../../../../../outside/secret"), diag.Unreadable.ID},
		{"absolute link", link("/etc/passwd"), diag.Unreadable.ID},
		{"link into proc", link("/proc/self/environ"), diag.Unreadable.ID},
		{"link into git", link("../../.git/config"), diag.Unreadable.ID},
		{"link into git in capitals", link("../../.GIT/config"), diag.Unreadable.ID},
		{"link out and in again", link("../../../../repo/README.md"), diag.Unreadable.ID},
		{"link through a link", func(path string) error {
			return errors.Join(os.Symlink("/", path+".root"), os.Symlink(filepath.Base(path)+".root/etc/passwd", path))
		}, diag.Unreadable.ID},
		{"link to an open descriptor", link("/proc/self/fd/0"), diag.Unreadable.ID},
		{"link to the root in proc", link("/proc/self/root/etc/passwd"), diag.Unreadable.ID},
		{"link to the working directory in proc", link("/proc/self/cwd/attack_test.go"), diag.Unreadable.ID},
		{"link to a device", link("/dev/zero"), diag.Unreadable.ID},
		{"absolute link of the directory", linkParent("/etc"), diag.Unreadable.ID},
		{"link of the directory into proc", linkParent("/proc/self"), diag.Unreadable.ID},
		{"loop", func(path string) error { return os.Symlink(filepath.Base(path), path) }, diag.Unreadable.ID},
		{"FIFO", func(path string) error { return syscall.Mkfifo(path, 0o644) }, diag.Unreadable.ID},
		{"directory", func(path string) error { return os.Mkdir(path, 0o755) }, diag.Unreadable.ID},
		{"sparse 2 GB", func(path string) error {
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			return errors.Join(f.Truncate(2<<30), f.Close())
		}, diag.LargeFile.ID},
	}
	for _, tt := range tests {
		for _, path := range []string{prompt, memory, scope} {
			t.Run(tt.name+"/"+path, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(fixture.TempDir(t), "a", "b", "repo")
				for _, d := range []string{".claude/agents", ".kaizen/agents/coach"} {
					fixture.Must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
				}
				fixture.Write(t, dir, map[string]string{".git/config": outside, "../outside/secret": outside})
				fixture.Must(t, tt.make(filepath.Join(dir, path)))
				b, findings, err := Prepare(t.Context(), NewFiles(openTree(t, dir), nil), coach(Markdown))
				if err != nil || !has(findings, tt.rule, path) {
					t.Errorf("findings %v, %v; want %s", findings, err, tt.rule)
				}
				if stopped := b == nil; stopped != (tt.rule == diag.Unreadable.ID) {
					t.Errorf("bundle is nil: %v", stopped)
				}
				if b != nil && bytes.Contains(b.Content, []byte(outside)) {
					t.Error("the bundle has text from outside the checkout")
				}
			})
		}
	}
}

func has(findings []diag.Finding, rule, file string) bool {
	for _, f := range findings {
		if f.Rule == rule && f.File == file {
			return true
		}
	}
	return false
}

// Paths in the manifest are untrusted too; this test skips the manifest's validation.
func TestNamedPaths(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{
		".git/config": outside, "metrics/empty/.keep": "", "a/executions.jsonl": "\n", "prompt.md": "p",
		"b/executions.jsonl": "\n",
	})
	fixture.Must(t, os.Symlink("/etc/passwd", filepath.Join(tree.Dir(), "b", "summary.json")))
	fixture.Must(t, os.Symlink("..", filepath.Join(tree.Dir(), "up")))
	tests := []struct {
		key, path, rule string // the rule is "" where the file is found
	}{
		{"prompt", "prompt.md", ""},
		{"prompt", "../secret", diag.Path.ID},
		{"prompt", "/etc/passwd", diag.Path.ID},
		{"prompt", ".git/config", diag.Path.ID},
		{"memory", ".GIT/config", diag.Path.ID},
		{"memory", "nowhere.md", diag.MissingFile.ID},
		{"memory", "a", diag.MissingFile.ID},
		{"metrics", "a", ""},
		{"metrics", "a/", ""},
		{"metrics", "metrics/empty", diag.MissingFile.ID},
		{"metrics", "nowhere", diag.MissingFile.ID},
		{"metrics", "b", diag.Path.ID},
		{"metrics", "up", diag.Path.ID},
		{"pointers.scope", "nowhere.md", diag.MissingFile.ID},
		{"pointers.design", "../secret", diag.Path.ID},
		{"pointers.design", "up", diag.Path.ID},
	}
	for _, tt := range tests {
		m := load(t, "agents:\n  coach:\n    cadence: weekly\n    "+manifestKey(tt.key, "prompt.md"))
		in := coach(Markdown)
		in.Entry = m.Entries[0]
		label, isPointer := strings.CutPrefix(tt.key, "pointers.")
		switch {
		case isPointer:
			in.Entry.Pointers[0].Path = tt.path
		case tt.key == "prompt":
			in.Entry.Prompt = tt.path
		case tt.key == "memory":
			in.Entry.Memory = tt.path
		default:
			in.Entry.Metrics = tt.path
		}
		b, findings, err := Prepare(t.Context(), NewFiles(tree, nil), in)
		if err != nil || (b == nil) != (tt.rule != "") {
			t.Errorf("%s: %q (%s): bundle %v, %v, %v", tt.key, tt.path, label, b != nil, findings, err)
		}
		for _, f := range findings {
			if f.Rule == diag.NoPrompt.ID {
				continue
			}
			want := in.Entry.Pos(tt.key)
			if f.Rule != tt.rule || f.File != ".kaizen/schedule.yml" ||
				f.Line != want.Line || f.Column != want.Column || f.Line != 6 {
				t.Errorf("%s: %q: %v", tt.key, tt.path, f)
			}
		}
	}
}

func manifestKey(key, path string) string {
	if label, ok := strings.CutPrefix(key, "pointers."); ok {
		return fmt.Sprintf("pointers: {%s: %s}\n", label, path)
	}
	return key + ": " + path + "\n"
}

var full = flag.Bool("full", false, "make a hundred thousand files, and swap more often")

// Other files in the directory of a prompt cost nothing, because it is not listed.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	files := 2_000
	if *full {
		files = 100_000
	}
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{"agents/coach.md": "p"})
	first := filepath.Join(dir, "agents", "coach.md")
	for i := range files { // links are cheaper than files; a file system allows some 65,000 to one file
		if i%50_000 == 0 {
			first = filepath.Join(dir, "agents", fmt.Sprintf("first%d.md", i))
			fixture.Must(t, os.WriteFile(first, nil, 0o644))
		}
		fixture.Must(t, os.Link(first, filepath.Join(dir, "agents", fmt.Sprintf("x%d.md", i))))
	}
	if b, findings := must(t, openTree(t, dir), coach(Markdown)); !b.PromptFound || len(findings) > 0 {
		t.Errorf("%v, %v", b.PromptFound, findings)
	}
}

func TestLargeBundle(t *testing.T) {
	t.Parallel()
	control := strings.Repeat("\x01", MaxFile) // six bytes each in JSON
	tree := newTree(t, map[string]string{"agents/coach.md": control, ".kaizen/agents/coach/memory.md": control})
	b, findings := must(t, tree, coach(JSON))
	if len(b.Content) <= MaxBundle || !has(findings, diag.LargeBundle.ID, ".kaizen/schedule.yml") {
		t.Errorf("%d bytes, %v", len(b.Content), findings)
	}
}

// If a prompt is swapped for a link to a secret during Prepare, the bundle has the prompt
// or does not exist.
func TestPrepareRace(t *testing.T) {
	t.Parallel()
	base := fixture.TempDir(t)
	dir := filepath.Join(base, "repo")
	agents, spare, evil := filepath.Join(dir, "agents"), filepath.Join(dir, "spare"), filepath.Join(dir, "evil")
	fixture.Write(t, base, map[string]string{"repo/agents/coach.md": "fine", "outside/coach.md": outside})
	fixture.Must(t, os.Symlink("../outside", evil))
	tree := openTree(t, dir)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = errors.Join(os.Rename(agents, spare), os.Rename(evil, agents),
					os.Rename(agents, evil), os.Rename(spare, agents))
			}
		}
	}()
	times := 200
	if *full {
		times = 5_000
	}
	for range times {
		b, _, err := Prepare(t.Context(), NewFiles(tree, nil), coach(JSON))
		if err != nil || b != nil && bytes.Contains(b.Content, []byte(outside)) {
			t.Errorf("the bundle has text from outside the checkout: %v", err)
		}
	}
	close(stop)
	<-stopped
}
