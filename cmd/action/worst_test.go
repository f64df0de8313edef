package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// A worst case is a checkout that is made to be slow: many entries, and the largest files
// that are read.
const worstEntries = 60

// worstFile returns the size of the files of a worst case in bytes.
func worstFile() int {
	if *full {
		return 64 << 20
	}
	return 256 << 10
}

// execution is an ordinary line of an executions.jsonl.
const execution = `{"agent":"agent1","timestamp":"2026-11-02T05:00:00Z","success":true,"execution_time_s":10,` +
	`"quality_score":0.9}` + "\n"

// slowText makes the search for secrets do as much as it can.
const slowText = "password token secret key api_key aws ghp_ sk- bearer authorization: x=\n"

// writeWorst writes a manifest whose entries have the metrics that the function names, and
// one file of text under all these names.
func writeWorst(tb testing.TB, dir, text string, size int, metrics func(entry int) string) {
	tb.Helper()
	manifest := "version: \"1\"\nrepo: fleet\nagents:\n"
	data := strings.Repeat(text, size/len(text))
	first := ""
	for i := range worstEntries {
		name := metrics(i)
		manifest += fmt.Sprintf("  agent%d:\n    cadence: daily\n    prompt: prompt.md\n    metrics: %s\n", i, name)
		switch _, err := os.Lstat(filepath.Join(dir, name)); {
		case err == nil:
		case first == "":
			first = name
			fixture.Write(tb, dir, map[string]string{name: data})
		default: // another name takes no space on the disk
			fixture.Must(tb, os.Link(filepath.Join(dir, first), filepath.Join(dir, name)))
		}
	}
	fixture.Write(tb, dir, map[string]string{".kaizen/schedule.yml": manifest, "prompt.md": "# An agent\n"})
}

func sameFile(int) string            { return "runs.jsonl" }
func ownFile(entry int) string       { return fmt.Sprintf("runs%d.jsonl", entry) }
func inMiB(kib int64) float64        { return float64(kib) / 1024 }
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// TestWorstCase prepares 60 entries over one file, and over 60 files of which the budget
// lets it read some. With -full the files have 64 MiB. It logs time and memory, for which
// docs/limits.md has figures.
func TestWorstCase(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		metrics func(int) string
		stopped int // entries that exceed the budget
	}{
		{"one file", sameFile, 0},
		// The manifest and the prompt count, too.
		{"a file each", ownFile, max(0, worstEntries-(checkout.MaxRead-1)/worstFile())},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeWorst(t, dir, execution, worstFile(), tt.metrics)
			r := worstRun(t, dir, "prepare", "--agents", "all", "--dry-run", "--emit", "stdout", "--now", tuesday)
			began := time.Now()
			code, peak := r.wait(t)
			t.Logf("%d entries, files of %d KiB: %s, of which the processor %s, %.0f MiB", worstEntries, worstFile()>>10,
				seconds(time.Since(began)), seconds(r.ProcessState.UserTime()+r.ProcessState.SystemTime()), inMiB(peak))
			events := bytes.Count(r.stdout.Bytes(), []byte("\n"))
			stopped := strings.Count(r.stderr.String(), "the budget of this run is")
			want := exitOK
			if tt.stopped > 0 {
				want = exitFindings
			}
			if code != want || events != worstEntries-tt.stopped || stopped < tt.stopped {
				t.Errorf("exit code %d, %d events, %d entries stopped, want %d\n%s", code, events, stopped, tt.stopped,
					&r.stderr)
			}
			if most := inMiB(peak); most > 300 {
				t.Errorf("%.0f MiB of memory", most)
			}
		})
	}
}

// TestSignalInTheMiddle sends a signal to commands that read, hash, search or wait for their
// standard input. Each ends within 5 s, with its report.
func TestSignalInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"prepare", "--agents", "all", "--now", tuesday}, {"validate"}, {"doctor"}, {"validate", "-"},
		{"validate", "--base", "-"}, {"prepare", "--from", "-"},
	} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(strings.Join(args, " ")+" "+signal.String(), func(t *testing.T) {
				t.Parallel()
				p := newPlatform(t)
				writeWorst(t, p.workspace, slowText, 8<<20, ownFile)
				r := worstProgram(t, p.vars(101, nil, nil), args...)
				if args[len(args)-1] == "-" {
					r.feed(t)
				} else {
					r.await(t, 1<<20) // bytes of the files
				}
				fixture.Must(t, r.Process.Signal(signal))
				began := time.Now()
				code, _ := r.wait(t)
				took := time.Since(began)
				t.Logf("ended after %v", took.Round(time.Millisecond))
				got := p.readRan(code, r.vars, &r.stdout, &r.stderr)
				if code != exitUnavailable || !strings.Contains(got.stderr, "cancelled") || took > promptly {
					t.Errorf("exit code %d after %v\n%s", code, took, got.stderr)
				}
				if got.summary == "" || len(got.outputs) == 0 {
					t.Errorf("outputs %v, summary %q", got.outputs, got.summary)
				}
			})
		}
	}
}

// worst is a running program.
type worst struct {
	*exec.Cmd
	vars           map[string]string
	stdout, stderr bytes.Buffer
	in             *os.File // its standard input
	ended          chan struct{}
}

func worstRun(t *testing.T, dir string, args ...string) *worst {
	t.Helper()
	return worstProgram(t, nil, append(args, "--target", dir, "--out", filepath.Join(t.TempDir(), "out"))...)
}

// worstProgram starts the program. Its standard input stays open and has no data.
func worstProgram(t *testing.T, vars map[string]string, args ...string) *worst {
	t.Helper()
	r := &worst{Cmd: exec.CommandContext(t.Context(), "action", args...), vars: vars, ended: make(chan struct{})}
	r.Env = []string{"TZ=UTC"}
	for name, value := range vars {
		r.Env = append(r.Env, name+"="+value)
	}
	in, out, err := os.Pipe()
	fixture.Must(t, err)
	t.Cleanup(func() { out.Close() })
	r.Stdin, r.Stdout, r.Stderr = in, &r.stdout, &r.stderr
	fixture.Must(t, r.Start())
	in.Close()
	r.in = out
	go func() {
		defer close(r.ended)
		r.Cmd.Wait() // the state says how it ended
	}()
	return r
}

// feed waits until the program reads its standard input: it writes more than a pipe holds.
func (r *worst) feed(t *testing.T) {
	t.Helper()
	const capacity = 64 << 10
	_, err := r.in.Write(bytes.Repeat([]byte(" "), capacity+1))
	fixture.Must(t, err)
}

// await waits until the program has read so many bytes, and fails if it ends before.
func (r *worst) await(t *testing.T, bytes int64) {
	t.Helper()
	for r.read() < bytes {
		select {
		case <-r.ended:
			t.Fatalf("the program ended early\n%s", &r.stderr)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// read returns how many bytes the program has read.
func (r *worst) read() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", r.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), "rchar:")
	var n int64
	fmt.Sscan(after, &n)
	return n
}

// wait waits for the end of the program, and returns its exit code and the most memory
// that it had resident in KiB.
func (r *worst) wait(t *testing.T) (code int, peak int64) {
	t.Helper()
	for {
		select {
		case <-r.ended:
			return r.ProcessState.ExitCode(), peak
		case <-time.After(2 * time.Millisecond): // the kernel keeps the maximum
			peak = max(peak, highWater(r.Process.Pid))
		case <-t.Context().Done():
			t.Fatal("the test is over")
		}
	}
}
