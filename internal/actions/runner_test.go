package actions

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// hostile has values that try to become commands, outputs or markup.
var hostile = []string{
	"", "plain", "::error::boom", "\n::set-output name=x::y", " \t ::add-mask::x", "a\r::stop-commands::t",
	"a\r\n::warning::b",
	"x ##[error]boom", "####[[[error]]]", "#\u200b#[error]x", "##\u202e[error]x", "%0A::error::x", "%0D%0A::error::x",
	"_GitHubActionsFileCommandDelimeter_", "x\n_GitHubActionsFileCommandDelimeter_\nevil<<E\npwned\nE\n",
	"a=b\nc=d", "x<<EOF\ny\nEOF",
	"\u2028::error::x", "\u0085::error::x", "\u200b::error::x", "\u00ad::error::x", "\ufeff::error::x",
	"\u00a0::error::x",
	"\x1b[2K::error::x", "\xff::error::\xfe", "a\u202eb\u2066c\U000e0041", "\v::error::x",
	"\f##[group]x", "::::error::x", ":\u200b:error::x",
	"| a | b |", "<!-- x", "</details><script>alert(1)</script>", "```\n</details>\n```",
	"![x](https://evil.example/p.png)",
	"[x](javascript:alert(1))", "@octocat and @acme/team", "https://evil.example www.evil.example", "1. a",
	"- a", "+ a", "# a", "===", "---", "> a",
	"a\\|b \\", "`code` ``x``", "*a* _b_ ~~c~~ $x$", "&lt;b&gt; &#124; &copy;",
	"a | b\n| --- | --- |", "<a href=x>", "me@evil.example", ":+1: #1", "http://0",
	strings.Repeat("x", 3000), "ünï 日本 😀",
}

// newTestRunner returns a Runner whose command files are in a temporary directory.
func newTestRunner(t testing.TB) (r *Runner, stdout, stderr *bytes.Buffer, dir string) {
	t.Helper()
	dir = fixture.TempDir(t)
	r, stdout, stderr = newTestRunnerIn(dir)
	return r, stdout, stderr, dir
}

// newTestRunnerIn has its files in dir, which need not exist for a test of the log.
func newTestRunnerIn(dir string) (r *Runner, stdout, stderr *bytes.Buffer) {
	env := map[string]string{
		"GITHUB_ACTIONS":      "true",
		"GITHUB_OUTPUT":       filepath.Join(dir, "output"),
		"GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
	}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	return NewRunner(RunnerOptions{func(k string) string { return env[k] }, stdout, stderr}), stdout, stderr
}

func checkLog(t *testing.T, value string) {
	t.Helper()
	r, stdout, stderr := newTestRunnerIn("none")
	r.Logf("%s", value)
	r.Logf("agent %s: %s", value, value)
	if stdout.Len() > 0 {
		t.Errorf("the log of %q went to standard output", value)
	}
	for _, text := range []string{stderr.String(), safetext.Sanitize(value), "x" + safetext.Sanitize(value)} {
		if c := parseLog(text); c != nil {
			t.Errorf("%q became the commands %v", value, c)
		}
		hidden := func(r rune) bool {
			return !unicode.In(r, unicode.Co) && r != '\n' && r != '\t' && safetext.IsInvisible(r)
		}
		if !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
			t.Errorf("%q left something invisible: %q", value, text)
		}
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, logPrefix) {
			t.Errorf("%q: line %q has no prefix", value, line)
		}
	}
}

// checkOutput uses the file output in dir.
func checkOutput(t *testing.T, dir, value string) {
	t.Helper()
	os.Remove(filepath.Join(dir, "output"))
	r, _, _ := newTestRunnerIn(dir)
	want := []fixture.Output{{Name: "before", Value: "1"}, {Name: "payload", Value: value}, {Name: "after", Value: ""}}
	for _, o := range want {
		if err := r.writeOutput(o.Name, o.Value); err != nil {
			t.Fatal(err)
		}
	}
	got, err := fixture.ParseOutputs(fixture.Read(t, filepath.Join(dir, "output")))
	if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("the runner read %q (%v), want %q", got, err, want)
	}
}

func checkAnnotation(t *testing.T, value string) {
	t.Helper()
	r, stdout, _ := newTestRunnerIn("none")
	r.Annotate([]diag.Finding{{
		File: value, Line: 3, Column: 7, Rule: value, Severity: diag.Error, Message: value, Hint: value,
	}})
	commands := parseLog(stdout.String())
	if len(commands) != 1 || commands[0].name != "error" || strings.Count(stdout.String(), "\n") != 1 {
		t.Fatalf("%q became %q", value, stdout.String())
	}
	got := commands[0].properties
	if got["line"] != "3" || got["col"] != "7" || got["file"] != safetext.OneLine(value) ||
		got["title"] != safetext.OneLine(value) {
		t.Errorf("%q became the properties %q", value, got)
	}
	if n := utf8.RuneCountInString(commands[0].data); n > maxAnnotation {
		t.Errorf("the message has %d characters", n)
	}
	if parseLog(commands[0].data) != nil {
		t.Errorf("the runner prints the message, where %q is a command", commands[0].data)
	}
}

func TestHostileValues(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	for _, value := range hostile {
		checkLog(t, value)
		checkOutput(t, dir, value)
		checkAnnotation(t, value)
	}
}

func FuzzRunner(f *testing.F) {
	for _, value := range hostile {
		f.Add(value)
	}
	dir := fixture.TempDir(f)
	f.Fuzz(func(t *testing.T, value string) {
		checkLog(t, value)
		checkOutput(t, dir, value)
		checkAnnotation(t, value)
	})
}

func TestLogf(t *testing.T) {
	t.Parallel()
	r, _, stderr, _ := newTestRunner(t)
	r.Logf("%s is %d\n", "coach", 3)
	r.Logf("two\nlines\n\n")
	if got, want := stderr.String(), "kaizen: coach is 3\nkaizen: two\nkaizen: lines\n"; got != want {
		t.Errorf("in Actions got %q, want %q", got, want)
	}
	var terminal bytes.Buffer
	r = NewRunner(RunnerOptions{func(string) string { return "" }, nil, &terminal})
	r.Logf("a\x1b[2Jb\n::error::c")
	if got, want := terminal.String(), "a[2Jb\n: :error::c\n"; got != want {
		t.Errorf("on a terminal got %q, want %q", got, want)
	}
}

func TestAnnotateRanks(t *testing.T) {
	t.Parallel()
	var findings []diag.Finding
	for i := range 12 {
		findings = append(findings,
			diag.NoPrompt.At("m.yml", 12-i, 1, "no prompt", ""),
			diag.Cadence.At("m.yml", 12-i, 2, "bad cadence", "use daily"))
	}
	findings = append(findings, diag.Unreadable.At("a.yml", 0, 0, "missing", ""))
	r, stdout, _, _ := newTestRunner(t)
	hidden := r.Annotate(findings)
	commands := parseLog(stdout.String())
	if len(commands) != 20 || len(hidden) != 5 {
		t.Fatalf("%d shown and %d hidden, want 20 and 5", len(commands), len(hidden))
	}
	first := commands[0]
	want := map[string]string{"file": "a.yml", "title": "unreadable"}
	if first.name != "error" || !maps.Equal(first.properties, want) {
		t.Errorf("first %v, want the whole file's error without a line", first)
	}
	if c := commands[1]; c.name != "error" || c.properties["line"] != "1" || c.data != "bad cadence\nuse daily" {
		t.Errorf("second %v, want the error of line 1 with its hint", c)
	}
	if c := commands[19]; c.name != "warning" || c.properties["line"] != "10" {
		t.Errorf("last %v, want the warning of line 10", c)
	}
	if errs, _ := diag.Count(hidden); errs != 3 || hidden[0].Line != 10 {
		t.Errorf("hidden %v, want three errors and two warnings, the first of line 10", hidden)
	}
	if findings[0].Line != 12 {
		t.Error("the caller's findings were reordered")
	}
}

// A file with many findings does not hide another file.
func TestAnnotateShowsEveryFile(t *testing.T) {
	t.Parallel()
	var findings []diag.Finding
	for i := range 15 {
		findings = append(findings, diag.Cadence.At("a.yml", i+1, 1, "bad cadence", ""))
	}
	r, stdout, _, _ := newTestRunner(t)
	r.Annotate(append(findings, diag.Version.At("b.yml", 1, 1, "bad version", "")))
	if commands := parseLog(stdout.String()); len(commands) != 10 || commands[1].properties["file"] != "b.yml" {
		t.Errorf("shown %v, want b.yml second of ten", commands)
	}
}

func TestOutsideActionsNothingIsWritten(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	r := NewRunner(RunnerOptions{func(string) string { return "" }, &stdout, &stderr})
	hidden := r.Annotate([]diag.Finding{diag.Cadence.At("m.yml", 1, 1, "x", "")})
	err := errors.Join(r.writeOutput("a", "b"), r.WriteSummary(Summary{Verdict: "x"}))
	if err != nil || hidden != nil || stdout.Len()+stderr.Len() > 0 {
		t.Errorf("got %v, %v, %q, %q", err, hidden, stdout.String(), stderr.String())
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestRunnerErrors(t *testing.T) {
	t.Parallel()
	good := filepath.Join(fixture.TempDir(t), "f")
	bad := filepath.Join(fixture.TempDir(t), "no", "such")
	tests := []struct {
		name                  string
		outputFile, delimiter string
		value, want           string
	}{
		{"not set", "", "d", "v", `setting output "payload": GITHUB_OUTPUT is not set`},
		{"no directory", bad, "d", "v", `setting output "payload": writing the file of GITHUB_OUTPUT: `},
		{"too large", good, "d", strings.Repeat("x", MaxOutputs+1), "524289 bytes, the platform accepts 524288"},
		{"guessed delimiter", good, "d", "a\nd\nb", "delimiter"},
		{"largest", good, "d", strings.Repeat("x", MaxOutputs), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": tt.outputFile,
				"GITHUB_STEP_SUMMARY": bad}
			r := NewRunner(RunnerOptions{func(k string) string { return env[k] }, brokenWriter{}, brokenWriter{}})
			r.delimiter = func() string { return tt.delimiter }
			err := r.writeOutput("payload", tt.value)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err := r.WriteSummary(Summary{}); err == nil || !strings.Contains(err.Error(), "GITHUB_STEP_SUMMARY") {
				t.Errorf("summary: got %v", err)
			}
			if hidden := r.Annotate([]diag.Finding{diag.Cadence.At("m.yml", 1, 1, "x", "")}); len(hidden) != 1 {
				t.Error("a finding that could not be written counts as shown")
			}
			r.Logf("to a closed stream")
		})
	}
}

func TestDelimitersDiffer(t *testing.T) {
	t.Parallel()
	r, _, _, dir := newTestRunner(t)
	if err := errors.Join(r.writeOutput("a", "1"), r.writeOutput("b", "2")); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(fixture.Read(t, filepath.Join(dir, "output")), "\n")
	if len(lines) != 7 || len(lines[2]) < 26 || lines[2] == lines[5] {
		t.Errorf("got %q", lines)
	}
}
