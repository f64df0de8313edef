package gitea

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	// factWorkflow starts in every way that a fact needs. Gitea's crons may have @every.
	factWorkflow = `on:
  pull_request:
  schedule:
    - cron: "@every 1s"
  workflow_dispatch:
    inputs:
      event:
        type: string
jobs:
  fact:
    runs-on: ubuntu-latest
    steps:
      - run: "true"
`
	// nullWorkflow declares an input without properties.
	nullWorkflow = `on:
  push:
  workflow_dispatch:
    inputs:
      event:
jobs:
  fact:
    runs-on: ubuntu-latest
    steps:
      - run: "true"
`
	// plainWorkflow declares no input.
	plainWorkflow = `on: workflow_dispatch
jobs:
  fact:
    runs-on: ubuntu-latest
    steps:
      - run: "true"
`
)

// facts is the state that the checks of TestServerFacts share.
type facts struct {
	*runner
	other *repository // of the same owner
	job   *job        // of the default branch, running
}

// TestServerFacts checks what the program assumes about Gitea, and what the stand-in of
// internal/ghtest has to imitate. When a new version of the server breaks an assumption,
// this test fails, even if the program copes.
func TestServerFacts(t *testing.T) {
	t.Parallel()
	r := newRepository(t, "facts", map[string]string{
		".gitea/workflows/fact.yml":  factWorkflow,
		".gitea/workflows/plain.yml": plainWorkflow,
	})
	f := &facts{runner: r.newRunner(t)}
	f.other = newRepository(t, "facts-other", map[string]string{".gitea/workflows/fact.yml": factWorkflow})
	f.job = f.dispatch(t, "fact.yml", "main")
	for _, check := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"job", f.checkJob},
		{"run", f.checkRun},
		{"upload", f.checkUpload},
		{"listing", f.checkListing},
		{"dispatch", f.checkDispatch},
		{"inputs", f.checkInputs},
		{"refused", f.checkRefused},
		{"repository dispatch", f.checkRepositoryDispatch},
		{"tag", f.checkTag},
		{"pull request", f.checkPullRequest},
		{"schedule", f.checkSchedule},
		{"null", f.checkNull},
		{"directories", f.checkDirectories},
		{"permissions", f.checkPermissions},
		{"rename", f.checkRename},
		{"end", f.checkEnd},
	} {
		t.Run(check.name, check.run)
	}
}

// checkJob checks what a job is given. It lacks the repository's id, except in the event.
func (f *facts) checkJob(t *testing.T) {
	j := f.job
	got := fmt.Sprint(j.EventName, j.Ref, j.RefName, j.RefType, j.Repository, j.RetentionDays == "", j.Workflow)
	if want := fmt.Sprint("workflow_dispatch", "refs/heads/main", "main", "branch", f.repository.name, true,
		"fact.yml"); got != want {
		t.Errorf("the job is %s, want %s", got, want)
	}
	f.checkEvent(t, j)
	if j.has("repository_id") || j.has("repository_owner_id") {
		t.Error("the job knows the id of its repository")
	}
}

// checkEvent checks that the event of a job has the repository.
func (f *facts) checkEvent(t *testing.T, j *job) {
	t.Helper()
	var event struct {
		Repository struct {
			ID            int64  `json:"id"`
			DefaultBranch string `json:"default_branch"`
		}
	}
	if err := json.Unmarshal(j.Event, &event); err != nil {
		t.Fatal(err)
	}
	if event.Repository.ID != f.repository.id || event.Repository.DefaultBranch != "main" {
		t.Errorf("the event has %+v of repository %d", event, f.repository.id)
	}
}

// run is a run as the API describes it.
type run struct {
	Event      string `json:"event"`
	Path       string `json:"path"`
	HeadBranch string `json:"head_branch"`
	Repository struct {
		ID int64 `json:"id"`
	} `json:"repository"`
	HeadRepository json.RawMessage `json:"head_repository"`
}

// runOf asks for the run of a job.
func (f *facts) runOf(t *testing.T, j *job) run {
	t.Helper()
	var r run
	got := server.api(t, j.Token, http.MethodGet, f.repository.path("/actions/runs/%s", j.RunID), nil)
	if got.status != http.StatusOK {
		t.Fatalf("the run answers %d: %s", got.status, got.body)
	}
	got.decode(t, &r)
	if r.Repository.ID != f.repository.id || r.HeadRepository != nil {
		t.Errorf("run %s is of repository %d, head %s", j.RunID, r.Repository.ID, r.HeadRepository)
	}
	return r
}

// checkRun checks that a run names its branch, and its workflow without the directory.
func (f *facts) checkRun(t *testing.T) {
	if r := f.runOf(t, f.job); r.HeadBranch != "main" || r.Event != "workflow_dispatch" ||
		r.Path != "fact.yml@refs/heads/main" {
		t.Errorf("the run is %+v", r)
	}
}

// checkUpload checks that a name can be stored twice in a run: the second content
// replaces the first, under the same id.
func (f *facts) checkUpload(t *testing.T) {
	first := f.job.upload(t, "one", []byte("first"), time.Time{})
	second := f.job.upload(t, "one", []byte("second"), time.Time{})
	if first != second {
		t.Errorf("the artifact is %d, then %d", first, second)
	}
	if content := f.download(t, second); content != "second" {
		t.Errorf("the artifact is %q", content)
	}
}

// checkListing checks that the listing begins with the oldest artifact, reads limit and
// not per_page, filters by name, and has nothing of a run but three fields, and that the
// artifacts of a run are listed alone. A retention of ten days, asked for now, ends after
// nine.
func (f *facts) checkListing(t *testing.T) {
	f.job.upload(t, "two", []byte("two"), time.Now().AddDate(0, 0, 10))
	other := f.dispatch(t, "fact.yml", "main")
	other.upload(t, "one", []byte("other"), time.Time{})
	other.finish(t, true)
	for _, c := range []struct {
		query, want, ofRun string
	}{
		{"", "3: one two one", ""},
		{"?limit=2", "3: one two", ""},
		{"?limit=2&page=2", "3: one", ""},
		{"?per_page=2", "3: one two one", ""},
		{"?name=one", "2: one one", ""},
		{"?name=on", "0:", ""},
		{"", "2: one two", f.job.RunID},
		{"?limit=1&page=2", "2: two", f.job.RunID},
	} {
		var list struct {
			TotalCount int `json:"total_count"`
			Artifacts  []artifact
		}
		path := f.repository.path("/actions/artifacts") + c.query
		if c.ofRun != "" {
			path = f.repository.path("/actions/runs/%s/artifacts", c.ofRun) + c.query
		}
		server.must(t, http.StatusOK, http.MethodGet, path, nil, &list)
		got := fmt.Sprintf("%d:", list.TotalCount)
		for i, a := range list.Artifacts {
			got += " " + a.Name
			if i > 0 && a.ID < list.Artifacts[i-1].ID {
				t.Errorf("the listing%s is not in the order of ids", c.query)
			}
		}
		if got != c.want {
			t.Errorf("the listing%s is %q, want %q", c.query, got, c.want)
		}
	}
	var paging struct {
		Max     int `json:"max_response_items"`
		Default int `json:"default_paging_num"`
	}
	server.api(t, "", http.MethodGet, "/settings/api", nil).decode(t, &paging)
	if paging.Max != 50 || paging.Default != 30 {
		t.Errorf("a page has %d items, at most %d", paging.Default, paging.Max)
	}
	f.checkEntry(t)
}

// checkEntry checks one entry of the listing.
func (f *facts) checkEntry(t *testing.T) {
	t.Helper()
	var list struct{ Artifacts []map[string]any }
	server.must(t, http.StatusOK, http.MethodGet, f.repository.path("/actions/artifacts?name=two"), nil, &list)
	if len(list.Artifacts) != 1 {
		t.Fatalf("the listing is %v", list)
	}
	entry := list.Artifacts[0]
	if _, ok := entry["digest"]; ok || entry["expired"] != false {
		t.Errorf("the listing has %v", entry)
	}
	of := entry["workflow_run"].(map[string]any)
	maps.DeleteFunc(of, func(_ string, v any) bool {
		return v == "" || v == 0.0 || v == "0001-01-01T00:00:00Z" // Gitea shows fields that it does not fill
	})
	if got, want := fmt.Sprint(slices.Sorted(maps.Keys(of))), "[head_sha id repository_id]"; got != want {
		t.Errorf("an artifact's run has %s, want %s", got, want)
	}
	expires, err := time.Parse(time.RFC3339, entry["expires_at"].(string))
	if days := time.Until(expires).Hours() / 24; err != nil || days < 8.9 || days > 9 {
		t.Errorf("the artifact expires at %v, in %.1f days, %v", expires, days, err)
	}
}

// download fetches an artifact's content through the redirect, which keeps to the API's
// own address and needs no token.
func (f *facts) download(t *testing.T, id int64) string {
	t.Helper()
	path := f.repository.path("/actions/artifacts/%d/zip", id)
	got := server.api(t, f.job.Token, http.MethodGet, path, nil)
	location := got.header.Get("Location")
	if got.status != http.StatusFound || !strings.HasPrefix(location, server.url+"/api/v1"+path+"/raw?sig=") {
		t.Fatalf("the zip answers %d to %s", got.status, location)
	}
	raw := request(t, http.MethodGet, location, nil)
	if raw.status != http.StatusOK {
		t.Fatalf("the raw zip answers %d: %s", raw.status, raw.body)
	}
	return string(raw.body)
}

// checkTag checks that the run of a tag has no branch, even if the tag is named like one.
func (f *facts) checkTag(t *testing.T) {
	server.must(t, http.StatusCreated, http.MethodPost, f.repository.path("/tags"),
		map[string]any{"tag_name": "main", "target": "main"}, nil)
	j := f.dispatch(t, "fact.yml", "refs/tags/main")
	if r := f.runOf(t, j); j.RefName != "main" || j.RefType != "tag" || r.HeadBranch != "" {
		t.Errorf("the job has the %s %s, the run the branch %q", j.RefType, j.RefName, r.HeadBranch)
	}
}

// checkPullRequest checks that the run of a pull request has no branch.
func (f *facts) checkPullRequest(t *testing.T) {
	f.repository.commit(t, "main", "change", map[string]string{"change.txt": "change"})
	server.must(t, http.StatusCreated, http.MethodPost, f.repository.path("/pulls"),
		map[string]any{"base": "main", "head": "change", "title": "change"}, nil)
	j := f.take(t)
	if r := f.runOf(t, j); j.EventName != "pull_request" || r.HeadBranch != "" || r.Event != "pull_request" {
		t.Errorf("the job is of %s on %s, the run %+v", j.EventName, j.Ref, r)
	}
}

// checkSchedule checks that a scheduled run is on the default branch. The API names the
// event that installed the schedule.
func (f *facts) checkSchedule(t *testing.T) {
	j := f.await(t, func() *job {
		server.must(t, http.StatusNoContent, http.MethodPost, "/admin/cron/start_schedule_tasks", nil, nil)
		return f.fetch(t)
	})
	if r := f.runOf(t, j); j.EventName != "schedule" || j.Ref != "refs/heads/main" || r.HeadBranch != "main" ||
		r.Event != "push" {
		t.Errorf("the job is of %s on %s, the run %+v", j.EventName, j.Ref, r)
	}
	f.checkEvent(t, j)
}

// checkRename checks that a repository keeps its id. Its old name leads to it, with a
// redirect after which clients do not send a POST again.
func (f *facts) checkRename(t *testing.T) {
	old := *f.repository
	var renamed struct{ ID int64 }
	server.must(t, http.StatusOK, http.MethodPatch, old.path(""), map[string]any{"name": "facts-renamed"}, &renamed)
	if renamed.ID != old.id {
		t.Errorf("repository %d is now %d", old.id, renamed.ID)
	}
	f.repository.name = owner + "/facts-renamed"
	for method, path := range map[string]string{
		http.MethodGet:  "/actions/artifacts",
		http.MethodPost: "/actions/workflows/fact.yml/dispatches",
	} {
		got := server.api(t, f.job.Token, method, old.path("%s", path), map[string]any{"ref": "main"})
		location := got.header.Get("Location")
		if got.status != http.StatusMovedPermanently || location != "/api/v1"+f.repository.path("%s", path) {
			t.Errorf("%s by the old name answers %d to %s", method, got.status, location)
		}
	}
}

// checkEnd checks that the tokens of a job end with it.
func (f *facts) checkEnd(t *testing.T) {
	f.job.finish(t, true)
	got := server.api(t, f.job.Token, http.MethodGet, f.repository.path("/actions/artifacts"), nil)
	if got.status != http.StatusUnauthorized {
		t.Errorf("the token of a job that ended answers %d", got.status)
	}
	r := artifactRequest{Name: "late", Version: 4}
	r.Run, r.Job = f.job.scope(t)
	if got := f.job.service(t, "CreateArtifact", r); got.status == http.StatusOK {
		t.Errorf("the artifact service answers %d after the job", got.status)
	}
}
