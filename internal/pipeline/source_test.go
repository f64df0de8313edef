package pipeline

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// remote is the .git of a checkout from url, "" for one without a remote.
func remote(dir, url string) map[string]string {
	config := ""
	if url != "" {
		config = "[remote \"origin\"]\n\turl = " + url + "\n"
	}
	git := filepath.Join(dir, ".git")
	return map[string]string{git + "/HEAD": "ref: refs/heads/main\n", git + "/config": config}
}

func TestSource(t *testing.T) {
	t.Parallel()
	const server, repository, ours = "https://github.com", "acme/web", "https://github.com/acme/web"
	digits := bundleid.Source
	for _, test := range []struct {
		name      string
		checkouts map[string]string // directory in the workspace, and its remote
		dir       string
		want      string
	}{
		{"the root", map[string]string{".": ours}, ".", ""},
		{"the root, written otherwise", map[string]string{".": "git@GitHub.com:Acme/Web.git"}, ".", ""},
		{"the root, from a mirror", map[string]string{".": "https://mirror.internal/acme/web"}, ".", ""},
		{"the root, without a remote", map[string]string{".": ""}, ".", ""},
		{"the root, without git", nil, ".", ""},
		{"the root, in a directory", map[string]string{"src": ours}, "src", ""},
		{"another checkout of the root", map[string]string{".": ours, "old": ours}, "old", ""},
		{"a directory", map[string]string{".": ours}, "packages/a", digits("", "packages/a")},
		{"a directory, without git", nil, "packages/a", digits("", "packages/a")},
		{"a directory in a checkout", map[string]string{"src": ours}, "src/packages/a", digits("", "packages/a")},
		{"another repository", map[string]string{".": ours, "other": "https://github.com/other/web"}, "other",
			digits("github.com/other/web", ".")},
		{"another repository, elsewhere", map[string]string{"x": "https://u:geheim@github.com/other/web.git"}, "x",
			digits("github.com/other/web", ".")},
		{"another repository at the root", map[string]string{".": "https://github.com/other/web"}, ".",
			digits("github.com/other/web", ".")},
		{"a directory in another repository", map[string]string{".": ours, "other": "https://github.com/other/web"},
			"other/packages/a", digits("github.com/other/web", "packages/a")},
		{"the same name on another server", map[string]string{".": ours, "other": "https://gitlab.com/acme/web"},
			"other", digits("gitlab.com/acme/web", ".")},
		{"another repository without a remote", map[string]string{".": ours, "other": ""}, "other",
			digits("./other", ".")},
		{"a directory in it", map[string]string{".": ours, "other": ""}, "other/a", digits("./other", "a")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			workspace := fixture.TempDir(t)
			files := map[string]string{filepath.Join(test.dir, "x"): ""}
			for dir, url := range test.checkouts {
				for name, text := range remote(dir, url) {
					files[name] = text
				}
			}
			fixture.Write(t, workspace, files)
			dir := filepath.Join(workspace, test.dir)
			p := Place{Workspace: workspace, Repository: repository, ServerURL: server}
			if got := p.Source(dir); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			p.Repository = ""
			if got := p.Source(dir); got != "" {
				t.Errorf("without a repository: got %q", got)
			}
			if _, ok := test.checkouts["."]; !ok || len(test.checkouts) > 1 {
				return
			}
			p = Place{Repository: repository, ServerURL: server} // a laptop with the same checkout
			if got := p.Source(dir); got != test.want {
				t.Errorf("outside of a workflow: got %q, want %q", got, test.want)
			}
		})
	}
}

// A rename of the repository, or a move to another server, changes no digits.
func TestSourceAfterARename(t *testing.T) {
	t.Parallel()
	workspace := fixture.TempDir(t)
	seen := map[string]bool{}
	for _, name := range []string{"acme/web", "umbrella/site"} {
		fixture.Write(t, workspace, remote(".", "https://github.com/"+name))
		p := Place{Workspace: workspace, Repository: name, ServerURL: "https://github.com"}
		seen[p.Source(workspace)+" "+p.Source(filepath.Join(workspace, "packages/a"))] = true
	}
	if len(seen) != 1 {
		t.Errorf("the digits are %v", seen)
	}
}

func TestClashes(t *testing.T) {
	t.Parallel()
	manifest := func(repo, cadence, more string) string {
		return fmt.Sprintf("version: \"1\"\nrepo: %s\nagents:\n  other: {cadence: daily}\n  coach: {cadence: %s%s}\n",
			repo,
			cadence, more)
	}
	own := manifest("web", "weekly", "")
	file := schedule.DefaultPath
	for _, test := range []struct {
		name      string
		checkouts map[string]string
		files     map[string]string
		dir       string
		want      []string // manifests that clash
	}{
		{"alone", map[string]string{".": "https://git.test/a"}, map[string]string{file: own}, ".", nil},
		{"beside", nil, map[string]string{file: own, ".kaizen/b.yaml": manifest("web", "weekly", "")}, ".",
			[]string{".kaizen/b.yaml"}},
		{"beside, of another cadence", nil,
			map[string]string{file: own, ".kaizen/b.yml": strings.Replace(manifest("web", "monthly", ""), "other",
				"third", 1)},
			".", nil},
		{"beside, of another repo", nil, map[string]string{file: own, ".kaizen/b.yml": manifest("api", "weekly", "")},
			".",
			nil},
		{"beside, no manifest", nil, map[string]string{file: own, ".kaizen/b.yml": "agents: 1\n"}, ".", nil},
		{"beside, too deep for the search", nil,
			map[string]string{"a/b/c/d/" + file: own, "a/b/c/d/.kaizen/b.yml": own}, "a/b/c/d",
			[]string{"a/b/c/d/.kaizen/b.yml"}},
		{"beside, in a directory that is not searched", nil,
			map[string]string{"vendor/.tmp/" + file: own, "vendor/.tmp/.kaizen/b.yml": own}, "vendor/.tmp",
			[]string{"vendor/.tmp/.kaizen/b.yml"}},
		{"two directories of one repository", map[string]string{".": "https://git.test/a"},
			map[string]string{"a/" + file: own, "b/" + file: own, file: own}, "a", nil},
		{"two repositories", map[string]string{"a": "https://git.test/a", "b": "https://git.test/b"},
			map[string]string{"a/" + file: own, "b/" + file: own}, "a", nil},
		{"two repositories without remotes", map[string]string{"a": "", "b": ""},
			map[string]string{"a/" + file: own, "b/" + file: own}, "a", nil},
		{"one repository twice", map[string]string{"a": "https://git.test/a", "b": "git@git.test:a.git"},
			map[string]string{"a/" + file: own, "b/" + file: own}, "a", []string{"b/" + file}},
		{"a directory twice", map[string]string{"a": "https://git.test/a", "b": "https://git.test/a"},
			map[string]string{"a/pkg/" + file: own, "b/pkg/" + file: own, "a/" + file: own}, "a/pkg",
			[]string{"b/pkg/" + file}},
		{"too deep", map[string]string{"a": "https://git.test/a", "b/c/d/e": "https://git.test/a"},
			map[string]string{"a/" + file: own, "b/c/d/e/" + file: own}, "a", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			workspace := fixture.TempDir(t)
			fixture.Write(t, workspace, test.files)
			for dir, url := range test.checkouts {
				fixture.Write(t, workspace, remote(dir, url))
			}
			for _, place := range []Place{
				{Workspace: workspace, Repository: "acme/ops", ServerURL: "https://git.test"},
				{Workspace: workspace},
			} {
				p, err := OpenProject(t.Context(), ProjectOptions{Dir: filepath.Join(workspace, test.dir), File: file,
					Env: &actions.Environment{
						Workspace: place.Workspace, Repository: place.Repository, ServerURL: place.ServerURL,
					}})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				var got []string
				for _, f := range p.Findings {
					if f.Rule != diag.NameClash.ID || f.File != file || f.Line == 0 {
						t.Errorf("finding %+v", f)
					}
					for _, want := range test.want {
						if strings.Contains(f.Message, `"coach"`) && strings.Contains(f.Message, " "+want+",") {
							got = append(got, want)
						}
					}
				}
				if !slices.Equal(got, test.want) || len(p.Findings) != 2*len(test.want) {
					t.Errorf("%+v: got %v, want those of %v", place, p.Findings, test.want)
				}
			}
		})
	}
}

// A comment at the agent silences the finding, and an entry that is off has none.
func TestSilencedClash(t *testing.T) {
	t.Parallel()
	text := "version: \"1\"\nrepo: web\nagents:\n  coach: # kaizen-ignore: name-clash\n    cadence: daily\n" +
		"  off: {cadence: daily, enabled: false}\n"
	workspace := fixture.TempDir(t)
	fixture.Write(t, workspace, map[string]string{schedule.DefaultPath: text, ".kaizen/b.yml": text})
	p, err := OpenProject(t.Context(), ProjectOptions{Dir: workspace, File: schedule.DefaultPath, Env: &actions.Environment{}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if len(p.Findings) > 0 {
		t.Errorf("findings: %v", p.Findings)
	}
}
