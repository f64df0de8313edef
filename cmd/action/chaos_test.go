package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// regressionSeeds are those of violations that TestChaos found.
var regressionSeeds = []uint64{
	463, // a request of a cancelled run was served in the next tick: see TestLateRequest
	893, // scripted faults that a slow machine had left lasted for more than 20 clean ticks
}

const (
	chaosTicks = 4 // with faults; clean ticks follow
	// cleanTicks are enough for all faults of the artifact service that are left: two are
	// scripted in a tick, each skips three requests and breaks six, one in a tick at least.
	cleanTicks    = chaosTicks * 2 * (3 + 6)
	hungRunLasts  = 400 * time.Millisecond
	chaosSeeds    = 24
	chaosSeedsAll = 1500 // with -full
)

// TestChaos runs ticks of prepare while requests and file operations fail at random, and
// then clean ones. Requests are refused, cut, lost after their effect, answered with
// something else, or hang until the run is cancelled.
//
// In the end there is one receipt and every target has the event. A run sends a target the
// event again only if an earlier run lost its acknowledgement, or the record of it. Each
// run has a token of its own, which says who sent an event that is served late. A run ends
// with exit code 0, or 3 and a message, and with 0 only if the period has its receipt. It is
// not parallel, because it counts goroutines, file descriptors and memory of the process.
func TestChaos(t *testing.T) {
	seeds := regressionSeeds
	count := chaosSeeds
	if *full {
		count = chaosSeedsAll
	}
	for i := range uint64(count) {
		if !slices.Contains(regressionSeeds, i) {
			seeds = append(seeds, i)
		}
	}
	before := usageOf(t)
	var total chaosCount
	t.Run("seeds", func(t *testing.T) {
		for _, seed := range seeds {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				newChaos(t, seed, &total).run()
			})
		}
	})
	t.Logf("%d runs, %d faults: %v", total.runs, total.sum(), total.faults)
	if total.sum() < len(seeds) {
		t.Errorf("only %d faults for %d seeds", total.sum(), len(seeds))
	}
	before.checkGrowth(t)
}

// chaosCount counts what all seeds did.
type chaosCount struct {
	mu     sync.Mutex
	runs   int
	faults map[string]int
}

func (c *chaosCount) add(fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults == nil {
		c.faults = map[string]int{}
	}
	c.faults[fault]++
}

func (c *chaosCount) sum() (n int) {
	for _, k := range c.faults {
		n += k
	}
	return n
}

// chaos is one platform with the faults of one seed.
type chaos struct {
	*platform
	seed  uint64
	rnd   *rand.Rand
	clock *fixture.Clock
	total *chaosCount

	mu   sync.Mutex
	tick int
	nth  map[string]int // requests of this tick, by operation
	// lost has "tick repository" for each acknowledgement that may be lost, and "tick" where
	// its record may be.
	lost    map[string]bool
	noStore bool // in this tick
}

func newChaos(t *testing.T, seed uint64, total *chaosCount) *chaos {
	c := &chaos{seed: seed, rnd: rand.New(rand.NewPCG(14, seed)), clock: fixture.NewClock(time.Now()), total: total,
		lost: map[string]bool{}}
	c.platform = newPlatformOn(t, ghtest.Options{Now: c.clock.Now})
	const repo = "GET /repos/*/*"
	for _, pattern := range []string{repo, repo + "/actions/artifacts", repo + "/actions/artifacts/*/zip",
		repo + "/actions/runs/*", "POST /repos/*/*/dispatches"} {
		c.api.Fail(pattern, 1<<30, c.apiFault)
	}
	return c
}

// kinds of faults at the API, in the order in which a number picks them.
var chaosFaults = []struct {
	name  string
	fault ghtest.Fault
}{
	{"500", ghtest.Status(http.StatusInternalServerError, "oops")},
	{"502", ghtest.Status(http.StatusBadGateway, "<html>bad gateway</html>")},
	{"403", ghtest.Status(http.StatusForbidden, `{"message":"Forbidden"}`)},
	{"limit", ghtest.SecondaryLimit("7")},
	{"reset", ghtest.Reset()},
	{"truncated", ghtest.Truncate()},
	{"html", ghtest.Status(http.StatusOK, "<html>log in</html>")},
	{"lost", ghtest.Lose()},
	{"hang", ghtest.Hang()},
	{"trickle", ghtest.Trickle()},
}

// apiFault decides by seed, tick, operation and number of the request, whatever the order
// in which parallel requests arrive.
func (c *chaos) apiFault(s *ghtest.Server, w http.ResponseWriter, r *http.Request) {
	operation := r.Method + " " + r.URL.Path
	c.mu.Lock()
	tick, n := c.tick, c.nth[operation]
	c.nth[operation]++
	c.mu.Unlock()
	h := fnv.New64a()
	fmt.Fprintln(h, c.seed, tick, operation, n)
	roll := rand.New(rand.NewPCG(h.Sum64(), 14))
	if tick > chaosTicks || roll.IntN(3) > 0 {
		ghtest.Then(func() {})(s, w, r)
		return
	}
	f := chaosFaults[roll.IntN(len(chaosFaults))]
	if (f.name == "hang" || f.name == "trickle") && roll.IntN(4) > 0 {
		f = chaosFaults[0] // these cancel the run, so that others would rarely come after them
	}
	c.total.add(f.name)
	if f.name == "lost" {
		c.lose(fmt.Sprint(tick, " ", strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/repos/"), "/dispatches")))
	}
	f.fault(s, w, r)
}

func (c *chaos) lose(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost[what] = true
}

// resultsFaults scripts faults of the artifact service for a tick. Seeds that are even
// have none, because such a fault excuses a repeat.
func (c *chaos) resultsFaults() {
	operations := []string{"CreateArtifact", "FinalizeArtifact", "ListArtifacts", "DeleteArtifact", "block",
		"blocklist"}
	for range c.rnd.IntN(3) * int(c.seed%2) {
		f := chaosFaults[c.rnd.IntN(6)]
		operation, skip, n := operations[c.rnd.IntN(len(operations))], c.rnd.IntN(4), 1+c.rnd.IntN(6)
		if c.rnd.IntN(2) == 0 {
			c.results.Fail(operation, skip, n, f.fault)
		} else {
			c.results.Lose(operation, skip, n, f.fault)
		}
		c.total.add("results " + f.name)
		// The fault may also come in a later tick, if this one has no such request.
		for tick := c.tick; tick <= chaosTicks+cleanTicks; tick++ {
			c.lose(fmt.Sprint(tick))
		}
	}
}

// fileFault breaks one file operation of a tick, and returns what undoes it.
func (c *chaos) fileFault(vars map[string]string) (undo func()) {
	store := filepath.Join(c.workspace, ".kaizen", "prepared")
	switch c.rnd.IntN(8) {
	case 0:
		vars["GITHUB_OUTPUT"] = "/dev/full"
		c.total.add("full output")
	case 1:
		vars["GITHUB_STEP_SUMMARY"] = "/dev/full"
		c.total.add("full summary")
	case 2:
		if _, err := os.Lstat(store); errors.Is(err, fs.ErrNotExist) {
			fixture.Must(c.t, os.WriteFile(store, nil, 0o644))
			c.total.add("file as store")
			c.noStore = true // which is a wrong option, as far as the program can know
			return func() { fixture.Must(c.t, os.Remove(store)) }
		}
	}
	return func() {}
}

func (c *chaos) run() {
	for range chaosTicks {
		c.step(true)
	}
	for range cleanTicks { // scripted faults of the artifact service may be left
		if c.step(false) == exitOK && c.receipts() > 0 {
			break
		}
	}
	if code := c.step(false); code != exitOK {
		c.t.Errorf("a tick after the receipt: exit code %d", code)
	}
	if n := c.receipts(); n != 1 {
		c.t.Errorf("%d receipts in the end", n)
	}
	c.checkDispatches()
}

// step runs one tick and returns its exit code.
func (c *chaos) step(faults bool) int {
	c.mu.Lock()
	c.tick++
	c.nth, c.noStore = map[string]int{}, false
	tick := c.tick
	c.mu.Unlock()
	if !faults {
		c.mu.Lock()
		c.tick = max(c.tick, chaosTicks+1)
		c.mu.Unlock()
	}
	inputs := fanOut(fmt.Sprintf("2026-11-24T%02d:%02d:00Z", 9+tick/60, tick%60))
	inputs["dispatch-token"] = c.senderToken(tick)
	vars := c.vars(int64(1000+tick), inputs, nil)
	undo := func() {}
	ctx := c.t.Context()
	if faults {
		c.resultsFaults()
		undo = c.fileFault(vars)
		limited, cancel := context.WithCancel(ctx)
		defer cancel()
		stop := time.AfterFunc(hungRunLasts, cancel)
		defer stop.Stop()
		ctx = limited
	}
	before := c.receipts()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"prepare", "--host-workspace=/home/runner/work/web"}, streams{
		getenv: func(name string) string { return vars[name] }, stdin: strings.NewReader(""),
		stdout: &stdout, stderr: &stderr, now: c.clock.Now, sleep: c.clock.Sleep, signals: context.WithCancel,
	})
	undo()
	if ctx.Err() != nil {
		c.lose(fmt.Sprint(tick)) // a cancelled run may not record what it delivered
	}
	c.check(tick, code, before, stderr.String())
	return code
}

// check checks the end of one tick.
func (c *chaos) check(tick, code, before int, log string) {
	c.total.mu.Lock()
	c.total.runs++
	c.total.mu.Unlock()
	receipts := c.receipts()
	switch {
	case code == exitUsage && c.noStore && strings.Contains(log, "opening the store"):
	case code != exitOK && code != exitUnavailable:
		c.t.Errorf("tick %d: exit code %d\n%s", tick, code, log)
	case code == exitOK && receipts == 0:
		c.t.Errorf("tick %d: success without a receipt\n%s", tick, log)
	case code == exitUnavailable && strings.Count(log, "\n") == 0:
		c.t.Errorf("tick %d: exit code %d without a message", tick, code)
	case receipts > max(before, 1):
		c.t.Errorf("tick %d: %d receipts\n%s", tick, receipts, log)
	case strings.Contains(log, "panic") || strings.Contains(log, "goroutine"):
		c.t.Errorf("tick %d: a panic\n%s", tick, log)
	}
	fixture.NoCanary(c.t, "the log", log)
}

func (c *chaos) receipts() (n int) {
	for _, a := range c.results.Artifacts() {
		if strings.HasSuffix(a.Name, ".receipt") {
			n++
		}
	}
	return n
}

// checkDispatches checks that every target has the event, and that no run sent it again
// without reason.
func (c *chaos) checkDispatches() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	targets := map[string]bool{}
	for _, d := range c.api.Dispatches() {
		targets[d.Repository] = true
	}
	if !targets["acme/core"] || !targets["acme/dash"] || len(targets) != 2 {
		c.t.Errorf("the event is at the targets %v", targets)
	}
	for _, repeat := range repeats(c.api.Dispatches(), c.lost) {
		c.t.Error(repeat)
	}
}

// repeats returns the events that a run sent although an earlier one had sent them, and had
// lost neither the acknowledgement of the target ("tick repository") nor the record ("tick").
// What counts is the order of the runs: the server may serve a request of a cancelled run
// after those of the next one.
func repeats(sent []ghtest.Dispatch, lost map[string]bool) (out []string) {
	runs := map[string][]int{} // the ticks whose runs sent an event, by target
	for _, d := range sent {
		tick, _ := strconv.Atoi(d.Sender)
		runs[d.Repository] = append(runs[d.Repository], tick)
	}
	for target, ticks := range runs {
		slices.Sort(ticks)
		for i, tick := range ticks[1:] {
			if earlier := ticks[i]; !lost[fmt.Sprint(earlier)] && !lost[fmt.Sprint(earlier, " ", target)] {
				out = append(out, fmt.Sprintf("%s got the event of tick %d and again of tick %d", target, earlier, tick))
			}
		}
	}
	slices.Sort(out)
	return out
}

// senderToken returns a token of its own for the run of a tick.
func (p *platform) senderToken(tick int) string {
	token := fixture.Canary("ghs_", fmt.Sprint("tick ", tick))
	p.api.AddToken(token, ghtest.Token{Kind: ghtest.Installation, Name: strconv.Itoa(tick),
		Access: map[string]ghtest.Permissions{"acme/core": {Contents: "write"}, "acme/dash": {Contents: "write"}}})
	return token
}

// TestRepeats proves that the check of TestChaos can fail, and that it goes by who sent an
// event, not by when it was served.
func TestRepeats(t *testing.T) {
	t.Parallel()
	event := func(target string, tick int) ghtest.Dispatch {
		return ghtest.Dispatch{Repository: target, Sender: strconv.Itoa(tick)}
	}
	core1, core2, core3, dash1 := event("core", 1), event("core", 2), event("core", 3), event("dash", 1)
	for _, tt := range []struct {
		name string
		sent []ghtest.Dispatch
		lost string
		want string
	}{
		{"once", []ghtest.Dispatch{core1, dash1}, "", ""},
		{"again", []ghtest.Dispatch{core1, dash1, core2}, "", "core got the event of tick 1 and again of tick 2"},
		{"twice in a run", []ghtest.Dispatch{core2, core2}, "", "core got the event of tick 2 and again of tick 2"},
		{"record lost", []ghtest.Dispatch{core1, core2}, "1", ""},
		{"acknowledgement lost", []ghtest.Dispatch{core1, core2}, "1 core", ""},
		{"acknowledgement of another lost", []ghtest.Dispatch{core1, core2}, "1 dash",
			"core got the event of tick 1 and again of tick 2"},
		{"lost in the last run", []ghtest.Dispatch{core1, core2}, "2",
			"core got the event of tick 1 and again of tick 2"},
		{"served late", []ghtest.Dispatch{core2, core1}, "1", ""},
		{"served late, then again", []ghtest.Dispatch{core2, core1, core3}, "1",
			"core got the event of tick 2 and again of tick 3"},
	} {
		if got := strings.Join(repeats(tt.sent, map[string]bool{tt.lost: true}), "\n"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestLateRequest cancels a run whose request is with the server, which serves it after
// the next run is over. The next run sends the event again, because no record says that
// the target has it. The target gets one event twice, under one id.
func TestLateRequest(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	late, served := make(chan struct{}), make(chan struct{})
	p.api.Fail("POST /repos/acme/core/dispatches", 1, func(s *ghtest.Server, w http.ResponseWriter, r *http.Request) {
		defer close(served)
		cancel()
		<-late
		ghtest.Then(func() {})(s, w, r)
	})
	var stdout, stderr bytes.Buffer
	inputs := fanOut(tuesday)
	inputs["dispatch-token"] = p.senderToken(1)
	vars := p.vars(101, inputs, nil)
	code := runWith(t, ctx, []string{"prepare", "--host-workspace=/home/runner/work/web"}, vars, &stdout, &stderr)
	if got := p.readRan(code, vars, &stdout, &stderr); got.code != exitUnavailable || p.receipts() != 0 {
		t.Fatalf("the cancelled run: exit code %d, %d receipts\n%s", got.code, p.receipts(), got.stderr)
	}
	inputs["dispatch-token"] = p.senderToken(2)
	if got := p.stepIn(102, inputs, nil); got.code != exitOK || p.receipts() != 1 {
		t.Fatalf("the next run: exit code %d, %d receipts\n%s", got.code, p.receipts(), got.stderr)
	}
	close(late)
	<-served
	if got := p.stepIn(103, inputs, nil); got.code != exitOK || p.receipts() != 1 {
		t.Errorf("the last run: exit code %d, %d receipts\n%s", got.code, p.receipts(), got.stderr)
	}
	var senders []string
	ids := map[string]bool{}
	for _, d := range p.api.Dispatches() {
		e, err := event.Parse(d.ClientPayload)
		fixture.Must(t, err)
		ids[e.Bundle.ID] = true
		if d.Repository == "acme/core" {
			senders = append(senders, d.Sender)
		}
	}
	if !slices.Equal(senders, []string{"2", "1"}) || len(ids) != 1 {
		t.Errorf("the runs %q sent the event, under the ids %v", senders, ids)
	}
	if got := repeats(p.api.Dispatches(), map[string]bool{"1": true}); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

// usage is what a process holds.
type usage struct {
	goroutines, files int
	heap              uint64
}

func usageOf(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return usage{runtime.NumGoroutine(), len(files), m.HeapAlloc}
}

// checkGrowth waits until the connections to closed servers have ended, and fails if more
// is left than a few shared ones.
func (u usage) checkGrowth(t *testing.T) {
	t.Helper()
	var now usage
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		now = usageOf(t)
		if now.goroutines <= u.goroutines+5 && now.files <= u.files+5 && now.heap <= u.heap+32<<20 {
			return
		}
		select {
		case <-again.C:
		case <-deadline.C:
			stacks := make([]byte, 1<<16)
			t.Errorf("before %+v, after %+v\n%s", u, now, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}
