package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

var full = flag.Bool("full", false, "run the long simulations, every place of a kill, and a fleet of 10,000 repositories")

// The zones of the simulation, one for each of its repositories: both hemispheres, odd
// offsets, half-hour daylight saving, none.
var simulatedZones = []string{
	"Australia/Lord_Howe", "UTC", "Europe/Berlin", "Europe/Dublin", "Europe/Lisbon", "America/New_York",
	"America/Los_Angeles", "America/St_Johns",
	"America/Santiago", "America/Havana", "America/Nuuk", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut",
	"Asia/Kathmandu",
	"Asia/Tokyo", "Antarctica/Troll", "Australia/Sydney", "Pacific/Chatham", "Pacific/Kiritimati",
}

// firstTick is the first tick of a whole year.
var firstTick = time.Date(2026, 1, 1, 0, 17, 0, 0, time.UTC)

// TestYear runs 70 days of ticks over ten entries, or with -full a year over 200, ten in
// each zone, of which some have several slots in a day, a week or a month. Ticks come hours
// late, never, twice, and while another run is at work; for days none comes at all.
// Processes die before and after any step with an effect outside the process, and targets
// are down, or take an event without acknowledging it.
//
// Real are manifest, slots, decision, bundle, directory, event, order of the steps,
// report and exit code. Simulated are the store of job artifacts, the targets and the
// clock. TestKilledAtEveryRequest covers the requests within a step, and the store's own
// tests cover the file operations.
//
// A period needs a successful last tick, so a run may fail only if a later tick falls
// into the same periods. The test then checks that every period with at least one tick
// ends with a receipt.
func TestYear(t *testing.T) {
	t.Parallel()
	zones, begin, days := simulatedZones[:1], firstTick.AddDate(0, 1, 0), 70 // clocks change on 5 April
	if *full {
		zones, begin, days = simulatedZones, firstTick, 365
	}
	for i, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			y := newYear(t, zone, begin, days, rand.New(rand.NewPCG(2026, uint64(i))))
			y.run()
			y.checkPeriods()
			y.checkEvents()
			y.checkMissed()
			y.checkFaults()
		})
	}
}

// year is one repository with its ticks and everything that left the processes.
type year struct {
	t       *testing.T
	rnd     *rand.Rand
	slug    string
	project *pipeline.Project
	runners string // the directories of the runs' runners, each used once
	ticks   []time.Time
	ran     []bool

	concurrent map[string]bool // bundle names whose period had two runs at once
	killed     map[string]bool // bundle names of processes that were killed
	repeats    int             // events that a target had acknowledged before
	missed     map[string]bool // bundle names that a run called missed
	wrongly    map[string]bool // the same, only of runs that were alone
	counts     map[string]int  // faults that struck

	mu        sync.Mutex // guards what follows, which all processes share
	clock     int        // counts what happens in the world
	bundles   map[string]bool
	partials  map[string]store.Partial // the newest of each bundle name
	given     map[string][]given
	receipts  map[string][]given
	delivered map[string][]string // the bundle names that bear receipts, by agent
}

// given is an event that reached a target, or an event with a stored receipt.
type given struct {
	target, id string
	event      string // its bytes
	deaf       bool   // the target did not acknowledge it
	run        int64
	at         int // on the year's clock
}

func newYear(t *testing.T, zone string, begin time.Time, days int, rnd *rand.Rand) *year {
	slug := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(zone, "/", "-"), "_", "-"))
	y := &year{
		t: t, rnd: rnd, slug: slug, runners: fixture.TempDir(t), ticks: ticks(rnd, begin, days),
		concurrent: map[string]bool{}, missed: map[string]bool{},
		wrongly: map[string]bool{}, counts: map[string]int{}, bundles: map[string]bool{}, given: map[string][]given{},
		killed:    map[string]bool{},
		partials:  map[string]store.Partial{},
		receipts:  map[string][]given{},
		delivered: map[string][]string{},
	}
	y.ran = make([]bool, len(y.ticks))
	var err error
	if y.project, err = y.app(y.ticks[0], 0, checkoutOf(t, slug, zone, rnd)).openProject(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(y.project.Close)
	if y.project.Manifest == nil || len(y.project.Manifest.Entries) != 10 {
		t.Fatalf("the manifest: %v", y.project.Findings)
	}
	return y
}

// checkoutOf writes a repository with ten agents. Many times lie in the hours in which
// clocks change.
func checkoutOf(t *testing.T, slug, zone string, rnd *rand.Rand) string {
	t.Helper()
	dir := fixture.TempDir(t)
	manifest := fmt.Sprintf("version: \"1\"\nrepo: %s\ntimezone: %s\nagents:\n", slug, zone)
	for i := range 10 {
		hour := rnd.IntN(24)
		if rnd.IntN(2) == 0 {
			hour = rnd.IntN(4)
		}
		at, twice := fmt.Sprintf("%d %d", rnd.IntN(60), hour),
			fmt.Sprintf("%d %d,%d", rnd.IntN(60), hour%12, hour%12+12)
		timing := []string{
			"{cadence: daily, cron: '" + at + " * * *'}",
			"{cadence: daily, cron: '" + twice + " * * *'}",
			fmt.Sprintf("{cadence: weekly, cron: '%s * * %d'}", at, rnd.IntN(7)),
			fmt.Sprintf("{cadence: weekly, cron: '%s * * %d'}", at, rnd.IntN(8)),
			fmt.Sprintf("{cadence: weekly, cron: '%s * * %d'}", at, rnd.IntN(7)),
			"{cadence: weekly, cron: '" + at + " * * MON,THU'}",
			fmt.Sprintf("{cadence: monthly, cron: '%s %d * *'}", at, 1+rnd.IntN(31)),
			fmt.Sprintf("{cadence: monthly, cron: '%s %d * *'}", at, 1+rnd.IntN(28)),
			"{cadence: monthly, cron: '" + at + " 1,15 * *'}",
			"{cadence: monthly, cron: '" + at + " 13 * FRI'}",
		}[i]
		manifest += fmt.Sprintf("  agent-%d: %s\n", i, timing)
		writeFile(t, filepath.Join(dir, ".claude/agents", fmt.Sprintf("agent-%d.md", i)), "# Do what is to be done.\n")
	}
	writeFile(t, filepath.Join(dir, ".kaizen/schedule.yml"), manifest)
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ticks are the starts of a year's runs, for a cron of every four hours.
func ticks(rnd *rand.Rand, begin time.Time, days int) []time.Time {
	var list []time.Time
	outage := 0
	for at := begin; at.Before(begin.AddDate(0, 0, days)); at = at.Add(4 * time.Hour) {
		if outage == 0 && rnd.IntN(400) == 0 {
			outage = 6 * (1 + rnd.IntN(12)) // up to twelve days
		}
		if outage > 0 {
			outage--
			continue
		}
		if rnd.IntN(10) == 0 {
			continue // dropped
		}
		late := rnd.Float64()
		list = append(list, at.Add(time.Duration(late*late*late*float64(6*time.Hour))))
		if rnd.IntN(12) == 0 { // twice
			list = append(list, list[len(list)-1].Add(time.Duration(rnd.IntN(3))*10*time.Minute))
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}

func (y *year) run() {
	for i := range y.ticks {
		if !y.ran[i] {
			y.start(i, false)
		}
	}
}

// maySuffer reports whether a failed run is followed by another one before any of its
// periods ends.
func (y *year) maySuffer(tick int) bool {
	if tick+1 == len(y.ticks) {
		return false
	}
	for i := range y.project.Manifest.Entries {
		if next := y.project.Manifest.Entries[i].Next(y.ticks[tick], 1)[0]; !y.ticks[tick+1].Before(next.At) {
			return false
		}
	}
	return true
}

// start runs the process of a tick; nested means inside the process of another tick.
func (y *year) start(tick int, nested bool) {
	y.ran[tick] = true
	p := y.process(tick, nested)
	entries, err := p.job.run(y.t.Context())
	if err != nil {
		y.t.Errorf("run %d: %v", p.id, err)
	}
	code, _ := p.job.report(y.t.Context(), entries)
	if p.killed.Load() {
		for _, r := range entries {
			y.killed[p.nameAt(r.Entry, y.ticks[tick])] = y.killed[p.nameAt(r.Entry, y.ticks[tick])] || r.Chosen
		}
		return // its output is lost
	}
	if failed := p.failed.Load(); (code == exitOK) == failed || code != exitOK && code != exitUnavailable {
		y.t.Errorf("run %d ends with exit code %d, a delivery failed: %t", p.id, code, failed)
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, r := range entries {
		for _, period := range r.Decision.Missed {
			name := y.name(r.Entry.Agent, period)
			y.missed[name] = true
			if !nested {
				y.wrongly[name] = true
			}
		}
	}
}

// process is one run of the action. It implements the platform's store and the targets of
// its job.
type process struct {
	*year
	id      int64
	job     *job
	started int // on the year's clock
	fate    fate
	reached atomic.Int32
	killed  atomic.Bool
	failed  atomic.Bool // some delivery was not acknowledged
}

// fate is the faults of a process. All of them happen at one point: before or after the
// nth step of its agents.
type fate struct {
	step      string
	nth       int32
	after     bool
	kill      bool
	meanwhile func()          // another process, from its first step to its last
	down      map[string]bool // targets that refuse
	deaf      map[string]bool // targets that take the event and answer nothing
}

var steps = []string{"lookup", "bundle", "deliver", "partial", "receipt"}

func (y *year) process(tick int, nested bool) *process {
	p := &process{year: y, id: int64(1000 + tick)}
	y.mu.Lock()
	p.started = y.clock
	y.mu.Unlock()
	p.fate = fate{step: steps[y.rnd.IntN(len(steps))], nth: int32(1 + y.rnd.IntN(2)), after: y.rnd.IntN(2) == 0}
	if y.maySuffer(tick) {
		p.fate.kill = y.rnd.IntN(3) == 0
		list := []string{"stream", "acme/core", "acme/dash"}
		p.fate.down = map[string]bool{list[y.rnd.IntN(3)]: y.rnd.IntN(5) == 0}
		p.fate.deaf = map[string]bool{list[y.rnd.IntN(3)]: y.rnd.IntN(5) == 0}
		if y.rnd.IntN(4) == 0 { // the record of a partial delivery is rare
			p.fate.step, p.fate.kill, p.fate.down = "partial", true, map[string]bool{"acme/dash": true}
		}
	}
	if next := tick + 1; !nested && next < len(y.ticks) && y.rnd.IntN(3) == 0 {
		p.fate.meanwhile = func() { y.nest(tick, next) }
	}
	directory, err := store.OpenDirectory(store.DirectoryOptions{Workspace: y.runners, Out: strconv.Itoa(tick),
		NoSync: true})
	if err != nil {
		y.t.Fatal(err)
	}
	app := y.app(y.ticks[tick], p.id, "")
	p.job = &job{app: app, Project: y.project}
	p.job.planner = pipeline.Planner{Manifest: y.project.Manifest, Ledger: p, Now: app.now}
	p.job.builder = pipeline.Builder{
		Files: y.project.Files, Manifest: y.project.Manifest, Now: app.now, Root: "/work",
		Artifacts: pipeline.ArtifactHome(&app.env), Repository: app.env.Repository,
		Secrets: prepare.SecretsOff, // its tests are elsewhere, and it takes most of the time
	}
	p.job.deliverer = pipeline.Deliverer{
		Stores: pipeline.Stores{Directory: directory, Artifacts: p}, StoreArtifacts: true, Log: app.runner.Logf,
		Sinks: []emit.Sink{&channel{p, "nats", []string{"stream"}},
			&channel{p, "dispatch", []string{"acme/core", "acme/dash"}}},
	}
	return p
}

// app returns an invocation at an instant, on a runner whose log and files are discarded.
func (y *year) app(now time.Time, run int64, dir string) *app {
	nothing := func(string) string { return "" }
	return &app{
		streams: streams{getenv: nothing, stdout: io.Discard, stderr: io.Discard, now: func() time.Time { return now }},
		runner:  actions.NewRunner(actions.RunnerOptions{Getenv: nothing, Stdout: io.Discard, Stderr: io.Discard}),
		env: actions.Environment{Actions: true, ServerURL: "https://github.com", Repository: "acme/" + y.slug,
			RunID: run},
		dir: dir, file: ".kaizen/schedule.yml",
		now: now,
	}
}

// nest runs the next tick's process inside that of tick.
func (y *year) nest(tick, next int) {
	for i := range y.project.Manifest.Entries {
		for _, at := range []time.Time{y.ticks[tick], y.ticks[next]} {
			y.concurrent[y.nameAt(&y.project.Manifest.Entries[i], at)] = true
		}
	}
	y.count("concurrent")
	y.start(next, true)
}

// name is the bundle name of an agent for a period.
func (y *year) name(agent, period string) string {
	return bundleid.Bundle{Entry: bundleid.Entry{Repo: y.slug, Agent: agent}, Period: period}.Name()
}

func (y *year) nameAt(e *schedule.Entry, at time.Time) string {
	return y.name(e.Agent, e.Current(at).Period)
}

func (y *year) count(what string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.counts[what]++
}

var errKilled = errors.New("killed")

// step is one effect of a process outside itself; do is called with the year locked. A
// killed process has no more effects, and does not receive the answer to its last one.
func (p *process) step(name string, do func()) error {
	here := p.fate.step == name && p.reached.Add(1) == p.fate.nth
	if here && !p.fate.after {
		p.strike("before " + name)
	}
	if p.killed.Load() {
		return errKilled
	}
	p.mu.Lock()
	p.clock++
	do()
	p.mu.Unlock()
	if here && p.fate.after {
		p.strike("after " + name)
	}
	if p.killed.Load() {
		return errKilled
	}
	return nil
}

func (p *process) strike(where string) {
	if p.fate.meanwhile != nil {
		p.fate.meanwhile()
	}
	if p.fate.kill {
		p.count("killed " + where)
		p.killed.Store(true)
	}
}

// Lookup implements store.Store.
func (p *process) Lookup(_ context.Context, names []string) []store.Record {
	records := make([]store.Record, len(names))
	for i, name := range names {
		records[i] = p.lookup(name)
	}
	return records
}

func (p *process) lookup(name string) (rec store.Record) {
	rec.Err = p.step("lookup", func() {
		rec.Delivered = len(p.receipts[name]) > 0
		rec.Prepared = p.bundles[name]
		_, rec.Partial = p.partials[name]
		for _, other := range p.delivered[agentOf(name)] {
			if other != name {
				rec.Earlier = append(rec.Earlier, other)
			}
		}
	})
	return rec
}

// Receipt implements store.Store.
func (p *process) Receipt(_ context.Context, name string) (*store.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if list := p.receipts[name]; len(list) > 0 {
		return &store.Receipt{ID: list[0].id, Name: name}, nil
	}
	return nil, nil
}

// PutBundle implements store.Store.
func (p *process) PutBundle(_ context.Context, name string, files []store.File) (*event.Artifact, error) {
	err := p.step("bundle", func() { p.bundles[name] = true })
	return &event.Artifact{
		Repository: p.job.env.Repository,
		RunID:      p.id,
		Name:       name,
		ID:         1,
		Digest:     fmt.Sprintf("sha256:%x", sha256.Sum256(files[0].Data)),
		URL:        "https://github.com/acme/web/actions/runs/1/artifacts/1",
	}, err
}

// PutPartial implements store.Store.
func (p *process) PutPartial(_ context.Context, partial *store.Partial) error {
	return p.step("partial", func() { p.partials[partial.Name] = *partial })
}

// Partial implements store.Store.
func (p *process) Partial(_ context.Context, name string) (*store.Partial, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	partial := p.partials[name]
	partial.Deliveries = slices.Clone(partial.Deliveries)
	return &partial, nil
}

// PutReceipt implements store.Store. It checks that the content of a receipt is true.
func (p *process) PutReceipt(_ context.Context, r *store.Receipt) error {
	return p.step("receipt", func() {
		for _, d := range r.Deliveries {
			if !d.Status.OK() || !slices.ContainsFunc(p.given[r.Name],
				func(g given) bool { return g.target == d.Target && !g.deaf }) {
				p.t.Errorf("the receipt of %s says that %s is %s", r.Name, d.Target, d.Status)
			}
		}
		if len(r.Deliveries) != 3 {
			p.t.Errorf("the receipt of %s has %d deliveries, want one of each target", r.Name, len(r.Deliveries))
		}
		if len(p.receipts[r.Name]) == 0 {
			p.delivered[agentOf(r.Name)] = append(p.delivered[agentOf(r.Name)], r.Name)
		}
		p.receipts[r.Name] = append(p.receipts[r.Name], given{id: r.ID, event: string(r.Event), run: p.id, at: p.clock})
	})
}

// agentOf is a bundle name without its period.
func agentOf(name string) string { return name[:strings.LastIndexByte(name, '.')] }

// channel is a channel of a process.
type channel struct {
	*process
	channel string
	targets []string
}

// Close implements emit.Sink.
func (s *channel) Close() error { return nil }

// Deliver implements emit.Sink. It checks that no run that starts after the receipt is
// stored delivers anything.
func (s *channel) Deliver(_ context.Context, m emit.Message) (deliveries []store.Delivery) {
	_, bundle, _ := bundleid.ParseEventID(m.ID)
	name := bundle.Name()
	for _, to := range s.targets {
		if m.SentBefore(s.channel, to, "") {
			continue
		}
		d := store.Delivery{Channel: s.channel, Target: to, Status: store.Delivered}
		err := s.step("deliver", func() {
			if s.fate.down[to] {
				s.counts["down"]++
				d.Status, d.Error = store.Failed, "is down"
				return
			}
			for _, receipt := range s.receipts[name] {
				if receipt.at <= s.started {
					s.t.Errorf("%s goes to %s in a run that started after its receipt was stored", name, to)
				}
			}
			deaf := s.fate.deaf[to]
			s.given[name] = append(s.given[name], given{to, m.ID, string(m.JSON), deaf, s.id, s.clock})
			if deaf {
				s.counts["deaf"]++
				d.Status, d.Error = store.Failed, "gave no answer"
			}
		})
		if err != nil {
			d.Status, d.Error = store.Failed, err.Error()
		}
		if d.Status == store.Failed {
			s.failed.Store(true)
		}
		deliveries = append(deliveries, d)
	}
	return deliveries
}

// checkPeriods checks that every period with a tick has what the test promises, and that
// nothing else was prepared.
func (y *year) checkPeriods() {
	expected := map[string]bool{}
	for _, at := range y.ticks {
		for i := range y.project.Manifest.Entries {
			expected[y.nameAt(&y.project.Manifest.Entries[i], at)] = true
		}
	}
	if got, want := slices.Sorted(maps.Keys(y.receipts)), slices.Sorted(maps.Keys(expected)); !slices.Equal(got, want) {
		y.t.Fatalf("%d periods have a receipt, %d have a tick inside", len(got), len(want))
	}
	for name := range expected {
		want := "acme/" + y.slug + "/" + name
		for _, to := range []string{"stream", "acme/core", "acme/dash"} {
			if !slices.ContainsFunc(y.given[name], func(g given) bool { return g.target == to }) {
				y.t.Errorf("%s was never delivered to %s", name, to)
			}
		}
		for _, g := range slices.Concat(y.given[name], y.receipts[name]) {
			if g.id != want {
				y.t.Errorf("%s went out under the event id %s", name, g.id)
			}
		}
		if n := len(y.receipts[name]); n != 1 && !y.concurrent[name] {
			y.t.Errorf("%s has %d receipts, though no two runs were at work in its period", name, n)
		}
	}
	if extra := len(y.given) - len(expected); extra != 0 {
		y.t.Errorf("%d periods were delivered without a tick inside", extra)
	}
}

// checkEvents checks that a target gets the same event again only if it did not
// acknowledge it, or if a process was killed or ran beside another one before the
// acknowledgement was recorded.
func (y *year) checkEvents() {
	for name, list := range y.given {
		acknowledged := map[string]bool{}
		events := map[string]bool{}
		for _, g := range list {
			if acknowledged[g.target] {
				y.repeats++
				if !y.killed[name] && !y.concurrent[name] {
					y.t.Errorf("%s went to %s again, though the target had acknowledged it", name, g.target)
				}
			}
			if !g.deaf {
				acknowledged[g.target], events[g.event] = true, true
			}
		}
		if len(events) != 1 && !y.killed[name] && !y.concurrent[name] {
			y.t.Errorf("%s went to its targets as %d different events", name, len(events))
		}
	}
	y.t.Logf("%d periods, %d repeats of an acknowledged event", len(y.given), y.repeats)
}

// checkMissed checks that exactly the periods without a tick between two receipts are
// reported as missed. While an older run is still at work, its period may also be
// reported as missed.
func (y *year) checkMissed() {
	skipped := 0
	for i := range y.project.Manifest.Entries {
		e := &y.project.Manifest.Entries[i]
		last := e.Current(y.ticks[len(y.ticks)-1])
		for slot := e.Current(y.ticks[0]); slot != last; slot = e.Next(slot.At, 1)[0] {
			name := y.name(e.Agent, slot.Period)
			without := len(y.receipts[name]) == 0
			if without {
				skipped++
			}
			if without && !y.missed[name] || !without && y.wrongly[name] {
				y.t.Errorf("%s: missed %t, reported as missed %t", name, without, y.missed[name])
			}
		}
	}
	if skipped == 0 && *full {
		y.t.Error("no period was missed: the outages are too short")
	}
}

// checkFaults checks that the year had enough faults of every kind.
func (y *year) checkFaults() {
	want := []string{"concurrent", "down", "deaf"}
	for _, step := range steps {
		want = append(want, "killed before "+step, "killed after "+step)
	}
	for _, fault := range want {
		if n := y.counts[fault]; n == 0 || n < 3 && *full {
			y.t.Errorf("%q struck %d times only", fault, n)
		}
	}
}
