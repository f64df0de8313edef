package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/check"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

const (
	rulesPage = "../../docs/rules.md"
	rulesDir  = "../../testdata/rules"
)

const rulesHead = `# Rules

Everything that ` + "`action validate`, `action prepare` and `action verify`" + ` report.
An error makes the manifest invalid, or stops its agent; a warning does neither.
` + "`# kaizen-ignore: <rule>`" + ` at the end of a line silences a warning there, in the manifest and in workflows.

The examples are in ` + "`testdata/rules`" + `. A test runs them and writes this page, so their output is real.

`

// TestRulesPage writes docs/rules.md from the rules and an example of each, and compares.
func TestRulesPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(rulesHead)
	for _, r := range diag.Rules {
		fmt.Fprintf(&page, "- [%s](#%s) (%s): %s\n", r.ID, r.ID, r.Severity, r.Summary)
	}
	for _, r := range diag.Rules {
		page.WriteString("\n" + ruleSection(t, r))
	}
	if fixture.Updating() {
		if err := os.WriteFile(rulesPage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	if page.String() != string(want) {
		t.Errorf("%s differs from what the rules report; run with -update to rewrite it", rulesPage)
	}
}

// TestRulesHaveExamples checks that every rule has an example, and every example a rule.
func TestRulesHaveExamples(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob(filepath.Join(rulesDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, example := range examples {
		got = append(got, strings.TrimSuffix(filepath.Base(example), ".txtar"))
	}
	for _, r := range diag.Rules {
		want = append(want, r.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("examples of %q\nrules are %q", got, want)
	}
}

// ruleSection returns a rule's part of the page: what it requires and why, an example of
// a violation, its report, and the fix.
func ruleSection(t *testing.T, r diag.Rule) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join(rulesDir, r.ID+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	why, fix, ok := strings.Cut(strings.TrimSpace(string(archive.Comment)), "\n\n")
	if !ok {
		t.Fatalf("%s: the example lacks the reason or the fix", r.ID)
	}
	files := exampleFiles(t, archive)
	findings, output := reportExample(t, files)
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n*%s* · %s\n\n%s\n\n", r.ID, r.Severity, r.Summary, why)
	for _, f := range archive.Files {
		name := fileName(f.Name)
		if slices.ContainsFunc(findings, func(found diag.Finding) bool { return found.File == name }) {
			fmt.Fprintf(&b, "`%s`\n\n```%s\n%s```\n\n", name, fence(name), excerpt(files[name]))
		}
	}
	fmt.Fprintf(&b, "Reported as\n\n```text\n%s```\n\n**Fix**: %s\n", output, fix)
	if !slices.ContainsFunc(findings, func(f diag.Finding) bool { return f.Rule == r.ID }) {
		t.Errorf("the example of %s is not reported as such:\n%s", r.ID, output)
	}
	return b.String()
}

func fence(name string) string {
	return map[string]string{".yml": "yaml", ".md": "markdown", ".json": "json"}[path.Ext(name)]
}

// fileName is the name without the marks that exampleFiles knows.
func fileName(name string) string {
	name, _, _ = strings.Cut(name, " ")
	return name
}

// exampleFiles returns the files of an archive. A name may have a suffix: "(escaped)"
// means Go escapes in the text, and "* 300" repeats the text up to 300 bytes.
func exampleFiles(t *testing.T, archive *txtar.Archive) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for _, f := range archive.Files {
		name, data := fileName(f.Name), f.Data
		switch mark := strings.TrimSpace(strings.TrimPrefix(f.Name, name)); {
		case mark == "(escaped)":
			text, err := strconv.Unquote(strings.ReplaceAll(strconv.Quote(string(data)), `\\`, `\`))
			if err != nil {
				t.Fatal(err)
			}
			data = []byte(text)
		case mark != "":
			size, err := strconv.Atoi(strings.TrimPrefix(mark, "* "))
			if err != nil {
				t.Fatal(err)
			}
			data = bytes.Repeat(data, size/len(data)+1)[:size]
		}
		files[name] = data
	}
	return files
}

// excerpt returns a file as the page shows it: invisible characters are escaped, and a
// long text is shortened.
func excerpt(data []byte) string {
	const most, few = 40, 3
	lines := strings.SplitAfter(string(data), "\n")
	end := ""
	if len(lines) > most {
		lines, end = lines[:few], fmt.Sprintf("… and so on, %d bytes in all\n", len(data))
	}
	var b strings.Builder
	for text := strings.Join(lines, ""); text != ""; {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1 || r < ' ' && r != '\n':
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r != '\n' && !unicode.IsPrint(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return b.String() + end
}

var tuesdayMorning = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// checkProject checks the checkout at dir as validate does.
func checkProject(t *testing.T, dir string) (*pipeline.Project, *check.Result) {
	t.Helper()
	env := &actions.Environment{Repository: "acme/acme", ServerURL: "https://github.com", Workspace: dir}
	p, err := pipeline.OpenProject(t.Context(), pipeline.ProjectOptions{Dir: dir, File: schedule.DefaultPath, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	result, err := check.Project(t.Context(), p, check.Options{Env: env, Now: tuesdayMorning})
	if err != nil {
		t.Fatal(err)
	}
	return p, result
}

// reportExample returns what validate and prepare report about the files, and verify if
// they contain a bundle.
func reportExample(t *testing.T, files map[string][]byte) ([]diag.Finding, string) {
	t.Helper()
	dir := fixture.TempDir(t)
	for name, data := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, result := checkProject(t, dir)
	findings := result.Findings
	if m := result.Manifest; m != nil {
		for _, e := range m.Entries { // the escapes of JSON make a bundle larger
			in := prepare.Input{Repo: m.Repo, Entry: e, Period: e.Current(tuesdayMorning).Period, Format: prepare.JSON}
			_, more, err := prepare.Prepare(t.Context(), p.Files, in)
			if err != nil {
				t.Fatal(err)
			}
			more = slices.DeleteFunc(more, func(f diag.Finding) bool { return f.Rule == diag.NoPrompt.ID })
			findings = append(findings, more...)
		}
	}
	if _, ok := files["bundle/"+prepare.SourcesName]; ok {
		stored, err := prepare.OpenStored(os.DirFS(filepath.Join(dir, "bundle")))
		if err != nil {
			t.Fatal(err)
		}
		more, err := stored.CheckSources(t.Context(), p.Files)
		if err != nil {
			t.Fatal(err)
		}
		findings = append(append(findings, stored.Check()...), more...)
	}
	diag.Sort(findings)
	findings = slices.Compact(findings)
	var b bytes.Buffer
	if err := diag.WriteText(&b, findings, func(file string) []byte { return files[file] }, false); err != nil {
		t.Fatal(err)
	}
	return findings, b.String()
}
