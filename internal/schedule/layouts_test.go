package schedule_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

func openTree(t *testing.T, dir string) *checkout.Tree {
	t.Helper()
	tree, err := checkout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

// copyLayout copies a sample repository, which the test may then write to.
func copyLayout(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../testdata/layouts", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write does what `init` does with the files.
func write(t *testing.T, dir string, files []schedule.ScaffoldFile) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		content := f.Content
		switch {
		case f.Exists:
			continue
		case f.Append:
			old, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			content = strings.TrimSuffix(string(old), "\n") + "\n" + content
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// check is what `validate` reports for the default manifest in dir.
func check(t *testing.T, dir string) (*schedule.Manifest, []diag.Finding) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, schedule.DefaultPath))
	if err != nil {
		t.Fatal(err)
	}
	m, findings := schedule.Load(schedule.DefaultPath, data, schedule.Options{})
	if m != nil {
		tree := openTree(t, dir)
		findings = append(findings, prepare.Check(m, tree)...)
		findings = append(findings, schedule.CheckWorkflows(m, nil, tree)...)
	}
	return m, findings
}

func TestScaffoldLayouts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		layout string
		agents []string
	}{
		{"claude", []string{"release-notes", "reviewer"}},
		{"kaizen", []string{"coach", "optimization"}},
		{"github", []string{"docs", "triage"}},
		{"mixed", []string{"on", "planner"}},
	}
	for _, tt := range tests {
		t.Run(tt.layout, func(t *testing.T) {
			t.Parallel()
			dir := copyLayout(t, tt.layout)
			files, agents, err := schedule.Scaffold(openTree(t, dir), tt.layout)
			if err != nil || !slices.Equal(agents, tt.agents) {
				t.Fatalf("found %v, %v; want %v", agents, err, tt.agents)
			}
			golden(t, filepath.Join("testdata/scaffold", tt.layout+".txt"), describe(files))
			write(t, dir, files)

			m, findings := check(t, dir)
			if m == nil || len(findings) > 0 {
				t.Fatalf("what was written is not clean: %+v", findings)
			}
			if m.Repo != tt.layout || len(m.Entries) != len(tt.agents) {
				t.Errorf("loads as %+v", m)
			}
			again, _, err := schedule.Scaffold(openTree(t, dir), tt.layout)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range again {
				if !f.Exists || f.Reason == "" {
					t.Errorf("%s would be written twice", f.Path)
				}
			}
		})
	}
}

func describe(files []schedule.ScaffoldFile) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString("-- " + f.Path)
		switch {
		case f.Exists:
			b.WriteString(": " + f.Reason)
		case f.Append:
			b.WriteString(": add")
		}
		b.WriteString(" --\n")
		if !f.Exists {
			b.WriteString(f.Content)
		}
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" { // the tests inside the package declare it
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to rewrite it):\n%s", path, got)
	}
}

func TestScaffoldKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		want  map[string]string // path → reason, "" if it is to be written
	}{
		{"an empty repository", nil,
			map[string]string{".kaizen/schedule.yml": "", ".github/workflows/kaizen-schedule.yml": "", ".github/workflows/kaizen-validate.yml": "", ".gitignore": ""}},
		{"a manifest, even a broken one", map[string]string{".kaizen/schedule.yml": "broken: ["},
			map[string]string{".kaizen/schedule.yml": "it is there already"}},
		{"a directory in the place of a file", map[string]string{".kaizen/schedule.yml/x": ""},
			map[string]string{".kaizen/schedule.yml": "something that is no regular file is there already"}},
		{"workflows of other names", map[string]string{
			".github/workflows/a.yaml": "jobs: {a: {steps: [{uses: Kaizen-Agentic/schedule-action@v1}]}}",
			".github/workflows/b.yml":  "jobs: {b: {steps: [{uses: kaizen-agentic/schedule-action@0123abc, with: {command: validate}}]}}",
		}, map[string]string{
			".github/workflows/kaizen-schedule.yml": `".github/workflows/a.yaml" runs prepare already`,
			".github/workflows/kaizen-validate.yml": `".github/workflows/b.yml" runs validate already`,
		}},
		{"prompts whose names are words of the input agents", map[string]string{".claude/agents/all.md": "x", "agents/due.md": "x"},
			map[string]string{".kaizen/schedule.yml": ""}},
		{"an ignore line", map[string]string{".gitignore": "x\n/.kaizen/prepared"}, map[string]string{".gitignore": "it ignores the bundles already"}},
		{"another ignore line", map[string]string{".gitignore": "# .kaizen/prepared/\n"}, map[string]string{".gitignore": ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, content := range tt.files {
				write(t, dir, []schedule.ScaffoldFile{{Path: name, Content: content}})
			}
			files, agents, err := schedule.Scaffold(openTree(t, dir), "acme")
			if err != nil || len(agents) > 0 || len(files) != 4 {
				t.Fatalf("%d files, agents %v, %v", len(files), agents, err)
			}
			for _, f := range files {
				if want, ok := tt.want[f.Path]; ok && (f.Reason != want || f.Exists != (want != "")) {
					t.Errorf("%s: exists %v, reason %q, want %q", f.Path, f.Exists, f.Reason, want)
				}
			}
		})
	}
}

// TestScaffoldExample proves that the manifest of a repository without agents is valid, and only lacks the prompt.
func TestScaffoldExample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, _, err := schedule.Scaffold(openTree(t, dir), "123")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, files)
	m, findings := check(t, dir)
	if m == nil || m.Repo != "123" || len(findings) != 1 || findings[0].Rule != diag.NoPrompt.ID {
		t.Errorf("loads as %+v with %+v", m, findings)
	}
}

// TestScaffoldNotes says what the files alone do not settle.
func TestScaffoldNotes(t *testing.T) {
	t.Parallel()
	const whole = ".gitignore ignores .kaizen as a whole, so .kaizen/schedule.yml would not be committed: ignore .kaizen/prepared/ instead, or make an exception with .kaizen/* and !.kaizen/schedule.yml"
	tests := []struct {
		name, ignore string
		agents       int
		manifest     bool // is there already
		want         string
	}{
		{name: "nothing", ignore: "/.kaizen/prepared/\n", agents: 100},
		{name: "the directory", ignore: "a\n.kaizen/\n", want: whole},
		{name: "the directory, with an exception that git does not make", ignore: "/.kaizen\n!.kaizen/schedule.yml\n", want: whole},
		{name: "what is in it", ignore: ".kaizen/*\n", want: whole},
		{name: "what is in it but the manifest", ignore: ".kaizen/*\n!/.kaizen/schedule.yml\n.kaizen/prepared\n"},
		{name: "too many agents", agents: 103, want: ".kaizen/schedule.yml has the first 100 agents and leaves out 3: add those that are to run"},
		{name: "too many agents for a manifest that is there", agents: 103, manifest: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			there := []schedule.ScaffoldFile{{Path: ".gitignore", Content: tt.ignore}, {Path: schedule.DefaultPath, Exists: !tt.manifest}}
			for i := range tt.agents {
				there = append(there, schedule.ScaffoldFile{Path: fmt.Sprintf("agents/a%d.md", i), Content: "x"})
			}
			write(t, dir, there)
			files, agents, err := schedule.Scaffold(openTree(t, dir), "acme")
			if err != nil || len(agents) != tt.agents {
				t.Fatalf("%d agents, %v", len(agents), err)
			}
			var notes []string
			for _, f := range files {
				if f.Note != "" {
					notes = append(notes, f.Note)
				}
			}
			if got := strings.Join(notes, "\n"); got != tt.want {
				t.Errorf("notes %q, want %q", got, tt.want)
			}
		})
	}
}

// TestScaffoldSlug makes a slug of any name, so that what init writes is valid wherever it runs.
func TestScaffoldSlug(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"web": "web", ".github": "github", "my web": "my-web", "Grüße": "Gr--e", "--": "", "": "", "日本": "", "a b ": "a-b", "true": "true",
		strings.Repeat("x", 120): strings.Repeat("x", 100),
	} {
		dir := t.TempDir()
		files, _, err := schedule.Scaffold(openTree(t, dir), name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, files)
		if m, findings := check(t, dir); m == nil || m.Repo != want {
			t.Errorf("%q becomes %+v, with %+v", name, m, findings)
		}
	}
}

// TestScaffoldRefuses tells, before anything is written, of a place where nothing can be.
func TestScaffoldRefuses(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	tests := []struct {
		name  string
		place func(dir string) error
		want  string
	}{
		{"the manifest's directory leads out", func(dir string) error { return os.Symlink(outside, filepath.Join(dir, ".kaizen")) }, "leaves the checkout"},
		{"the workflows' directory leads out", func(dir string) error { return os.Symlink(outside, filepath.Join(dir, ".github")) }, "leaves the checkout"},
		{"the ignore file leads out", func(dir string) error {
			return os.Symlink(filepath.Join(outside, "ignore"), filepath.Join(dir, ".gitignore"))
		}, "leaves the checkout"},
		{"the ignore file is a directory", func(dir string) error { return os.Mkdir(filepath.Join(dir, ".gitignore"), 0o755) }, "is not a regular file"},
		{"the manifest's directory is a file", func(dir string) error { return os.WriteFile(filepath.Join(dir, ".kaizen"), nil, 0o644) }, "not a directory"},
		{"a link to itself", func(dir string) error { return os.Symlink(".github", filepath.Join(dir, ".github")) }, "symbolic links"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := tt.place(dir); err != nil {
				t.Fatal(err)
			}
			files, _, err := schedule.Scaffold(openTree(t, dir), "acme")
			if err == nil || files != nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "run init again") {
				t.Errorf("%d files, error %v, want one with %q", len(files), err, tt.want)
			}
		})
	}
}
