package main

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// linkTo plants a link in the hostile clone.
func linkTo(target, name string) func(dir string) error {
	return func(dir string) error {
		place := filepath.Join(dir, name)
		return errors.Join(os.MkdirAll(filepath.Dir(place), 0o755), os.Symlink(target, place))
	}
}

// hostilePlaces are directories of --out that a clone may plant. The clone has .git/hooks,
// a directory real, and a second checkout sub; beside it is the directory outside.
var hostilePlaces = []struct {
	name  string
	plant func(dir string) error
	// target and out are relative to the clone; "" is the default.
	target, out string
	want        string // of the error, "" where the place is fine
}{
	{name: "nothing planted"},
	{name: "in the clone", out: "out/deep"},
	{name: "in the second checkout", target: "sub", out: "sub/out"},
	{name: "beside the second checkout", target: "sub", out: "out"},

	{name: "default, outside", plant: linkTo("../../outside", ".kaizen/prepared"), want: "is a link"},
	{name: "default, inside", plant: linkTo("../real", ".kaizen/prepared"), want: "is a link"},
	{name: "default, .git", plant: linkTo("../.git", ".kaizen/prepared"), want: "is a link"},
	{name: "default, hooks", plant: linkTo("../.git/hooks", ".kaizen/prepared"), want: "is a link"},
	{name: "default, dangling", plant: linkTo("../new", ".kaizen/prepared"), want: "is a link"},
	{name: "default, dangling outside", plant: linkTo("../../outside/new", ".kaizen/prepared"), want: "is a link"},
	{name: "default, dangling in .git", plant: linkTo("../.git/new", ".kaizen/prepared"), want: "is a link"},
	{name: "default, to itself", plant: linkTo("prepared", ".kaizen/prepared"), want: "is a link"},
	{name: "default, absolute", plant: linkTo("/tmp", ".kaizen/prepared"), want: "is a link"},
	{name: "default, a file", plant: func(dir string) error {
		return os.WriteFile(dir+"/.kaizen/prepared", nil, 0o600)
	}, want: "not a directory"},

	{name: "named, outside", plant: linkTo("../outside", "out"), out: "out", want: "is a link"},
	{name: "named, inside", plant: linkTo("real", "out"), out: "out", want: "is a link"},
	{name: "named, hooks", plant: linkTo(".git/hooks", "out"), out: "out", want: "is a link"},
	{name: "named, dangling", plant: linkTo("new", "out"), out: "out", want: "is a link"},
	{name: "first part, outside", plant: linkTo("../outside", "out"), out: "out/deep", want: "is a link"},
	{name: "first part, inside", plant: linkTo("real", "out"), out: "out/deep", want: "is a link"},
	{name: "first part, .git", plant: linkTo(".git", "out"), out: "out/hooks", want: "is a link"},
	{name: "first part, dangling", plant: linkTo(".git/new", "out"), out: "out/deep", want: "is a link"},
	{name: "second part, .git", plant: linkTo("../.git", "a/out"), out: "a/out/hooks", want: "is a link"},
	{name: "second part, outside", plant: linkTo("../../outside", "a/out"), out: "a/out/deep", want: "is a link"},
	{name: "last of three, outside", plant: linkTo("../../../outside", "a/b/out"), out: "a/b/out", want: "is a link"},

	{name: ".git", out: ".git", want: "leaves the checkout"},
	{name: "hooks", out: ".git/hooks", want: "leaves the checkout"},
	{name: "new in .git", out: ".git/new/deep", want: "leaves the checkout"},
	{name: ".GIT", out: ".GIT/hooks", want: "leaves the checkout"},
	{name: ".git of the second checkout", target: "sub", out: "sub/.git/x", want: "leaves the checkout"},
	{name: ".git of the clone, from the second checkout", target: "sub", out: ".git/x", want: "leaves the checkout"},

	// The clone is not the target, but it is as hostile.
	{name: "beside the target, outside", plant: linkTo("../outside", "out"), target: "sub", out: "out",
		want: "is a link"},
	{name: "beside the target, hooks", plant: linkTo(".git/hooks", "out"), target: "sub", out: "out",
		want: "is a link"},
	{name: "beside the target, part", plant: linkTo(".git", "out"), target: "sub", out: "out/new", want: "is a link"},

	{name: "target, a link inside", plant: linkTo("sub", "current"), target: "current"},
	{name: "target, a link inside, and out", plant: linkTo("sub", "current"), target: "current", out: "current/out"},
	{name: "target, a link outside", plant: linkTo("../checkout", "current"), target: "current", want: "leaves"},
	{name: "target, below a link outside", plant: linkTo("../", "current"), target: "current/checkout", want: "leaves"},
}

// hostileClone makes a clone, a second checkout beside it, and a directory that must not
// change. It returns the directory of all.
func hostileClone(t *testing.T) (base string) {
	t.Helper()
	base, err := filepath.EvalSymlinks(fixture.TempDir(t))
	fixture.Must(t, err)
	for _, dir := range []string{"clone", "clone/sub", "checkout"} {
		fixture.Write(t, filepath.Join(base, dir), map[string]string{
			".kaizen/schedule.yml": "version: \"1\"\nrepo: web\nagents:\n  coach: {cadence: weekly}\n",
			"agents/coach.md":      "x", ".git/HEAD": "ref: refs/heads/main\n", ".git/hooks/x": "x", "real/x": "x"})
	}
	fixture.Must(t, os.MkdirAll(filepath.Join(base, "outside"), 0o755))
	return base
}

// newFiles lists what is in the second listing only.
func newFiles(before, after map[string]string) (added []string) {
	for name := range maps.Keys(after) {
		if _, ok := before[name]; !ok {
			added = append(added, name)
		}
	}
	slices.Sort(added)
	return added
}

// all lists every path below dir, links not followed.
func all(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	fixture.Must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path) // path is below dir
		found[filepath.ToSlash(name)] = e.Type().String()
		return err
	}))
	return found
}

// TestOutInAHostileClone prepares into directories that a clone plants, on a terminal and
// in a container. Nothing may appear but at the place itself.
func TestOutInAHostileClone(t *testing.T) {
	t.Parallel()
	for _, tt := range hostilePlaces {
		for _, where := range []string{"terminal", "container"} {
			t.Run(tt.name+" "+where, func(t *testing.T) {
				t.Parallel()
				base := hostileClone(t)
				dir := filepath.Join(base, "clone")
				if tt.plant != nil {
					fixture.Must(t, tt.plant(dir))
				}
				before := all(t, base)
				args := []string{"prepare", "coach", "--now", tuesday, "--target", filepath.Join(dir, tt.target)}
				if tt.out != "" {
					args = append(args, "--out", filepath.Join(dir, tt.out))
				}
				var out bytes.Buffer
				code := runWith(t, t.Context(), args, placeVars(t, where, dir), &out, &out)
				added := newFiles(before, all(t, base))
				if tt.want != "" {
					refused := strings.Contains(out.String(), tt.want) ||
						where == "container" && strings.Contains(out.String(), "a link leads out of the workspace")
					if code != exitUsage || !refused || len(added) > 0 {
						t.Errorf("exit code %d, want %q, new are %q\n%s", code, tt.want, added, out.String())
					}
					return
				}
				if code != exitOK || len(added) == 0 {
					t.Fatalf("exit code %d, new are %q\n%s", code, added, out.String())
				}
				place := tt.out
				if place == "" {
					place = filepath.Join(tt.target, ".kaizen/prepared")
				}
				place = filepath.ToSlash(filepath.Join("clone", strings.Replace(place, "current", "sub", 1)))
				for _, name := range added {
					if name != place && !strings.HasPrefix(name, place+"/") && !strings.HasPrefix(place, name+"/") {
						t.Errorf("%s is new", name)
					}
				}
			})
		}
	}
}

// placeVars is the environment of a run on a terminal, or in the container of a step whose
// workspace is dir.
func placeVars(t *testing.T, where, dir string) map[string]string {
	t.Helper()
	if where == "terminal" {
		return nil
	}
	runner := fixture.TempDir(t)
	return map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": dir, "GITHUB_EVENT_NAME": "schedule",
		"GITHUB_REPOSITORY": "acme/web", "GITHUB_OUTPUT": filepath.Join(runner, "output"),
		"GITHUB_STEP_SUMMARY": filepath.Join(runner, "summary"), "INPUT_HOST-WORKSPACE": "/home/runner/work/web"}
}

// TestReportInAHostileClone writes the report of validate to files that a clone plants.
func TestReportInAHostileClone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		plant func(dir string) error
		out   string
		want  string
	}{
		{"new", nil, "report.json", ""},
		{"replaced", nil, "real/x", ""},
		{"below", nil, "real/report.json", ""},
		{"outside of the clone", nil, "../outside/report.json", ""},
		{"no directory", nil, "none/report.json", "no such file"},
		{"a directory", nil, "real", "is not a regular file"},
		{"the clone", nil, ".", "is not a regular file"},
		{"a link outside", linkTo("../outside/x", "x"), "x", "is not a regular file"},
		{"a link inside", linkTo("real/x", "x"), "x", "is not a regular file"},
		{"a link into .git", linkTo(".git/hooks/post-checkout", "x"), "x", "is not a regular file"},
		{"a dangling link", linkTo("none", "x"), "x", "is not a regular file"},
		{"below a link outside", linkTo("../outside", "d"), "d/x", "is a link"},
		{"below a link inside", linkTo("real", "d"), "d/y", "is a link"},
		{"below a link into .git", linkTo(".git/hooks", "d"), "d/post-checkout", "is a link"},
		{"far below a link", linkTo("../..", "a/d"), "a/d/outside/x", "is a link"},
		{".git", nil, ".git", "leaves the checkout"},
		{".Git", nil, ".Git", "leaves the checkout"},
		{"a hook", nil, ".git/hooks/post-checkout", "leaves the checkout"},
		{"a hook of another checkout", nil, "../checkout/.git/hooks/post-checkout", "leaves the checkout"},
		{"a link of another checkout", linkTo("../outside", "../checkout/d"), "../checkout/d/x", "is a link"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := hostileClone(t)
			dir := filepath.Join(base, "clone")
			if tt.plant != nil {
				fixture.Must(t, tt.plant(dir))
			}
			before, contents := all(t, base), fixture.Tree(t, base+"/clone/.git")
			code, want := exitUsage, tt.want
			if want == "" {
				code, want = exitOK, "0 errors"
			}
			out := action(t, code, "validate", "--target", dir, "--format", "json", "--out", filepath.Join(dir, tt.out))
			if !strings.Contains(out, want) {
				t.Errorf("output %q, want %q", out, want)
			}
			after := all(t, base)
			place := filepath.ToSlash(filepath.Join("clone", tt.out))
			for _, name := range newFiles(before, after) {
				if tt.want != "" || name != place {
					t.Errorf("%s is new", name)
				}
			}
			if tt.want == "" && after[place] != fs.FileMode(0).String() {
				t.Errorf("the report is %q", after[place])
			}
			if !maps.Equal(contents, fixture.Tree(t, base+"/clone/.git")) {
				t.Error(".git has changed")
			}
		})
	}
}

// TestPlacesInAContainer names directories that a step cannot share with later ones.
func TestPlacesInAContainer(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"prepare", "validate", "list", "doctor", "init"} {
		for _, tt := range []struct {
			option, path string
			plant        func(dir string) error
			want         string
		}{
			{"target", "../checkout", nil, "outside the workspace"},
			{"target", "current", linkTo("../checkout", "current"), "a link leads out of the workspace"},
			{"target", "current/checkout", linkTo("..", "current"), "a link leads out of the workspace"},
			{"out", "../outside/x", nil, "outside the workspace"},
			{"out", "/tmp", nil, "outside the workspace"},
			{"out", "x", linkTo("../outside", "x"), "a link leads out of the workspace"},
		} {
			if command == "init" && tt.option == "out" {
				continue
			}
			base := hostileClone(t)
			dir := filepath.Join(base, "clone")
			if tt.plant != nil {
				fixture.Must(t, tt.plant(dir))
			}
			path := tt.path
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			before := all(t, base)
			var out bytes.Buffer
			code := runWith(t, t.Context(), []string{command, "--" + tt.option, path}, placeVars(t, "container", dir),
				&out, &out)
			if code != exitUsage || !strings.Contains(out.String(), tt.want) {
				t.Errorf("%s --%s %s: exit code %d, want %q\n%s", command, tt.option, tt.path, code, tt.want,
					out.String())
			}
			if added := newFiles(before, all(t, base)); len(added) > 0 {
				t.Errorf("%s --%s %s: new are %q", command, tt.option, tt.path, added)
			}
		}
	}
}
