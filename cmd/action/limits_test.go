package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// limited is a run of a command with its streams.
type limited struct {
	vars           map[string]string
	stdout, stderr bytes.Buffer
}

// runLimited runs a command that reaches its limit at once.
func runLimited(ctx context.Context, l *limited, args ...string) int {
	return run(ctx, args, streams{
		getenv: func(name string) string { return l.vars[name] }, stdin: strings.NewReader(""),
		stdout: &l.stdout, stderr: &l.stderr, now: time.Now, signals: context.WithCancel,
		deadline: func(ctx context.Context, cause error) (context.Context, context.CancelFunc) {
			return context.WithDeadlineCause(ctx, time.Unix(0, 0), cause)
		},
	})
}

// A command that reaches its limit names it and the next step, and still reports: exit code
// 3, outputs that can be read, and a summary.
func TestLimits(t *testing.T) {
	t.Parallel()
	limits := map[string]string{"init": "2 minutes", "validate": "10 minutes", "list": "5 minutes", "prepare": "2 hours",
		"receive": "30 minutes", "doctor": "5 minutes", "discover": "2 hours", "verify": "10 minutes",
		"report": "2 hours"}
	for _, c := range commands() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			vars := p.vars(101, map[string]string{"now": tuesday}, nil)
			before := fixture.Tree(t, p.workspace)
			l := &limited{vars: vars}
			code := runLimited(t.Context(), l, c.name)
			got := p.readRan(code, vars, &l.stdout, &l.stderr)
			want := c.name + " reached its limit of " + limits[c.name] + ": " + c.next
			if code != exitUnavailable || !strings.Contains(got.stderr, want) {
				t.Errorf("exit code %d, want %q\n%s", code, want, got.stderr)
			}
			if got.summary == "" || got.outputs["valid"] != "false" {
				t.Errorf("outputs %v, summary %q", got.outputs, got.summary)
			}
			if !strings.Contains(got.summary, "reached its limit") {
				t.Errorf("the summary does not say why: %s", got.summary)
			}
			if after := fixture.Tree(t, p.workspace); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("the checkout is changed")
			}
		})
	}
}

// Every limit is in the docs.
func TestLimitsOfTheDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/limits.md")
	fixture.Must(t, err)
	for _, c := range commands() {
		if row := fmt.Sprintf("| `%s` | %s |", c.name, inWords(c.limit)); !bytes.Contains(page, []byte(row)) {
			t.Errorf("docs/limits.md has no row %q", row)
		}
	}
}

// A server that sends one byte after the other, or none, does not hold up the commands that
// a person waits for: a request is sent twice, and each time has a limit.
func TestServerThatTrickles(t *testing.T) {
	t.Parallel()
	const patience = 300 * time.Millisecond
	for _, silent := range []bool{false, true} {
		for _, args := range [][]string{{"list"}, {"validate"}, {"doctor", "--dispatch-to",
			"acme/a,acme/b,acme/c,acme/d,acme/e,acme/f,acme/g,acme/h,acme/i,acme/j,acme/k,acme/l"}} {
			t.Run(fmt.Sprint(args[0], " silent ", silent), func(t *testing.T) {
				t.Parallel()
				p := newPlatform(t)
				var requests atomic.Int32
				server := trickle(t, silent, &requests)
				vars := p.vars(101, map[string]string{"now": tuesday}, map[string]string{
					"GITHUB_API_URL": server, "GITHUB_EVENT_NAME": "pull_request",
					"GITHUB_EVENT_PATH": filepath.Join(fixture.TempDir(t), "event.json"),
				})
				fixture.Write(t, filepath.Dir(vars["GITHUB_EVENT_PATH"]), map[string]string{
					"event.json": `{"pull_request":{"base":{"sha":"` + strings.Repeat("ab", 20) + `"}}}`})
				l := &limited{vars: vars}
				code := run(t.Context(), args, streams{
					getenv: func(name string) string { return vars[name] }, stdin: strings.NewReader(""),
					stdout: &l.stdout, stderr: &l.stderr, now: time.Now, signals: context.WithCancel, patience: patience,
					sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
				})
				got := p.readRan(code, vars, &l.stdout, &l.stderr)
				want := map[string]int{"list": exitUnavailable, "validate": exitOK, "doctor": exitFindings}[args[0]]
				n := requests.Load()
				if code != want || n < 1 || n > waitedAttempts || !strings.Contains(got.stderr, "attempt 1 of 2") {
					t.Errorf("exit code %d, %d requests\n%s", code, n, got.stderr)
				}
				if got.summary == "" || got.outputs["valid"] == "" {
					t.Errorf("outputs %v, summary %q", got.outputs, got.summary)
				}
			})
		}
	}
}

// trickle returns the address of a server that never completes an answer.
func trickle(t *testing.T, silent bool, requests *atomic.Int32) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fixture.Must(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		ticks := time.NewTicker(time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-ticks.C:
				if !silent {
					w.Write([]byte(" "))
					w.(http.Flusher).Flush()
				}
			}
		}
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return "http://" + listener.Addr().String()
}

// The commands that a person waits for are commands.
func TestWaitedFor(t *testing.T) {
	t.Parallel()
	known := names(commands())
	for _, name := range waitedFor {
		if !slices.Contains(known, name) {
			t.Errorf("there is no command %q", name)
		}
	}
}
