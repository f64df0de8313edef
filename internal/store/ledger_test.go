package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// add adds an artifact to the API, of a run on main unless change says otherwise.
func (w *workbench) add(name string, zip []byte, change func(*ghtest.Artifact)) {
	a := ghtest.Artifact{Repository: repository, Name: name, Zip: zip, RunID: 1, HeadBranch: "main"}
	if change != nil {
		change(&a)
	}
	w.api.AddArtifact(a)
}

func (w *workbench) fill(n int) {
	for i := range n {
		w.add(fmt.Sprint("coverage-", i), nil, nil)
	}
}

func TestLedgerRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	lookup := func(want string) {
		t.Helper()
		rec, err := look(t, w.open(t), bundleName) // the next run's
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(rec.Delivered, rec.Prepared, rec.Earlier); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	lookup("false false []")
	a := w.open(t)
	if _, err := a.PutBundle(t.Context(), bundleName, files); err != nil {
		t.Fatal(err)
	}
	if err := a.PutReceipt(t.Context(), receiptOf(t, "kaizen.web.coach.2026-W47")); err != nil {
		t.Fatal(err)
	}
	lookup("false true [kaizen.web.coach.2026-W47]")
	if err := a.PutReceipt(t.Context(), receiptOf(t, bundleName)); err != nil {
		t.Fatal(err)
	}
	lookup("true true [kaizen.web.coach.2026-W47]")
}

// TestForgedReceipts checks that no artifact from elsewhere makes an agent not due, and
// that such a one does not hide the true receipt. What is in it does not matter.
func TestForgedReceipts(t *testing.T) {
	t.Parallel()
	const forged = 666 // a run and a repository
	for _, test := range []struct {
		name   string
		api    ghtest.Options
		change func(*ghtest.Artifact)
		run    ghtest.Run // of the API, none without an id
		want   string     // in the log
	}{
		{"fork", ghtest.Options{}, func(a *ghtest.Artifact) { a.HeadRepositoryID = forged }, ghtest.Run{},
			"comes from a fork, the repository with id 666"},
		{"branch", ghtest.Options{}, func(a *ghtest.Artifact) { a.HeadBranch = "evil" }, ghtest.Run{},
			`comes from branch "evil", not "main"`},
		{"expired", ghtest.Options{}, func(a *ghtest.Artifact) { a.Expired = true }, ghtest.Run{}, "is expired"},
		{"no branch listed, of another one", ghtest.Options{}, func(a *ghtest.Artifact) { a.HeadBranch = "" },
			ghtest.Run{ID: forged, HeadBranch: "evil", Event: "push"}, `comes from branch "evil", not "main"`},
		{"no branch listed, of a fork", ghtest.Options{}, func(a *ghtest.Artifact) { a.HeadBranch = "" },
			ghtest.Run{ID: forged, HeadBranch: "main", HeadRepositoryID: forged}, "comes from a fork"},
		{"branch on Gitea", gitea, nil, ghtest.Run{ID: forged, HeadBranch: "evil", Event: "push"},
			`comes from branch "evil", not "main"`},
		{"tag on Gitea", gitea, nil, ghtest.Run{ID: forged, Event: "push", Ref: "refs/tags/main"},
			`comes from "refs/tags/main", not from branch "main"`},
		{"pull request on Gitea", gitea, nil, ghtest.Run{ID: forged, Event: "pull_request"},
			"comes from a run for pull_request"},
		{"pull request named like the branch", gitea, nil,
			ghtest.Run{ID: forged, HeadBranch: "main", Event: "pull_request_sync"},
			"comes from a run for pull_request_sync"},
		{"pull_request_target", gitea, nil, ghtest.Run{ID: forged, HeadBranch: "main", Event: "pull_request_target"},
			"comes from a run for pull_request_target"},
		{"pull request without an event that says so", gitea, nil,
			ghtest.Run{ID: forged, Event: "x", Ref: "refs/pull/9/head"}, `comes from "refs/pull/9/head"`},
		{"expired on Gitea", gitea, func(a *ghtest.Artifact) { a.Expired = true },
			ghtest.Run{ID: forged, HeadBranch: "main"}, "is expired"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			forge := func(w *workbench) {
				w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), func(a *ghtest.Artifact) {
					a.RunID = forged
					if test.change != nil {
						test.change(a)
					}
				})
				if run := test.run; run.ID != 0 {
					run.Repository = repository
					w.api.AddRun(run)
				}
			}
			for _, others := range []int{0, 250} { // the listing answers, or a request by name
				w := newWorkbenchOn(t, ghtest.GitHub, test.api)
				forge(w)
				w.fill(others)
				rec, err := look(t, w.open(t), bundleName)
				if err != nil || rec.Delivered {
					t.Fatalf("got %+v, %v", rec, err)
				}
				if !strings.Contains(w.log.Text(), test.want) {
					t.Errorf("the log lacks %q:\n%s", test.want, w.log.Text())
				}
			}
			w := newWorkbenchOn(t, ghtest.GitHub, test.api)
			w.add(bundleName+".receipt", nil, nil)
			forge(w)
			rec, err := look(t, w.open(t), bundleName)
			if err != nil || !rec.Delivered {
				t.Errorf("the forgery hides the true receipt: %v", err)
			}
		})
	}
}

// TestUndecided has receipts whose origin neither listing nor run gives. They make
// the agent neither due nor not due, unless another one counts.
func TestUndecided(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		api  ghtest.Options
		run  string // the API's answer, "" for 404
		want string // in the reason
	}{
		{"no run", gitea, "", "run 5 could not be read"},
		{"a run without a branch", gitea, `{"id":5,"event":"push","repository":{"id":77}}`,
			"does not say on which branch"},
		{"a run without an event", gitea, `{"id":5,"head_branch":"main","repository":{"id":77}}`,
			"does not say on which branch"},
		{"a run like Forgejo's", gitea, `{"id":5,"prettyref":"main","trigger_event":"schedule"}`,
			"does not say on which branch"},
		{"a path that names the branch", gitea,
			`{"id":5,"event":"push","path":"x.yml@refs/heads/main","repository":{"id":77}}`,
			"does not say on which branch"},
		{"another run", gitea, `{"id":6,"event":"push","head_branch":"main","repository":{"id":77}}`,
			"run 5 could not be read"},
		{"GitHub, without a branch", ghtest.Options{},
			`{"id":5,"event":"schedule","head_branch":null,"head_repository":{"id":77},"repository":{"id":77}}`,
			"does not say on which branch"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbenchOn(t, ghtest.GitHub, test.api)
			answer := ghtest.Status(200, test.run)
			if test.run == "" {
				answer = ghtest.Status(404, `{"message":"Not Found"}`)
			}
			w.api.Fail("GET /repos/*/*/actions/runs/5", 99, answer)
			w.add(bundleName+".receipt", nil, func(a *ghtest.Artifact) { a.RunID, a.HeadBranch = 5, "" })
			const other = "kaizen.web.other.2026-W48"
			records := w.open(t).Lookup(t.Context(), []string{bundleName, other})
			var undecided *UndecidedError
			if rec := records[0]; rec.Delivered || !errors.As(rec.Err, &undecided) ||
				!strings.HasPrefix(undecided.Why, "its record may not count: ") ||
				!strings.Contains(undecided.Why, test.want) {
				t.Errorf("got %+v", rec)
			}
			if rec := records[1]; rec.Err != nil || rec.Delivered {
				t.Errorf("another agent: got %+v", rec)
			}
			if got := w.requests(); got != "1 listing, 1 run" {
				t.Errorf("requests: %s", got)
			}
			w.add(bundleName+".receipt", nil, nil)
			if rec, err := look(t, w.open(t), bundleName); err != nil || !rec.Delivered {
				t.Errorf("with a receipt that counts: got %+v, %v", rec, err)
			}
			w.add(bundleName, nil, func(a *ghtest.Artifact) { a.RunID, a.HeadBranch = 5, "" })
			w.api.RemoveArtifacts(bundleName + ".receipt")
			if rec, err := look(t, w.open(t), bundleName); err != nil || rec.Delivered || rec.Prepared {
				t.Errorf("a bundle alone: got %+v, %v", rec, err)
			}
		})
	}
}

// TestReceiptWithoutARun has a listing that does not name the run.
func TestReceiptWithoutARun(t *testing.T) {
	t.Parallel()
	w := newWorkbenchOn(t, ghtest.GitHub, gitea)
	w.add(bundleName+".receipt", nil, func(a *ghtest.Artifact) { a.RunID = 0 })
	_, err := look(t, w.open(t), bundleName)
	if err == nil || !strings.Contains(err.Error(), "does not name the run of artifact 1") {
		t.Errorf("error: %v", err)
	}
	if got := w.requests(); got != "1 listing" {
		t.Errorf("requests: %s", got)
	}
}

// TestReceiptOfAnotherRepository uses an API that lists artifacts of another repository.
func TestReceiptOfAnotherRepository(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	run := map[string]any{"id": 1, "head_branch": "main", "repository_id": 78, "head_repository_id": 78}
	list, err := json.Marshal(map[string]any{"total_count": 3, "artifacts": []any{
		map[string]any{"id": 5, "name": bundleName + ".receipt", "workflow_run": run},
		map[string]any{"id": 6, "name": bundleName, "workflow_run": run},
		map[string]any{"id": 7, "name": "kaizen.web.coach.2026-W47.receipt", "workflow_run": run},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.api.Fail("GET /repos/*/*/actions/artifacts", 1, ghtest.Status(200, string(list)))
	rec, err := look(t, w.open(t), bundleName)
	if err != nil || rec.Delivered || rec.Prepared || len(rec.Earlier) > 0 {
		t.Errorf("got %+v, %v", rec, err)
	}
	if !strings.Contains(w.log.Text(), "belongs to the repository with id 78") {
		t.Errorf("log: %s", w.log.Text())
	}
}

// TestReceiptContent checks that the content of a receipt is read only when it is asked
// for, and that a wrong one changes nothing about what is due.
func TestReceiptContent(t *testing.T) {
	t.Parallel()
	good := receiptZip(t, bundleName, nil)
	contents := map[string][]byte{ // by the error
		"":                      good,
		"is not a readable zip": []byte("<html>"),
		"exactly one file":      zipOf(t, File{"r.json", nil}),
		"unpacks to more than":  deflated(t, File{ReceiptFile, bytes.Repeat([]byte(" "), 8<<20)}),
		"has 1048":              zipOf(t, File{ReceiptFile, make([]byte, maxReceipt)}),
		"is not a receipt":      zipOf(t, File{ReceiptFile, nil}),
		"has another digest":    nil, // the download is not what is listed
	}
	for want, change := range wrongReceipts(t) {
		if want != "has the event id" { // a repository that was renamed
			contents[want] = receiptZip(t, bundleName, change)
		}
	}
	for want, zip := range contents {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, ghtest.GitHub)
			if zip == nil {
				zip = good
				again := receiptOf(t, bundleName)
				again.Deliveries = nil
				w.api.Fail("GET /artifacts/*.zip", 1,
					ghtest.Status(200, string(zipOf(t, File{ReceiptFile, encode(t, again)}))))
			}
			w.add(bundleName+".receipt", zip, nil)
			a := w.open(t)
			if rec, err := look(t, a, bundleName); err != nil || !rec.Delivered {
				t.Errorf("got %+v, %v", rec, err)
			}
			if got := w.requests(); got != "1 listing" {
				t.Errorf("requests: %s", got)
			}
			r, err := a.Receipt(t.Context(), bundleName)
			if want == "" && (err != nil || r == nil || r.ID != repository+"/"+bundleName) {
				t.Errorf("got %+v, %v", r, err)
			}
			if want != "" && (r != nil || err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
	for _, status := range []int{404, 410} { // deleted or expired meanwhile
		w := newWorkbench(t, ghtest.GitHub)
		w.add(bundleName+".receipt", good, nil)
		w.api.Fail("GET /repos/*/*/actions/artifacts/*/zip", 1, ghtest.Status(status, `{"message":"Not Found"}`))
		if r, err := w.open(t).Receipt(t.Context(), bundleName); r != nil || err != nil {
			t.Errorf("%d: got %+v, %v", status, r, err)
		}
	}
}

// TestReceiptAfterARename reads a receipt whose repository had another name, and stores
// one in a directory that has such a receipt. Its id is what counts.
func TestReceiptAfterARename(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	a := w.open(t)
	if err := a.PutReceipt(t.Context(), receiptOf(t, bundleName)); err != nil {
		t.Fatal(err)
	}
	w.api.AddRepository(ghtest.Repository{ID: 77, FullName: "umbrella/site"})
	w.api.AddToken(apiToken, ghtest.Token{Kind: ghtest.Job,
		Access: map[string]ghtest.Permissions{"umbrella/site": {Contents: "read", Actions: "read"}}})
	w.api.Rename(repository, "umbrella/site")
	for _, name := range []string{"umbrella/site", repository} { // a job that began before has the old name
		w.options.Repository = name
		a := w.open(t)
		if rec, err := look(t, a, bundleName); err != nil || !rec.Delivered {
			t.Errorf("%s: got %+v, %v", name, rec, err)
		}
		if r, err := a.Receipt(t.Context(), bundleName); err != nil || r == nil || r.RepositoryID != 77 {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
	}
	workspace := fixture.TempDir(t)
	directory := func(name string, id int64) *Directory {
		d, err := OpenDirectory(DirectoryOptions{Workspace: workspace, Out: "out", Repository: name, RepositoryID: id})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if err := directory(repository, 77).PutReceipt(t.Context(), receiptOf(t, bundleName)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		id   int64
		want bool
	}{{"umbrella/site", 77, true}, {repository, 77, true}, {repository, 78, false}, {repository, 0, true},
		{"umbrella/site", 0, false}, {"", 0, true}} {
		if rec, err := look(t, directory(test.name, test.id), bundleName); err != nil || rec.Delivered != test.want {
			t.Errorf("%+v: got %+v, %v", test, rec, err)
		}
	}
}

// TestFlood checks that forks do not make a lookup expensive, and do not hide the true
// receipt. If there are more of their receipts than are listed, the answer is not known.
func TestFlood(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		forged, before int // before is how many artifacts are older
		delivered      bool
		err            string
		requests       string
	}{
		{350, 0, true, "", "1 listing, 4 by name"},
		{900, 0, true, "", "1 listing, 10 by name"},
		{350, 2000, true, "", "1 listing, 4 by name"},
		{1200, 0, false, "found 1000 named", "1 listing, 10 by name"},
	} {
		w := newWorkbench(t, ghtest.GitHub)
		w.fill(test.before)
		w.add(bundleName+".receipt", nil, nil)
		for range test.forged {
			w.add(bundleName+".receipt", nil, func(a *ghtest.Artifact) { a.HeadRepositoryID = 666 })
		}
		rec, err := look(t, w.open(t), bundleName)
		if rec.Delivered != test.delivered || (err != nil) != (test.err != "") ||
			err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%+v: got %+v, %v", test, rec, err)
		}
		if got := w.requests(); got != test.requests {
			t.Errorf("requests: %s, want %s", got, test.requests)
		}
		if lines := strings.Count(w.log.Text(), "\n"); lines > 25 || !strings.Contains(w.log.Text(),
			`more artifacts named "`) {
			t.Errorf("%d lines are logged:\n%s", lines, w.log.Text())
		}
	}
}

// TestSearchThatFails checks that a receipt which only a search by its name would find is
// not taken for missing when that search fails.
func TestSearchThatFails(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.add(bundleName+".receipt", nil, nil)
	for range 350 {
		w.add(bundleName+".receipt", nil, func(a *ghtest.Artifact) { a.HeadRepositoryID = 666 })
	}
	searches := 0
	w.api.Fail("GET /repos/*/*/actions/artifacts", 99, func(s *ghtest.Server, rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("name") == "" {
			ghtest.Then(func() {})(s, rw, r)
			return
		}
		searches++
		ghtest.Status(http.StatusForbidden, `{"message":"Forbidden"}`)(s, rw, r)
	})
	if rec, err := look(t, w.open(t), bundleName); err == nil || searches == 0 {
		t.Errorf("got %+v after %d searches, want an error", rec, searches)
	}
}

// TestRequests counts the requests of one tick. The receipts are older than the
// other artifacts of the repository.
func TestRequests(t *testing.T) {
	t.Parallel()
	github, thirty := ghtest.Options{}, ghtest.Options{PageSize: 30}
	noBranch := func(o *ArtifactsOptions) { o.LedgerBranch = "" }
	for _, test := range []struct {
		name                       string
		api                        ghtest.Options
		entries, delivered, others int
		change                     func(*ArtifactsOptions)
		want                       string
	}{
		{"none", github, 0, 0, 0, nil, ""},
		{"one due", github, 1, 0, 0, nil, "1 listing"},
		{"one delivered", github, 1, 1, 0, nil, "1 listing"},
		{"ten due", github, 10, 0, 0, nil, "1 listing"},
		{"ten delivered", github, 10, 10, 0, nil, "1 listing"},
		{"a hundred due", github, 100, 0, 0, nil, "1 listing"},
		{"a hundred delivered", github, 100, 100, 0, nil, "1 listing"},
		{"receipts on several pages", github, 250, 250, 0, nil, "3 listing"},
		{"the rest of the listing is dearer than a search", github, 1, 1, 250, nil, "1 listing, 1 by name"},
		{"the rest of the listing is as cheap", github, 2, 0, 250, nil, "3 listing"},
		{"ten due in a busy repository", github, 10, 0, 150, nil, "2 listing"},
		{"ten delivered in a busy repository", github, 10, 10, 150, nil, "2 listing"},
		{"ten due in a very busy repository", github, 10, 0, 2000, nil, "1 listing, 20 by name"},
		{"ten delivered in a very busy repository", github, 10, 10, 2000, nil, "1 listing, 10 by name"},
		{"a hundred delivered in a very busy repository", github, 110, 105, 2000, nil, "22 listing"},
		{"branch unknown, due", github, 10, 0, 0, noBranch, "1 listing"},
		{"branch unknown", github, 2, 2, 0, noBranch, "1 listing, 1 repository"},
		{"repository id unknown", github, 2, 2, 0, func(o *ArtifactsOptions) { o.RepositoryID = 0 },
			"1 listing, 1 repository"},
		{"thirty a page, 44 in all", thirty, 2, 2, 42, nil, "2 listing"},
		{"thirty a page, 44 in all, one entry", thirty, 1, 1, 43, nil, "2 listing"},
		{"thirty a page, 44 in all, due", thirty, 2, 0, 44, nil, "2 listing"},
		{"thirty a page", thirty, 250, 250, 0, nil, "9 listing"},
		{"Gitea, one due", gitea, 1, 0, 0, nil, "1 listing"},
		{"Gitea, one delivered", gitea, 1, 1, 0, nil, "1 listing, 1 run"},
		{"Gitea, forty delivered", gitea, 40, 40, 0, nil, "1 listing, 1 run"},
		{"Gitea, 250 delivered", gitea, 250, 250, 0, nil, "5 listing, 1 run"},
		{"Gitea, one delivered before all others", gitea, 1, 1, 2000, nil, "1 listing, 1 run"},
		{"Gitea, one due, after others", gitea, 1, 0, 2000, nil, "2 listing, 2 by name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbenchOn(t, ghtest.GitHub, test.api)
			var names []string
			for i := range test.entries {
				names = append(names, fmt.Sprintf("kaizen.web%d.coach.2026-W48", i))
			}
			for _, name := range names[:test.delivered] {
				w.add(name+".receipt", nil, nil)
			}
			w.fill(test.others)
			if test.change != nil {
				test.change(&w.options)
			}
			for i, rec := range w.open(t).Lookup(t.Context(), names) {
				if rec.Err != nil || rec.Delivered != (i < test.delivered) {
					t.Errorf("%s: got %+v", names[i], rec)
				}
			}
			if got := w.requests(); got != test.want {
				t.Errorf("requests: %s, want %s", got, test.want)
			}
		})
	}
}

// Further pages are read while they show receipts that are asked for, however many pages
// there are. Gitea's are read from the last one backwards.
func TestReceiptsAmongTheNewest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		api  ghtest.Options
		want string
	}{{"GitHub", ghtest.Options{}, "2 listing"}, {"Gitea", gitea, "4 listing, 1 run"}} {
		w := newWorkbenchOn(t, ghtest.GitHub, test.api)
		w.fill(2000)
		names := make([]string, 105)
		for i := range names {
			names[i] = fmt.Sprintf("kaizen.web%d.coach.2026-W48", i)
			w.add(names[i]+".receipt", nil, nil)
		}
		for i, rec := range w.open(t).Lookup(t.Context(), names) {
			if rec.Err != nil || !rec.Delivered {
				t.Errorf("%s, %s: got %+v", test.name, names[i], rec)
			}
		}
		if got := w.requests(); got != test.want {
			t.Errorf("%s: requests: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestRunsOnGitea has receipts between a thousand older and a thousand newer artifacts.
// One of them leads to the run that stored it, and so to the others of that run. Receipts
// of a pull request lead to none.
func TestRunsOnGitea(t *testing.T) {
	t.Parallel()
	const stranger = 9
	for _, test := range []struct {
		name  string
		runOf func(i int) int64 // that stored the receipt, 0 for none
		fail  bool              // the server does not list the artifacts of a run
		want  string
	}{
		{"one run", func(int) int64 { return 3 }, false, "3 listing, 1 by name, 1 of a run, 1 run"},
		{"two runs", func(i int) int64 { return int64(3 + i%2) }, false, "3 listing, 2 by name, 2 of a run, 2 run"},
		{"half of them", func(i int) int64 { return int64(3 * (i % 2)) }, false, "3 listing, 15 by name, 1 run"},
		{"pull request", func(int) int64 { return stranger }, false, "3 listing, 20 by name, 1 run"},
		{"a run each", func(i int) int64 { return int64(100 + i) }, false,
			"3 listing, 10 by name, 8 of a run, 10 run"},
		{"no list of a run", func(int) int64 { return 3 }, true, "3 listing, 10 by name, 1 of a run, 1 run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbenchOn(t, ghtest.GitHub, gitea)
			w.api.AddRun(ghtest.Run{ID: stranger, Repository: repository, HeadBranch: "main", Event: "pull_request"})
			w.fill(1000)
			names := make([]string, 10)
			for i := range names {
				names[i] = fmt.Sprintf("kaizen.web%d.coach.2026-W48", i)
				if run := test.runOf(i); run != 0 {
					w.add(names[i]+".receipt", nil, func(a *ghtest.Artifact) { a.RunID = run })
				}
			}
			w.fill(1000)
			if test.fail {
				w.api.Fail("GET /repos/*/*/actions/runs/3/artifacts", 1, ghtest.Status(404, `{"message":"Not Found"}`))
			}
			for i, rec := range w.open(t).Lookup(t.Context(), names) {
				run := test.runOf(i)
				if rec.Err != nil || rec.Delivered != (run != 0 && run != stranger) {
					t.Errorf("%s: got %+v", names[i], rec)
				}
			}
			if got := w.requests(); got != test.want {
				t.Errorf("requests: %s, want %s", got, test.want)
			}
		})
	}
}

// TestEarlierBeforeAGap has receipts on the first page of a server that lists the oldest
// first, on pages that are not read, and on the last one. Only those of the last page are
// named: with those of the first, the periods in between would look missed.
func TestEarlierBeforeAGap(t *testing.T) {
	t.Parallel()
	w := newWorkbenchOn(t, ghtest.GitHub, gitea)
	for week := 1; week <= 47; week++ {
		w.add(fmt.Sprintf("kaizen.web.coach.2026-W%02d.receipt", week), nil, nil)
		w.fill(10)
	}
	rec, err := look(t, w.open(t), bundleName)
	want := []string{"kaizen.web.coach.2026-W47"}
	if err != nil || !slices.Equal(rec.Earlier, want) {
		t.Errorf("got %+v, %v, want %q", rec, err, want)
	}
}

// TestListingThatMoves changes the repository's artifacts between two pages. Receipts
// that move to a page that was already read are found.
func TestListingThatMoves(t *testing.T) {
	t.Parallel()
	come := func(w *workbench) { w.fill(30) }
	gone := func(w *workbench) { w.api.RemoveArtifacts("coverage-199", "coverage-198", "coverage-0", "coverage-1") }
	for _, test := range []struct {
		name string
		api  ghtest.Options
		move func(w *workbench)
		want string
	}{
		{"artifacts come", ghtest.Options{}, come, "3 listing"},
		{"artifacts go", ghtest.Options{}, gone, "2 listing, 5 by name"},
		{"artifacts come on Gitea", gitea, come, "4 listing, 1 run"},
		{"artifacts go on Gitea", gitea, gone, "4 listing, 4 by name, 1 run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbenchOn(t, ghtest.GitHub, test.api)
			w.fill(90)
			// 101st from above, and the first of GitHub's second page
			w.add(bundleName+".receipt", nil, nil)
			for i := 100; i < 200; i++ {
				w.add(fmt.Sprint("coverage-", i), nil, nil)
			}
			others := []string{"kaizen.web.other.2026-W48", "kaizen.web.third.2026-W48"} // are not there
			w.api.Fail("GET /repos/*/*/actions/artifacts", 1, ghtest.Then(func() { test.move(w) }))
			for i, rec := range w.open(t).Lookup(t.Context(), append(others, bundleName)) {
				if rec.Err != nil || rec.Delivered != (i == len(others)) {
					t.Errorf("got %+v", rec)
				}
			}
			if got := w.requests(); got != test.want {
				t.Errorf("requests: %s, want %s", got, test.want)
			}
		})
	}
}

// TestListingThatIsNotAll has an API that counts more artifacts than it lists. A receipt
// that is not found then is searched for by name, and undecided if that lists too few, too.
func TestListingThatIsNotAll(t *testing.T) {
	t.Parallel()
	const few = `{"total_count":44,"artifacts":[{"id":5,"name":"coverage"}]}`
	for _, test := range []struct {
		name, byName, want string
	}{
		{"the search does", `{"total_count":0,"artifacts":[]}`, ""},
		{"the search does not, either", few, "the API counts more artifacts"},
	} {
		w := newWorkbench(t, ghtest.GitHub)
		w.api.Fail("GET /repos/*/*/actions/artifacts", 2, ghtest.Status(200, few))
		w.api.Fail("GET /repos/*/*/actions/artifacts", 99, ghtest.Status(200, test.byName))
		rec, err := look(t, w.open(t), bundleName)
		var undecided *UndecidedError
		if rec.Delivered || (test.want == "") != (err == nil) ||
			err != nil && (!errors.As(err, &undecided) || !strings.Contains(undecided.Why, test.want)) {
			t.Errorf("%s: got %+v", test.name, rec)
		}
	}
}

func TestOtherLedgerBranch(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.options.LedgerBranch = "release"
	w.add(bundleName+".receipt", nil, func(a *ghtest.Artifact) { a.HeadBranch = "release" })
	w.add(bundleName+".receipt", nil, nil)
	rec, err := look(t, w.open(t), bundleName)
	if err != nil || !rec.Delivered || !strings.Contains(w.log.Text(), `comes from branch "main", not "release"`) {
		t.Errorf("got %+v, %v, log %s", rec, err, w.log.Text())
	}
}

func TestEarlier(t *testing.T) {
	t.Parallel()
	fork := func(a *ghtest.Artifact) { a.HeadRepositoryID, a.RunID = 666, 5 }
	expired := func(a *ghtest.Artifact) { a.Expired = true }
	for _, test := range []struct {
		api      ghtest.Options
		want     []string
		requests string
	}{
		{ghtest.Options{}, []string{"2026-W45", "2026-W46", "2026-W50"}, "1 listing"},
		// an older one than the latest earlier one is not asked for
		{gitea, []string{"2026-W46", "2026-W50"}, "1 listing, 2 run"},
	} {
		w := newWorkbenchOn(t, ghtest.GitHub, test.api)
		w.api.AddRun(ghtest.Run{ID: 5, Repository: repository, Event: "pull_request"})
		w.add("kaizen.web.coach.2026-W46.receipt", nil, nil)
		w.add("kaizen.web.coach.2026-W46.receipt", nil, nil)
		w.add("kaizen.web.coach.2026-W47.receipt", nil, fork)
		w.add("kaizen.web.coach.2026-W45.receipt", nil, expired)
		w.add("kaizen.web.coach.2026-W44.run-7.receipt", nil, nil)
		w.add("kaizen.web.coach.2026-W43", nil, nil)
		w.add("kaizen.web.coach.2026-W50.receipt", nil, nil) // after a change of the cron
		w.add("kaizen.web.other.2026-W42.receipt", nil, nil)
		w.add(bundleName, nil, fork)
		w.add(bundleName, nil, expired)
		rec, err := look(t, w.open(t), bundleName)
		if err != nil {
			t.Fatal(err)
		}
		for i, period := range test.want {
			test.want[i] = "kaizen.web.coach." + period
		}
		if !slices.Equal(rec.Earlier, test.want) {
			t.Errorf("earlier: %v, want %v", rec.Earlier, test.want)
		}
		if rec.Prepared {
			t.Error("a fork's bundle, or an expired one, counts as prepared")
		}
		if got := w.requests(); got != test.requests {
			t.Errorf("requests: %s, want %s", got, test.requests)
		}
	}
}

// TestLedgerOutOfReach checks that a ledger that cannot be read is an error, and not one
// without a receipt: the agent would run again.
func TestLedgerOutOfReach(t *testing.T) {
	t.Parallel()
	const list, runs, repo = "GET /repos/*/*/actions/artifacts", "GET /repos/*/*/actions/runs/*", "GET /repos/*/*"
	for _, test := range []struct {
		name, pattern string
		f             ghtest.Fault
	}{
		{"listing down", list, ghtest.Status(503, "{}")},
		{"listing forbidden", list, ghtest.Status(403, `{"message":"Resource not accessible by integration"}`)},
		{"listing reset", list, ghtest.Reset()},
		{"run down", runs, ghtest.Status(502, "bad gateway")},
		{"run unauthorized", runs, ghtest.Status(401, "{}")},
		{"repository down", repo, ghtest.Status(500, "{}")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbenchOn(t, ghtest.GitHub, ghtest.Options{Gitea: test.pattern == runs})
			w.options.LedgerBranch = ""
			w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), nil)
			w.api.Fail(test.pattern, 99, test.f)
			rec, err := look(t, w.open(t), bundleName)
			if err == nil || rec.Delivered {
				t.Errorf("got %+v, %v", rec, err)
			}
			if err != nil && !strings.Contains(err.Error(), repository) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func TestNoAPI(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.options.API = nil
	if _, err := look(t, w.open(t), bundleName); !errors.Is(err, ErrNoLedger) {
		t.Errorf("error: %v", err)
	}
	if _, err := w.open(t).Receipt(t.Context(), bundleName); !errors.Is(err, ErrNoLedger) {
		t.Errorf("error: %v", err)
	}
}
