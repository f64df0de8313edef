package scaffold_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// propose calls New for dir, a checkout of acme/web.
func propose(t *testing.T, dir string) *scaffold.Scaffold {
	t.Helper()
	s, err := scaffold.New(openTree(t, dir), scaffold.Options{Slug: "web", Repository: "acme/web"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var layoutTests = []struct {
	layout  string
	found   []string
	skipped []string
	entries []string // enabled ones end in *
}{
	{"claude", []string{"release-notes", "reviewer"}, []string{".claude/agents/README.md"},
		[]string{"coach", "optimization", "release-notes*", "reviewer*"}},
	{"kaizen", []string{"coach", "optimization"}, nil, []string{"coach*", "optimization*"}},
	{"github", []string{"docs", "triage"}, nil, []string{"coach", "optimization", "docs*", "triage*"}},
	{"mixed", []string{"on", "planner"}, nil, []string{"coach", "optimization", "on*", "planner*"}},
}

func TestScaffoldLayouts(t *testing.T) {
	t.Parallel()
	for _, tt := range layoutTests {
		t.Run(tt.layout, func(t *testing.T) {
			t.Parallel()
			dir := copyLayout(t, tt.layout)
			s := propose(t, dir)
			if got := foundNames(s); !slices.Equal(got, tt.found) {
				t.Errorf("found %q, want %q", got, tt.found)
			}
			var skipped []string
			for _, p := range s.Skipped {
				skipped = append(skipped, p.Path)
			}
			if !slices.Equal(skipped, tt.skipped) {
				t.Errorf("skipped %q, want %q", skipped, tt.skipped)
			}
			fixture.Golden(t, filepath.Join("testdata", tt.layout+".txt"), describe(s.Files))
			write(t, dir, s)

			m, findings := check(t, dir)
			if m == nil || len(findings) > 0 {
				t.Fatalf("the written files have findings: %+v", findings)
			}
			var entries []string
			for _, e := range m.Entries {
				mark := ""
				if e.Enabled {
					mark = "*"
				}
				entries = append(entries, e.Agent+mark)
			}
			if m.Repo != "web" || !slices.Equal(entries, tt.entries) {
				t.Errorf("loads as %s with %q, want %q", m.Repo, entries, tt.entries)
			}
			again := propose(t, dir)
			for _, f := range again.Files {
				if !f.Exists || f.Reason == "" {
					t.Errorf("%s would be written twice", f.Path)
				}
			}
			if again.Runs != s.Runs || s.Runs == 0 {
				t.Errorf("%v runs a month, then %v", s.Runs, again.Runs)
			}
		})
	}
}

func foundNames(s *scaffold.Scaffold) (names []string) {
	for _, a := range s.Found {
		names = append(names, a.Agent)
	}
	return names
}

func describe(files []scaffold.File) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString("-- " + f.Path)
		switch {
		case f.Reason != "":
			b.WriteString(": " + f.Reason)
		case f.Append:
			b.WriteString(": add")
		}
		b.WriteString(" --\n")
		if f.Reason == "" {
			b.WriteString(f.Content)
		}
	}
	return b.String()
}

const (
	prepares = "on: {schedule: [{cron: '7 9 * * 1'}]}\n" +
		"jobs: {a: {steps: [{uses: Kaizen-Agentic/schedule-action@v1}]}}"
	checks = "jobs: {b: {steps: [{uses: kaizen-agentic/schedule-action@0123abc, with: {command: validate}}]}}"
)

var keepTests = []struct {
	name  string
	files map[string]string
	want  map[string]string // by path; "" if the file is to be written
}{
	{"an empty repository", nil, map[string]string{".kaizen/schedule.yml": "", scaffold.ScheduleWorkflow: "",
		scaffold.ValidateWorkflow: "", ".gitignore": ""}},
	{"a broken manifest", map[string]string{".kaizen/schedule.yml": "broken: ["}, map[string]string{
		".kaizen/schedule.yml":    "it exists already",
		scaffold.ScheduleWorkflow: ".kaizen/schedule.yml has errors, so the times of its agents are unknown"}},
	{"a directory in the place of a file", map[string]string{".kaizen/schedule.yml/x": ""},
		map[string]string{".kaizen/schedule.yml": "it exists and is not a regular file"}},
	{"workflows of other names", map[string]string{
		".github/workflows/a.yaml": prepares,
		".github/workflows/b.yml":  checks,
	}, map[string]string{
		scaffold.ScheduleWorkflow: `".github/workflows/a.yaml" runs prepare already`,
		scaffold.ValidateWorkflow: `".github/workflows/b.yml" runs validate already`,
	}},
	{"an ignore line", map[string]string{".gitignore": "x\n/.kaizen/prepared"},
		map[string]string{".gitignore": "it already ignores the bundles"}},
	{"another ignore line", map[string]string{".gitignore": "# .kaizen/prepared/\n"},
		map[string]string{".gitignore": ""}},
}

func TestScaffoldKeepsFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range keepTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			fixture.Write(t, dir, tt.files)
			s := propose(t, dir)
			if len(s.Found) > 0 || len(s.Files) != 4 {
				t.Fatalf("%d files, agents %v", len(s.Files), s.Found)
			}
			for _, f := range s.Files {
				if want, ok := tt.want[f.Path]; ok && f.Reason != want {
					t.Errorf("%s: reason %q, want %q", f.Path, f.Reason, want)
				}
				_, there := tt.files[f.Path]
				there = there || strings.HasPrefix(f.Reason, "it exists and")
				if f.Reason != "" && f.Exists != there {
					t.Errorf("%s: exists %t", f.Path, f.Exists)
				}
			}
		})
	}
}

const (
	whole = ".gitignore ignores .kaizen as a whole, so .kaizen/schedule.yml would not be committed: " +
		"ignore .kaizen/prepared/ instead, or make an exception with .kaizen/* and !.kaizen/schedule.yml"
	uses = "jobs: {a: {steps: [{uses: kaizen-agentic/schedule-action@v1}]}}"
)

var noteTests = []struct {
	name     string
	ignore   string
	agents   int
	manifest bool // exists already
	files    map[string]string
	want     string
}{
	{name: "nothing", ignore: "/.kaizen/prepared/\n", agents: 100},
	{name: "the directory", ignore: "a\n.kaizen/\n", want: whole},
	{name: "the directory, with an exception that git does not make", ignore: "/.kaizen\n!.kaizen/schedule.yml\n",
		want: whole},
	{name: "what is in it", ignore: ".kaizen/*\n", want: whole},
	{name: "what is in it but the manifest", ignore: ".kaizen/*\n!/.kaizen/schedule.yml\n"},
	{name: "too many agents", agents: 103,
		want: ".kaizen/schedule.yml has the first 100 agents and leaves out 3: add those that should run"},
	{name: "agents without an entry", agents: 3, manifest: true,
		want: ".kaizen/schedule.yml exists and has no entry for a0, a2: add one for each agent that should run"},
	{name: "many agents without an entry", agents: 103, manifest: true,
		want: ".kaizen/schedule.yml exists and has no entry for a0, a10, a100 and 99 more: " +
			"add one for each agent that should run"},
	{name: "an agent that may be kaizen-agentic's", files: map[string]string{"agents/optimisation.md": "x"},
		want: `.kaizen/schedule.yml has no entry for kaizen-agentic's "optimization", because "optimisation" may be ` +
			`the same agent`},
	{name: "a workflow of that name that does something else",
		files: map[string]string{scaffold.ScheduleWorkflow: "name: mine"},
		want: scaffold.ScheduleWorkflow + " does not run this action, so nothing prepares agents: " +
			"rename it, then run init again"},
	{name: "no schedule", files: map[string]string{".github/workflows/a.yml": "on: push\n" + uses},
		want: `".github/workflows/a.yml" prepares, but not on a schedule: ` +
			"add on.schedule to it, or move that step to another workflow and run init again"},
	{name: "workflows are ignored", ignore: ".kaizen/prepared/\n.github/\n",
		want: ".gitignore line 2 (.github/) keeps .github/workflows/kaizen-schedule.yml and " +
			".github/workflows/kaizen-validate.yml out of the repository: narrow that line, or run git add --force " +
			".github/workflows/kaizen-schedule.yml .github/workflows/kaizen-validate.yml"},
	{name: "one workflow is ignored", ignore: "*-validate.yml\n",
		want: ".gitignore line 1 (*-validate.yml) keeps .github/workflows/kaizen-validate.yml out of the repository: " +
			"narrow that line, or run git add --force .github/workflows/kaizen-validate.yml"},
	{name: "a workflow that is not YAML", files: map[string]string{
		".github/workflows/a.yml": "on: {schedule: [cron: * * * * *]}\n" + uses},
		want: `".github/workflows/a.yml" mentions this action but is not valid YAML: run action validate`},
	{name: "a wrong cron", files: map[string]string{
		".github/workflows/a.yml": "on: {schedule: [{cron: '7 9 * * 1'}, {cron: 'x'}]}\n" + uses},
		want: `".github/workflows/a.yml" has a schedule that can't be read: run action validate`},
}

// TestScaffoldNotes checks the notes about what is left for the user.
func TestScaffoldNotes(t *testing.T) {
	t.Parallel()
	for _, tt := range noteTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			fixture.Write(t, dir, map[string]string{".gitignore": tt.ignore})
			if tt.manifest {
				fixture.Write(t, dir,
					map[string]string{schedule.DefaultPath: "version: '1'\nagents: {a1: {cadence: daily}}"})
			}
			for i := range tt.agents {
				fixture.Write(t, dir, map[string]string{fmt.Sprintf("agents/a%d.md", i): "x"})
			}
			fixture.Write(t, dir, tt.files)
			if got := strings.Join(propose(t, dir).Notes, "\n"); got != tt.want {
				t.Errorf("notes %q, want %q", got, tt.want)
			}
		})
	}
}

// TestScaffoldSlug checks that every name becomes a valid slug.
func TestScaffoldSlug(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"web": "web", ".github": "github", "my web": "my-web", "Grüße": "Gr--e", "--": "", "": "", "日本": "",
		"a b ": "a-b", "true": "true", "123": "123", strings.Repeat("x", 120): strings.Repeat("x", 100),
	} {
		dir := fixture.TempDir(t)
		s, err := scaffold.New(openTree(t, dir), scaffold.Options{Slug: name})
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, s)
		if m, findings := check(t, dir); m == nil || m.Repo != want || len(findings) > 0 {
			t.Errorf("%q becomes %+v, with %+v", name, m, findings)
		}
	}
}

// TestScaffoldSkips checks that a file with the name of a document is reported once.
func TestScaffoldSkips(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{"agents/README.md": "x", ".claude/agents/sub/CHANGELOG.md": "x",
		"agents/notes.txt":      "x",
		"agents/agent-index.md": "x", "agents/My Agent.md": "x", ".github/agents/AGENTS.md": "x"})
	s := propose(t, dir)
	var paths []string
	for _, p := range s.Skipped {
		paths = append(paths, p.Path)
	}
	want := []string{".claude/agents/sub/CHANGELOG.md", ".github/agents/AGENTS.md", "agents/My Agent.md",
		"agents/README.md"}
	if found := foundNames(s); !slices.Equal(paths, want) || !slices.Equal(found, []string{"agent-index"}) {
		t.Errorf("skipped %q, found %q", paths, found)
	}
}

type options = scaffold.Options

const noName = "which is not a valid agent name: use 1 to 64 letters, digits, hyphens and underscores, " +
	"the first a letter or digit"

var optionTests = []struct {
	name    string
	opts    options
	entries string
	err     string
}{
	{name: "a time zone", opts: options{Timezone: "Europe/Berlin"},
		entries: "coach weekly 0 9 * * 1 off, optimization weekly 0 10 * * 1 off, review weekly 0 9 * * 1 on"},
	{name: "hourly", opts: options{Bootstrap: scaffold.BootstrapHourly},
		entries: "coach daily 0 * * * * off, optimization daily 30 * * * * off, review daily 15 * * * * on"},
	{name: "daily", opts: options{Bootstrap: scaffold.BootstrapDaily},
		entries: "coach daily 0 9 * * * off, optimization daily 0 10 * * * off, review daily 0 11 * * * on"},
	{name: "weekly", opts: options{Bootstrap: scaffold.BootstrapWeekly},
		entries: "coach weekly 0 9 * * 1 off, optimization weekly 0 10 * * 1 off, review weekly 0 9 * * 1 on"},
	{name: "chosen agents", opts: options{Agents: []string{"tdd-workflow", "on", "review", "on"}},
		entries: "tdd-workflow weekly 0 9 * * 1 on, on weekly 0 9 * * 1 on, review weekly 0 9 * * 1 on"},
	{name: "an engagement", opts: options{Engagement: "acme-2026", Agents: []string{"coach", "optimization"},
		Bootstrap: scaffold.BootstrapHourly},
		entries: "coach daily 0 * * * * on, optimization daily 30 * * * * on"},
	{name: "no zone", opts: options{Timezone: "Europe/Berln"},
		err: `timezone "Europe/Berln" is not an IANA name: did you mean "Europe/Berlin"?`},
	{name: "a zone that is no line", opts: options{Timezone: "UTC\nx: y"},
		err: `timezone "UTC\nx: y" is not an IANA name: use an IANA name such as Europe/Berlin, or UTC`},
	{name: "no agent's name", opts: options{Agents: []string{"a b"}},
		err: `agents lists "a b", ` + noName},
	{name: "a reserved name", opts: options{Agents: []string{"all"}},
		err: `agents lists "all", which means every enabled agent: list names`},
	{name: "a slip", opts: options{Agents: []string{"reveiw"}},
		err: `agents lists "reveiw", which has no prompt in the checkout: did you mean "review"?`},
}

// TestScaffoldOptions checks the presets of kaizen-agentic's own `schedule init`.
func TestScaffoldOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range optionTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			fixture.Write(t, dir, map[string]string{"agents/review.md": "x"})
			s, err := scaffold.New(openTree(t, dir), tt.opts)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, s)
			m, findings := check(t, dir)
			if m == nil || len(findings) > 0 {
				t.Fatalf("the written files have findings: %+v", findings)
			}
			var entries []string
			for _, e := range m.Entries {
				state := map[bool]string{true: "on", false: "off"}[e.Enabled]
				entries = append(entries, fmt.Sprintf("%s %s %s %s", e.Agent, e.Cadence, e.Cron, state))
			}
			if got := strings.Join(entries, ", "); got != tt.entries {
				t.Errorf("entries %s, want %s", got, tt.entries)
			}
			if e := tt.opts.Engagement; !strings.Contains(s.Files[0].Content, e) {
				t.Errorf("the manifest does not name the engagement:\n%s", s.Files[0].Content)
			}
			zone, written := m.Location.String(), strings.Contains(s.Files[1].Content, "timezone:")
			if zone != cmp.Or(tt.opts.Timezone, "UTC") || written != (zone != "UTC") {
				t.Errorf("zone %s:\n%s", zone, s.Files[1].Content)
			}
		})
	}
}

// TestScaffoldDispatch checks that the workflow is still valid with its commented lines
// enabled.
func TestScaffoldDispatch(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	s := propose(t, dir)
	lines := strings.Split(s.Files[1].Content, "\n")
	with := slices.Index(lines, "        # with:")
	if with < 0 {
		t.Fatalf("no input is shown:\n%s", s.Files[1].Content)
	}
	for i, line := range lines[with:] {
		lines[with+i] = strings.Replace(line, "# ", "", 1)
	}
	s.Files[1].Content = strings.Replace(strings.Join(lines, "\n"), "OWNER/REPOSITORY", "acme/core", 1)
	write(t, dir, s)
	if m, findings := check(t, dir); m == nil || len(findings) > 0 {
		t.Errorf("findings %+v in\n%s", findings, s.Files[1].Content)
	}
	const input = "\n        with:\n          dispatch-to: acme/core\n          dispatch-token: "
	if !strings.Contains(s.Files[1].Content, input) {
		t.Errorf("no input in\n%s", s.Files[1].Content)
	}
}

// TestScaffoldOddPaths checks that the manifest is valid if directories have unusual
// names.
func TestScaffoldOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a: b #c", "new\nline", `back\slash`, `quote"s`, "ünï", "123"} {
		dir := fixture.TempDir(t)
		own := ".claude/agents/" + name + "/x.md"
		fixture.Write(t, dir, map[string]string{own: "x", ".claude/agents/z/x.md": "x", "agents/y.md": "x"})
		s := propose(t, dir)
		write(t, dir, s)
		m, findings := check(t, dir)
		findings = slices.DeleteFunc(findings, func(f diag.Finding) bool { return f.Rule == diag.AmbiguousPrompt.ID })
		if m == nil || len(findings) > 0 {
			t.Errorf("%q: %+v\n%s", name, findings, s.Files[0].Content)
		}
	}
}

// TestScaffoldRefuses checks that a path that cannot be written is an error.
func TestScaffoldRefuses(t *testing.T) {
	t.Parallel()
	outside := fixture.TempDir(t)
	link := func(to, name string) func(dir string) error {
		return func(dir string) error { return os.Symlink(to, filepath.Join(dir, name)) }
	}
	tests := []struct {
		name  string
		place func(dir string) error
		want  string
	}{
		{"the manifest's directory leads out", link(outside, ".kaizen"), "leaves the checkout"},
		{"the manifest's directory leads into .git", link(".git", ".kaizen"), "leaves the checkout"},
		{"the workflows' directory leads out", link(outside, ".github"), "leaves the checkout"},
		{"the ignore file leads out", link(filepath.Join(outside, "ignore"), ".gitignore"), "leaves the checkout"},
		{"the ignore file is a directory", func(dir string) error {
			return os.Mkdir(filepath.Join(dir, ".gitignore"), 0o755)
		}, "is not a regular file"},
		{"the manifest's directory is a file", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, ".kaizen"), nil, 0o644)
		}, "not a directory"},
		{"a link to itself", link(".github", ".github"), "symbolic links"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := tt.place(dir); err != nil {
				t.Fatal(err)
			}
			s, err := scaffold.New(openTree(t, dir), scaffold.Options{Slug: "acme"})
			if err == nil || s != nil {
				t.Fatalf("%+v, error %v", s, err)
			}
			if text := err.Error(); !strings.Contains(text, tt.want) || !strings.Contains(text, "run init again") {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
