package check

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

const daily = "  coach: {cadence: daily} # kaizen-ignore: no-prompt\n"

// TestBase compares a named file with another one.
func TestBase(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{"new.yml": head + weekly, "old.yml": head + daily,
		"invalid.yml": head + invalid, "empty.yml": "", "large.yml": strings.Repeat("#", schedule.MaxSize+1)})
	tree, err := checkout.Open(dir)
	fixture.Must(t, err)
	t.Cleanup(func() { tree.Close() })
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		name, base, stdin string
		files             []string
		err               string
		note              string
		changes           schedule.ChangeKind // of coach; "" for none
	}{
		{"none", "", "", []string{at("new.yml")}, "", "", ""},
		{"other", at("old.yml"), "", []string{at("new.yml")}, "", "", schedule.Retimed},
		{"same", at("new.yml"), "", []string{at("new.yml")}, "", "", ""},
		{"standard input", "-", head + daily, []string{at("new.yml")}, "", "", schedule.Retimed},
		{"empty", at("empty.yml"), "", []string{at("new.yml")}, "", "There is no base version: the manifest is new.",
			schedule.Added},
		{"invalid", at("invalid.yml"), "", []string{at("new.yml")}, "",
			"The base version is not a valid manifest, so every entry counts as added.", schedule.Added},
		{"missing", at("none.yml"), "", []string{at("new.yml")}, "reading the base version: ", "", ""},
		{"revision", "origin/main", "", nil, `there is no file "origin/main": correct the path; or if it is a git revision, ` +
			"run git show origin/main:./.kaizen/schedule.yml | action validate --base -", "", ""},
		{"revision of a named file", "HEAD~1", "", []string{"a b.yml"},
			"run git show 'HEAD~1:./a b.yml' | action validate 'a b.yml' --base -", "", ""},
		{"object", "main:x.yml", "", nil, "run git show main:x.yml | action validate --base -", "", ""},
		{"hostile revision", "$(id)", "", nil, "run git show '$(id):./.kaizen/schedule.yml' |", "", ""},
		{"directory", dir, "", []string{at("new.yml")}, "is not a regular file", "", ""},
		{"large", at("large.yml"), "", []string{at("new.yml")}, "is too large", "", ""},
		{"two files", at("old.yml"), "", []string{at("new.yml"), at("old.yml")}, "base needs exactly one manifest", "",
			""},
		{"standard input twice", "-", "", []string{"-"}, "base and the manifest are both standard input", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := optionsFor(dir)
			o.Base, o.Stdin = tt.base, strings.NewReader(tt.stdin)
			err := o.ReadBase(t.Context(), tt.files)
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if err != nil {
				return
			}
			r, err := Files(t.Context(), tree, tt.files, o)
			fixture.Must(t, err)
			if c := r.Comparison; tt.base == "" {
				if c != nil {
					t.Errorf("comparison %+v", c)
				}
				return
			}
			checkComparison(t, r.Comparison, tt.note, tt.changes)
		})
	}
}

// checkComparison checks the note and the first change of coach.
func checkComparison(t *testing.T, c *Comparison, note string, want schedule.ChangeKind) {
	t.Helper()
	var got schedule.ChangeKind
	if len(c.Entries) > 0 && len(c.Entries[0].Changes) > 0 {
		got = c.Entries[0].Changes[0].Kind
	}
	if !strings.HasPrefix(c.Note, note) || note == "" && c.Note != "" || got != want {
		t.Errorf("comparison %+v, want the note %q and the change %q", c, note, want)
	}
}

// TestPullRequest compares with the base commit of a pull request.
func TestPullRequest(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("cd", 20)
	at := func(path, manifest string) ghtest.Repository {
		return ghtest.Repository{ID: 7, FullName: "acme/web",
			Refs: map[string]map[string]string{commit: {path: manifest}}}
	}
	const isNew = "There is no base version: the manifest is new."
	const unread = "The base version could not be read, so there is no comparison: "
	hidden := at(schedule.DefaultPath, head+daily)
	hidden.Private = true
	for _, tt := range []struct {
		name       string
		repository ghtest.Repository
		commit     string
		part       string // of the workspace that is the checkout
		file       string // a file of the workspace, or ""
		client     error
		note       string
		changes    schedule.ChangeKind
		none       bool // no comparison at all
	}{
		{name: "retimed", repository: at(schedule.DefaultPath, head+daily), commit: commit, changes: schedule.Retimed},
		{name: "same", repository: at(schedule.DefaultPath, head+weekly), commit: commit},
		{name: "new", repository: ghtest.Repository{ID: 7, FullName: "acme/web"}, commit: commit, note: isNew,
			changes: schedule.Added},
		{name: "repository that the token cannot see", repository: hidden, commit: commit, note: unread},
		{name: "unusable token", repository: hidden, commit: commit, client: errors.New("token: a line break"),
			note: unread + "token: a line break."},
		{name: "no pull request", repository: at(schedule.DefaultPath, head+daily), none: true},
		{name: "no commit", repository: at(schedule.DefaultPath, head+daily), commit: "main", none: true},
		{name: "part of the repository", repository: at("services/web/"+schedule.DefaultPath, head+daily),
			commit: commit, part: "services/web", changes: schedule.Retimed},
		{name: "other repository in the workspace", repository: at("other/"+schedule.DefaultPath, head+daily),
			commit: commit, part: "other", file: "other/.git/HEAD", none: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			api, err := ghtest.New(ghtest.Options{Errorf: t.Errorf})
			fixture.Must(t, err)
			t.Cleanup(api.Close)
			api.AddRepository(tt.repository)
			workspace := fixture.TempDir(t)
			dir := filepath.Join(workspace, tt.part)
			fixture.Write(t, dir, map[string]string{schedule.DefaultPath: head + weekly})
			if tt.file != "" {
				fixture.Write(t, workspace, map[string]string{tt.file: "x"})
			}
			o := optionsFor(workspace)
			o.Env.Webhook.PullRequest.Base.SHA = tt.commit
			o.Client = func() (*gh.Client, error) {
				if tt.client != nil {
					return nil, tt.client
				}
				return gh.New(gh.Options{BaseURL: api.URL(), UserAgent: "test"})
			}
			r, err := Project(t.Context(), openProject(t, dir, o), o)
			fixture.Must(t, err)
			if tt.none {
				if r.Comparison != nil || len(api.Requests()) > 0 {
					t.Errorf("comparison %+v after %d requests", r.Comparison, len(api.Requests()))
				}
				return
			}
			checkComparison(t, r.Comparison, tt.note, tt.changes)
			failed := strings.HasPrefix(tt.note, unread)
			if r.Comparison.None != failed || failed != (len(r.Warnings) == 1 && r.Warnings[0] == r.Comparison.Note) {
				t.Errorf("comparison %+v, warnings %q", r.Comparison, r.Warnings)
			}
		})
	}
}
