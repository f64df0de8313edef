package scaffold_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// TestReport checks the lines of a report that depend on more than the files.
func TestReport(t *testing.T) {
	t.Parallel()
	skipped := make([]scaffold.SkippedPrompt, 23)
	for i := range skipped {
		skipped[i] = scaffold.SkippedPrompt{Path: fmt.Sprintf("agents/%d x\n::error::y.md", i), Reason: "is odd"}
	}
	for _, tt := range []struct {
		name    string
		change  func(*scaffold.Scaffold)
		options scaffold.ReportOptions
		want    string // a line, or its beginning
		absent  string
	}{
		{"free minutes", func(s *scaffold.Scaffold) { s.Runs = 2000.4 }, scaffold.ReportOptions{},
			"about 2,000 runs a month; a private repository is billed at least 2,000 of its 2,000 free minutes", ""},
		{"more than is free", func(s *scaffold.Scaffold) { s.Runs = 1234567 }, scaffold.ReportOptions{},
			"about 1,234,567 runs a month; a private repository is billed at least 1,234,567 minutes, " +
				"of which 2,000 are free",
			""},
		{"no runs", func(s *scaffold.Scaffold) { s.Runs = 0 }, scaffold.ReportOptions{}, "next:", "runs a month"},
		{"many skipped files", func(s *scaffold.Scaffold) { s.Skipped = skipped }, scaffold.ReportOptions{},
			"  skipped 3 more files", "agents/20"},
		{"names of files", func(s *scaffold.Scaffold) { s.Skipped = skipped }, scaffold.ReportOptions{},
			"  skipped agents/19 x ::error::y.md: it is odd", "\n::"},
		{"options without effect", func(s *scaffold.Scaffold) { s.Files[0].Exists = true },
			scaffold.ReportOptions{Given: []string{"timezone"}},
			"note: --timezone changes nothing, since .kaizen/schedule.yml is kept", ""},
		{"options with effect", func(*scaffold.Scaffold) {}, scaffold.ReportOptions{Given: []string{"timezone"}},
			"next:", "changes nothing"},
		{"part of a repository", func(*scaffold.Scaffold) {},
			scaffold.ReportOptions{Dir: "/repo/a/b", Root: "/repo"},
			"note: workflows are read at the repository's root only: move those of .github/workflows to " +
				"/repo/.github/workflows and add the input target: a/b to each step that uses this action", ""},
		{"target", func(*scaffold.Scaffold) {}, scaffold.ReportOptions{Target: "'my web'"},
			"  1. read .kaizen/schedule.yml, then run: action validate --target 'my web' && action list " +
				"--target 'my web'", ""},
		{"hostile target", func(*scaffold.Scaffold) {}, scaffold.ReportOptions{Target: "'x\n::error::y'"},
			": :error::y'", "\n::"},
		{"invalid manifest", func(s *scaffold.Scaffold) { s.Manifest = nil }, scaffold.ReportOptions{},
			"  1. fix what this reports: action validate", ""},
		{"every entry is disabled", func(s *scaffold.Scaffold) { s.Manifest.Entries[2].Enabled = false },
			scaffold.ReportOptions{}, "  1. add agents/agent-coach.md, the prompt of coach, and set enabled: true", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			fixture.Write(t, dir, map[string]string{"agents/review.md": "x"})
			s := propose(t, dir)
			tt.change(s)
			got := "\n" + s.Report(tt.options)
			if !strings.Contains(got, "\n"+tt.want) || tt.absent != "" && strings.Contains(got, tt.absent) {
				t.Errorf("report%s\nwant %q, but not %q", got, tt.want, tt.absent)
			}
		})
	}
}

// TestWriteRefuses checks that a file that cannot be written leaves all others unwritten.
func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	const hint = "put one there, then run init again"
	for _, tt := range []struct {
		name          string
		plant         func(dir string) error
		message, hint string
	}{
		{"a directory is a link", func(dir string) error { return os.Symlink("docs", dir+"/.github") },
			`writing ".github/workflows/kaizen-schedule.yml": ".github" is a link, so it is not a directory of the ` +
				"checkout itself", hint},
		{"a directory is a file", func(dir string) error { return os.WriteFile(dir+"/.github", nil, 0o644) },
			`writing ".github/workflows/kaizen-schedule.yml": ".github" is not a directory of the checkout itself`,
			hint},
		{"a file is a dangling link", func(dir string) error { return os.Symlink("none", dir+"/.gitignore") },
			`writing ".gitignore": is not a regular file`, hint},
		{"a directory is .git", func(dir string) error { return os.Symlink(".kaizen", dir+"/.git") },
			`writing ".kaizen/schedule.yml": leaves the checkout`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			fixture.Write(t, dir, map[string]string{"agents/review.md": "x", "docs/x": "x", ".kaizen/x": "x"})
			s := propose(t, dir)
			if err := tt.plant(dir); err != nil {
				t.Fatal(err)
			}
			w, err := openTree(t, dir).Writer(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err = s.Write(w); err == nil {
				t.Fatal("no error")
			}
			if message, hint := advice.Split(err); message != tt.message || hint != tt.hint {
				t.Errorf("message %q, hint %q", message, hint)
			}
			for _, name := range []string{schedule.DefaultPath, "docs/workflows", ".gitignore"} {
				if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
					t.Errorf("%s is written", name)
				}
			}
		})
	}
}

// TestWriteTwice checks that a scaffold is written once, and that writing it again is an
// error that changes nothing.
func TestWriteTwice(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	s := propose(t, dir)
	write(t, dir, s)
	before := fixture.Tree(t, dir)
	w, err := openTree(t, dir).Writer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(w); err == nil || !strings.Contains(err.Error(), "file already exists") {
		t.Errorf("error %v", err)
	}
	if after := fixture.Tree(t, dir); !maps.Equal(before, after) {
		t.Errorf("files %q", after)
	}
}
