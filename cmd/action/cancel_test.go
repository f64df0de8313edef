package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// promptly is how soon a cancelled run has to end. The runner sends SIGTERM 7.5 s after
// SIGINT, and kills the process 2.5 s later
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation).
const promptly = 5 * time.Second

// TestCancelled sends the real program a signal at every request of a run, while a server
// does not answer. Without -full, the two signals take turns.
func TestCancelled(t *testing.T) {
	t.Parallel()
	whole, inputs := killPlatform(t)
	if got := whole.step(inputs); got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	for i, l := range whole.places() {
		if l.server == "runner" {
			continue
		}
		for j, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			if !*full && i%2 != j {
				continue
			}
			t.Run(l.String()+" "+signal.String(), func(t *testing.T) {
				t.Parallel()
				p, inputs := killPlatform(t)
				vars := p.vars(101, inputs, nil)
				reached := p.hangAt(l, vars)
				got := p.cancel(vars, reached, signal)
				p.checkReceipts()
				checkCancelled(t, p, l, got)
				if got := p.stepIn(102, inputs, nil); got.code != exitOK {
					t.Errorf("the next run: exit code %d\n%s", got.code, got.stderr)
				}
				p.checkReceipts()
			})
		}
	}
}

// TestCancelledWhileNATSConnects cancels a run whose NATS server accepts the connection
// and sends nothing.
func TestCancelledWhileNATSConnects(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	reached := make(chan struct{})
	go func() {
		conn, err := silent.Accept()
		if err != nil {
			return // the test is over
		}
		close(reached)
		<-t.Context().Done()
		conn.Close()
	}()
	inputs := fanOut(tuesday)
	inputs["nats-url"] = "nats://" + silent.Addr().String()
	got := p.cancel(p.vars(101, inputs, nil), reached, syscall.SIGTERM)
	checkCancelled(t, p, moment{"nats", "connect", 0}, got)
	if !strings.Contains(got.summary, "cancelled while connecting") {
		t.Errorf("the summary does not mention NATS:\n%s", got.summary)
	}
	if n := len(p.api.Dispatches()); n != 0 {
		t.Errorf("%d dispatches after the signal", n)
	}
}

// cancelling cancels a run when it writes a text to its log.
type cancelling struct {
	text   bytes.Buffer
	at     string
	cancel context.CancelFunc
}

func (w *cancelling) Write(data []byte) (int, error) {
	n, err := w.text.Write(data)
	if strings.Contains(w.text.String(), w.at) {
		w.cancel()
	}
	return n, err
}

// TestCancelledBeforeTheOutputsAreRead cancels a run whose only channel is its outputs,
// after the bundle is stored. The platform then runs no later step, so no receipt may be
// stored: the next run prepares the period again.
func TestCancelledBeforeTheOutputsAreRead(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	inputs := map[string]string{"now": tuesday, "cadence": "weekly"}
	vars := p.vars(101, inputs, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stderr := &cancelling{at: "coach: prepared as", cancel: cancel}
	code := run(ctx, []string{"prepare"}, streams{
		getenv: func(name string) string { return vars[name] }, stdin: strings.NewReader(""),
		stdout: io.Discard, stderr: stderr, now: time.Now, signals: context.WithCancel,
	})
	fixture.NoCanary(t, "standard error", stderr.text.Bytes())
	if n := len(p.results.Artifacts()); code != exitUnavailable || n != 1 {
		t.Errorf("exit code %d, %d artifacts, want the bundle and no receipt\n%s", code, n, &stderr.text)
	}
	text, err := os.ReadFile(vars["GITHUB_OUTPUT"])
	fixture.Must(t, err)
	outputs, err := fixture.ParseOutputs(string(text))
	fixture.Must(t, err)
	if last := outputs[len(outputs)-1]; last.Name != "failed" || last.Value != `["coach"]` {
		t.Errorf("the last output is %+v, want that coach failed", last)
	}
	if next := p.step(inputs); next.code != exitOK || next.outputs["prepared"] != `["coach"]` {
		t.Errorf("the next run: exit code %d, prepared %s\n%s", next.code, next.outputs["prepared"], next.stderr)
	}
}

// cancel sends a signal as soon as the program reaches the point, and waits for its end.
func (p *platform) cancel(vars map[string]string, reached <-chan struct{}, signal os.Signal) ran {
	p.t.Helper()
	c := p.program(vars)
	c.await(p.t, reached)
	if err := c.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	late := time.NewTimer(promptly)
	defer late.Stop()
	select {
	case <-c.ended:
	case <-late.C:
		p.t.Errorf("the program has not ended %v after %v", promptly, signal)
		c.Process.Kill()
		<-c.ended
	}
	return p.readRan(c.ProcessState.ExitCode(), vars, &c.stdout, &c.stderr.text)
}

// checkCancelled checks that a cancelled run reports what it did and what it did not.
func checkCancelled(t *testing.T, p *platform, l moment, got ran) {
	t.Helper()
	if got.code != exitUnavailable {
		t.Errorf("exit code %d, want %d\n%s", got.code, exitUnavailable, got.stderr)
	}
	if !strings.Contains(got.stderr, "cancelled") || !strings.Contains(got.summary, "❌ Cancelled") {
		t.Errorf("log and summary do not say that the run was cancelled:\n%s\n%s", got.stderr, got.summary)
	}
	bundles := 0
	for _, a := range p.results.Artifacts() {
		if a.Name == coachThisWeek {
			bundles++
		}
	}
	prepared := map[int]string{0: "[]", 1: `["coach"]`}[bundles]
	if got.outputs["prepared"] != prepared {
		t.Errorf("%d bundles are stored, the output prepared is %s", bundles, got.outputs["prepared"])
	}
	for _, d := range p.api.Dispatches() {
		if l.server == "results" &&
			!strings.Contains(got.outputs["deliveries"], `"target":"`+d.Repository+`","status":"delivered"`) {
			t.Errorf("%s was served, the output deliveries is %s", d.Repository, got.outputs["deliveries"])
		}
	}
	served := strings.Count(got.outputs["deliveries"], `"delivered"`)
	want := []string{"", "delivered partly", "delivered without a receipt"}[served]
	if !strings.Contains(got.summary, want) {
		t.Errorf("%d targets were served, the summary says\n%s", served, got.summary)
	}
}
