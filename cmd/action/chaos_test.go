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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// regressionSeeds are those of violations that TestChaos found.
var regressionSeeds = []uint64{
	463, // a request of a cancelled run, served in the next tick, was taken for a repeat
}

const (
	chaosTicks    = 4 // with faults; clean ticks follow
	hungRunLasts  = 400 * time.Millisecond
	chaosSeeds    = 24
	chaosSeedsAll = 1500 // with -full
)

// TestChaos runs ticks of prepare while requests and file operations fail at random, and
// then clean ones. Requests are refused, cut, lost after their effect, answered with
// something else, or hang until the run is cancelled.
//
// In the end there is one receipt and every target has the event. A target gets a repeat
// only after a run in which its acknowledgement, or the record of it, was lost. A run ends
// with exit code 0, or 3 and a message, and with 0 only if the period has its receipt. It is not parallel,
// because it counts goroutines, file descriptors and memory of the process.
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
	served  []int // dispatches before each tick
	noStore bool  // in this tick
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
		for tick := c.tick; tick <= chaosTicks+20; tick++ {
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
	for range 20 { // scripted faults of the artifact service may be left
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
	c.served = append(c.served, len(c.api.Dispatches()))
	tick := c.tick
	c.mu.Unlock()
	if !faults {
		c.mu.Lock()
		c.tick = max(c.tick, chaosTicks+1)
		c.mu.Unlock()
	}
	vars := c.vars(int64(1000+tick), fanOut(fmt.Sprintf("2026-11-24T%02d:%02d:00Z", 9+tick/60, tick%60)), nil)
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
		// A cancelled run may not record what it delivered, and the server may serve its last
		// request when the next tick has begun.
		c.lose(fmt.Sprint(tick))
		c.lose(fmt.Sprint(tick + 1))
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

// checkDispatches checks that every target has the event, and a repeat only after a run in
// which an acknowledgement or its record was lost.
func (c *chaos) checkDispatches() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	last := map[string]int{} // tick of the last event, by target
	for i, d := range c.api.Dispatches() {
		tick := 1
		for tick < len(c.served) && c.served[tick] <= i {
			tick++
		}
		earlier, repeat := last[d.Repository]
		if repeat && !c.lost[fmt.Sprint(earlier)] && !c.lost[fmt.Sprint(earlier, " ", d.Repository)] {
			c.t.Errorf("%s got the event in tick %d and again in tick %d", d.Repository, earlier, tick)
		}
		last[d.Repository] = tick
	}
	if last["acme/core"] == 0 || last["acme/dash"] == 0 || len(last) != 2 {
		c.t.Errorf("the targets got their last events in the ticks %v", last)
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
