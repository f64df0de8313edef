package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

var full = flag.Bool("full", false, "simulate a year in place of ten days")

var (
	apiToken      = fixture.Canary("ghs_", "api")
	dispatchToken = fixture.Canary("ghs_", "dispatch")
)

// TestYearOfTicks runs ticks on the listings of every kind of server, with -full for a
// year: one every two hours, fewer at night, some late, dropped or repeated, and for days
// none. Two sources with one slug share the ledger. Targets are down for hours, the
// process is killed before and after any request, and the repository is renamed while
// targets miss an event. Other artifacts come all the time, and pull requests store
// receipts of periods to come.
//
// Stages, store, ledger, API client and sinks are real; the servers are stand-ins. A kill
// is a transport that does not send any more, so nothing outside the process changes.
//
// In the end every period in which one run reached its end with all targets up has one
// receipt, and each target has its event. A target that got an event again, under the
// same id, did so because the process was killed between the target's answer and the
// record of it. A consumer that drops repeats by bundle.id acts once, unless the repository
// was renamed after such a kill, before the next tick.
func TestYearOfTicks(t *testing.T) {
	t.Parallel()
	days := 10
	if *full {
		days = 365
	}
	for i, test := range []struct {
		name string
		api  ghtest.Options
		most int // requests of a tick with nothing due
	}{
		{"GitHub", ghtest.Options{}, 6},
		{"thirty a page", ghtest.Options{PageSize: 30}, 8},
		{"Gitea", ghtest.Options{Gitea: true, BasePath: "/api/v1"}, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.api, rand.New(rand.NewPCG(2026, uint64(i))))
			w.run(days)
			w.check()
			if w.most > test.most {
				t.Errorf("a tick with nothing due takes %d requests, want at most %d", w.most, test.most)
			}
		})
	}
}

// world is one repository with its ledger, its targets and everything that they received.
type world struct {
	t       *testing.T
	rnd     *rand.Rand
	gitea   bool
	api     *ghtest.Server
	results *ghtest.Results
	clock   *fixture.Clock
	network *http.Transport
	runners string // the directories of the runs' runners, each used once

	repository string // its present name
	workspace  string
	projects   []*Project // the sources
	targets    []target.Target
	down       map[string]outage // by repository

	lastRun, ticks, kills int
	idle, most            int  // runs with nothing due, and the requests of the dearest
	renames, between      int  // between are those while a target missed an event
	unfinished            bool // the latest tick left a partial delivery

	killed  map[int64]bool     // runs
	reached map[string]bool    // bundles of which a run reached its end with all targets up
	given   map[string][]given // what the targets got, by bundle
	seen    [2]int             // dispatches and starts that are in given

	mu       sync.Mutex
	receipts map[string]int
	recorded map[string][]int64 // the runs that stored a receipt or a partial delivery
}

// given is an event that reached a target.
type given struct {
	target, id, event string
	run               int64
}

// outage is for how many hours a target is down, and what it answers.
type outage struct{ hours, status int }

const (
	repositoryID = 77
	retention    = 63 // days, of all artifacts
)

func newWorld(t *testing.T, api ghtest.Options, rnd *rand.Rand) *world {
	w := &world{
		t: t, rnd: rnd, gitea: api.Gitea, clock: fixture.NewClock(time.Date(2026, 1, 1, 0, 17, 0, 0, time.UTC)),
		network: &http.Transport{MaxIdleConnsPerHost: 20}, runners: fixture.TempDir(t), workspace: t.TempDir(),
		repository: "acme/web", down: map[string]outage{}, killed: map[int64]bool{}, reached: map[string]bool{},
		given: map[string][]given{}, receipts: map[string]int{}, recorded: map[string][]int64{},
	}
	t.Cleanup(w.network.CloseIdleConnections)
	api.Errorf, api.Now = t.Errorf, w.clock.Now
	var err error
	w.api, err = ghtest.New(api)
	fixture.Must(t, err)
	t.Cleanup(w.api.Close)
	w.results, err = ghtest.NewResults(ghtest.ResultsOptions{Errorf: t.Errorf, Now: w.clock.Now,
		OnFinalize: w.stored})
	fixture.Must(t, err)
	t.Cleanup(w.results.Close)
	w.addTargets()
	w.addRepository()
	w.writeSources()
	w.openSources()
	return w
}

// stored adds a complete artifact to the listing.
func (w *world) stored(s ghtest.Stored) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if name, ok := bundleid.CutReceipt(s.Name); ok {
		w.receipts[name]++
		w.recorded[name] = append(w.recorded[name], s.RunID)
	} else if name, ok := strings.CutSuffix(s.Name, ".partial"); ok {
		w.recorded[name] = append(w.recorded[name], s.RunID)
	}
	return w.api.AddArtifact(ghtest.Artifact{Repository: w.repository, Name: s.Name, Zip: s.Zip, RunID: s.RunID,
		HeadBranch: "main"})
}

// addTargets adds the targets: repositories and workflows, of which one has the event id
// in the names of its runs. Gitea starts workflows only.
func (w *world) addTargets() {
	const declares = "on:\n  workflow_dispatch:\n    inputs:\n      event:\n        required: true\njobs: {}\n"
	w.api.AddToken(dispatchToken, ghtest.Token{Kind: ghtest.Installation,
		Access: map[string]ghtest.Permissions{"*": {Contents: "write", Actions: "write"}}})
	dir := ".github/workflows/"
	targets := []string{"acme/core", "acme/dash"}
	if w.gitea {
		dir = ".gitea/workflows/"
		targets = []string{"acme/core/" + dir + "plain.yml@main"}
	}
	targets = append(targets, "acme/named/"+dir+"named.yml@main", "acme/plain/"+dir+"plain.yml@main")
	for _, text := range targets {
		parsed, err := target.Parse(text)
		fixture.Must(w.t, err)
		w.targets = append(w.targets, parsed)
		w.api.AddRepository(ghtest.Repository{FullName: parsed.Repository, Files: map[string]string{
			dir + "plain.yml": declares,
			dir + "named.yml": "run-name: ${{ fromJSON(inputs.event).bundle.id }}\n" + declares,
		}})
	}
}

// stranger is the run of a pull request.
const stranger = 5

// addRepository adds the repository under its present name.
func (w *world) addRepository() {
	w.api.AddRepository(ghtest.Repository{ID: repositoryID, FullName: w.repository})
	w.api.AddToken(apiToken, ghtest.Token{Kind: ghtest.Job,
		Access: map[string]ghtest.Permissions{w.repository: {Contents: "read", Actions: "read"}}})
	w.api.AddRun(ghtest.Run{ID: stranger, Repository: w.repository, HeadBranch: "main", Event: "pull_request",
		HeadRepositoryID: 666})
}

// writeSources writes two sources with one slug: the repository itself and a directory.
func (w *world) writeSources() {
	const manifest = "version: \"1\"\nrepo: web\ntimezone: Europe/Berlin\nagents:\n" +
		"  daily: {cadence: daily, cron: '30 5 * * *'}\n" +
		"  twice: {cadence: daily, cron: '0 3,15 * * *'}\n" +
		"  weekly: {cadence: weekly, cron: '0 9 * * 1'}\n" +
		"  often: {cadence: weekly, cron: '15 2 * * MON,THU'}\n" +
		"  monthly: {cadence: monthly, cron: '0 9 1 * *'}\n"
	for _, dir := range []string{".", "packages/web"} {
		write := func(name, text string) {
			path := filepath.Join(w.workspace, dir, name)
			fixture.Must(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
			fixture.Must(w.t, os.WriteFile(path, []byte(text), 0o644))
		}
		write(".kaizen/schedule.yml", manifest)
		for _, agent := range []string{"daily", "twice", "weekly", "often", "monthly"} {
			write("agents/"+agent+".md", "# Do what is to be done.\n")
		}
	}
}

func (w *world) environment() actions.Environment {
	return actions.Environment{Actions: true, ServerURL: "https://forge.example", Repository: w.repository,
		RunID: int64(w.lastRun), Workspace: w.workspace}
}

// openSources opens the sources, as every run does.
func (w *world) openSources() {
	for _, dir := range []string{".", "packages/web"} {
		env := w.environment()
		p, err := OpenProject(w.t.Context(), ProjectOptions{Dir: filepath.Join(w.workspace, dir), File: ".kaizen/schedule.yml",
			Env: &env})
		fixture.Must(w.t, err)
		w.t.Cleanup(p.Close)
		if p.Manifest == nil || len(p.Findings) > 0 {
			w.t.Fatalf("findings: %v", p.Findings)
		}
		w.projects = append(w.projects, p)
	}
}

// run runs the ticks of some days.
func (w *world) run(days int) {
	begin := w.clock.Now()
	silent := 0 // hours without a run
	for hour := range days * 24 {
		at := begin.Add(time.Duration(hour) * time.Hour)
		w.happen(at, hour, days)
		if silent == 0 && hour > 48 && w.rnd.IntN(600) == 0 {
			silent = 24 * (1 + w.rnd.IntN(4))
		}
		if silent > 0 {
			silent--
			continue
		}
		if night := at.Hour() >= 20; hour%2 > 0 || night && hour%4 > 0 || w.rnd.IntN(10) == 0 {
			continue // dropped
		}
		late := w.rnd.Float64()
		at = at.Add(time.Duration(late * late * float64(110*time.Minute)))
		w.tick(at)
		if w.rnd.IntN(12) == 0 {
			w.tick(at) // twice
		}
	}
}

// happen changes what surrounds the ticks: targets, other artifacts, the repository's name.
func (w *world) happen(at time.Time, hour, days int) {
	w.clock.Set(at)
	for _, t := range w.targets {
		o := w.down[t.Repository]
		if o.hours--; o.hours <= 0 {
			delete(w.down, t.Repository)
			if w.rnd.IntN(60) == 0 {
				w.down[t.Repository] = outage{1 + w.rnd.IntN(12), []int{404, 503}[w.rnd.IntN(2)]}
			}
			continue
		}
		w.down[t.Repository] = o
	}
	// three times, while a target misses an event if that comes within a day
	if due := (w.renames + 1) * days * 24 / 4; w.renames < 3 && hour >= due && (w.unfinished || hour >= due+24) {
		w.rename()
	}
	if hour%24 == 0 {
		w.api.Expire(at.AddDate(0, 0, -retention))
	}
	if w.rnd.IntN(3) > 0 {
		return
	}
	w.api.AddArtifact(ghtest.Artifact{Repository: w.repository, Name: fmt.Sprint("coverage-", hour), RunID: 1,
		HeadBranch: "main"})
	names := w.names(at.AddDate(0, 0, w.rnd.IntN(2)))
	w.api.AddArtifact(ghtest.Artifact{Repository: w.repository, RunID: stranger, HeadBranch: "main",
		Name: bundleid.ReceiptName(names[w.rnd.IntN(len(names))]), HeadRepositoryID: 666})
}

// rename moves the repository to another name.
func (w *world) rename() {
	w.renames++
	if w.unfinished {
		w.between++
	}
	old := w.repository
	w.repository = fmt.Sprintf("umbrella/site-%d", w.renames)
	w.addRepository()
	w.api.Rename(old, w.repository)
	before := w.names(w.clock.Now())
	w.projects = nil
	w.openSources()
	if after := w.names(w.clock.Now()); !slices.Equal(before, after) {
		w.t.Errorf("after the rename the bundles are %q, before %q", after, before)
	}
}

// names are the bundles of all sources' periods at an instant.
func (w *world) names(at time.Time) (names []string) {
	for _, p := range w.projects {
		planner := Planner{Manifest: p.Manifest, Source: p.Source, Now: at}
		for i := range p.Manifest.Entries {
			names = append(names, planner.Entry(&p.Manifest.Entries[i]).ID.Name())
		}
	}
	return names
}

// tick runs the process of each source once.
func (w *world) tick(at time.Time) {
	w.ticks++
	w.unfinished = false
	for _, project := range w.projects {
		w.clock.Set(at)
		w.lastRun++
		p := &process{world: w, run: int64(w.lastRun)}
		if w.rnd.IntN(5) == 0 {
			p.last, p.after = int32(1+w.rnd.IntN(40)), w.rnd.IntN(2) == 0
		}
		outcomes := p.start(project)
		w.collect(p.run)
		w.judge(p, outcomes)
		w.api.Forget()
		w.results.Forget()
	}
}

// process is one run. It is the transport of the run's requests.
type process struct {
	*world
	run      int64
	last     int32 // the request at which it is killed, 0 for none
	after    bool  // whether the server gets that request
	requests atomic.Int32
	reads    atomic.Int32
	dead     atomic.Bool
}

var errKilled = errors.New("killed")

// RoundTrip implements http.RoundTripper.
func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	here := p.requests.Add(1) == p.last
	if here && !p.after {
		p.dead.Store(true)
	}
	if p.dead.Load() {
		return nil, errKilled
	}
	if r.Method == http.MethodGet {
		p.reads.Add(1)
	}
	for repository, o := range p.down {
		if strings.Contains(r.URL.Path, "/repos/"+repository+"/") {
			return &http.Response{StatusCode: o.status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		}
	}
	answer, err := p.network.RoundTrip(r)
	if here {
		p.dead.Store(true)
	}
	if p.dead.Load() && err == nil {
		answer.Body.Close()
		return nil, errKilled
	}
	return answer, err
}

// sleep moves the clock, unless the process was killed.
func (p *process) sleep(ctx context.Context, d time.Duration) error {
	if p.dead.Load() {
		return errKilled
	}
	return p.clock.Sleep(ctx, d)
}

// start runs the pipeline for a source.
func (p *process) start(project *Project) []*Outcome {
	clients := func(token string) *gh.Client {
		c, err := gh.New(gh.Options{BaseURL: p.api.URL(), Token: token, Transport: p, Now: p.clock.Now,
			Sleep: p.sleep})
		fixture.Must(p.t, err)
		return c
	}
	env := p.environment()
	options := store.ArtifactsOptions{
		ResultsURL: p.results.URL(), RuntimeToken: p.results.Token(p.run, "prepare"), ServerURL: env.ServerURL,
		Repository: p.repository, RepositoryID: repositoryID, RunID: p.run, LedgerBranch: "main",
		RetentionDays: func(string) int { return retention },
		API:           clients(apiToken), Transport: p, Now: p.clock.Now, Sleep: p.sleep,
	}
	if p.gitea {
		options.RepositoryID = 0
	}
	artifacts, err := store.NewArtifacts(options)
	fixture.Must(p.t, err)
	dir := filepath.Join(p.runners, fmt.Sprint(p.run))
	directory, err := store.OpenDirectory(store.DirectoryOptions{Workspace: p.runners, Out: dir, NoSync: true})
	fixture.Must(p.t, err)
	defer os.RemoveAll(dir)
	sink, err := emit.NewDispatch(emit.DispatchOptions{Client: clients(dispatchToken), Targets: p.targets})
	fixture.Must(p.t, err)
	now := p.clock.Now()
	planner := Planner{Manifest: project.Manifest, Source: project.Source, Ledger: artifacts, Now: now}
	builder := Builder{
		Files: project.Files, Manifest: project.Manifest, Now: now, Root: "/work", Repository: p.repository,
		Artifacts: ArtifactHome(&env),
		Secrets:   prepare.SecretsOff, // its tests are elsewhere, and it takes most of the time
	}
	outcomes, err := Run(p.t.Context(), planner, &builder, &Deliverer{
		Stores: Stores{Directory: directory, Artifacts: artifacts}, StoreArtifacts: true,
		Log: func(string, ...any) {}, Sinks: []emit.Sink{sink},
	})
	fixture.Must(p.t, err)
	return outcomes
}

// collect notes what the targets received from a run.
func (w *world) collect(run int64) {
	note := func(to string, text []byte) {
		e, err := event.Parse(text)
		if err != nil {
			w.t.Errorf("%s got %s: %v", to, text, err)
			return
		}
		_, b, ok := bundleid.ParseEventID(e.Bundle.ID)
		if !ok || b.Period != e.Bundle.Period {
			w.t.Errorf("%s got the event id %q for the period %q", to, e.Bundle.ID, e.Bundle.Period)
		}
		w.given[b.Name()] = append(w.given[b.Name()], given{to, e.Bundle.ID, string(text), run})
	}
	dispatches, starts := w.api.Dispatches(), w.api.Starts()
	for _, d := range dispatches[w.seen[0]:] {
		note(d.Repository, d.ClientPayload)
	}
	for _, s := range starts[w.seen[1]:] {
		note(s.Repository, json.RawMessage(s.Inputs["event"]))
	}
	w.seen = [2]int{len(dispatches), len(starts)}
}

// judge checks what a run says about itself.
func (w *world) judge(p *process, outcomes []*Outcome) {
	if p.dead.Load() { // its output is lost
		w.kills++
		w.killed[p.run] = true
		return
	}
	chosen := false
	for _, o := range outcomes {
		chosen = chosen || o.Chosen
		name := o.ID.Name()
		if len(w.down) == 0 {
			w.reached[name] = true
			if o.Err != nil {
				w.t.Errorf("run %d, %s: %v", p.run, name, o.Err)
			}
		}
		if undelivered, ok := errors.AsType[*Undelivered](o.Err); ok && undelivered.Have > 0 {
			w.unfinished = true
		} else if !ok && o.Err != nil {
			w.t.Errorf("run %d, %s: %v", p.run, name, o.Err)
		}
		for _, period := range o.Decision.Missed {
			missed := o.ID
			if missed.Period = period; w.receipts[missed.Name()] > 0 {
				w.t.Errorf("run %d reports %s as missed, which has a receipt", p.run, missed.Name())
			}
		}
	}
	if !chosen {
		w.idle++
		w.most = max(w.most, int(p.reads.Load()))
	}
}

// check compares what targets and ledger have with what TestYearOfTicks promises.
func (w *world) check() {
	var repeats, moved, partly int
	lost := map[string]bool{} // crashes between the answer of a target and its record
	for name := range w.reached {
		if w.receipts[name] != 1 {
			w.t.Errorf("%s has %d receipts, although a run reached its end", name, w.receipts[name])
		}
	}
	for name, list := range w.given {
		if w.receipts[name] > 1 {
			w.t.Errorf("%s has %d receipts", name, w.receipts[name])
		}
		if w.receipts[name] == 0 {
			partly++
		}
		events := map[string]bool{}
		crashed := false
		for _, g := range list {
			events[g.event] = true
			if w.isLost(name, g) {
				crashed = true
				lost[fmt.Sprint(name, g.run)] = true
			}
		}
		if len(events) > 1 && !crashed {
			w.t.Errorf("the targets of %s got %d different events", name, len(events))
		}
		for _, to := range w.targets {
			again, acts := w.checkTarget(name, to.Repository)
			repeats += again
			moved += max(acts-1, 0)
		}
	}
	w.t.Logf("%d periods, %d of them without a receipt; %d ticks, %d runs, %d of them killed; "+
		"%d renames, %d of them during a partial delivery", len(w.given), partly, w.ticks, w.lastRun, w.kills,
		w.renames, w.between)
	w.t.Logf("%d repeats of %d crashes between an answer and its record, %d of them under another id after a rename",
		repeats, len(lost), moved)
	w.t.Logf("%d runs with nothing due, of at most %d requests", w.idle, w.most)
	if w.kills == 0 || w.renames != 3 || len(w.reached) == 0 || *full && (repeats == 0 || w.between == 0) {
		w.t.Error("the ticks are too quiet")
	}
}

// isLost reports whether the process was killed after the target's answer and before the
// record of it.
func (w *world) isLost(name string, g given) bool {
	return w.killed[g.run] && !slices.Contains(w.recorded[name], g.run)
}

// checkTarget checks what a target got for a period. It returns the number of repeats, and
// on how many events a consumer acts that drops repeats by their ids.
func (w *world) checkTarget(name, to string) (repeats, acts int) {
	var last *given
	ids := map[string]bool{}
	for _, g := range w.given[name] {
		if g.target != to {
			continue
		}
		if last != nil {
			repeats++
			if !w.isLost(name, *last) {
				w.t.Errorf("%s got %s again in run %d, although run %d recorded it", to, name, g.run, last.run)
			}
		}
		ids[g.id] = true
		last = &g
	}
	if last == nil && w.receipts[name] > 0 {
		w.t.Errorf("%s has a receipt, and %s never got it", name, to)
	}
	return repeats, len(ids)
}
