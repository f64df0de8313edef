package discover

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest/graphql"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

var full = flag.Bool("full", false, "list 10,000 repositories")

var testToken = fixture.Canary("github_pat_", "discover")

const (
	valid = "version: \"1\"\ntimezone: Europe/Berlin\nagents:\n  coach: {cadence: weekly, cron: \"0 9 * * 1\"}\n" +
		"  optimization: {cadence: monthly, enabled: false}\n"
	broken = "version: \"1\"\nagents:\n  coach: {cadence: hourly}\n"
)

func file(text string) map[string]string { return map[string]string{schedule.DefaultPath: text} }

// world is a stand-in and the options to list it.
func world(t testing.TB, o graphql.Options, repositories ...graphql.Repository) (*graphql.Server, Options) {
	t.Helper()
	if o.Errorf == nil {
		o.Errorf = t.Errorf
	}
	server := graphql.New(o, repositories...)
	t.Cleanup(server.Close)
	server.AddToken(testToken, true)
	noWait := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	client, err := gh.New(gh.Options{BaseURL: server.URL, Token: testToken, Sleep: noWait, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	return server, Options{
		Owners: []string{"acme"}, File: schedule.DefaultPath, Client: func() (*gh.Client, error) { return client, nil },
		APIURL: server.URL, ServerURL: "https://github.com", Sleep: noWait, Log: t.Logf,
	}
}

func discover(t testing.TB, o Options) *Result {
	t.Helper()
	result, err := Discover(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// lines describes a roster for comparison.
func lines(r *fleet.Roster) string {
	var b strings.Builder
	for _, repo := range r.Repositories {
		fmt.Fprintf(&b, "%s %v", repo.Name, repo.Valid)
		for _, e := range repo.Entries {
			fmt.Fprintf(&b, " %s", e.Agent)
		}
		for _, f := range repo.Findings {
			fmt.Fprintf(&b, " [%d:%d %s]", f.Line, f.Column, f.Rule)
		}
		if repo.Error != "" {
			fmt.Fprintf(&b, " error: %s", repo.Error)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	server, o := world(t, graphql.Options{},
		graphql.Repository{ID: 1, FullName: "acme/web", Files: file(valid), Topics: []string{"shop", "go"}},
		graphql.Repository{ID: 2, FullName: "acme/Api", Files: file(broken), Visibility: "public"},
		graphql.Repository{ID: 3, FullName: "acme/none"},
		graphql.Repository{ID: 4, FullName: "acme/old", Files: file(valid), Archived: true},
		graphql.Repository{ID: 5, FullName: "acme/fork", Files: file(valid), Fork: true},
		graphql.Repository{ID: 6, FullName: "acme/binary", Files: file("version: \x00")},
		graphql.Repository{ID: 7, FullName: "acme/latin", Files: file("# caf\xe9\n" + valid)},
		graphql.Repository{ID: 8, FullName: "acme/cut", Files: file(valid), Truncated: true},
		graphql.Repository{ID: 9, FullName: "acme/huge", Files: file(valid + strings.Repeat("#", schedule.MaxSize))},
		graphql.Repository{ID: 10, FullName: "acme/lfs", Files: file("version https://git-lfs.github.com/spec/v1\n" +
			"oid sha256:" + strings.Repeat("a", 64) + "\nsize 12\n")},
		graphql.Repository{ID: 11, FullName: "acme/link", Files: file("../shared.yml")},
		graphql.Repository{ID: 12, FullName: "other/web", Files: file(valid)},
	)
	got := discover(t, o)
	const want = `acme/Api false [3:20 cadence]
acme/binary false [1:10 encoding]
acme/cut true coach optimization
acme/huge false [0:0 too-large]
acme/latin false [1:6 encoding]
acme/lfs false [1:1 git-lfs]
acme/link false [1:1 link-as-text]
acme/web true coach optimization
`
	if text := lines(got.Roster); text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	if got.Roster.Scanned != 9 || got.Requests != 1 || server.Reads() != 4 {
		t.Errorf("scanned %d with %d requests and %d single reads, want 9, 1 and 4", got.Roster.Scanned, got.Requests,
			server.Reads())
	}
	web := got.Roster.Repositories[7]
	if web.ID != 1 || web.Forge != fleet.GitHub || web.Server != "https://github.com" || web.DefaultBranch != "main" ||
		web.Visibility != "private" || strings.Join(web.Topics, " ") != "go shop" || web.Slug != "web" ||
		web.Timezone != "Europe/Berlin" || web.Blob != graphql.BlobID(valid) || len(web.Commit) != 40 {
		t.Errorf("got %+v", web)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	_, o := world(t, graphql.Options{},
		graphql.Repository{FullName: "acme/web", Files: file(valid), Topics: []string{"shop"}},
		graphql.Repository{FullName: "acme/web-old", Files: file(valid), Visibility: "public", Archived: true},
		graphql.Repository{FullName: "acme/api", Files: file(valid), Visibility: "internal", Fork: true},
	)
	tests := []struct {
		name   string
		filter Filter
		want   string
	}{
		{"default", Filter{}, "acme/web"},
		{"all", Filter{Forks: true, Archived: true}, "acme/api acme/web acme/web-old"},
		{"name", Filter{Match: []string{"web*"}, Archived: true}, "acme/web acme/web-old"},
		{"excluded", Filter{Match: []string{"!*-old"}, Archived: true, Forks: true}, "acme/api acme/web"},
		{"both", Filter{Match: []string{"WEB*", "!*-old"}, Archived: true}, "acme/web"},
		{"owner", Filter{Match: []string{"acme/a*"}, Forks: true}, "acme/api"},
		{"topic", Filter{Topics: []string{"Shop", "x"}, Forks: true}, "acme/web"},
		{"visibility", Filter{Visibility: "public", Archived: true}, "acme/web-old"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Filter = tt.filter
			var names []string
			for _, r := range discover(t, o).Roster.Repositories {
				names = append(names, r.Name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if err := (Filter{Match: []string{"[a"}}).Check(); err == nil {
		t.Error("an invalid pattern passes")
	}
}

// TestPartialAnswers checks that what one answer leaves out is asked for again, and what
// stays unknown is in the roster with its error.
func TestPartialAnswers(t *testing.T) {
	t.Parallel()
	var repositories []graphql.Repository
	for i := range 120 {
		repositories = append(repositories,
			graphql.Repository{FullName: fmt.Sprintf("acme/r%03d", i), Files: file(valid)})
	}
	server, o := world(t, graphql.Options{Fault: func(n int, q graphql.Query) graphql.Fault {
		switch {
		case n == 1:
			return graphql.Fault{Limited: true, Keep: 30}
		case n == 3:
			return graphql.Fault{Status: 502}
		}
		return graphql.Fault{Broken: []string{"acme/r077"}}
	}}, repositories...)
	got := discover(t, o)
	if len(got.Roster.Repositories) != 120 || len(got.Failures) > 0 {
		t.Fatalf("got %d repositories, and the failures %q", len(got.Roster.Repositories), got.Failures)
	}
	for _, r := range got.Roster.Repositories {
		if r.Valid == (r.Name == "acme/r077") || (r.Error != "") != (r.Name == "acme/r077") {
			t.Errorf("%s: valid %v, error %q", r.Name, r.Valid, r.Error)
		}
	}
	if n := len(server.Queries()); n > 16 || n != got.Requests {
		t.Errorf("%d queries, counted %d", n, got.Requests)
	}
}

func TestListingFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		owner string
		fault graphql.Fault
		want  string
	}{
		{"unknown owner", "missing", graphql.Fault{}, "list the repositories of missing: not found"},
		{"always 502", "acme", graphql.Fault{Status: 502}, "502 the API is not available now"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, o := world(t, graphql.Options{Fault: func(int, graphql.Query) graphql.Fault { return tt.fault }},
				graphql.Repository{FullName: "acme/web"})
			o.Owners = []string{tt.owner}
			_, err := Discover(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestEndlessListing checks what ends a listing, each without the others: a cursor that
// repeats, one that is too long, and more repositories than an owner may have.
func TestEndlessListing(t *testing.T) {
	t.Parallel()
	const enough = 5 // pages, after which the listing ends by itself
	tests := []struct {
		name    string
		cursor  func(n int) string // of a page, counted from 1
		seen    int                // repositories of the runs before
		queries int
	}{
		{"a cursor repeats", func(int) string { return "c" }, 0, 2},
		{"a cycle", func(n int) string { return fmt.Sprint("c", n%2) }, 0, 3},
		{"a long cursor", func(n int) string { return strings.Repeat("c", maxCursor+n) }, 0, 1},
		{"too many repositories", func(n int) string { return fmt.Sprint("c", n) }, maxSeen - 1, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, o := world(t, graphql.Options{Fault: func(n int, _ graphql.Query) graphql.Fault {
				return graphql.Fault{Raw: page(`"acme/a"`, tt.cursor(n), n < enough)}
			}}, graphql.Repository{FullName: "acme/a"})
			o.Cursor = Cursor{Path: filepath.Join(t.TempDir(), "cursor.json"), Log: t.Logf}
			fixture.Must(t, o.Cursor.write(&state{Version: fleet.Version, Key: o.key(), Seen: tt.seen,
				Failures: []string{}, Repositories: []fleet.Repository{}}))
			_, err := Discover(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), "the server's pages do not end") {
				t.Errorf("got %v", err)
			}
			if got := len(server.Queries()); got != tt.queries {
				t.Errorf("%d queries, want %d", got, tt.queries)
			}
		})
	}
}

func page(name, cursor string, more bool) string {
	return fmt.Sprintf(`{"data":{"repositoryOwner":{"repositories":{"totalCount":1,"pageInfo":{"hasNextPage":%v,`+
		`"endCursor":%q},"edges":[{"cursor":%[2]q,"node":{"databaseId":-5,"nameWithOwner":%s,"visibility":"X\u202e",`+
		`"repositoryTopics":{"nodes":[{"topic":{"name":"a\u0000b"}},{"topic":{"name":"ok"}}]},`+
		`"defaultBranchRef":{"name":"m\n::error::x","target":{"oid":"../x"}},`+
		`"object":{"__typename":"Tree","oid":"zz"}}}]}}}}`, more, cursor, name)
}

// TestHostileAnswers checks that names and texts of a server never become a part of a
// path, a roster or a line of the log as they are.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`"acme/../../user"`, `"acme/x\n::error::y"`, `"evil/web"`, `""`, `"acme"`} {
		server, o := world(t, graphql.Options{Fault: func(int, graphql.Query) graphql.Fault {
			return graphql.Fault{Raw: page(name, "c", false)}
		}}, graphql.Repository{FullName: "acme/web"})
		got := discover(t, o)
		if len(got.Roster.Repositories) != 0 || len(got.Failures) != 1 || strings.Contains(got.Failures[0], "\n") {
			t.Errorf("%s: got %+v and the failures %q", name, got.Roster, got.Failures)
		}
		if server.Reads() != 0 {
			t.Errorf("%s: it was read", name)
		}
	}
	_, o := world(t, graphql.Options{Fault: func(int, graphql.Query) graphql.Fault {
		return graphql.Fault{Raw: page(`"acme/web"`, "c", false)}
	}}, graphql.Repository{FullName: "acme/web"})
	r := discover(t, o).Roster.Repositories[0]
	if r.ID != 0 || r.DefaultBranch != "m ::error::x" || r.Commit != "" || r.Blob != "" || r.Visibility != "" ||
		strings.Join(r.Topics, " ") != "ok" || r.Findings[0].Rule != "unreadable" {
		t.Errorf("got %+v", r)
	}
}

// TestBigFleet lists a large organisation: in few requests, the same on every run, and
// when the run is cut off and continued. cmd/action.TestDiscoverBigFleet measures it.
func TestBigFleet(t *testing.T) {
	t.Parallel()
	n, limit := 1_000, 40
	if *full {
		n, limit = 10_000, 260
	}
	repositories := graphql.Fleet(n)
	server, o := world(t, graphql.Options{Fault: graphql.Trouble}, repositories...)
	first := discover(t, o)
	if got := len(server.Queries()); got > limit || got != first.Requests {
		t.Errorf("%d listing requests, counted %d, want at most %d", got, first.Requests, limit)
	}
	c := first.Roster.Count()
	if first.Roster.Scanned != n || c.Repositories != n*12/100 || c.Invalid != n*12/100/30 || c.Unreadable != 0 {
		t.Errorf("scanned %d, counts %+v", first.Roster.Scanned, c)
	}
	want := first.Roster.Encode()
	_, o = world(t, graphql.Options{Fault: graphql.Trouble}, repositories...)
	if got := discover(t, o).Roster.Encode(); !bytes.Equal(got, want) {
		t.Error("the second roster differs")
	}
	t.Run("resumed", func(t *testing.T) { resume(t, repositories, want) })
}

// resume cuts a listing off at several places and continues it.
func resume(t *testing.T, repositories []graphql.Repository, want []byte) {
	_, o := world(t, graphql.Options{Fault: graphql.Trouble}, repositories...)
	o.Cursor = Cursor{Path: filepath.Join(t.TempDir(), "cursor.json"), Log: t.Logf}
	stop := errors.New("killed")
	for range 3 {
		ctx, cancel := context.WithCancelCause(t.Context())
		o.Progress = func(p Progress) {
			if p.Page == len(repositories)/250 {
				cancel(stop)
			}
		}
		if _, err := Discover(ctx, o); err == nil {
			t.Fatal("the run was not cut off")
		}
	}
	o.Progress = nil
	result := discover(t, o)
	if got := result.Roster.Encode(); !bytes.Equal(got, want) {
		t.Error("the roster of the resumed run differs")
	}
	if pages := len(repositories)/50 + 1; result.Requests > pages {
		t.Errorf("the last run made %d requests, as many as a whole listing", result.Requests)
	}
	if got := discover(t, o).Roster.Encode(); !bytes.Equal(got, want) {
		t.Error("the run after a complete one differs")
	}
}

func TestCursorOfOthers(t *testing.T) {
	t.Parallel()
	_, o := world(t, graphql.Options{}, graphql.Repository{FullName: "acme/web", Files: file(valid)})
	key := o.key()
	tests := []struct{ name, content, want string }{
		{"other listing", `{"version":"1","key":"x","owner":0,"after":"","seen":0,"scanned":0,"done":false,` +
			`"failures":[],"repositories":[]}`, "another listing"},
		{"not JSON", "hello", "unusable"},
		{"unknown key", `{"version":"1","key":"` + key + `","x":1}`, "unknown field"},
		{"owner out of range", `{"version":"1","key":"` + key + `","owner":7,"repositories":[]}`, "numbers"},
		{"negative owner", `{"version":"1","key":"` + key + `","owner":-1,"repositories":[]}`, "numbers"},
		{"hostile repository", `{"version":"1","key":"` + key + `","repositories":[{"name":"acme/../x"}]}`,
			"name must be"},
		{"huge cursor", `{"version":"1","key":"` + key + `","after":"` + strings.Repeat("x", maxCursor+1) +
			`","repositories":[]}`, "numbers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Cursor = Cursor{Path: filepath.Join(t.TempDir(), "cursor.json"), Log: t.Logf}
			if err := os.WriteFile(o.Cursor.Path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Discover(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), tt.want) ||
				!strings.Contains(err.Error(), "remove the file") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzCursor(f *testing.F) {
	o := &Options{Owners: []string{"acme"}}
	f.Add([]byte(`{"version":"1","key":"` + o.key() + `","owner":0,"scanned":1,"repositories":[]}`))
	path := filepath.Join(f.TempDir(), "cursor.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Cursor{Path: path}.read(t.Context(), o)
		if err == nil && (s.Owner != 0 || s.Key != o.key() || cmp.Compare(s.Scanned, len(s.Repositories)) < 0) {
			t.Errorf("accepted %+v", s)
		}
	})
}

// A directory that cannot be listed may have checkouts: the roster must not look complete.
// One that was removed meanwhile has none.
func TestUnreadableDirectory(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	fixture.Must(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o600))
	tree, err := checkout.Open(root)
	fixture.Must(t, err)
	defer tree.Close()
	w := &search{run: &run{done: map[string]bool{}}, tree: tree}
	for _, dir := range []string{"file", "gone", "file"} {
		fixture.Must(t, w.visit(t.Context(), dir, 1))
	}
	got, err := w.finish()
	fixture.Must(t, err)
	if len(got.Failures) != 1 || !strings.Contains(got.Failures[0], `file" may have checkouts: `) {
		t.Errorf("the failures are %q", got.Failures)
	}
}

// TestCheck refuses filters that the sources do not know, instead of an empty roster.
func TestCheck(t *testing.T) {
	t.Parallel()
	root := []string{"."}
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, "nothing says where the repositories are"},
		{Options{Roots: root, Filter: Filter{Topics: []string{"x"}}}, "topic, visibility and cursor"},
		{Options{Hub: "hub.json", Filter: Filter{Visibility: "public"}}, "topic, visibility and cursor"},
		{Options{Roots: root, Cursor: Cursor{Path: "cursor.json"}}, "topic, visibility and cursor"},
		{Options{Owners: []string{"acme"}, Filter: Filter{Domain: "x"}}, "only the State Hub knows"},
		{Options{Roots: root, Host: "a", Chosen: true}, "only the State Hub knows"},
		{Options{Owners: []string{"acme"}, Hub: "hub.json", Chosen: true, Cursor: Cursor{Path: "c"},
			Filter: Filter{Topics: []string{"x"}, Visibility: "public", Domain: "x"}}, ""},
	} {
		err := tt.o.Check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.o, err, tt.want)
		}
	}
}
