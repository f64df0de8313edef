package nats_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/worker"
)

var full = flag.Bool("full", false, "handle ten thousand events while processes are killed")

// serviceVariable holds the options of a process that is one of a service, as JSON.
const serviceVariable = "NATS_TEST_SERVICE"

func TestMain(m *testing.M) {
	if text := os.Getenv(serviceVariable); text != "" {
		if err := runProcess(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// process has the options of one process of a service.
type process struct {
	URL     string
	Log     string // file to which its log is appended
	Args    []string
	Workers int
	Create  bool
}

// runProcess is a process of a service that accepts all events. It has short times, so that a
// test sees what takes hours otherwise.
func runProcess(text string) error {
	var p process
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	log, err := os.OpenFile(p.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	o := serviceOptions(p)
	o.Log = func(format string, args ...any) {
		text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
		_, _ = log.WriteString(strconv.FormatInt(time.Now().UnixNano(), 10) + " " + text + "\n")
	}
	if o.NATS, err = emit.NewNATS(emit.NATSOptions{URLs: []string{p.URL}}); err != nil {
		return err
	}
	// A process that starts while the server is down ends, and its supervisor starts it again.
	for err = errors.New("not started"); err != nil && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		err = worker.Run(ctx, o)
	}
	o.Log("peak memory %s", peakMemory())
	return err
}

func serviceOptions(p process) worker.Options {
	return worker.Options{
		Durable: "agents", DeadLetter: "kaizen.schedule.dead", Create: p.Create, Workers: p.Workers,
		Identify: func(payload []byte) (string, error) {
			e, err := event.Parse(payload)
			if err != nil {
				return "", err
			}
			return e.Bundle.ID, nil
		},
		Take: func(_ context.Context, payload []byte, _ bool) worker.Taken {
			return worker.Taken{Event: payload}
		},
		Program:     worker.Program{Args: p.Args, Timeout: time.Minute},
		StopTimeout: 10 * time.Second, Now: time.Now,
		AckWait: 2 * time.Second, BackOff: []time.Duration{20 * time.Millisecond, 50 * time.Millisecond},
		Poll: time.Second,
	}
}

// peakMemory is the largest resident set of this process, on Linux.
func peakMemory() string {
	data, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// fleet are the processes of a service on a server, and the files that they write.
type fleet struct {
	t         testing.TB
	server    *server.Server
	options   *server.Options
	dir       string
	agent     string
	workers   int
	processes []*exec.Cmd
	started   int
	cpu       time.Duration // of processes that ended, with their programs
}

func newFleet(t testing.TB, processes, workers int) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir(), workers: workers}
	f.agent = filepath.Join(f.dir, "agent")
	build := exec.Command("go", "build", "-o", f.agent, "./testdata/agent")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f.options = &server.Options{JetStream: true, StoreDir: filepath.Join(f.dir, "store"), Port: -1}
	f.server = start(t, f.options)
	f.options = &server.Options{JetStream: true, StoreDir: f.options.StoreDir, Port: f.server.Addr().(*net.TCPAddr).Port}
	t.Cleanup(func() { stop(f.server) })
	for range processes {
		f.processes = append(f.processes, f.launch())
	}
	return f
}

// launch starts a process.
func (f *fleet) launch() *exec.Cmd {
	f.t.Helper()
	f.started++
	options, err := json.Marshal(process{
		URL: f.server.ClientURL(), Log: filepath.Join(f.dir, fmt.Sprintf("log-%d", f.started)),
		Args: []string{f.agent, f.runs()}, Workers: f.workers, Create: true,
	})
	fixture.Must(f.t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{serviceVariable + "=" + string(options)}
	cmd.Stderr = os.Stderr
	fixture.Must(f.t, cmd.Start())
	f.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// runs is the file to which every program appends a line.
func (f *fleet) runs() string { return filepath.Join(f.dir, "runs") }

// kill kills a process at random, and starts another one.
func (f *fleet) kill() {
	i := rand.IntN(len(f.processes))
	_ = f.processes[i].Process.Kill()
	_ = f.processes[i].Wait()
	f.cpu += f.processes[i].ProcessState.UserTime() + f.processes[i].ProcessState.SystemTime()
	f.processes[i] = f.launch()
}

// restart restarts the server.
func (f *fleet) restart() {
	stop(f.server)
	o := *f.options
	f.server = start(f.t, &o)
}

// end stops all processes in order.
func (f *fleet) end() {
	for _, cmd := range f.processes {
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, cmd := range f.processes {
		if err := cmd.Wait(); err != nil {
			f.t.Errorf("a process ended with %v", err)
		}
		f.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
}

// publish publishes n events, of which every hundredth one is poison, and a repeat of every
// fiftieth. It returns the ids.
func (f *fleet) publish(js jetstream.JetStream, n int) (ids, poison map[string]bool) {
	f.t.Helper()
	data, err := os.ReadFile("../../testdata/conformance/valid/contract-example.json")
	fixture.Must(f.t, err)
	ids, poison = map[string]bool{}, map[string]bool{}
	for i := range n {
		e, err := event.Parse(data)
		fixture.Must(f.t, err)
		e.Agent = "coach"
		if i%100 == 50 {
			e.Agent = "poison"
		}
		e.Bundle.ID = fmt.Sprintf("acme/repo-%d/kaizen.kaizen-agentic.%s.2026-W25", i, e.Agent)
		line, err := e.Marshal()
		fixture.Must(f.t, err)
		ids[e.Bundle.ID] = true
		if e.Agent == "poison" {
			poison[e.Bundle.ID] = true
		}
		copies := 1
		if i%50 == 7 {
			copies = 2
		}
		for range copies {
			_, err = js.PublishAsync(subject, line)
			fixture.Must(f.t, err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(time.Minute):
		f.t.Fatal("the events were not stored")
	}
	return ids, poison
}

// size is how many bytes a file has.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// waitFor waits until the condition holds.
func (f *fleet) waitFor(what string, limit time.Duration, condition func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(limit); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// settled reports whether no event is left for the consumer.
func (f *fleet) settled() bool {
	js, conn := admin(f.t, f.server)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	consumer, err := js.Consumer(ctx, "KAIZEN_SCHEDULE", "agents")
	if err != nil {
		return false
	}
	info := consumer.CachedInfo()
	return info.NumPending == 0 && info.NumAckPending == 0 && info.Delivered.Consumer > 0
}

// line is one line of a file that a program or a process wrote.
type line struct {
	at   int64
	text string
}

// lines reads a file. A process that was killed early has none.
func lines(t testing.TB, path string) []line {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	fixture.Must(t, err)
	defer f.Close()
	var out []line
	for s := bufio.NewScanner(f); s.Scan(); {
		at, text, _ := strings.Cut(s.Text(), " ")
		n, err := strconv.ParseInt(at, 10, 64)
		fixture.Must(t, err)
		out = append(out, line{n, text})
	}
	return out
}

// TestServiceLosesNothing kills processes at random and restarts the server, while three
// processes handle events. Every event is handled, no program starts after its event was
// acknowledged, and what fails ten times is in the dead-letter subject.
func TestServiceLosesNothing(t *testing.T) {
	t.Parallel()
	events, kills := 600, 6
	if *full {
		events, kills = 10_000, 20
	}
	f := newFleet(t, 3, 4)
	f.waitFor("set up", time.Minute, f.settledOrEmpty)
	js, conn := admin(t, f.server)
	ids, poison := f.publish(js, events)
	conn.Close()
	begin := time.Now()
	average := int64(len("1764183600000000000 acme/repo-1000/kaizen.kaizen-agentic.coach.2026-W25\n"))
	for k := range kills {
		progress := average * int64(events*(k+1)/(kills+2))
		f.waitFor("progress", 2*time.Minute, func() bool { return size(f.runs()) >= progress || f.settled() })
		f.kill()
		if k == kills/3 || k == 2*kills/3 {
			f.restart()
		}
	}
	f.waitFor("all events", 3*time.Minute, f.settled)
	took := time.Since(begin)
	f.end()
	f.check(ids, poison, took)
}

// settledOrEmpty reports whether the consumer exists.
func (f *fleet) settledOrEmpty() bool {
	js, conn := admin(f.t, f.server)
	defer conn.Close()
	_, err := js.Consumer(context.Background(), "KAIZEN_SCHEDULE", "agents")
	return err == nil
}

// logs returns when each event was acknowledged or given up, how many repeats were dropped, and
// the memory of a process, as the processes say.
func (f *fleet) logs() (acknowledged map[string]int64, repeats int, memory string) {
	f.t.Helper()
	acknowledged = map[string]int64{}
	for i := range f.started {
		for _, l := range lines(f.t, filepath.Join(f.dir, fmt.Sprintf("log-%d", i+1))) {
			switch id, rest, _ := strings.Cut(l.text, ": "); {
			case strings.HasPrefix(rest, "handled in "), strings.HasPrefix(rest, "given up"):
				if at, ok := acknowledged[id]; !ok || l.at < at {
					acknowledged[id] = l.at
				}
			case rest == "repeat dropped":
				repeats++
			case strings.HasPrefix(l.text, "peak memory "):
				memory = strings.TrimPrefix(l.text, "peak memory ")
			}
		}
	}
	return acknowledged, repeats, memory
}

// check holds what the programs did against what the processes said.
func (f *fleet) check(ids, poison map[string]bool, took time.Duration) {
	f.t.Helper()
	acknowledged, repeats, memory := f.logs()
	runs := map[string]int{}
	total, after := 0, 0
	for _, l := range lines(f.t, f.runs()) {
		runs[l.text]++
		total++
		if at, ok := acknowledged[l.text]; ok && l.at > at {
			after++
			f.t.Errorf("%s ran %v after its acknowledgement", l.text, time.Duration(l.at-at))
		}
	}
	again := 0
	for id := range ids {
		switch n := runs[id]; {
		case n == 0:
			f.t.Errorf("%s never ran", id)
		case !poison[id]:
			again += n - 1
		case n > 10:
			f.t.Errorf("%s ran %d times", id, n)
		}
	}
	dead := f.dead()
	for id := range poison {
		if dead[id] == 0 {
			f.t.Errorf("%s is not in the dead-letter subject", id)
		}
	}
	for id, n := range dead {
		if !poison[id] || n > 1 {
			f.t.Errorf("%s is %d times in the dead-letter subject", id, n)
		}
	}
	f.t.Logf("%d events in %v, %.0f a second: %d runs, of which %d of an event whose program may have ended before, "+
		"%d after the acknowledgement; %d repeats dropped; %d events given up, all in the dead-letter subject; "+
		"peak memory of a process %s, %v of CPU per event with its program", len(ids), took.Round(10*time.Millisecond), float64(len(ids))/took.Seconds(), total,
		again, after, repeats, len(dead), memory, (f.cpu / time.Duration(len(ids))).Round(10*time.Microsecond))
}

// dead returns how often each event id is in the dead-letter subject.
func (f *fleet) dead() map[string]int {
	f.t.Helper()
	js, _ := admin(f.t, f.server)
	stream, err := js.Stream(context.Background(), "KAIZEN_DEAD")
	fixture.Must(f.t, err)
	info, err := stream.Info(context.Background())
	fixture.Must(f.t, err)
	counts := map[string]int{}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq && seq > 0; seq++ {
		msg, err := stream.GetMsg(context.Background(), seq)
		fixture.Must(f.t, err)
		if runs, reason := msg.Header.Get("kaizen-runs"), msg.Header.Get("kaizen-reason"); runs != "10" || reason == "" {
			f.t.Errorf("message %d has %s runs and the reason %q", seq, runs, reason)
		}
		if _, err := event.Parse(msg.Data); err != nil {
			f.t.Error(err)
		}
		counts[msg.Header.Get("kaizen-event-id")]++
	}
	return counts
}

// BenchmarkService handles events in one process with eight workers.
func BenchmarkService(b *testing.B) {
	f := newFleet(b, 1, 8)
	f.waitFor("set up", time.Minute, f.settledOrEmpty)
	js, _ := admin(b, f.server)
	b.ResetTimer()
	ids, poison := f.publish(js, b.N)
	begin := time.Now()
	f.waitFor("all events", 5*time.Minute, f.settled)
	took := time.Since(begin)
	b.StopTimer()
	f.end()
	f.check(ids, poison, took)
	b.ReportMetric(float64(b.N)/took.Seconds(), "events/s")
}
