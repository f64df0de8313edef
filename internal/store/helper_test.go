package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

const (
	repository = "acme/web"
	bundleName = "kaizen.web.coach.2026-W48"
	runID      = 4711
)

var (
	apiToken = fixture.Canary("ghs_", "api")

	noon  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	files = []File{{MarkdownFile, []byte("# coach\n")}, {SourcesFile, []byte("{}\n")}}
)

// eventOf is a valid event of agent in the repository with the slug web.
func eventOf(t testing.TB, agent string, a *event.Artifact) []byte {
	t.Helper()
	e := event.Event{
		Event: event.Type, Version: event.Version, OccurredAt: "2026-11-24T12:00:00Z", Repo: "web",
		Root:  "/home/runner/web",
		Agent: agent, Cadence: "weekly",
		PrepareCommand: event.PrepareCommand(agent, "/home/runner/web", prepare.Markdown),
		Bundle:         event.Bundle{Format: "markdown", Pointers: []string{"scope"}, Bytes: 8, Artifact: a},
		SessionClose:   []string{"kaizen-agentic metrics record coach --success --time <s> --quality <0-1>"},
	}
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// receiptOf is a valid receipt of the bundle name, whose agent is coach.
func receiptOf(t testing.TB, name string) *Receipt {
	t.Helper()
	return &Receipt{
		ID:    bundleid.EventID(repository, name),
		Name:  name,
		Event: eventOf(t, "coach", nil),
		Deliveries: []Delivery{{Channel: "dispatch", Target: "acme/core", Status: Delivered},
			{Channel: "nats", Target: "s", Status: Duplicate}},
	}
}

// receiptZip is a receipt as PutReceipt stores it, after change.
func receiptZip(t testing.TB, name string, change func(*Receipt)) []byte {
	t.Helper()
	r := receiptOf(t, name)
	data, err := encodeReceipt(r, home{name: repository})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
		data = encode(t, r)
	}
	return zipOf(t, File{ReceiptFile, data})
}

func zipOf(t testing.TB, f ...File) []byte {
	t.Helper()
	data, err := Zip(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// look looks one name up.
func look(t testing.TB, s Store, name string) (Record, error) {
	t.Helper()
	rec := s.Lookup(t.Context(), []string{name})[0]
	return rec, rec.Err
}

// workbench is a store of job artifacts, with stand-ins for everything around it.
type workbench struct {
	results *ghtest.Results
	api     *ghtest.Server
	options ArtifactsOptions
	clock   *fixture.Clock
	log     fixture.Log
}

func newWorkbench(t testing.TB, dialect ghtest.Dialect) *workbench {
	t.Helper()
	return newWorkbenchOn(t, dialect, ghtest.Options{})
}

// gitea are the options of an API like Gitea's.
var gitea = ghtest.Options{Gitea: true}

// newWorkbenchOn has an API with options.
func newWorkbenchOn(t testing.TB, dialect ghtest.Dialect, api ghtest.Options) *workbench {
	t.Helper()
	w := &workbench{clock: fixture.NewClock(noon)}
	api.Errorf, api.Now = t.Errorf, w.clock.Now
	var err error
	w.api, err = ghtest.New(api)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.api.Close)
	w.api.AddRepository(ghtest.Repository{ID: 77, FullName: repository, DefaultBranch: "main"})
	w.api.AddToken(apiToken, ghtest.Token{Kind: ghtest.Job,
		Access: map[string]ghtest.Permissions{repository: {Contents: "read", Actions: "read"}}})
	w.results, err = ghtest.NewResults(ghtest.ResultsOptions{
		Errorf: t.Errorf, Now: w.clock.Now, Dialect: dialect,
		OnFinalize: func(s ghtest.Stored) int64 {
			return w.api.AddArtifact(ghtest.Artifact{Repository: repository, Name: s.Name, Zip: s.Zip, RunID: s.RunID,
				HeadBranch: "main"})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.results.Close)
	client, err := gh.New(gh.Options{
		BaseURL: w.api.URL(), Token: apiToken, Now: w.clock.Now, Sleep: w.clock.Sleep, Log: w.log.Printf,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.options = ArtifactsOptions{
		ResultsURL: w.results.URL(), RuntimeToken: w.results.Token(runID, "prepare"), ServerURL: "https://github.com/",
		Repository: repository,
		RunID:      runID, API: client, RepositoryID: 77, LedgerBranch: "main", Now: w.clock.Now, Sleep: w.clock.Sleep,
		Log: w.log.Printf,
	}
	return w
}

func (w *workbench) open(t testing.TB) *Artifacts {
	t.Helper()
	a, err := NewArtifacts(w.options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// requests counts what arrived at the API and its storage, as "1 listing, 2 by name".
func (w *workbench) requests() string {
	count := map[string]int{}
	for _, r := range w.api.Requests() {
		switch {
		case r.Storage:
			count["storage"]++
		case strings.HasSuffix(r.Path, "/zip"):
			count["zip"]++
		case strings.Contains(r.Query, "name="):
			count["by name"]++
		case strings.Contains(r.Path, "/actions/runs/") && strings.HasSuffix(r.Path, "/artifacts"):
			count["of a run"]++
		case strings.HasSuffix(r.Path, "/actions/artifacts"):
			count["listing"]++
		case strings.Contains(r.Path, "/actions/runs/"):
			count["run"]++
		default:
			count["repository"]++
		}
	}
	var parts []string
	for _, kind := range []string{"listing", "by name", "of a run", "run", "zip", "storage", "repository"} {
		if count[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[kind], kind))
		}
	}
	return strings.Join(parts, ", ")
}

// operations lists what arrived at the Results Service, in order.
func (w *workbench) operations() string {
	var list []string
	for _, r := range w.results.Requests() {
		if r.Storage {
			list = append(list, strings.TrimPrefix(r.Query, "comp="))
			continue
		}
		list = append(list, r.Path[strings.LastIndexByte(r.Path, '/')+1:])
	}
	return strings.Join(list, " ")
}
