package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// threeTargets is a platform on which acme/slow refuses events until the fourth tick.
type threeTargets struct {
	*platform
	tick int
}

func newThreeTargets(t *testing.T) *threeTargets {
	p := &threeTargets{platform: newPlatform(t)}
	p.api.AddRepository(ghtest.Repository{FullName: "acme/slow"})
	p.api.AddToken(fanOutToken, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
		"acme/core": {Contents: "write"}, "acme/dash": {Contents: "write"}, "acme/slow": {Contents: "write"}}})
	return p
}

// inputs are those of the next tick.
func (p *threeTargets) inputs() map[string]string {
	if p.tick++; p.tick <= 3 {
		p.api.Fail("POST /repos/acme/slow/dispatches", 1, ghtest.Status(404, `{"message":"Not Found"}`))
	}
	inputs := fanOut(fmt.Sprintf("2026-11-24T%02d:00:00Z", 8+p.tick))
	inputs["dispatch-to"] = "acme/core, acme/dash, acme/slow"
	return inputs
}

// received is what each target got: one text for each event.
func (p *threeTargets) received() map[string][]string {
	got := map[string][]string{}
	for _, d := range p.api.Dispatches() {
		got[d.Repository] = append(got[d.Repository], string(d.ClientPayload))
	}
	return got
}

func (p *platform) receipts() (n int) {
	for _, a := range p.results.Artifacts() {
		if strings.HasSuffix(a.Name, ".receipt") {
			n++
		}
	}
	return n
}

// TestOneTargetDown has one of three targets down for three ticks: each target gets the
// event once, the third gets the same bytes on the fourth tick, and the receipt follows.
func TestOneTargetDown(t *testing.T) {
	t.Parallel()
	p := newThreeTargets(t)
	for tick := range 3 {
		got := p.step(p.inputs())
		if got.code != exitUnavailable || p.receipts() != 0 || got.outputs["failed"] != `["coach"]` {
			t.Errorf("tick %d: exit code %d, %d receipts, failed %s", tick+1, got.code, p.receipts(),
				got.outputs["failed"])
		}
	}
	if n := len(p.results.Artifacts()); n != 2 {
		t.Errorf("%d artifacts, want the bundle and one record of a partial delivery", n)
	}
	last := p.step(p.inputs())
	if last.code != exitOK || p.receipts() != 1 {
		t.Fatalf("tick 4: exit code %d, %d receipts\n%s", last.code, p.receipts(), last.stderr)
	}
	if got := p.step(p.inputs()); got.code != exitOK || got.outputs["count"] != "0" || p.receipts() != 1 {
		t.Errorf("tick 5: exit code %d, outputs %v", got.code, got.outputs)
	}
	got := p.received()
	for _, target := range []string{"acme/core", "acme/dash", "acme/slow"} {
		if events := got[target]; len(events) != 1 || events[0] != got["acme/core"][0] {
			t.Errorf("%s got %d events:\n%s", target, len(events), strings.Join(events, "\n"))
		}
	}
	checkOneID(t, p, last.outputs)
}

// checkOneID checks that payload, receipt and outputs have the same event id.
func checkOneID(t *testing.T, p *threeTargets, outputs map[string]string) {
	t.Helper()
	want := sampleRepo + "/" + coachThisWeek
	for _, events := range p.received() {
		for _, data := range events {
			if e, err := event.Parse([]byte(data)); err != nil || e.Bundle.ID != want || e.Bundle.Period != "2026-W48" {
				t.Errorf("a target got %s, %v", data, err)
			}
		}
	}
	for _, a := range p.results.Artifacts() {
		if text, ok := unzip(t, a.Zip)["receipt.json"]; ok && !strings.Contains(text, `"id":"`+want+`","name"`) {
			t.Errorf("the receipt has another id: %s", text)
		}
	}
	if got, ok := outputs["event-id"]; ok && got != want {
		t.Errorf("the output event-id is %q, want %q", got, want)
	}
}

// TestOneTargetDownAndKilled kills the real program at every request of every tick of
// TestOneTargetDown. In the end every target has the event and there is one receipt. A
// target gets a repeat, under the same id, only if the kill came between its
// acknowledgement and the record of it. Without -full, every third request is such a place.
func TestOneTargetDownAndKilled(t *testing.T) {
	t.Parallel()
	for tick, places := range placesOfTicks(t, 4) {
		for i, l := range places {
			if !*full && (tick+i)%3 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("tick %d %s", tick+1, l), func(t *testing.T) {
				t.Parallel()
				p := newThreeTargets(t)
				for range tick {
					p.step(p.inputs())
				}
				before := len(p.api.Dispatches())
				reached := p.hangAt(l, nil)
				served := p.servedBeside(l, places)
				c := p.program(p.vars(900, p.inputs(), nil))
				c.await(t, reached)
				served.Wait()
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-c.ended
				during := len(p.api.Dispatches()) - before
				var last ran
				for p.receipts() == 0 && p.tick < 6 {
					last = p.step(p.inputs())
				}
				if got := p.step(p.inputs()); got.code != exitOK || got.outputs["count"] != "0" {
					t.Errorf("a tick after the receipt: exit code %d, outputs %v", got.code, got.outputs)
				}
				p.checkRepeats(during)
				checkOneID(t, p, last.outputs)
			})
		}
	}
}

// servedBeside returns what waits for the other dispatches of a tick that is killed at one
// of them. They are on their way at the same time, and may arrive after the kill.
func (p *threeTargets) servedBeside(l moment, places []moment) *sync.WaitGroup {
	var others sync.WaitGroup
	isDispatch := func(l moment) bool { return strings.HasSuffix(l.operation, "/dispatches") }
	for _, other := range places {
		if isDispatch(l) && isDispatch(other) && other != l && !strings.Contains(other.operation, "/slow/") {
			others.Add(1)
			p.api.Fail(other.operation, 1, ghtest.Then(others.Done))
		}
	}
	return &others
}

// checkRepeats checks the end state; during is how many events the killed run delivered.
func (p *threeTargets) checkRepeats(during int) {
	p.t.Helper()
	if p.receipts() != 1 {
		p.t.Errorf("%d receipts", p.receipts())
	}
	got, repeats := p.received(), 0
	for _, events := range got {
		repeats += len(events) - 1
	}
	targets := slices.Sorted(maps.Keys(got))
	if !slices.Equal(targets, []string{"acme/core", "acme/dash", "acme/slow"}) || repeats > during {
		p.t.Errorf("%d repeats after %d events of the killed run, to %q", repeats, during, targets)
	}
}

// placesOfTicks lists the requests of each tick of an undisturbed run.
func placesOfTicks(t *testing.T, ticks int) [][]moment {
	t.Helper()
	p := newThreeTargets(t)
	all := make([][]moment, ticks)
	for i := range all {
		api, results := len(p.api.Requests()), len(p.results.Requests())
		p.step(p.inputs())
		all[i] = p.requestsAfter(api, results)
		toSlow := func(l moment) bool { return strings.HasSuffix(l.operation, "/slow/dispatches") }
		if !slices.ContainsFunc(all[i], toSlow) {
			t.Fatalf("tick %d has the requests %v", i+1, all[i])
		}
	}
	return all
}

// TestResumedEventsFillTheOutputs has partial deliveries whose events do not fit the
// outputs beside those of other agents. They wait for the next run, and the outputs have
// the events of all that were prepared.
func TestResumedEventsFillTheOutputs(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	agents := func(letter string, lines int) (text string) {
		for i := range 6 {
			name := fmt.Sprintf("%s-%02d", letter, i)
			p.write("agents/"+name+".md", "# Do what is to be done.\n")
			text += "  " + name + ":\n    cadence: weekly\n    session_close:\n      - done\n" +
				strings.Repeat("      - "+strings.Repeat("é", 890)+"\n", lines)
		}
		return text
	}
	const head = "version: \"1\"\nrepo: web\nagents:\n"
	p.api.Fail("POST /repos/acme/core/dispatches", 12, ghtest.Status(404, `{"message":"Not Found"}`))
	for _, manifest := range []string{agents("old", 11), agents("new", 11) + agents("old", 0)} {
		p.write(".kaizen/schedule.yml", head+manifest)
		got := p.step(fanOut(tuesday))
		var events []event.Event
		if err := json.Unmarshal([]byte(got.outputs["payloads"]), &events); err != nil || len(events) < 6 ||
			fmt.Sprint(len(events)) != got.outputs["count"] {
			t.Fatalf("the outputs have %d events of %s agents (%v)", len(events), got.outputs["count"], err)
		}
	}
	if got := p.step(fanOut(tuesday)); got.code != exitUnavailable || !strings.Contains(got.stderr,
		"fill its outputs") {
		t.Errorf("exit code %d\n%.2000s", got.code, got.stderr)
	}
	if got := p.step(fanOut(tuesday)); got.code != exitOK || p.receipts() != 12 || len(p.api.Dispatches()) != 24 {
		t.Errorf("exit code %d, %d receipts, %d dispatches, want each event once", got.code, p.receipts(),
			len(p.api.Dispatches()))
	}
}

// TestUnrecordedDelivery cannot store which targets have the event. Log, annotation and
// summary say so, and that these targets get a repeat.
func TestUnrecordedDelivery(t *testing.T) {
	t.Parallel()
	p := newThreeTargets(t)
	p.results.Fail("CreateArtifact", 1, 1, ghtest.Status(400, `{"msg":"no"}`))
	got := p.step(p.inputs())
	for _, want := range []string{"delivered to 2 of 3 targets, and which have it is not recorded: storing the partial",
		"the next tick also repeats the event, under the same id, to the targets that got it in this run"} {
		for where, text := range map[string]string{"log": got.stderr, "annotations": got.stdout} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s lack %q:\n%s", where, want, text)
			}
		}
	}
	if strings.Contains(got.stderr, "to the targets that failed") || !strings.Contains(got.summary, "### What failed") {
		t.Errorf("the log claims a record, or the summary lacks the error:\n%s\n%.2000s", got.stderr, got.summary)
	}
}

// TestPartialDeliveryOfALargeBundle has the largest files that a bundle takes, in which
// JSON escapes every byte. The record of the delivery holds them.
func TestPartialDeliveryOfALargeBundle(t *testing.T) {
	t.Parallel()
	p := newThreeTargets(t)
	large := strings.Repeat(strings.Repeat("\x01", 1023)+"\n", 256)
	for _, file := range []string{"agents/agent-coach.md", ".kaizen/agents/coach/memory.md"} {
		p.write(file, large)
	}
	for range 4 {
		inputs := p.inputs()
		inputs["format"] = "json"
		got := p.step(inputs)
		if strings.Contains(got.stderr, "not recorded") {
			t.Fatalf("%.1000s", got.stderr[strings.Index(got.stderr, "coach: "):])
		}
	}
	if p.receipts() != 1 || len(p.api.Dispatches()) != 3 {
		t.Errorf("%d receipts, %d dispatches, want each event once", p.receipts(), len(p.api.Dispatches()))
	}
}

// TestPartialWithoutArtifact checks that no bundle becomes an artifact, also as a part of
// the record of a partial delivery, if emit does not list artifact.
func TestPartialWithoutArtifact(t *testing.T) {
	t.Parallel()
	p := newThreeTargets(t)
	for range 4 {
		inputs := p.inputs()
		inputs["emit"] = "summary, dispatch"
		p.step(inputs)
	}
	for _, a := range p.results.Artifacts() {
		for name, text := range unzip(t, a.Zip) {
			if a.Name == coachThisWeek || strings.Contains(text, `"files"`) {
				t.Errorf("the artifact %s has the bundle in %s", a.Name, name)
			}
		}
	}
	got := p.received()
	if p.receipts() != 1 || len(got["acme/slow"]) != 1 || got["acme/slow"][0] != got["acme/core"][0] {
		t.Errorf("%d receipts, events %v", p.receipts(), got)
	}
}

// TestForcedPartly has a forced run that one target misses. Another run sends another event,
// so the advice is to name the target that missed this one.
func TestForcedPartly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		force, advice string
	}{
		{"true", "repeat this command for the targets that failed only: with force, each run sends a new event"},
		{"false", "repeat this command: the targets that have the event get it again, under the same id"},
	} {
		p := newThreeTargets(t)
		inputs := p.inputs()
		inputs["agents"], inputs["force"] = "coach", test.force
		delete(inputs, "cadence")
		if got := p.step(inputs); got.code != exitUnavailable || !strings.Contains(got.stderr, test.advice) {
			t.Errorf("force %s: exit code %d\n%s", test.force, got.code, got.stderr)
		}
	}
}

// TestPartialThatWasNotSearched resumes a delivery whose bundle has a secret, because the
// run that built it did not search for secrets.
func TestPartialThatWasNotSearched(t *testing.T) {
	t.Parallel()
	p := newThreeTargets(t)
	p.write("agents/agent-coach.md", "# Coach\n\nUse ghp_"+fixture.Random(fixture.Alnum, 36)+".\n")
	for i, test := range []struct {
		policy   string
		code     int
		received int
	}{{"off", exitUnavailable, 0}, {"off", exitUnavailable, 0}, {"off", exitUnavailable, 0},
		{"fail", exitUnavailable, 0}, {"redact", exitUnavailable, 0}, {"off", exitOK, 1}} {
		inputs := p.inputs()
		inputs["secrets"] = test.policy
		got := p.step(inputs)
		if got.code != test.code || len(p.received()["acme/slow"]) != test.received {
			t.Errorf("tick %d: exit code %d, events %v\n%s", i+1, got.code, p.received()["acme/slow"], got.stderr)
		}
		found := strings.Contains(got.stderr, "of the partial delivery holds a secret")
		if found != (i == 3 || i == 4) {
			t.Errorf("tick %d: %s", i+1, got.stderr)
		}
	}
}

// TestReceiptThatCannotBeStored has a receipt that the service refuses after all targets
// have the event.
func TestReceiptThatCannotBeStored(t *testing.T) {
	t.Parallel()
	const again = "the next tick sends it again, under the same id"
	for _, test := range []struct{ agents, force, advice string }{
		{"due", "false", again}, {"coach", "false", again + ", unless the period has a receipt"},
		{"coach", "true", "no later run sends it again"},
	} {
		p := newPlatform(t)
		p.results.Fail("CreateArtifact", 1, 1, ghtest.Status(400, `{"msg":"no"}`))
		inputs := fanOut(tuesday)
		inputs["agents"], inputs["force"] = test.agents, test.force
		got := p.step(inputs)
		if got.code != exitUnavailable || strings.Contains(got.stderr+got.summary, "delivered partly") {
			t.Errorf("exit code %d\n%s", got.code, got.stderr)
		}
		for _, want := range []string{"delivered without a receipt",
			"all targets have the event, but storing the receipt", test.advice} {
			if !strings.Contains(got.stderr, want) || !strings.Contains(got.summary, want) {
				t.Errorf("log or summary lack %q:\n%s\n%.3000s", want, got.stderr, got.summary)
			}
		}
	}
}

// TestSummaryAfterTheReceipt cannot write the summary, when all targets have the event.
func TestSummaryAfterTheReceipt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	missing := filepath.Join(p.workspace, "no", "file")
	vars := p.vars(101, fanOut(tuesday), map[string]string{"GITHUB_STEP_SUMMARY": missing})
	var stdout, stderr bytes.Buffer
	code := runWith(t, t.Context(), []string{"prepare", "--host-workspace=/home/runner/work/web"}, vars, &stdout, &stderr)
	if code != exitUnavailable || p.receipts() != 1 ||
		!strings.Contains(stderr.String(), "this changes no delivery and no receipt: see the log") {
		t.Errorf("exit code %d, %d receipts\n%s", code, p.receipts(), stderr.String())
	}
}

// TestLostFirstDelivery has the bundle of a run that ended early behind a thousand other
// artifacts. That this is the first run is then not known.
func TestLostFirstDelivery(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.api.AddArtifact(ghtest.Artifact{Repository: sampleRepo, Name: coachThisWeek, RunID: 1, HeadBranch: "main"})
	p.fill(1000)
	got := p.step(fanOut(tuesday))
	if got.code != exitOK || strings.Contains(got.stderr, "first run") ||
		!strings.Contains(got.stderr, "no receipt for 2026-W48 yet") {
		t.Errorf("exit code %d\n%s", got.code, got.stderr)
	}
}
