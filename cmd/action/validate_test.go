package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// pullRequest is the environment of a pull request with this base commit.
func pullRequest(t *testing.T, base string) map[string]string {
	t.Helper()
	file := filepath.Join(fixture.TempDir(t), "event.json")
	writeTest(t, file, `{"pull_request":{"base":{"sha":"`+base+`"}}}`)
	return map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": file}
}

func writeTest(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPullRequestBase checks that a missing base version never fails a check, and that a
// manifest is called new only if it is.
func TestPullRequestBase(t *testing.T) {
	t.Parallel()
	base := strings.Repeat("cd", 20)
	const manifest = "version: \"1\"\nrepo: kaizen-agentic\nagents:\n  coach: {cadence: daily}\n"
	tests := []struct {
		name   string
		repo   ghtest.Repository
		token  string
		fault  bool
		want   []string // in the summary
		absent string
	}{
		{"a base version", ghtest.Repository{Refs: refs(base, manifest)}, jobToken, false,
			[]string{"What changes", "re-timed", "added"}, "new"},
		{"none", ghtest.Repository{}, jobToken, false, []string{"There is no base version: the manifest is new."},
			"as before"},
		{"one that is not valid", ghtest.Repository{Refs: refs(base, "version: 2\n")}, jobToken, false,
			[]string{"The base version is not a valid manifest"}, "is new"},
		{"no token, as a user may choose, on a public repository", ghtest.Repository{Refs: refs(base, manifest)}, "",
			false, []string{"re-timed"}, "could not"},
		{"no token on a private repository", ghtest.Repository{Private: true, Refs: refs(base, manifest)}, "", false,
			[]string{"The base version could not be read"}, "is new"},
		{"the API is down", ghtest.Repository{Refs: refs(base, manifest)}, jobToken, true,
			[]string{"The base version could not be read"}, "is new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			tt.repo.ID, tt.repo.FullName = 7, sampleRepo
			p.api.AddRepository(tt.repo)
			if tt.fault {
				p.api.Fail("GET /repos/"+sampleRepo+"/contents/.kaizen/schedule.yml", 1,
					ghtest.Status(403, `{"message":"Resource not accessible by integration"}`))
			}
			got := p.stepIn(1, map[string]string{"command": "validate", "now": tuesday, "token": tt.token},
				pullRequest(t, base))
			if got.code != exitOK || got.outputs["valid"] != "true" {
				t.Fatalf("exit code %d\n%s", got.code, got.stderr)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.summary, want) {
					t.Errorf("the summary lacks %q:\n%s", want, got.summary)
				}
			}
			if strings.Contains(got.summary, tt.absent) {
				t.Errorf("the summary has %q:\n%s", tt.absent, got.summary)
			}
			const unread = "The base version could not be read"
			if strings.Contains(got.stderr, "warning: "+unread) != strings.Contains(got.summary, unread) {
				t.Errorf("the log:\n%s", got.stderr)
			}
		})
	}
}

// TestBaseIsNoInput checks that the input base has no effect: in a workflow the base
// version is that of the pull request's event.
func TestBaseIsNoInput(t *testing.T) {
	t.Parallel()
	base := strings.Repeat("cd", 20)
	p := newPlatform(t)
	manifest := readText(t, filepath.Join(p.workspace, schedule.DefaultPath))
	p.api.AddRepository(ghtest.Repository{ID: 7, FullName: sampleRepo,
		Refs: refs(base, strings.Replace(manifest, "0 5 * * 1", "0 5 * * 5", 1))})
	for _, file := range []string{filepath.Join(p.workspace, schedule.DefaultPath), "nowhere.yml"} {
		got := p.stepIn(1, map[string]string{"command": "validate", "now": tuesday, "base": file}, pullRequest(t, base))
		if got.code != exitOK || !strings.Contains(got.summary, "re-timed") {
			t.Errorf("base %s: exit code %d\n%s\n%s", file, got.code, got.stderr, got.summary)
		}
	}
}

func refs(commit, manifest string) map[string]map[string]string {
	return map[string]map[string]string{commit: {schedule.DefaultPath: manifest}}
}

// TestReportForPrograms checks that standard output has only the report that a program
// asked for, and that annotations are still shown.
func TestReportForPrograms(t *testing.T) {
	t.Parallel()
	const broken = "version: \"1\"\nrepo: \"##[error]x ::warning::y\"\nagents:\n  coach: {cadence: wekly}\n"
	tests := []struct {
		name        string
		inputs      map[string]string // out is relative to the workspace
		report      func(ran) string
		annotations func(ran) string
	}{
		{"json", map[string]string{"format": "json"}, ran.stdoutText, ran.stderrText},
		{"sarif", map[string]string{"format": "sarif"}, ran.stdoutText, ran.stderrText},
		{"sarif in a file", map[string]string{"format": "sarif", "out": "report"}, nil, ran.stdoutText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			writeTest(t, filepath.Join(p.workspace, schedule.DefaultPath), broken)
			tt.inputs["command"] = "validate"
			if tt.report == nil {
				file := filepath.Join(p.workspace, tt.inputs["out"])
				tt.inputs["out"], tt.report = file, func(ran) string { return readText(t, file) }
			}
			got := p.step(tt.inputs)
			if report := tt.report(got); !json.Valid([]byte(report)) || strings.Contains(report, "##[") ||
				!strings.Contains(report, "wekly") {
				t.Errorf("the report: %s", report)
			}
			if n := strings.Count("\n"+tt.annotations(got), "\n::error "); got.code != exitFindings || n != 2 {
				t.Errorf("exit code %d, %d annotations\n%s%s", got.code, n, got.stdout, got.stderr)
			}
		})
	}
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		p := newPlatform(t)
		writeTest(t, filepath.Join(p.workspace, schedule.DefaultPath), broken)
		got := p.step(map[string]string{"command": "validate"})
		for line := range strings.Lines(got.stderr) {
			if !strings.HasPrefix(line, "kaizen: ") || strings.Contains(line, "##[") {
				t.Errorf("the log has the line %q", line)
			}
		}
		if !strings.Contains(got.stderr,
			"kaizen:  4 |   coach: {cadence: wekly}\nkaizen:    |                    ^\n") {
			t.Errorf("the log lacks the line and its caret:\n%s", got.stderr)
		}
	})
}

func (r ran) stdoutText() string { return r.stdout }
func (r ran) stderrText() string { return r.stderr }

// TestManyAnnotations checks that ten annotations of each type are shown, and that the
// summary counts the others and lists all findings.
func TestManyAnnotations(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var manifest strings.Builder
	manifest.WriteString("version: \"1\"\nrepo: web\nagents:\n")
	for i := range 12 {
		fmt.Fprintf(&manifest, "  a%d: {cadence: wekly} # kaizen-ignore: nothing\n", i)
	}
	writeTest(t, filepath.Join(p.workspace, schedule.DefaultPath), manifest.String())
	got := p.step(map[string]string{"command": "validate"})
	errs, warnings := strings.Count(got.stdout, "::error "), strings.Count(got.stdout, "::warning ")
	if errs != 10 || warnings != 10 || got.outputs["errors"] != "12" || got.outputs["warnings"] != "12" ||
		got.outputs["valid"] != "false" {
		t.Errorf("%d errors and %d warnings are annotated; outputs %v", errs, warnings, got.outputs)
	}
	if !strings.Contains(got.summary, "4 of them are not shown as annotations") ||
		strings.Count(got.summary, "schedule.yml:15:") != 2 {
		t.Errorf("the summary:\n%s", got.summary)
	}
	if strings.Index(got.stdout, "::warning ") < strings.LastIndex(got.stdout, "::error ") {
		t.Error("warnings come before errors")
	}
}

// TestReadmeExamplesAreClean puts the README's manifest and workflows into a repository,
// in which our own checks find nothing.
func TestReadmeExamplesAreClean(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	for file, block := range readmeFiles(t) {
		writeTest(t, filepath.Join(dir, file), block)
	}
	for _, agent := range []string{"coach", "optimization"} {
		writeTest(t, filepath.Join(dir, "agents", "agent-"+agent+".md"), "Help.\n")
	}
	p, result := checkProject(t, dir)
	if result.Manifest == nil || len(result.Manifest.Entries) != 2 || len(result.Findings) > 0 {
		t.Errorf("findings: %v", result.Findings)
	}
	// init finds both workflows, so it does not write them.
	plan, err := scaffold.New(p.Tree, scaffold.Options{Slug: "web"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range plan.Files[:3] {
		if !f.Exists {
			t.Errorf("init does not see the README's %s", f.Path)
		}
	}
}

// readmeFiles returns the YAML blocks of the README that follow the name of a file.
func readmeFiles(t *testing.T) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, part := range strings.Split(readReadme(t), "\n\n`.")[1:] {
		name, rest, _ := strings.Cut(part, "`")
		_, block, found := strings.Cut(rest, "\n```yaml\n")
		block, _, closed := strings.Cut(block, "\n```")
		if found && closed {
			files["."+name] = block + "\n"
		}
	}
	if len(files) != 3 {
		t.Fatalf("the README shows %d files, want manifest, schedule and check", len(files))
	}
	return files
}

func readReadme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(readmePage)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const (
	readmePage    = "../../README.md"
	findingsStart = "<!-- findings -->\n"
	findingsEnd   = "<!-- /findings -->\n"
)

// TestReadmeFindings compares the README's report of three typical mistakes with the real
// one, and rewrites it with -update. It is not parallel, because TestReadmeTables
// rewrites the same file.
func TestReadmeFindings(t *testing.T) {
	page := readReadme(t)
	before, rest, start := strings.Cut(page, findingsStart)
	_, after, end := strings.Cut(rest, findingsEnd)
	if !start || !end {
		t.Fatalf("%s lacks the marks %s and %s", readmePage, findingsStart, findingsEnd)
	}
	block := before[strings.LastIndex(before, "```yaml\n")+len("```yaml\n"):]
	mistakes, _, _ := strings.Cut(block, "```\n")
	findings, output := reportExample(t, map[string][]byte{schedule.DefaultPath: []byte(mistakes)})
	if errs, _ := diag.Count(findings); errs != 3 {
		t.Errorf("%d errors, want three: %v", errs, findings)
	}
	want := before + findingsStart + "```text\n" + output + "```\n" + findingsEnd + after
	if fixture.Updating() {
		if err := os.WriteFile(readmePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != want {
		t.Errorf("%s differs from what validate reports; run with -update to rewrite it", readmePage)
	}
}
