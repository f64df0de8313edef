package gh

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// Runs are listed with how they ended. GitHub is asked for those of the window only.
func TestRuns(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, options := range []ghtest.Options{{}, gitea} {
		server, client, _ := setup(t, options)
		server.AddRun(ghtest.Run{ID: 5, Repository: "acme/web", Event: "repository_dispatch", Title: "first",
			Status: "completed", Conclusion: "failure"})
		server.AddRun(ghtest.Run{ID: 6, Repository: "acme/web", Event: "repository_dispatch", Title: "second",
			Status: "in_progress"})
		server.AddRun(ghtest.Run{ID: 7, Repository: "acme/web", Event: "workflow_dispatch", Title: "other", Status: "queued"})
		runs, complete, err := client.Runs(t.Context(), "acme/web", "repository_dispatch", since)
		if err != nil || !complete || len(runs) != 2 || runs[0].Title != "second" || runs[1].Conclusion != "failure" ||
			!strings.HasSuffix(runs[1].URL, "/acme/web/actions/runs/5") {
			t.Errorf("Gitea %t: %+v, %t, %v", options.Gitea, runs, complete, err)
		}
		query := server.Requests()[len(server.Requests())-1].Query
		if strings.Contains(query, "created=%3E%3D2026-11-01T00%3A00%3A00Z") == options.Gitea {
			t.Errorf("Gitea %t: asked for %s", options.Gitea, query)
		}
		server.Fail("GET /repos/*/*/actions/runs", 20, ghtest.Status(200, `{"total_count":3000,"workflow_runs":[{"id":1}]}`))
		if _, complete, err := client.Runs(t.Context(), "acme/web", "repository_dispatch", since); complete || err != nil {
			t.Errorf("Gitea %t: more than are read: complete %t, %v", options.Gitea, complete, err)
		}
	}
}

// Gitea knows no window. Its listing, newest first, is read to the first run that ended
// before the window, because later ones began before that.
func TestRunsBeforeTheWindow(t *testing.T) {
	t.Parallel()
	const (
		unfinished = `{"id":%d,"status":"in_progress","completed_at":"1970-01-01T00:00:00Z"}`
		old        = `{"id":%d,"status":"completed","completed_at":"2026-10-31T23:59:59Z"}`
		recent     = `{"id":%d,"status":"completed","completed_at":"2026-11-02T00:00:00Z"}`
	)
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name     string
		pages    [][2]string // of two runs each
		first    int         // id of the first run
		step     int
		requests int
	}{
		{"no old run", [][2]string{{recent, unfinished}, {recent, recent}}, 9, -1, 2},
		{"an old run at the end of a page", [][2]string{{recent, old}}, 9, -1, 1},
		{"an old run that ran again", [][2]string{{old, recent}}, 9, -1, 1},
		{"oldest first", [][2]string{{old, old}, {recent, recent}}, 1, 1, 2},
	} {
		server, client, _ := setup(t, gitea)
		id := tt.first
		for _, page := range tt.pages {
			text := fmt.Sprintf(page[0], id) + "," + fmt.Sprintf(page[1], id+tt.step)
			id += 2 * tt.step
			server.Fail("GET /repos/*/*/actions/runs", 1,
				ghtest.Status(200, `{"total_count":4,"workflow_runs":[`+text+`]}`))
		}
		runs, complete, err := client.Runs(t.Context(), "acme/web", "workflow_dispatch", since)
		if err != nil || !complete || len(runs) != 2*tt.requests || len(server.Requests()) != tt.requests {
			t.Errorf("%s: %d runs, complete %t, %v, after %d requests", tt.name, len(runs), complete, err,
				len(server.Requests()))
		}
	}
}

// Whose issue it is: a job's token has no user.
func TestIsOwn(t *testing.T) {
	t.Parallel()
	issue := func(login, kind string) (i Issue) {
		i.Author.Login, i.Author.Type = login, kind
		return i
	}
	_, github, _ := setup(t, ghtest.Options{})
	_, forge, _ := setup(t, gitea)
	for _, tt := range []struct {
		client *Client
		issue  Issue
		login  string
		want   bool
	}{
		{github, issue("octocat", "User"), "octocat", true}, {github, issue("mallory", "User"), "octocat", false},
		{github, issue("github-actions[bot]", "Bot"), "octocat", false},
		{github, issue("github-actions[bot]", "Bot"), "", true}, {github, issue("mallory", "User"), "", false},
		{forge, issue("gitea-actions", ""), "", true}, {forge, issue("mallory", ""), "", false},
		{forge, issue("octocat", ""), "octocat", true},
	} {
		if got := tt.client.IsOwn(tt.issue, tt.login); got != tt.want {
			t.Errorf("%+v for %q: %t", tt.issue.Author, tt.login, got)
		}
	}
}
