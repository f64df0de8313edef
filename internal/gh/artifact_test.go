package gh

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

const weekly = "kaizen.web.coach.2026-W48"

// listings are servers whose pages differ in size and order.
var listings = map[string]ghtest.Options{
	"GitHub": {}, "thirty a page": {PageSize: 30}, "Gitea": {Gitea: true}, "Gitea, thirty": {Gitea: true, PageSize: 30},
}

// TestArtifacts searches among artifacts of two names, on servers with other pages than
// those asked for.
func TestArtifacts(t *testing.T) {
	t.Parallel()
	for name, options := range listings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client, _ := setup(t, options)
			for i := range 250 {
				name := weekly
				if i%2 == 1 {
					name = "other"
				}
				server.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: name, Zip: []byte("zip"), RunID: 1,
					HeadBranch: "main"})
			}
			for _, limit := range []int{0, 1, 30, 100, 124, 125, 1000} {
				list, complete, err := client.Artifacts(t.Context(), "acme/web", weekly, limit)
				if err != nil || complete != (limit >= 125) {
					t.Fatalf("limit %d: complete %t, %v", limit, complete, err)
				}
				if want := min(limit, 125); len(list) != want {
					t.Errorf("limit %d: %d artifacts, want %d", limit, len(list), want)
				}
				for i, a := range list {
					if a.ID != int64(249-2*i) {
						t.Fatalf("limit %d: artifact %d has id %d, want %d", limit, i, a.ID, 249-2*i)
					}
				}
			}
		})
	}
}

// pageOf is an answer with the artifacts of these ids.
func pageOf(total int, ids ...int) ghtest.Fault {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"id":%d,"name":%q}`, id, weekly))
	}
	return ghtest.Status(200, fmt.Sprintf(`{"total_count":%d,"artifacts":[%s]}`, total, strings.Join(items, ",")))
}

// TestIncompleteSearches has artifacts that are deleted between two pages, which moves
// others to a page that was already read, and servers that list fewer than they count.
func TestIncompleteSearches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		pages    []ghtest.Fault // the last one again and again
		found    int
		complete bool
		requests int
	}{
		{"one is deleted", []ghtest.Fault{pageOf(3, 9, 8), pageOf(2), pageOf(2, 8, 7)}, 3, true, 3},
		{"one after the other is deleted", []ghtest.Fault{pageOf(4, 9, 8), pageOf(3), pageOf(3, 8, 7), pageOf(2)},
			3, false, 4},
		{"one comes meanwhile", []ghtest.Fault{pageOf(3, 9, 8), pageOf(4, 8, 7)}, 3, true, 2},
		{"a page is empty", []ghtest.Fault{pageOf(3, 9), pageOf(3)}, 1, false, 3},
		{"all pages are the same", []ghtest.Fault{pageOf(3, 9)}, 1, false, 4},
	} {
		server, client, _ := setup(t, ghtest.Options{})
		for i, page := range test.pages {
			times := 1
			if i+1 == len(test.pages) {
				times = always
			}
			server.Fail("GET /repos/*/*/actions/artifacts", times, page)
		}
		found, complete, err := client.Artifacts(t.Context(), "acme/web", weekly, 1000)
		if err != nil || len(found) != test.found || complete != test.complete {
			t.Errorf("%s: found %+v, complete %t, %v", test.name, found, complete, err)
		}
		if n := len(server.Requests()); n != test.requests {
			t.Errorf("%s: %d requests, want %d", test.name, n, test.requests)
		}
	}
}

func TestArtifactPage(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		size  int
		first int64
	}{"GitHub": {100, 250}, "thirty a page": {30, 250}, "Gitea": {50, 1}, "Gitea, thirty": {30, 1}} {
		server, client, _ := setup(t, listings[name])
		for i := range 250 {
			server.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: "n", Zip: []byte("zip"),
				RunID:      int64(i + 1),
				HeadBranch: "main"})
		}
		list, total, err := client.ArtifactPage(t.Context(), "acme/web", 1)
		if err != nil || total != 250 || len(list) != want.size || list[0].ID != want.first {
			t.Errorf("%s: %d of %d, %v", name, len(list), total, err)
			continue
		}
		a, isGitea := list[1], listings[name].Gitea
		if a.Name != "n" || a.RunID != a.ID || a.RepositoryID == 0 || a.Size != 3 || a.CreatedAt.IsZero() ||
			a.ExpiresAt.IsZero() || OldestFirst(list) != isGitea {
			t.Errorf("%s: artifact = %+v", name, a)
		}
		listed := a.HeadBranch == "main" && a.HeadRepositoryID == a.RepositoryID &&
			strings.HasPrefix(a.Digest, "sha256:")
		if listed == isGitea {
			t.Errorf("%s: artifact = %+v", name, a)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, gitea := range []bool{false, true} {
		server, client, _ := setup(t, ghtest.Options{Gitea: gitea})
		server.AddRepository(ghtest.Repository{ID: 77, FullName: "acme/web"})
		server.AddRun(ghtest.Run{ID: 5, Repository: "acme/web", HeadBranch: "main", Event: "push",
			Status: "completed", Conclusion: "success"})
		want := Run{ID: 5, Event: "push", HeadBranch: "main", Path: ".github/workflows/kaizen.yml", RepositoryID: 77,
			HeadRepositoryID: 77, Status: "completed", Conclusion: "success",
			URL: server.URL() + "/acme/web/actions/runs/5"}
		if gitea {
			want.Path, want.HeadRepositoryID = "kaizen.yml@refs/heads/main", 0
		}
		if got, err := client.Run(t.Context(), "acme/web", 5); err != nil || got != want {
			t.Errorf("Gitea %t: got %+v, %v", gitea, got, err)
		}
		if _, err := client.Run(t.Context(), "acme/web", 6); kindOf(err) != NotFound {
			t.Errorf("Gitea %t: %v", gitea, err)
		}
		server.Fail("GET /repos/*/*/actions/runs/*", always, ghtest.Status(200, `{"id":7,"head_branch":"main"}`))
		if _, err := client.Run(t.Context(), "acme/web", 5); kindOf(err) != Invalid {
			t.Errorf("Gitea %t: another run: %v", gitea, err)
		}
	}
}

// TestArtifact describes one artifact, and trusts no answer about another one.
func TestArtifact(t *testing.T) {
	t.Parallel()
	for name, options := range listings {
		server, client, _ := setup(t, options)
		id := server.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: weekly, Zip: []byte("zip"), RunID: 7,
			HeadBranch: "main"})
		got, err := client.Artifact(t.Context(), "acme/web", id)
		if err != nil || got.ID != id || got.Name != weekly || got.RunID != 7 || got.Size != 3 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		_, err = client.Artifact(t.Context(), "acme/web", id+1)
		var e *Error
		if !errors.As(err, &e) || e.Kind != NotFound || !strings.Contains(e.Hint, "actions: read") {
			t.Errorf("%s: a missing one: %v", name, err)
		}
		if _, err := client.Artifact(t.Context(), "acme/../x", id); err == nil {
			t.Errorf("%s: a path is taken for a repository", name)
		}
		server.Fail("GET /repos/*/*/actions/artifacts/*", 1, ghtest.Status(200, `{"id":99}`))
		if _, err := client.Artifact(t.Context(), "acme/web", id); err == nil ||
			!strings.Contains(err.Error(), "the API describes artifact 99 instead") {
			t.Errorf("%s: another one: %v", name, err)
		}
	}
}
