package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/event"
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
		if got := fmt.Sprint(rec.Receipt != nil, rec.Prepared, rec.Earlier); got != want {
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

// TestForgedReceipts checks that nothing but a true receipt makes an agent not due, and
// that a forged one does not hide the true one.
func TestForgedReceipts(t *testing.T) {
	t.Parallel()
	good := receiptZip(t, bundleName, nil)
	type forgery struct {
		zip    []byte
		change func(*ghtest.Artifact)
		want   string // in the log
	}
	forgeries := map[string]forgery{
		"fork": {good, func(a *ghtest.Artifact) { a.HeadRepositoryID = 666 },
			"comes from a fork, the repository with id 666"},
		"branch": {good, func(a *ghtest.Artifact) { a.HeadBranch = "evil" },
			`comes from branch "evil", not "main"`},
		"expired":    {good, func(a *ghtest.Artifact) { a.Expired = true }, "is expired"},
		"not a zip":  {[]byte("<html>"), nil, "is not a readable zip"},
		"other file": {zipOf(t, File{"r.json", nil}), nil, "exactly one file"},
		"bomb": {deflated(t, File{ReceiptFile, bytes.Repeat([]byte(" "), 8<<20)}), nil,
			"unpacks to more than"},
		"large": {zipOf(t, File{ReceiptFile, make([]byte, maxReceipt)}), nil, "bytes: passed over"},
		"empty": {zipOf(t, File{ReceiptFile, nil}), nil, "is not a receipt"},
		"without a digest": {[]byte("PK"), func(a *ghtest.Artifact) { a.WithoutDigest = true },
			"is not a readable zip"},
	}
	for want, change := range wrongReceipts(t) {
		forgeries[want] = forgery{receiptZip(t, bundleName, change), nil, want}
	}
	for name, f := range forgeries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, others := range []int{0, 150} { // the listing answers, or a request by name
				w := newWorkbench(t, ghtest.GitHub)
				w.add(bundleName+".receipt", f.zip, f.change)
				w.fill(others)
				rec, err := look(t, w.open(t), bundleName)
				if err != nil || rec.Receipt != nil {
					t.Fatalf("got %+v, %v", rec.Receipt, err)
				}
				if !strings.Contains(w.log.Text(), f.want) {
					t.Errorf("the log lacks %q:\n%s", f.want, w.log.Text())
				}
			}
			w := newWorkbench(t, ghtest.GitHub)
			w.add(bundleName+".receipt", good, nil)
			w.add(bundleName+".receipt", f.zip, f.change)
			rec, err := look(t, w.open(t), bundleName)
			if err != nil || rec.Receipt == nil {
				t.Errorf("the forgery hides the true receipt: %v", err)
			}
		})
	}
}

// TestReceiptOfAnotherRepository uses an API that lists artifacts of another repository.
func TestReceiptOfAnotherRepository(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	run := map[string]any{"id": 1, "head_branch": "main", "repository_id": 78, "head_repository_id": 78}
	list, err := json.Marshal(map[string]any{"total_count": 1, "artifacts": []any{
		map[string]any{"id": 5, "name": bundleName + ".receipt", "workflow_run": run},
		map[string]any{"id": 6, "name": bundleName, "workflow_run": run},
		map[string]any{"id": 7, "name": "kaizen.web.coach.2026-W47.receipt", "workflow_run": run},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.api.Fail("GET /repos/*/*/actions/artifacts", 1, ghtest.Status(200, string(list)))
	rec, err := look(t, w.open(t), bundleName)
	if err != nil || rec.Receipt != nil || rec.Prepared || len(rec.Earlier) > 0 {
		t.Errorf("got %+v, %v", rec, err)
	}
	if !strings.Contains(w.log.Text(), "belongs to the repository with id 78") {
		t.Errorf("log: %s", w.log.Text())
	}
}

// TestDigest checks that a download must have the digest of the listing.
func TestDigest(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), nil)
	again := receiptOf(t, bundleName)
	again.Deliveries = nil
	w.api.Fail("GET /artifacts/*.zip", 1, ghtest.Status(200, string(zipOf(t, File{ReceiptFile, encode(t, again)}))))
	rec, err := look(t, w.open(t), bundleName)
	if err != nil || rec.Receipt != nil || !strings.Contains(w.log.Text(), "another digest") {
		t.Errorf("got %+v, %v, log %s", rec, err, w.log.Text())
	}
}

// TestFlood checks that neither forks nor broken receipts make a lookup expensive, and
// that a fork's do not hide the true one.
func TestFlood(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), nil)
	for range 350 {
		w.add(bundleName+".receipt", nil, func(a *ghtest.Artifact) { a.HeadRepositoryID = 666 })
	}
	rec, err := look(t, w.open(t), bundleName)
	if err != nil || rec.Receipt == nil {
		t.Errorf("got %+v, %v", rec, err)
	}
	if got := w.requests(); got != "1 listing, 4 by name, 1 zip, 1 storage" {
		t.Errorf("requests: %s", got)
	}
	if lines := strings.Count(w.log.Text(), "\n"); lines > 25 || !strings.Contains(w.log.Text(), "more receipts of") {
		t.Errorf("%d lines are logged:\n%s", lines, w.log.Text())
	}

	w = newWorkbench(t, ghtest.GitHub)
	for range 30 {
		w.add(bundleName+".receipt", []byte("broken"), nil)
	}
	rec, err = look(t, w.open(t), bundleName)
	if err != nil || rec.Receipt != nil {
		t.Errorf("got %+v, %v", rec, err)
	}
	if got := w.requests(); got != "1 listing, 10 zip, 10 storage" {
		t.Errorf("requests: %s", got)
	}
}

// TestRequests counts the requests of one tick. The receipts are older than the
// other artifacts of the repository.
func TestRequests(t *testing.T) {
	t.Parallel()
	noBranch := func(o *ArtifactsOptions) { o.LedgerBranch = "" }
	for _, test := range []struct {
		name                       string
		entries, delivered, others int
		change                     func(*ArtifactsOptions)
		want                       string
	}{
		{"none", 0, 0, 0, nil, ""},
		{"one due", 1, 0, 0, nil, "1 listing"},
		{"one delivered", 1, 1, 0, nil, "1 listing, 1 zip, 1 storage"},
		{"ten due", 10, 0, 0, nil, "1 listing"},
		{"ten delivered", 10, 10, 0, nil, "1 listing, 10 zip, 10 storage"},
		{"a hundred due", 100, 0, 0, nil, "1 listing"},
		{"a hundred delivered", 100, 100, 0, nil, "1 listing, 100 zip, 100 storage"},
		{"receipts on several pages", 250, 250, 0, nil, "3 listing, 250 zip, 250 storage"},
		{"the rest of the listing is dearer than a search", 1, 1, 250, nil, "1 listing, 1 by name, 1 zip, 1 storage"},
		{"the rest of the listing is as cheap", 2, 0, 250, nil, "3 listing"},
		{"ten due in a busy repository", 10, 0, 150, nil, "2 listing"},
		{"ten delivered in a busy repository", 10, 10, 150, nil, "2 listing, 10 zip, 10 storage"},
		{"ten due in a very busy repository", 10, 0, 2000, nil, "1 listing, 10 by name"},
		{"ten delivered in a very busy repository", 10, 10, 2000, nil, "1 listing, 10 by name, 10 zip, 10 storage"},
		{"a hundred delivered in a very busy repository", 110, 105, 2000, nil, "22 listing, 105 zip, 105 storage"},
		{"branch unknown, due", 10, 0, 0, noBranch, "1 listing"},
		{"branch unknown", 2, 2, 0, noBranch, "1 listing, 2 zip, 2 storage, 1 repository"},
		{"repository id unknown", 2, 2, 0, func(o *ArtifactsOptions) { o.RepositoryID = 0 },
			"1 listing, 2 zip, 2 storage, 1 repository"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, ghtest.GitHub)
			var names []string
			for i := range test.entries {
				names = append(names, fmt.Sprintf("kaizen.web%d.coach.2026-W48", i))
			}
			for i, name := range names[:test.delivered] {
				w.add(name+".receipt", receiptZipIn(t, fmt.Sprint("web", i), name), nil)
			}
			w.fill(test.others)
			if test.change != nil {
				test.change(&w.options)
			}
			for i, rec := range w.open(t).Lookup(t.Context(), names) {
				if rec.Err != nil || (rec.Receipt != nil) != (i < test.delivered) {
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
// there are.
func TestReceiptsOnTheFirstPages(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.fill(2000)
	names := make([]string, 105)
	for i := range names {
		names[i] = fmt.Sprintf("kaizen.web%d.coach.2026-W48", i)
		w.add(names[i]+".receipt", receiptZipIn(t, fmt.Sprint("web", i), names[i]), nil)
	}
	for i, rec := range w.open(t).Lookup(t.Context(), names) {
		if rec.Err != nil || rec.Receipt == nil {
			t.Errorf("%s: got %+v", names[i], rec)
		}
	}
	if got, want := w.requests(), "2 listing, 105 zip, 105 storage"; got != want {
		t.Errorf("requests: %s, want %s", got, want)
	}
}

// TestListingThatMoves changes the repository's artifacts between two pages. A receipt
// that moves to an earlier page is found, and an invalid one is downloaded
// once though two pages show it.
func TestListingThatMoves(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		move func(w *workbench)
		want string
	}{
		{"artifacts come", func(w *workbench) { w.fill(30) }, "2 listing, 1 by name, 2 zip, 2 storage"},
		{"artifacts go", func(w *workbench) { w.api.RemoveArtifacts("coverage-199", "coverage-198") },
			"2 listing, 2 by name, 2 zip, 2 storage"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, ghtest.GitHub)
			w.fill(90)
			w.add(bundleName+".receipt", receiptZip(t, bundleName, nil),
				nil) // 101st from above, and the first of the second page
			const other = "kaizen.web.other.2026-W48"
			w.add(other+".receipt", receiptZip(t, bundleName, nil), nil) // the last of the first page
			for i := 101; i < 200; i++ {
				w.add(fmt.Sprint("coverage-", i), nil, nil)
			}
			w.api.Fail("GET /repos/*/*/actions/artifacts", 1, ghtest.Then(func() { test.move(w) }))
			records := w.open(t).Lookup(t.Context(), []string{bundleName, other})
			if rec := records[0]; rec.Err != nil || rec.Receipt == nil {
				t.Errorf("got %+v", rec)
			}
			if got := w.requests(); got != test.want {
				t.Errorf("requests: %s, want %s", got, test.want)
			}
		})
	}
}

// receiptZipIn is a receipt of the agent coach in the repository with this slug.
func receiptZipIn(t *testing.T, slug, name string) []byte {
	t.Helper()
	var e event.Event
	if err := json.Unmarshal(eventOf(t, "coach", nil), &e); err != nil {
		t.Fatal(err)
	}
	e.Repo = slug
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return zipOf(t, File{ReceiptFile, encode(t, &Receipt{ID: bundleid.EventID(repository, name), Name: name, Event: data})})
}

func TestOtherLedgerBranch(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.options.LedgerBranch = "release"
	w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), func(a *ghtest.Artifact) { a.HeadBranch = "release" })
	w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), nil)
	rec, err := look(t, w.open(t), bundleName)
	if err != nil || rec.Receipt == nil || !strings.Contains(w.log.Text(), `comes from branch "main", not "release"`) {
		t.Errorf("got %+v, %v, log %s", rec, err, w.log.Text())
	}
}

func TestEarlier(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	fork := func(a *ghtest.Artifact) { a.HeadRepositoryID = 666 }
	expired := func(a *ghtest.Artifact) { a.Expired = true }
	w.add("kaizen.web.coach.2026-W46.receipt", nil, nil)
	w.add("kaizen.web.coach.2026-W46.receipt", nil, nil)
	w.add("kaizen.web.coach.2026-W47.receipt", nil, fork)
	w.add("kaizen.web.coach.2026-W45.receipt", nil, expired)
	w.add("kaizen.web.coach.2026-W44.run-7.receipt", nil, nil)
	w.add("kaizen.web.coach.2026-W43", nil, nil)
	w.add("kaizen.web.other.2026-W42.receipt", nil, nil)
	w.add(bundleName, nil, fork)
	w.add(bundleName, nil, expired)
	rec, err := look(t, w.open(t), bundleName)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"kaizen.web.coach.2026-W45", "kaizen.web.coach.2026-W46"}; !slices.Equal(rec.Earlier, want) {
		t.Errorf("earlier: %v, want %v", rec.Earlier, want)
	}
	if rec.Prepared {
		t.Error("a fork's bundle, or an expired one, counts as prepared")
	}
}

// TestLedgerOutOfReach checks that a ledger that cannot be read is an error, and not one
// without a receipt: the agent would run again.
func TestLedgerOutOfReach(t *testing.T) {
	t.Parallel()
	const list, zip, storage, repo = "GET /repos/*/*/actions/artifacts", "GET /repos/*/*/actions/artifacts/*/zip", "GET /artifacts/*.zip", "GET /repos/*/*"
	for _, test := range []struct {
		name, pattern string
		f             ghtest.Fault
		wantErr       bool
	}{
		{"listing down", list, ghtest.Status(503, "{}"), true},
		{"listing forbidden", list, ghtest.Status(403, `{"message":"Resource not accessible by integration"}`), true},
		{"listing reset", list, ghtest.Reset(), true},
		{"zip down", zip, ghtest.Status(502, "bad gateway"), true},
		{"zip unauthorized", zip, ghtest.Status(401, "{}"), true},
		{"storage down", storage, ghtest.Status(503, ""), true},
		{"repository down", repo, ghtest.Status(500, "{}"), true},
		{"zip deleted meanwhile", zip, ghtest.Status(404, `{"message":"Not Found"}`), false},
		{"zip expired meanwhile", zip, ghtest.Status(410, `{"message":"Artifact has expired"}`), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, ghtest.GitHub)
			w.options.LedgerBranch = ""
			w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), nil)
			w.api.Fail(test.pattern, 99, test.f)
			rec, err := look(t, w.open(t), bundleName)
			if (err != nil) != test.wantErr || rec.Receipt != nil {
				t.Errorf("got %+v, %v", rec, err)
			}
			if err != nil && !strings.Contains(err.Error(), repository) && !strings.Contains(err.Error(), bundleName) {
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
}
