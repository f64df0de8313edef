package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// writeSource writes a manifest with the agent coach and the slug web to a directory of
// the workspace. With a remote it is a checkout of its own, "-" for one without a remote.
func (p *platform) writeSource(dir, remote string) {
	p.t.Helper()
	dir = filepath.Join(p.workspace, dir)
	writeFile(p.t, filepath.Join(dir, ".kaizen/schedule.yml"),
		"version: \"1\"\nrepo: web\nagents:\n  coach:\n    cadence: weekly\n")
	writeFile(p.t, filepath.Join(dir, "agents/agent-coach.md"), "# Do what is to be done.\n")
	if remote != "" {
		writeFile(p.t, filepath.Join(dir, ".git/HEAD"), "ref: refs/heads/main\n")
		writeFile(p.t, filepath.Join(dir, ".git/config"), "[remote \"origin\"]\n\turl = "+remote+"\n")
	}
}

// TestSourcesWithOneSlug prepares checkouts and directories with the same slug and agent
// in one workflow repository. Each runs once, with names and an event id of its own. The
// event's repo stays the slug.
func TestSourcesWithOneSlug(t *testing.T) {
	t.Parallel()
	const own = "https://github.com/" + sampleRepo
	for _, test := range []struct {
		name    string
		sources map[string]string // remotes by directory
		root    bool              // the workspace is one, too
	}{
		{"two repositories", map[string]string{"a": "https://github.com/acme/web", "b": "https://github.com/other/web"},
			true},
		{"two directories", map[string]string{"packages/a": "", "packages/b": ""}, true},
		{"two checkouts without remotes", map[string]string{"a": "-", "b": "-"}, true},
		{"a directory of each of two repositories",
			map[string]string{"a/web": "", "b/web": "", "a": "https://github.com/x/a", "b": "https://github.com/x/b"},
			false},
		{"own repository in a directory, beside another", map[string]string{"src": own,
			"b": "https://github.com/other/web"},
			false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			dirs := []string{}
			for dir, remote := range test.sources {
				p.writeSource(dir, strings.TrimPrefix(remote, "-"))
				if remote == "-" {
					writeFile(t, filepath.Join(p.workspace, dir, ".git/HEAD"), "ref: refs/heads/main\n")
				}
				dirs = append(dirs, dir)
			}
			if test.root {
				p.writeSource(".", own)
				dirs = append(dirs, ".")
			}
			slices.Sort(dirs)
			names := map[string]string{}
			for tick, now := range []string{tuesday, "2026-11-24T10:00:00Z"} {
				for _, dir := range dirs {
					got := p.step(map[string]string{"now": now, "target": filepath.Join(p.workspace, dir)})
					want := []string{"1", "0"}[tick]
					if got.code != exitOK || got.outputs["count"] != want || got.outputs["warnings"] != "0" {
						t.Errorf("%s at %s: exit code %d, %s prepared, %s warnings\n%s", dir, now, got.code,
							got.outputs["count"], got.outputs["warnings"], got.stderr)
					}
					if want == "0" {
						continue
					}
					e, err := event.Parse([]byte(got.outputs["payload"]))
					if err != nil {
						t.Fatal(err)
					}
					name := e.Bundle.Artifact.Name
					if e.Repo != "web" || names[name] != "" {
						t.Errorf("%s has the repo %s and the name %s, as has %s", dir, e.Repo, name, names[name])
					}
					names[name] = dir
				}
			}
			const root = "kaizen.web.coach.2026-W48"
			if dir := names[root]; test.root && dir != "." || !test.root && dir != "src" && dir != "" {
				t.Errorf("%s is the name of %q: %v", root, dir, names)
			}
			for name := range names {
				if digits := strings.TrimSuffix(strings.TrimPrefix(name, "kaizen.web-"),
					".coach.2026-W48"); name != root &&
					(len(digits) != 6 || strings.Trim(digits, "0123456789abcdef") != "") {
					t.Errorf("the name is %s", name)
				}
			}
		})
	}
}

// TestOneSourceTwice prepares two checkouts of one repository: the second is not due, and
// a finding says why.
func TestOneSourceTwice(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, dir := range []string{"a", "b"} {
		p.writeSource(dir, "https://github.com/other/web")
	}
	for dir, want := range map[string]string{"a": "b", "b": "a"} {
		got := p.step(map[string]string{"command": "validate", "now": tuesday,
			"target": filepath.Join(p.workspace, dir)})
		message := `bundles of "coach" have the same names as those of ` + want + "/.kaizen/schedule.yml"
		if got.code != exitOK || !strings.Contains(got.stdout, "file="+dir+"/.kaizen/schedule.yml,line=4") ||
			!strings.Contains(got.stdout, message) {
			t.Errorf("%s: exit code %d\n%s", dir, got.code, got.stdout)
		}
	}
	for i, dir := range []string{"a", "b"} {
		got := p.step(map[string]string{"now": tuesday, "target": filepath.Join(p.workspace, dir)})
		if got.code != exitOK || got.outputs["count"] != []string{"1", "0"}[i] || got.outputs["warnings"] != "1" {
			t.Errorf("%s: exit code %d, %s prepared, %s warnings\n%s", dir, got.code, got.outputs["count"],
				got.outputs["warnings"], got.stderr)
		}
	}
}

// TestRenamedWithDirectories renames a repository whose manifests are in directories.
func TestRenamedWithDirectories(t *testing.T) {
	t.Parallel()
	const moved = "umbrella/site"
	p := newPlatform(t)
	dirs := []string{".", "packages/a", "packages/b"}
	prepare := func(name, want string) {
		t.Helper()
		for _, dir := range dirs {
			remote := ""
			if dir == "." {
				remote = "https://github.com/" + name
			}
			p.writeSource(dir, remote)
			p.run++
			got := p.stepIn(p.run, map[string]string{"now": tuesday, "target": filepath.Join(p.workspace, dir)},
				map[string]string{"GITHUB_REPOSITORY": name})
			if got.code != exitOK || got.outputs["count"] != want {
				t.Errorf("%s of %s: exit code %d, %s prepared\n%s", dir, name, got.code, got.outputs["count"],
					got.stderr)
			}
		}
	}
	prepare(sampleRepo, "1")
	p.api.AddRepository(ghtest.Repository{ID: 7, FullName: moved})
	p.api.Rename(sampleRepo, moved)
	p.api.AddToken(jobToken, ghtest.Token{Kind: ghtest.Job,
		Access: map[string]ghtest.Permissions{moved: {Contents: "read", Actions: "read"}}})
	prepare(moved, "0")
}
