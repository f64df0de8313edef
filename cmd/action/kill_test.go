package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// moment is a point at which a run can be stopped: a request without an answer, or a file
// of the runner without a reader.
type moment struct {
	server    string // api, results or runner
	operation string // METHOD /path, the operation of the Results Service, or the runner's variable
	nth       int    // of several of this operation, from 0
}

func (l moment) String() string {
	return strings.ReplaceAll(fmt.Sprintf("%s %s %d", l.server, l.operation, l.nth), "/", " ")
}

// places lists the requests that the platform received, in order, and the writing of
// outputs and summary.
func (p *platform) places() []moment {
	return append(p.requestsAfter(0, 0), moment{"runner", "GITHUB_OUTPUT", 0},
		moment{"runner", "GITHUB_STEP_SUMMARY", 0})
}

// requestsAfter lists the requests after the first ones of the API and of the Results
// Service.
func (p *platform) requestsAfter(api, results int) []moment {
	var list []moment
	seen := map[moment]int{}
	add := func(server, operation string) {
		key := moment{server, operation, 0}
		list = append(list, moment{server, operation, seen[key]})
		seen[key]++
	}
	for _, r := range p.api.Requests()[api:] {
		add("api", r.Method+" "+r.Path)
	}
	for _, r := range p.results.Requests()[results:] {
		add("results", operationOf(r))
	}
	return list
}

// operationOf is how ghtest.Results calls a request.
func operationOf(r ghtest.Request) string {
	if r.Storage {
		return strings.TrimPrefix(r.Query, "comp=")
	}
	return r.Path[strings.LastIndexByte(r.Path, '/')+1:]
}

// hangAt blocks the run at l, and returns a channel that is closed when the run gets
// there.
func (p *platform) hangAt(l moment, vars map[string]string) <-chan struct{} {
	p.t.Helper()
	reached := make(chan struct{})
	hang := func(s *ghtest.Server, w http.ResponseWriter, r *http.Request) {
		close(reached)
		ghtest.Hang()(s, w, r)
	}
	switch l.server {
	case "api":
		if l.nth > 0 {
			p.t.Fatalf("the API is asked %s twice", l.operation)
		}
		p.api.Fail(l.operation, 1, hang)
	case "results":
		p.results.Fail(l.operation, l.nth, 1, hang)
	case "runner":
		// Writing to a pipe blocks until a reader opens it. Before the first write, a run
		// has logged the result of the agent.
		path := vars[l.operation]
		if err := os.Remove(path); err != nil {
			p.t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return reached
}

// program is a run of the real binary.
type program struct {
	*exec.Cmd
	stdout bytes.Buffer
	stderr watched
	ended  chan struct{}
}

// watched is a log that signals when the run starts to report.
type watched struct {
	text     bytes.Buffer
	reported chan struct{}
	once     sync.Once
}

func (w *watched) Write(data []byte) (int, error) {
	n, err := w.text.Write(data)
	if strings.Contains(w.text.String(), "coach: prepared as") {
		w.once.Do(func() { close(w.reported) })
	}
	return n, err
}

func (p *platform) program(vars map[string]string) *program {
	p.t.Helper()
	c := &program{Cmd: exec.CommandContext(p.t.Context(), "action", "prepare",
		"--host-workspace=/home/runner/work/web"), ended: make(chan struct{})}
	c.stderr.reported = make(chan struct{})
	for name, value := range vars {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		c.Wait() // the state says how it ended
	}()
	p.t.Cleanup(func() {
		<-c.ended
		fixture.NoCanary(p.t, "standard output", c.stdout.Bytes())
		fixture.NoCanary(p.t, "standard error", c.stderr.text.Bytes())
	})
	return c
}

// await waits until the program reaches the point, or at the latest until it begins to
// report.
func (c *program) await(t *testing.T, reached <-chan struct{}) {
	t.Helper()
	select {
	case <-reached:
	case <-c.stderr.reported:
	case <-c.ended:
		t.Fatalf("the program ended before: %v\n%s", c.ProcessState, c.stderr.text.String())
	}
}

// killPlatform has two targets and the receipt of the week before, which a run reads to
// compare the memory. So a run sends every kind of request.
func killPlatform(t *testing.T) (*platform, map[string]string) {
	p := newPlatform(t)
	p.api.AddArtifact(ghtest.Artifact{ID: 1, Repository: sampleRepo, Name: coachLastWeek + ".receipt",
		Zip: []byte("broken"), RunID: 1, HeadBranch: "main"})
	return p, fanOut(tuesday)
}

const (
	coachThisWeek = "kaizen.kaizen-agentic.coach.2026-W48"
	coachLastWeek = "kaizen.kaizen-agentic.coach.2026-W47"
)

// TestKilledAtEveryRequest kills the real program at each request that a run sends, and
// while it writes outputs and summary; then the next run, or a second attempt of the same
// one, completes the work: the end state is that of a run without a kill.
//
// Without -full, every place takes one of the two ways, in turn.
//
// The server has not yet done what the last request asks for; that it has, and the answer
// is lost, is the same state as a kill at the next request. Between file operations the
// store's TestCrashes stops a run.
func TestKilledAtEveryRequest(t *testing.T) {
	t.Parallel()
	whole, inputs := killPlatform(t)
	if got := whole.step(inputs); got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	want, places := whole.state(), whole.places()
	checkKinds(t, places)
	for i, l := range places {
		for j, again := range []struct {
			name string
			run  int64
		}{{"next run", 102}, {"second attempt", 101}} {
			if !*full && i%2 != j {
				continue
			}
			t.Run(l.String()+" "+again.name, func(t *testing.T) {
				t.Parallel()
				p, inputs := killPlatform(t)
				vars := p.vars(101, inputs, nil)
				reached := p.hangAt(l, vars)
				c := p.program(vars)
				c.await(t, reached)
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-c.ended
				p.checkReceipts()
				if got := p.stepIn(again.run, inputs, nil); got.code != exitOK {
					t.Fatalf("the clean run: exit code %d\n%s", got.code, got.stderr)
				}
				p.checkReceipts()
				if got := p.state(); !maps.Equal(got, want) {
					t.Errorf("the end state is\n%v\nwithout a crash it is\n%v", got, want)
				}
			})
		}
	}
}

// checkKinds checks that the killed run includes every kind of step.
func checkKinds(t *testing.T, places []moment) {
	t.Helper()
	var names []string
	for _, l := range places {
		names = append(names, l.server+" "+l.operation)
	}
	slices.Sort(names)
	const repo = "/repos/" + sampleRepo
	want := []string{
		"api GET /artifacts/1.zip", "api GET " + repo, "api GET " + repo + "/actions/artifacts",
		"api GET " + repo + "/actions/artifacts/1/zip",
		"api POST /repos/acme/core/dispatches", "api POST /repos/acme/dash/dispatches",
		"results CreateArtifact", "results CreateArtifact", "results FinalizeArtifact", "results FinalizeArtifact",
		"results block", "results block", "results blocklist", "results blocklist",
		"runner GITHUB_OUTPUT", "runner GITHUB_STEP_SUMMARY",
	}
	if !slices.Equal(names, want) {
		t.Fatalf("the run takes the steps %q", names)
	}
}

// TestKilledWithADirectoryLedger is the same test without an artifact service, as on a
// self-hosted runner that keeps its directory.
func TestKilledWithADirectoryLedger(t *testing.T) {
	t.Parallel()
	alone := map[string]string{"ACTIONS_RESULTS_URL": "", "ACTIONS_RUNTIME_TOKEN": ""}
	whole := newPlatform(t)
	if got := whole.stepIn(101, fanOut(tuesday), alone); got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	want := whole.state()
	for _, l := range whole.places() {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			vars := p.vars(101, fanOut(tuesday), alone)
			reached := p.hangAt(l, vars)
			c := p.program(vars)
			c.await(t, reached)
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-c.ended
			if got := p.stepIn(102, fanOut(tuesday), alone); got.code != exitOK {
				t.Fatalf("the clean run: exit code %d\n%s", got.code, got.stderr)
			}
			if got := p.state(); !maps.Equal(got, want) {
				t.Errorf("the end state is\n%v\nwithout a crash it is\n%v", got, want)
			}
		})
	}
}

// checkReceipts checks that a receipt exists only if every target received the event.
func (p *platform) checkReceipts() {
	p.t.Helper()
	receipts := 0
	for _, a := range p.results.Artifacts() {
		if strings.HasSuffix(a.Name, ".receipt") {
			receipts++
		}
	}
	served := map[string]bool{}
	for _, d := range p.api.Dispatches() {
		served[d.Repository] = true
	}
	if receipts > 1 || receipts == 1 && len(served) != 2 {
		p.t.Errorf("%d receipts, and these targets were served: %v", receipts, served)
	}
}

// state returns what a run leaves behind, without the values that differ between runs:
// names and contents of the artifacts, those of the directory, and what each target
// received. Duplicates with the same content count once.
func (p *platform) state() map[string]string {
	p.t.Helper()
	state := map[string]string{}
	put := func(name, content string) {
		if other, ok := state[name]; ok && other != content {
			p.t.Errorf("%s is there twice, as\n%s\nand\n%s", name, other, content)
		}
		state[name] = content
	}
	for _, a := range p.results.Artifacts() {
		for name, content := range unzip(p.t, a.Zip) {
			put("artifact "+a.Name+"/"+name, normal(content))
		}
	}
	root := filepath.Join(p.workspace, ".kaizen", "prepared")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		put("file "+strings.TrimPrefix(path, root), normal(string(content)))
		return err
	})
	if err != nil {
		p.t.Error(err)
	}
	for _, d := range p.api.Dispatches() {
		put("dispatch to "+d.Repository, normal(string(d.ClientPayload)))
	}
	return state
}

// ofOneRun are the parts of events and receipts that differ between runs.
var ofOneRun = regexp.MustCompile(`"run_id":\d+|"id":\d+|/runs/\d+/artifacts/\d+`)

func normal(content string) string {
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(content)) == nil {
		content = compact.String()
	}
	return ofOneRun.ReplaceAllString(content, "…")
}

func unzip(t *testing.T, data []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		rc.Close()
		files[f.Name] = string(content)
	}
	return files
}
