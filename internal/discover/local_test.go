package discover

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest/graphql"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// clones writes checkouts below dir, by their path the repository of their remote.
func clones(t *testing.T, dir string, remotes map[string]string) {
	t.Helper()
	for path, repository := range remotes {
		fixture.Write(t, filepath.Join(dir, path), map[string]string{
			".git/HEAD":   strings.Repeat("a", 40) + "\n",
			".git/config": "[remote \"origin\"]\n\turl = https://github.com/" + repository + ".git\n",

			schedule.DefaultPath: valid,
		})
	}
}

// placed describes a roster by forge, name and path below dir.
func placed(r *fleet.Roster, dir string) string {
	var list []string
	for _, repo := range r.Repositories {
		list = append(list, fmt.Sprint(repo.Forge, " ", repo.Name, strings.TrimPrefix(repo.Root, dir)))
	}
	return strings.Join(list, ", ")
}

// A checkout that several roots reach is one. Two clones of a repository stay two.
func TestRootsThatOverlap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clones(t, dir, map[string]string{"a/web": "acme/web", "b/web": "acme/web", "b/api": "acme/api"})
	fixture.Write(t, dir, map[string]string{"b/plain/.git/HEAD": "ref: refs/heads/main\n"})
	const all = "local acme/api/b/api, local acme/web/a/web, local acme/web/b/web"
	for _, tt := range []struct {
		roots, want string
		scanned     int
	}{
		{".", all, 4},
		{". .", all, 4},
		{". a/..", all, 4},
		{". a b", all, 4},
		{"b a .", all, 4},
		{"a/web a", "local acme/web/a/web", 1},
	} {
		t.Run(tt.roots, func(t *testing.T) {
			t.Parallel()
			o := Options{File: schedule.DefaultPath, ServerURL: "https://github.com", Log: t.Logf}
			for root := range strings.FieldsSeq(tt.roots) {
				o.Roots = append(o.Roots, dir+"/"+root)
			}
			got := discover(t, o).Roster
			if text := placed(got, dir); text != tt.want || got.Scanned != tt.scanned {
				t.Errorf("got %s, scanned %d; want %s, %d", text, got.Scanned, tt.want, tt.scanned)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	const server = "https://github.com"
	on := func(forge fleet.Forge, server, root string) fleet.Repository {
		return fleet.Repository{Name: "acme/web", Forge: forge, Server: server, Root: root}
	}
	for _, tt := range []struct {
		name    string
		found   []fleet.Repository
		want    string
		dropped int
	}{
		{"two clones, each twice", []fleet.Repository{on(fleet.Local, server, "/a"), on(fleet.Local, server, "/b"),
			on(fleet.Local, server, "/a"), on(fleet.Local, server, "/b")}, "local acme/web/a, local acme/web/b", 2},
		{"one without a path, twice", []fleet.Repository{on(fleet.Local, "", ""), on(fleet.Local, "", "/b"),
			on(fleet.Local, "", "")}, "local acme/web, local acme/web/b", 1},
		{"two clones of a listed one", []fleet.Repository{on(fleet.Local, server, "/a"), on(fleet.Local, server, "/b"),
			on(fleet.GitHub, server, "")}, "github acme/web/a", 2},
		{"listed twice", []fleet.Repository{on(fleet.GitHub, server, ""), on(fleet.GitHub, server, "")},
			"github acme/web", 1},
		{"two servers", []fleet.Repository{on(fleet.GitHub, server, ""), on(fleet.Local, "https://x.example", "/a")},
			"github acme/web, local acme/web/a", 0},
	} {
		merged, dropped := merge(tt.found)
		if got := placed(&fleet.Roster{Repositories: merged}, ""); got != tt.want || dropped != tt.dropped {
			t.Errorf("%s: got %s, dropped %d; want %s, %d", tt.name, got, dropped, tt.want, tt.dropped)
		}
	}
}

// The end of a run is no error of the checkout that it was reading.
func TestRunEndsInACheckout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clones(t, dir, map[string]string{"web": "acme/web"})
	ctx, cancel := context.WithCancel(t.Context())
	tree, err := checkout.OpenContext(ctx, dir)
	fixture.Must(t, err)
	defer tree.Close()
	r := &run{Options: Options{File: schedule.DefaultPath, HostPath: func(dir string) string {
		cancel() // while the checkout is read
		return dir
	}}, done: map[string]bool{}}
	if err := (&search{run: r, tree: tree}).visit(ctx, ".", 0); !errors.Is(err, context.Canceled) {
		t.Errorf("below a root: got %v", err)
	}
	if err := (&search{run: r, tree: tree}).visit(ctx, ".", 0); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: got %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	r.hub = &hub{host: "desk", repositories: []hubRepository{{Slug: "web",
		HostPaths: map[string]string{"desk": filepath.Join(dir, "web")}}}}
	if err := r.hubCheckouts(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("of the State Hub: got %v", err)
	}
	if len(r.state.Repositories) > 0 || len(r.state.Failures) > 0 {
		t.Errorf("got %+v", r.state)
	}
}

// A checkout shows neither topics nor visibility: with these filters the listing decides
// about the repositories of an owner, and the others stay.
func TestFiltersOfCheckouts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clones(t, dir, map[string]string{"web": "acme/web", "api": "Acme/api", "new": "acme/new", "tool": "other/tool"})
	_, o := world(t, graphql.Options{},
		graphql.Repository{FullName: "acme/web", Files: file(valid), Topics: []string{"agents"}},
		graphql.Repository{FullName: "acme/api", Files: file(valid), Visibility: "public"},
		graphql.Repository{FullName: "acme/new"})
	o.Roots = []string{dir}
	for _, tt := range []struct {
		name   string
		filter Filter
		want   string
	}{
		{"none", Filter{}, "github acme/api/api, local acme/new/new, github acme/web/web, local other/tool/tool"},
		{"topic", Filter{Topics: []string{"agents"}}, "github acme/web/web, local other/tool/tool"},
		{"visibility", Filter{Visibility: "public"}, "github acme/api/api, local other/tool/tool"},
		{"both", Filter{Visibility: "public", Topics: []string{"agents"}}, "local other/tool/tool"},
		{"name", Filter{Match: []string{"acme/*"}, Topics: []string{"agents"}}, "github acme/web/web"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Filter = tt.filter
			if got := placed(discover(t, o).Roster, dir); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
