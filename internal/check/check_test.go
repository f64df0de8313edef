package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

const (
	head    = "version: \"1\"\nrepo: web\nagents:\n"
	weekly  = "  coach: {cadence: weekly} # kaizen-ignore: no-prompt\n"
	invalid = "  coach: {cadence: wekly}\n"
	secret  = "postgres://coach:Vq7mTz2Lk9xR@db.acme.io/metrics\n"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) // a Tuesday

// optionsFor returns the options of a check in a workflow whose workspace is dir.
func optionsFor(dir string) Options {
	env := &actions.Environment{Actions: true, Repository: "acme/web", ServerURL: "https://github.com", Workspace: dir}
	return Options{Env: env, Now: now}
}

// openProject opens the checkout at dir.
func openProject(t *testing.T, dir string, o Options) *pipeline.Project {
	t.Helper()
	options := pipeline.ProjectOptions{Dir: dir, File: schedule.DefaultPath, Env: o.Env}
	p, err := pipeline.OpenProject(t.Context(), options)
	fixture.Must(t, err)
	t.Cleanup(p.Close)
	return p
}

// places lists findings as "file:line:column rule".
func places(findings []diag.Finding) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, f.Place()+" "+f.Rule)
	}
	return out
}

func TestProject(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		files    map[string]string
		manifest string // "" for none
		local    bool   // not in a workflow
		want     []string
		entries  int // of a valid manifest
	}{
		{"valid", nil, head + weekly, false, nil, 1},
		{"none", nil, "", false, []string{".kaizen/schedule.yml unreadable"}, 0},
		{"errors and missing files together", nil,
			head + invalid + "  review: {cadence: daily, prompt: gone.md}\n", false,
			[]string{".kaizen/schedule.yml:4:20 cadence", ".kaizen/schedule.yml:5:36 missing-file"}, 0},
		{"no prompt, silenced and not", nil, head + weekly + "  review: {cadence: daily}\n", false,
			[]string{".kaizen/schedule.yml:5:3 no-prompt"}, 2},
		{"a secret in a file of two entries is reported once",
			map[string]string{"SCOPE.md": "x", "notes.md": secret}, head +
				"  coach: {cadence: weekly, memory: notes.md} # kaizen-ignore: no-prompt\n" +
				"  review: {cadence: weekly, memory: notes.md} # kaizen-ignore: no-prompt\n", false,
			[]string{"notes.md:1:18 secret"}, 2},
		{"a workflow that does not tick", map[string]string{".github/workflows/k.yml": "on: push\njobs:\n  k:\n" +
			"    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v7\n" +
			"      - uses: kaizen-agentic/schedule-action@v1\n"}, head + weekly, false,
			[]string{".github/workflows/k.yml:1:5 cron-coverage",
				".github/workflows/k.yml:3:3 workflow-permission"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			fixture.Write(t, dir, tt.files)
			if tt.manifest != "" {
				fixture.Write(t, dir, map[string]string{schedule.DefaultPath: tt.manifest})
			}
			o := optionsFor(dir)
			r, err := Project(t.Context(), openProject(t, dir, o), o)
			fixture.Must(t, err)
			if got := places(r.Findings); !slices.Equal(got, append([]string{}, tt.want...)) {
				t.Errorf("findings %q, want %q", got, tt.want)
			}
			if (r.Manifest != nil) != (tt.entries > 0) || len(r.Decisions) != tt.entries || r.Comparison != nil {
				t.Errorf("manifest %v, %d decisions, comparison %v", r.Manifest, len(r.Decisions), r.Comparison)
			}
			source := string(r.Source(schedule.DefaultPath))
			if !slices.Equal(r.Files, []string{schedule.DefaultPath}) || source != tt.manifest {
				t.Errorf("files %q, source %q", r.Files, source)
			}
			for _, f := range r.Findings {
				if strings.Contains(f.Message+f.Hint, "Vq7mTz2Lk9xR") {
					t.Errorf("the secret is shown: %v", f)
				}
			}
		})
	}
}

func TestUnscheduled(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{schedule.DefaultPath: head + weekly, ".claude/agents/late.md": "x",
		".claude/agents/My Agent.md": "x"})
	o := optionsFor(dir)
	r, err := Project(t.Context(), openProject(t, dir, o), o)
	fixture.Must(t, err)
	if !slices.Equal(r.Unscheduled, []string{"late"}) || len(r.Skipped) != 1 ||
		r.Skipped[0].Path != ".claude/agents/My Agent.md" {
		t.Errorf("without an entry %q, skipped %q", r.Unscheduled, r.Skipped)
	}
}

// TestFiles checks manifests inside the checkout, outside and on standard input.
func TestFiles(t *testing.T) {
	t.Parallel()
	base := fixture.TempDir(t)
	in, out := filepath.Join(base, "web"), filepath.Join(base, "other")
	broken := head + "  coach: {cadence: weekly, prompt: gone.md}\n"
	const noSlug = "version: \"1\"\nagents:\n" + weekly
	fixture.Write(t, in, map[string]string{"a.yml": head + weekly, "broken.yml": broken, "noslug.yml": noSlug})
	fixture.Write(t, out, map[string]string{"broken.yml": broken, "noslug.yml": noSlug})
	tree, err := checkout.Open(in)
	fixture.Must(t, err)
	t.Cleanup(func() { tree.Close() })
	large := strings.Repeat("#", schedule.MaxSize+1)
	for _, tt := range []struct {
		names []string
		stdin string
		files []string // "" is the name as given
		want  []string
		valid bool
	}{
		{[]string{in + "/a.yml"}, "", []string{"a.yml"}, nil, true},
		{[]string{in + "/a.yml", in + "/./a.yml"}, "", []string{"a.yml", "a.yml"}, nil, false},
		{[]string{in + "/broken.yml"}, "", []string{"broken.yml"}, []string{"broken.yml:4:36 missing-file"}, true},
		{[]string{out + "/broken.yml"}, "", []string{""}, nil, true}, // the path has no meaning there
		{[]string{in + "/noslug.yml"}, "", []string{"noslug.yml"}, nil, true},
		{[]string{out + "/noslug.yml"}, "", []string{""}, nil, true}, // the slug is unknown there
		{[]string{"-"}, head + weekly, []string{StandardInput}, nil, true},
		{[]string{"-"}, head + invalid, []string{StandardInput}, []string{"<stdin>:4:20 cadence"}, false},
		{[]string{"-"}, large, []string{StandardInput}, []string{"<stdin> too-large"}, false},
		{[]string{in + "/none.yml", in}, "", []string{"none.yml", "."}, []string{". unreadable", "none.yml unreadable"},
			false},
		{[]string{in + "/a.yml", in + "/broken.yml"}, "", []string{"a.yml", "broken.yml"},
			[]string{"broken.yml:4:36 missing-file"}, false},
	} {
		o := optionsFor(in)
		o.Stdin = strings.NewReader(tt.stdin)
		r, err := Files(t.Context(), tree, tt.names, o)
		if err != nil {
			t.Errorf("%q: %v", tt.names, err)
			continue
		}
		got := places(r.Findings)
		if !slices.Equal(got, append([]string{}, tt.want...)) || (r.Manifest != nil) != tt.valid {
			t.Errorf("%q: findings %q, want %q; manifest %v", tt.names, got, tt.want, r.Manifest)
		}
		if tt.files[0] == "" {
			tt.files = tt.names
		}
		if !slices.Equal(r.Files, tt.files) {
			t.Errorf("%q: files %q, want %q", tt.names, r.Files, tt.files)
		}
	}
}

// TestUntracked checks that files that only this machine has are reported outside of
// workflows, where they may differ from what a workflow checks out.
func TestUntracked(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{schedule.DefaultPath: head + weekly, ".gitignore": "memory.md\n",
		".kaizen/agents/coach/memory.md": "x", ".git/HEAD": "ref: refs/heads/main\n",
		".git/index": "DIRC\x00\x00\x00\x02\x00\x00\x00\x00" + strings.Repeat("x", 20)}) // an index without entries
	for _, inActions := range []bool{true, false} {
		o := optionsFor(dir)
		o.Env.Actions = inActions
		r, err := Project(t.Context(), openProject(t, dir, o), o)
		fixture.Must(t, err)
		found := slices.ContainsFunc(r.Findings, func(f diag.Finding) bool { return f.Rule == diag.IgnoredFile.ID })
		if found == inActions {
			t.Errorf("in a workflow %t: findings %v", inActions, r.Findings)
		}
	}
}

// TestContentsAreBounded checks that the files of only so many entries are read, and that
// a warning says so.
func TestContentsAreBounded(t *testing.T) {
	t.Parallel()
	for entries, want := range map[int]int{maxContents: 1, maxContents + 1: 0} {
		dir := fixture.TempDir(t)
		manifest := head
		for i := range entries {
			manifest += fmt.Sprintf("  a%d: {cadence: weekly} # kaizen-ignore: no-prompt\n", i)
		}
		fixture.Write(t, dir, map[string]string{schedule.DefaultPath: manifest,
			fmt.Sprintf(".kaizen/agents/a%d/memory.md", entries-1): secret})
		o := optionsFor(dir)
		r, err := Project(t.Context(), openProject(t, dir, o), o)
		fixture.Must(t, err)
		errs, _ := diag.Count(r.Findings)
		warned := slices.Equal(r.Warnings,
			[]string{"the files of the first 100 entries are checked; prepare checks those of all"})
		if errs != want || warned != (entries > maxContents) {
			t.Errorf("%d entries: %d errors, warnings %q", entries, errs, r.Warnings)
		}
	}
}

// TestOddRoot checks that a checkout whose path no event can contain is still checked,
// because a pull request cannot change that path.
func TestOddRoot(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(fixture.TempDir(t), "a\nb")
	fixture.Must(t, os.Mkdir(dir, 0o755))
	fixture.Write(t, dir, map[string]string{schedule.DefaultPath: head + weekly})
	o := optionsFor(dir)
	r, err := Project(t.Context(), openProject(t, dir, o), o)
	fixture.Must(t, err)
	if len(r.Findings) > 0 {
		t.Errorf("findings %v", r.Findings)
	}
}
