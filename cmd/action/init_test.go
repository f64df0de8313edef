package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/doctor"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
)

const (
	shortPrompt = "Review what changed.\n"
	ownManifest = `version: "1"
timezone: Europe/Berlin
repo: other
agents:
  audit: {cadence: daily, cron: "30 6,18 * * 1-7"}
`
	ownSchedule = `on:
  schedule:
    - cron: "11 4 * * *"
    - cron: "41 */8 * * 1"
permissions: {actions: read, contents: read}
concurrency: {group: agents, cancel-in-progress: false}
jobs:
  agents:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - uses: kaizen-agentic/schedule-action@v1
`
)

// repositories are of all kinds that init meets.
var repositories = []struct {
	name    string
	files   map[string]string
	target  string   // the directory that is scheduled, if not the root
	agents  []string // of the manifest, * if enabled
	crons   string   // the workflow's file, if not init's own
	skipped string
}{
	{name: "empty", agents: []string{"coach", "optimization"}},
	{name: "owner", agents: []string{"coach*", "optimization*"},
		files: map[string]string{"agents/agent-coach.md": shortPrompt, "agents/agent-optimization.md": shortPrompt,
			".kaizen/agents/coach/memory.md": "m", ".gitignore": "/dist/"}},
	{name: "claude", agents: []string{"coach", "optimization", "audit*", "review*"},
		files: map[string]string{".claude/agents/review.md": shortPrompt,
			".claude/agents/security/audit.md": shortPrompt,
			".claude/agents/My Agent.md":       shortPrompt, ".claude/agents/README.md": "x"},
		skipped: ".claude/agents/My Agent.md .claude/agents/README.md"},
	{name: "github", agents: []string{"coach", "optimization", "docs*", "triage*"},
		files: map[string]string{".github/agents/docs.agent.md": shortPrompt, ".github/agents/triage.md": shortPrompt,
			".github/workflows/ci.yml": "on: push\n"}},
	{name: "mixed", agents: []string{"coach", "optimization", "bob*", "on*", "plan*"}, skipped: "agents/all.md",
		files: map[string]string{".claude/agents/plan.md": shortPrompt, ".cursor/agents/plan.md": shortPrompt,
			".opencode/agent/on.md": shortPrompt, ".squad/agents/bob/charter.md": shortPrompt,
			"memory-bank/activeContext.md": "m", "agents/all.md": "x"}},
	{name: "monorepo", target: "services/web", agents: []string{"coach*", "optimization"},
		files: map[string]string{"services/web/agents/coach.md": shortPrompt, "agents/other.md": shortPrompt}},
	{name: "manifest", agents: []string{"audit*"},
		files: map[string]string{"agents/audit.md": shortPrompt, "agents/late.md": shortPrompt,
			".kaizen/schedule.yml": ownManifest}},
	{name: "workflows",
		files:  map[string]string{"agents/audit.md": shortPrompt, ".github/workflows/agents.yml": ownSchedule},
		agents: []string{"coach", "optimization", "audit*"}, crons: ".github/workflows/agents.yml"},
}

func TestInit(t *testing.T) {
	t.Parallel()
	for _, r := range repositories {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			root := clone(t, "acme/"+r.name, r.files)
			dir := filepath.Join(root, filepath.FromSlash(r.target))
			first := action(t, 0, "init", "--target", dir)
			before := snapshot(t, root)
			if !regexp.MustCompile(`\nnext:\n  1\. .+\n  2\. .+\n$`).MatchString(first) {
				t.Errorf("output\n%s", first)
			}
			second := action(t, 0, "init", "--target", dir)
			if after := snapshot(t, root); !maps.Equal(before, after) {
				t.Errorf("the second run changed %v", after)
			}
			action(t, 0, "validate", "--fail-on", "warning", "--target", dir)
			checkListed(t, dir, r.agents)
			checkDoctor(t, dir, strings.Contains(strings.Join(r.agents, " "), "*"), r.target)
			skipped := regexp.MustCompile(`(?m)^  skipped ([^:]*\.md): it `).FindAllStringSubmatch(first, -1)
			var names []string
			for _, m := range skipped {
				names = append(names, m[1])
			}
			if got := strings.Join(names, " "); got != r.skipped {
				t.Errorf("skipped %s, want %s", got, r.skipped)
			}
			workflow := r.crons
			if workflow == "" {
				workflow = scaffold.ScheduleWorkflow
			}
			want := fmt.Sprintf("\nabout %d runs a month; a private repository is billed at least %[1]d "+
				"of its 2,000 free minutes\n", countTicks(t, readText(t, filepath.Join(dir, workflow))))
			if !strings.Contains(first, want) || !strings.Contains(second, want) {
				t.Errorf("output\n%s%s\nwant %s", first, second, want)
			}
		})
	}
}

// TestInitRefusesASecondManifest checks init beside a manifest with another name or in
// another place.
func TestInitRefusesASecondManifest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, content, target string
		code                  int
		want                  string
	}{
		{".kaizen/schedule.yaml", "x", "", 2,
			`".kaizen/schedule.yaml" is probably the manifest: rename it to .kaizen/schedule.yml`},
		{".kaizen/Schedule.yml", ownManifest, "", 2, `".kaizen/Schedule.yml" is probably the manifest`},
		{"schedule.yml", ownManifest, "", 2, `"schedule.yml" is probably the manifest`},
		{"schedule.yml", "jobs: []\n", "", 0, "wrote   .kaizen/schedule.yml"},
		{".kaizen/schedule.yml", ownManifest, "services/web", 2, "the repository has a manifest already"},
		{".kaizen/schedule.yml", ownManifest, "", 0, "kept    .kaizen/schedule.yml"},
		{"services/api/.kaizen/schedule.yml", ownManifest, "services/web", 0, "wrote   .kaizen/schedule.yml"},
	} {
		root := clone(t, "acme/web", map[string]string{tt.file: tt.content, "services/web/x": "x"})
		before := snapshot(t, root)
		out := action(t, tt.code, "init", "--target", filepath.Join(root, filepath.FromSlash(tt.target)))
		if !strings.Contains(out, tt.want) {
			t.Errorf("%s: output %s, want %q", tt.file, out, tt.want)
		}
		if tt.code != 0 && !maps.Equal(before, snapshot(t, root)) {
			t.Errorf("%s: files were written", tt.file)
		}
	}
}

// TestInitOnGitea writes the workflows where the platform reads them.
func TestInitOnGitea(t *testing.T) {
	t.Parallel()
	dir := clone(t, "acme/web", map[string]string{".gitea/workflows/ci.yml": "on: push\n"})
	out := action(t, 0, "init", "--target", dir)
	for _, name := range []string{".gitea/workflows/kaizen-schedule.yml", ".gitea/workflows/kaizen-validate.yml"} {
		if !strings.Contains(out, "wrote   "+name) || readText(t, filepath.Join(dir, name)) == "" {
			t.Errorf("output\n%s\nwant %s", out, name)
		}
	}
	action(t, 0, "validate", "--fail-on", "warning", "--target", dir)
}

// TestInitWithManyFiles checks that init skips a directory with too many names.
func TestInitWithManyFiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{"agents/coach.md": shortPrompt}
	for i := range 1001 {
		files[fmt.Sprintf("agents/n%d.txt", i)] = ""
	}
	dir := clone(t, "acme/web", files)
	const line = "is not searched: more than 1000 names are not read"
	out := action(t, 0, "init", "--target", dir)
	want := `note: "agents" has more than 1000 names and is not searched: name its agents with --agents`
	if !strings.Contains(out, want) {
		t.Errorf("output %s, want %s", out, want)
	}
	if out := action(t, 0, "validate", "--target", dir); !strings.Contains(out, `"agents" `+line) {
		t.Errorf("output %s, want %s", out, line)
	}
}

// TestInitMinutes checks that two repositories of the same name get different minutes.
func TestInitMinutes(t *testing.T) {
	t.Parallel()
	minutes := map[string]bool{}
	for _, name := range []string{"acme/web", "umbrella/web"} {
		dir := clone(t, name, nil)
		action(t, 0, "init", "--target", dir)
		minute, _, _ := strings.Cut(cronsOf(readText(t, filepath.Join(dir, scaffold.ScheduleWorkflow)))[0], " ")
		minutes[minute] = true
	}
	if len(minutes) != 2 {
		t.Errorf("minutes %v", minutes)
	}
}

// TestInitInAHostileClone plants links at the names of files that init writes.
func TestInitInAHostileClone(t *testing.T) {
	t.Parallel()
	const config = "[core]\n\tbare = false\n"
	for _, tt := range []struct {
		link, to string
		code     int
		want     string // of the output
	}{
		{".gitignore.tmp", ".git/config", 0, "added   .kaizen/prepared/ to .gitignore"},
		{".gitignore.new", ".git/config", 0, "added   .kaizen/prepared/ to .gitignore"},
		{".kaizen", ".git", 2, "leaves the checkout"},
		{".github", ".git", 2, "leaves the checkout"},
		{".github/workflows", "../.git/hooks", 2, "leaves the checkout"},
		{".kaizen/schedule.yml", "../.git/config", 2, "leaves the checkout"},
		{".kaizen/schedule.yml", "../.git/hooks/post-checkout", 2, "leaves the checkout"},
	} {
		dir := fixture.TempDir(t)
		put(t, dir, map[string]string{".git/config": config, ".git/HEAD": "ref: refs/heads/main\n", ".git/hooks/x": "x",
			".gitignore": "/dist/"})
		place := filepath.Join(dir, tt.link)
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(tt.to, place); err != nil {
			t.Fatal(err)
		}
		if out := action(t, tt.code, "init", "--target", dir); !strings.Contains(out, tt.want) {
			t.Errorf("%s: output %s, want %q", tt.link, out, tt.want)
		}
		var left []string
		for name, content := range snapshot(t, dir) {
			if strings.HasPrefix(name, ".git/") {
				left = append(left, name)
			}
			if name == ".git/config" && content != config {
				t.Errorf("%s: .git/config is %q", tt.link, content)
			}
		}
		slices.Sort(left)
		if !slices.Equal(left, []string{".git/HEAD", ".git/config", ".git/hooks/x"}) {
			t.Errorf("%s: .git has %q", tt.link, left)
		}
	}
}

// TestInitOutputHoldsNoCommand checks that a file name cannot give the runner a command.
func TestInitOutputHoldsNoCommand(t *testing.T) {
	t.Parallel()
	names := map[string]string{"agents/x\n::warning::y.md": "x", ".claude/agents/a\n##[error]z/b.md": "x"}
	dir := clone(t, "acme/web", names)
	if out := action(t, 0, "init", "--target", dir); regexp.MustCompile(`(?m)^\s*::|##\[`).MatchString(out) {
		t.Errorf("output\n%s", out)
	}
}

// clone makes a checkout of the repository with the given files.
func clone(t *testing.T, repository string, files map[string]string) string {
	t.Helper()
	dir := fixture.TempDir(t)
	put(t, dir, files)
	put(t, dir, map[string]string{".git/HEAD": "ref: refs/heads/main\n",
		".git/refs/heads/main": strings.Repeat("ab", 20) + "\n",
		".git/config":          "[remote \"origin\"]\n\turl = https://github.com/" + repository + ".git\n"})
	return dir
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot is every regular file of dir with its content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			rel, _ := filepath.Rel(dir, path)
			files[filepath.ToSlash(rel)] = readText(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readText(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// action runs the program on a plain terminal and returns both streams.
func action(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if got := runWith(t, t.Context(), args, nil, &out, &out); got != code {
		t.Errorf("%q: exit code %d, want %d\n%s", args, got, code, out.String())
	}
	return out.String()
}

func checkListed(t *testing.T, dir string, want []string) {
	t.Helper()
	var rows []struct {
		Agent   string
		Enabled bool
	}
	if err := json.Unmarshal([]byte(action(t, 0, "list", "--format", "json", "--target", dir)), &rows); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		mark := ""
		if r.Enabled {
			mark = "*"
		}
		got = append(got, r.Agent+mark)
	}
	if !slices.Equal(got, want) {
		t.Errorf("lists %q, want %q", got, want)
	}
}

// checkDoctor checks that doctor only reports what exists in workflows only, and that no
// entry is enabled. A directory below the root, "" for none, has no workflow there yet.
func checkDoctor(t *testing.T, dir string, enabled bool, below string) {
	t.Helper()
	var checks []doctor.Check
	out := action(t, 0, "doctor", "--format", "json", "--target", dir)
	if err := json.Unmarshal([]byte(out[:strings.LastIndex(out, "]")+1]), &checks); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range checks {
		if c.Name == "workflows" && below != "" { // the workflow is yet to be moved to the root
			if want := "add a step with target: " + below; !strings.Contains(c.Hint, want) {
				t.Errorf("doctor: %+v, want %q", c, want)
			}
			continue
		}
		apart := []string{"store", "ledger", "token"}
		if !enabled {
			apart = append(apart, "manifest")
		}
		if c.Verdict != doctor.OK && !slices.Contains(apart, c.Name) {
			t.Errorf("doctor: %+v", c)
		}
	}
}

func cronsOf(workflow string) (crons []string) {
	for _, m := range regexp.MustCompile(`(?m)^    - cron: "(.*?)"`).FindAllStringSubmatch(workflow, -1) {
		crons = append(crons, m[1])
	}
	return crons
}

// countTicks is the average number of ticks in a month of 28 years, counted day by day.
func countTicks(t *testing.T, workflow string) int {
	t.Helper()
	crons, ticks := cronsOf(workflow), 0
	if len(crons) == 0 {
		t.Fatalf("no cron in\n%s", workflow)
	}
	for day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
		for _, c := range crons {
			f := strings.Fields(c)
			days, weekdays := fieldValues(t, f[2], 1, 31), fieldValues(t, f[4], 0, 6)
			if slices.Contains(days, day.Day()) && slices.Contains(weekdays, int(day.Weekday())) {
				ticks += len(fieldValues(t, f[0], 0, 59)) * len(fieldValues(t, f[1], 0, 23))
			}
		}
	}
	return int(math.Round(float64(ticks) / (28 * 12)))
}

// fieldValues are the values of a cron's field.
func fieldValues(t *testing.T, field string, low, high int) (values []int) {
	t.Helper()
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		first, last, step := low, high, 1
		if stepped {
			step = number(stepText)
		}
		if from, to, ranged := strings.Cut(span, "-"); ranged {
			first, last = number(from), number(to)
		} else if span != "*" {
			first, last = number(span), number(span)
		}
		for v := first; v <= last; v += step {
			values = append(values, v)
		}
	}
	return values
}
