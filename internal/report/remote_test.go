package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

var token = fixture.Canary("ghs_", "report")

// platform is a stand-in of GitHub or Gitea and a client of it.
type platform struct {
	t      *testing.T
	api    *ghtest.Server
	client *gh.Client
	ledger string
	clock  *fixture.Clock
	log    fixture.Log
	run    int64
}

func newPlatform(t *testing.T, gitea bool) *platform {
	t.Helper()
	p := &platform{t: t, clock: fixture.NewClock(instant(t, "2026-11-24T09:00:00Z")), run: 100}
	o := ghtest.Options{Errorf: t.Errorf, Gitea: gitea, Now: p.clock.Now}
	if gitea {
		o.BasePath = "/api/v1"
	}
	var err error
	p.api, err = ghtest.New(o)
	fixture.Must(t, err)
	t.Cleanup(p.api.Close)
	p.api.AddToken(token, ghtest.Token{Kind: ghtest.Job, Access: map[string]ghtest.Permissions{
		"*": {Contents: "read", Actions: "read"}}})
	for i, name := range []string{"acme/web", "acme/core"} {
		p.api.AddRepository(ghtest.Repository{ID: int64(77 + i), FullName: name, Private: true})
	}
	p.client, err = gh.New(gh.Options{BaseURL: p.api.URL(), Token: token, UserAgent: "test", Now: p.clock.Now,
		Sleep: p.clock.Sleep})
	fixture.Must(t, err)
	return p
}

// store adds an artifact of a run of the repository at an instant, and returns the run.
func (p *platform) store(repository, name, at string, zip []byte) int64 {
	p.t.Helper()
	p.run++
	p.api.AddRun(ghtest.Run{ID: p.run, Repository: repository, HeadBranch: "main", Event: "schedule",
		Status: "completed"})
	p.api.AddArtifact(ghtest.Artifact{Repository: repository, Name: name, Zip: zip, RunID: p.run, HeadBranch: "main",
		CreatedAt: instant(p.t, at)})
	return p.run
}

// zipped is a zip that holds the receipt of a bundle.
func zipped(t *testing.T, name string, d ...store.Delivery) []byte {
	t.Helper()
	data, err := store.Zip([]store.File{{Name: store.ReceiptFile, Data: receiptOf(t, name, d)}})
	fixture.Must(t, err)
	return data
}

// server is the address of the pages.
func (p *platform) server() string { return strings.TrimSuffix(p.api.URL(), "/api/v1") }

func (p *platform) roster() *fleet.Roster {
	return web(func(r *fleet.Repository) { r.Server = p.server() })
}

// report reads the API and makes the report of November.
func (p *platform) report(now string, consumers ...string) *Report {
	p.t.Helper()
	p.clock.Set(instant(p.t, now))
	roster := p.roster()
	since := instant(p.t, "2026-11-01T00:00:00Z")
	reader := &Reader{API: p.client, Server: p.server(), Log: p.log.Printf,
		Settings: Settings{Consumers: consumers, Ledger: p.ledger, Receipts: 1, Since: since}}
	facts, err := reader.Collect(p.t.Context(), roster)
	fixture.Must(p.t, err)
	made, err := New(p.t.Context(), Options{Roster: roster, Facts: facts, Now: p.clock.Now(), Since: since,
		Grace: 6 * time.Hour})
	fixture.Must(p.t, err)
	return made
}

// A missed, a failed, a duplicate and an unreceived run each show up, with links to their
// evidence, and with few requests.
func TestRead(t *testing.T) {
	t.Parallel()
	for _, gitea := range []bool{false, true} {
		t.Run(fmt.Sprintf("Gitea %t", gitea), func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t, gitea)
			name := func(week string) string { return "kaizen.web.coach.2026-" + week }
			record := func(week string) string {
				b, _ := bundleid.Parse(name(week))
				return bundleid.ReceivedName("acme/web", b)
			}
			p.store("acme/web", name("W44")+".receipt", "2026-10-26T08:05:00Z", nil) // before the window
			p.store("acme/web", name("W45")+".receipt", "2026-11-02T08:05:00Z", zipped(t, name("W45")))
			p.store("acme/core", record("W45"), "2026-11-02T08:06:00Z", nil)
			// W46 is missed. W47 was prepared by two runs, and its run failed.
			p.store("acme/web", name("W47")+".receipt", "2026-11-16T08:05:00Z", zipped(t, name("W47")))
			p.store("acme/web", name("W47")+".receipt", "2026-11-16T08:06:00Z", zipped(t, name("W47")))
			p.api.AddRun(ghtest.Run{ID: 9, Repository: "acme/core", HeadBranch: "main", Event: "workflow_dispatch",
				Title: "acme/web/" + name("W47"), Status: "completed", Conclusion: "failure"})
			// Another branch's and a stranger's receipts do not count.
			p.api.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: name("W46") + ".receipt", RunID: 900,
				HeadBranch: "feature", CreatedAt: instant(t, "2026-11-09T08:05:00Z")})
			p.store("acme/web", name("W48")+".receipt", "2026-11-23T08:05:00Z", zipped(t, name("W48")))
			made := p.report("2026-11-24T09:00:00Z", "acme/core")
			var got []string
			for _, period := range made.Repositories[0].Entries[0].Periods {
				got = append(got, strings.Join(append([]string{period.Period, string(period.State)},
					texts(period.Flags)...), " "))
			}
			want := []string{"2026-W48 prepared unreceived", "2026-W47 failed duplicate", "2026-W46 missed",
				"2026-W45 received"}
			if !slices.Equal(got, want) || len(made.Problems) > 0 {
				t.Errorf("got %q, want %q; problems %v\n%s", got, want, made.Problems, p.log.Text())
			}
			p.checkLinks(made)
			requests := map[string]int{}
			for _, r := range p.api.Requests() {
				requests[r.Method+" "+strings.TrimPrefix(r.Path, "/api/v1")]++
			}
			limits := map[string]int{
				"GET /repos/acme/web/actions/artifacts": 1, "GET /repos/acme/core/actions/artifacts": 1,
				"GET /repos/acme/core": 1, "GET /repos/acme/core/actions/runs": 2,
				"GET /repos/acme/web/contents/.kaizen/metrics/coach/executions.jsonl": 1,
			}
			for request, n := range requests {
				limit, known := limits[request]
				receipt := strings.HasSuffix(request, "/zip") || strings.HasSuffix(request, "/raw") ||
					strings.HasSuffix(request, ".zip")
				asksRun := gitea && strings.Contains(request, "/actions/runs/")
				if n > max(limit, 1) || !known && !receipt && !asksRun {
					t.Errorf("%d × %s", n, request)
				}
			}
			t.Logf("%d requests", len(p.api.Requests()))
		})
	}
}

// checkLinks checks that each period with evidence links to it, on the server.
func (p *platform) checkLinks(made *Report) {
	p.t.Helper()
	for _, period := range made.Repositories[0].Entries[0].Periods {
		for _, e := range period.Evidence {
			if !strings.HasPrefix(e.URL, p.server()) || !strings.Contains(e.URL, "/actions/runs/") {
				p.t.Errorf("%s: %s links to %q", period.Period, e.Kind, e.URL)
			}
		}
	}
}

// The run that a receipt names says how it ended, and what the agent recorded.
func TestStartedRunAndMetrics(t *testing.T) {
	t.Parallel()
	const name = "kaizen.web.coach.2026-W48"
	for _, tt := range []struct {
		conclusion, metrics string
		want                State
	}{
		{"success", "", Executed}, {"failure", "", Failed}, {"cancelled", "", Failed}, {"timed_out", "", Failed},
		{"", "", Received}, {"skipped", "", Received},
		{"", `{"timestamp":"2026-11-23T09:00:00Z","agent":"coach","success":true,"quality_score":0.9}`, Executed},
		{"success", `{"timestamp":"2026-11-23T09:00:00Z","agent":"coach","success":false}`, Failed},
		{"", `{"timestamp":"2026-11-23T09:00:00Z","agent":"review","success":true}`, Received},
	} {
		p := newPlatform(t, false)
		files := map[string]string{}
		if tt.metrics != "" {
			files[".kaizen/metrics/coach/executions.jsonl"] = tt.metrics
		}
		p.api.AddRepository(ghtest.Repository{ID: 77, FullName: "acme/web", Private: true, Files: files})
		status := "completed"
		if tt.conclusion == "" {
			status = "in_progress"
		}
		p.api.AddRun(ghtest.Run{ID: 9, Repository: "acme/core", HeadBranch: "main", Status: status,
			Conclusion: tt.conclusion})
		p.store("acme/web", name+".receipt", "2026-11-23T08:05:00Z", zipped(t, name, store.Delivery{Channel: "dispatch",
			Target: "acme/core/.github/workflows/run.yml@main", Status: store.Delivered, RunID: 9}))
		made := p.report("2026-11-24T09:00:00Z")
		period := made.Repositories[0].Entries[0].Periods[0]
		if period.State != tt.want || len(made.Problems) > 0 {
			t.Errorf("%q, %q: got %s, want %s; %+v %v", tt.conclusion, tt.metrics, period.State, tt.want,
				period.Evidence,
				made.Problems)
		}
	}
}

// A ledger that cannot be read makes its periods unknown, never missed.
func TestUnreadLedger(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, false)
	p.api.Fail("GET /repos/*/*/actions/artifacts", 100, ghtest.Status(403, `{"message":"Resource not accessible"}`))
	made := p.report("2026-11-24T09:00:00Z")
	if e := made.Repositories[0].Entries[0]; e.State != Unknown || len(made.Problems) != 1 ||
		!strings.Contains(made.Problems[0].Hint, "actions: read") || made.Totals.Unreadable != 1 {
		t.Errorf("got %s, %+v", e.State, made.Problems)
	}
}

// A report without the metrics, the run or the records of a consumer is incomplete: a failure
// may be unknown. What a file has beside evidence is a problem only.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	const name = "kaizen.web.coach.2026-W48"
	for _, request := range []string{
		"", "GET /repos/acme/web/contents/.kaizen/metrics/coach/executions.jsonl", "GET /repos/acme/core/actions/runs/9",
		"GET /repos/acme/core/actions/artifacts",
	} {
		p := newPlatform(t, false)
		p.api.AddRun(ghtest.Run{ID: 9, Repository: "acme/core", HeadBranch: "main", Status: "completed",
			Conclusion: "failure"})
		p.store("acme/web", name+".receipt", "2026-11-23T08:05:00Z", zipped(t, name, store.Delivery{Channel: "dispatch",
			Target: "acme/core/.github/workflows/run.yml@main", Status: store.Delivered, RunID: 9}))
		if request != "" {
			p.api.Fail(request, 100, ghtest.Status(502, ""))
		}
		made := p.report("2026-11-24T09:00:00Z", "acme/core")
		if made.Incomplete() != (request != "") {
			t.Errorf("%q fails: incomplete is %t, problems %+v", request, made.Incomplete(), made.Problems)
		}
		if got := made.Lines(nil)[0]; strings.Contains(got, "as far as could be read") != (request != "") {
			t.Errorf("%q fails: %s", request, got)
		}
	}
	if made := reportOf(t, web(nil), "2026-11-24T09:00:00Z", "no evidence"); made.Incomplete() || len(made.Problems) != 1 {
		t.Errorf("a broken line: problems %+v", made.Problems)
	}
}

// While the origin of a receipt is not known, a period without one is unknown, not missed.
func TestUndecidedReceipt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, true)
	p.store("acme/web", "kaizen.web.coach.2026-W47.receipt", "2026-11-16T08:05:00Z",
		zipped(t, "kaizen.web.coach.2026-W47"))
	p.api.RemoveRun(p.store("acme/web", "kaizen.web.coach.2026-W48.receipt", "2026-11-23T08:05:00Z", nil))
	made := p.report("2026-11-30T09:00:00Z")
	var got []string
	for _, period := range made.Repositories[0].Entries[0].Periods {
		got = append(got, string(period.State))
	}
	want := []string{"unknown", "unknown", "prepared"} // nothing says that the newest has no receipt either
	if !slices.Equal(got, want) || len(made.Problems) != 1 || made.Totals.Unreadable != 1 {
		t.Errorf("got %q, problems %v", got, made.Problems)
	}
}

// Many pages of artifacts are read to the begin of the window and no further.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, gitea := range []bool{false, true} {
		p := newPlatform(t, gitea)
		start := instant(t, "2026-10-01T00:00:00Z")
		for i := range 1000 { // 54 days, every 78 minutes
			name := "other"
			at := start.Add(time.Duration(i) * 78 * time.Minute)
			if i%130 == 7 {
				name = "kaizen.web.coach." + at.Format("2006-01-02T1504Z") + ".receipt"
			}
			p.api.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: name, RunID: 5, HeadBranch: "main",
				CreatedAt: at})
		}
		roster := p.roster()
		reader := &Reader{API: p.client, Server: p.server(), Log: p.log.Printf,
			Settings: Settings{Since: instant(t, "2026-11-01T00:00:00Z")}}
		facts, err := reader.Collect(t.Context(), roster)
		fixture.Must(t, err)
		found, pages := 0, 0
		for _, periods := range facts.bundles {
			found += len(periods)
		}
		for _, r := range p.api.Requests() {
			if strings.HasSuffix(r.Path, "/artifacts") {
				pages++
			}
		}
		wantPages := 5 // of 100, the last one is older
		if gitea {
			wantPages = 10 // of 50, and the first one
		}
		if found != 3 || pages > wantPages || len(facts.problems) > 0 {
			t.Errorf("Gitea %t: %d receipts on %d pages, %v", gitea, found, pages, facts.problems)
		}
	}
}

// In central mode one ledger has the receipts of the fleet, under names with the digits of
// each repository.
func TestSharedLedger(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, false)
	p.ledger = "acme/central"
	p.api.AddRepository(ghtest.Repository{ID: 90, FullName: "acme/central", Private: true})
	digits := pipeline.Place{Repository: p.ledger, ServerURL: p.server()}.SourceOf(p.server(), "acme/web")
	name := "kaizen.web-" + digits + ".coach.2026-W48"
	p.store("acme/central", name+".receipt", "2026-11-23T08:05:00Z", zipped(t, name))
	stranger := "kaizen.web-000000.coach.2026-W47"
	p.store("acme/central", stranger+".receipt", "2026-11-16T08:05:00Z", zipped(t, stranger))
	b, _ := bundleid.Parse(name)
	p.store("acme/core", bundleid.ReceivedName(p.ledger, b), "2026-11-23T08:06:00Z", nil)
	made := p.report("2026-11-24T09:00:00Z", "acme/core")
	periods := made.Repositories[0].Entries[0].Periods
	if len(periods) != 1 || periods[0].State != Received || len(made.Problems) > 0 {
		t.Errorf("got %+v, problems %v", periods, made.Problems)
	}
	for _, r := range p.api.Requests() {
		if strings.HasPrefix(r.Path, "/repos/acme/web/actions") {
			t.Errorf("request %s", r.Path)
		}
	}
}

// A ledger with receipts of many other names, and a receipt that names many runs, take a
// bounded number of requests: the token is that of the whole fleet.
func TestReceiptsTakeFewRequests(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, false)
	const name = "kaizen.web.coach.2026-W48"
	var many []store.Delivery
	for i := range 3 * maxStarted {
		many = append(many, store.Delivery{Channel: "dispatch", Target: "acme/core", Status: store.Delivered,
			RunID: int64(1000 + i)})
	}
	p.store("acme/web", name+".receipt", "2026-11-23T08:05:00Z", zipped(t, name, many...))
	for i := range 40 {
		other := fmt.Sprintf("kaizen.web-%06d.coach.2026-W48", i)
		p.store("acme/web", other+".receipt", "2026-11-23T08:06:00Z", zipped(t, other))
	}
	p.report("2026-11-24T09:00:00Z")
	runs, zips := 0, 0
	for _, r := range p.api.Requests() {
		if strings.HasPrefix(r.Path, "/repos/acme/core/actions/runs/") {
			runs++
		}
		if r.Storage {
			zips++
		}
	}
	if runs != maxStarted || zips != 1 {
		t.Errorf("%d runs were asked for, want %d; %d receipts were read, want 1", runs, maxStarted, zips)
	}
}
