package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/render"
)

// Exit codes, as in --help.
const (
	exitOK          = 0 // success, also if nothing is due
	exitFindings    = 1 // findings
	exitUsage       = 2 // wrong options or inputs
	exitUnavailable = 3 // a service failed or the run was cancelled; a new run continues
)

// streams holds the program's streams, environment, clock and signals.
type streams struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	// sleep waits between attempts; nil is a timer that the context ends.
	sleep func(ctx context.Context, d time.Duration) error
	// isTerminal reports whether stderr is a terminal; nil means that it is not.
	isTerminal func() bool
	// hostname returns the name of this machine; nil means that it has none.
	hostname func() (string, error)
	// signals returns a context that a signal cancels. It is called when a command
	// begins, since --help needs none.
	signals func(context.Context) (context.Context, context.CancelFunc)
	// deadline returns a context that ends at the limit of a command, with this cause; nil is
	// a timer.
	deadline func(ctx context.Context, cause error) (context.Context, context.CancelFunc)
	// patience is the timeout of a request of the commands that a person waits for; 0 is
	// the constant.
	patience time.Duration
}

// command is one word of the command line.
type command struct {
	name  string
	args  string // positional arguments, for --help; "" if it takes none
	short string
	run   func(context.Context, *app, *option.Reader) (int, error)
	limit time.Duration // see limits.go
	next  string        // what the user does when the limit is reached
}

func commands() []command {
	return []command{
		{"init", "", "find agents in the repository and write the manifest, the workflows and the ignore line",
			runInit, initLimit, "name the agents with --agents, or write the manifest by hand"},
		{"validate", "[FILE…]", "check the manifest, as on a pull request; with a base version show what changes",
			runValidate, checkLimit, shorten},
		{"list", "[AGENT…]", "show every entry: due or not, why, its period and next five dates", runList,
			lookLimit, "check the network, then run again"},
		{"prepare", "[AGENT…]",
			"prepare the bundles of the agents that are due, or of those named, and emit their events", runPrepare,
			prepareLimit, "run again: the next run continues; " + shorten},
		{"receive", "[-- PROGRAM…]",
			"check an event that arrived, drop a repeat, fetch its bundle; with --durable run a program for each event",
			runReceive,
			receiveLimit, "run again: an event that is not recorded is received again"},
		{"doctor", "[AGENT…]", "check tokens, permissions, targets, sizes and retention without emitting anything",
			runDoctor, lookLimit, "check the network, or name fewer targets, then run again"},
		{"discover", "", "list the repositories that have a manifest: the roster of a fleet", runDiscover,
			prepareLimit, "run again with --cursor, which continues, or filter the repositories"},
		{"verify", "[DIR…]", "check stored bundles against their sources.json, and with --target against a checkout",
			runVerify, checkLimit, "verify fewer bundles at once"},
		{"report", "", "state what happened in every period of a fleet: a page, JSON, CSV, a calendar; or watch it",
			runReport, prepareLimit, "report fewer days with --days, or read fewer receipts with --receipts"},
	}
}

// shorten is the next step where reading and searching files took too long.
const shorten = "shorten the largest files that the manifest names"

var errCancelled = errors.New("cancelled before the end; nothing is lost: run again")

// app is one invocation with its streams, environment and common options.
type app struct {
	streams
	runner *actions.Runner
	env    actions.Environment
	now    time.Time // the instant of the whole run
	dir    string    // the checkout, absolute
	file   string    // the manifest, as the user gave it

	clients  *gh.Clients
	reported bool // whether outputs and summary are written
}

// services returns what stores and sinks need in order to open.
func (a *app) services() pipeline.Services {
	return pipeline.Services{Env: &a.env, Clients: a.clients, Clock: a.streams.now, Sleep: a.sleep, Log: a.runner.Logf}
}

// openProject opens the checkout and loads its manifest. The error is a usage error.
func (a *app) openProject(ctx context.Context) (*pipeline.Project, error) {
	p, err := pipeline.OpenProject(ctx, pipeline.ProjectOptions{Dir: a.dir, File: a.file, Env: &a.env})
	if err != nil {
		return nil, usageError{err}
	}
	if ctx.Err() != nil { // the findings are about files that were not read
		p.Close()
		return nil, errEarly
	}
	return p, nil
}

// run runs the program and returns the exit code.
func run(ctx context.Context, args []string, w streams) int {
	runner := actions.NewRunner(actions.RunnerOptions{Getenv: w.getenv, Stdout: w.stdout, Stderr: w.stderr})
	code, err := dispatchCommand(ctx, args, w, runner)
	if err != nil {
		runner.Logf("error: %v", err)
		if code == exitUsage {
			reportUsageError(runner, err)
		}
	}
	return code
}

// reportUsageError reports a usage error as an annotation, in the summary and in the
// outputs.
func reportUsageError(runner *actions.Runner, err error) {
	runner.Annotate([]diag.Finding{{Rule: "usage", Severity: diag.Error, Message: err.Error()}})
	out, summary := render.UsageError(err)
	if failed := errors.Join(runner.WriteOutputs(out), runner.WriteSummary(summary)); failed != nil {
		runner.Logf("error: %v", failed)
	}
}

// usageError is an error in options or inputs: exit code 2.
type usageError struct{ error }

// Unwrap returns the wrapped error.
func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func dispatchCommand(ctx context.Context, args []string, w streams, runner *actions.Runner) (int, error) {
	// `kaizen-agentic schedule prepare …` may be a link to this program.
	if len(args) > 0 && args[0] == "schedule" {
		args = args[1:]
	}
	if len(args) == 0 {
		w.stderr.Write(help())
		return exitUsage, nil
	}
	switch args[0] {
	case "help", "--help", "-help", "-h":
		w.stdout.Write(help())
		return exitOK, nil
	case "version", "--version":
		fmt.Fprintln(w.stdout, version)
		return exitOK, nil
	case "":
		args = append([]string{"prepare"}, args[1:]...) // the input `command` given as an empty text
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return exitUsage, fmt.Errorf("there is no command %q: use %s", args[0], strings.Join(names(all), ", "))
	}
	a, r, err := newApp(all[i], args[1:], w, runner)
	if errors.Is(err, option.ErrHelp) {
		io.WriteString(w.stdout, commandHelp(all[i]))
		return exitOK, nil
	}
	if err != nil {
		return exitUsage, err
	}
	return a.runCommand(ctx, all[i], r)
}

func (a *app) runCommand(ctx context.Context, c command, r *option.Reader) (int, error) {
	ctx, stop := a.signals(ctx)
	defer stop()
	if r.Values[option.Durable] != "" {
		c.limit = 0 // a service runs until it is stopped
	}
	ctx, cancel := a.within(ctx, c)
	defer cancel()
	code, err := c.run(ctx, a, r)
	if errors.Is(err, errStopped) {
		return code, nil
	}
	if ctx.Err() != nil {
		return exitUnavailable, a.stopped(ctx, err)
	}
	switch _, isUsage := errors.AsType[usageError](err); {
	case isUsage:
		code = exitUsage
	case code == exitOK:
		code = exitOf(err) // no command succeeds with an error
	}
	return code, err
}

func newApp(c command, args []string, w streams, runner *actions.Runner) (*app, *option.Reader, error) {
	opts, positional, err := option.Parse(c.name, args, w.getenv)
	if err != nil {
		return nil, nil, err
	}
	if len(positional) > 0 && c.args == "" {
		return nil, nil, fmt.Errorf("action %s takes no arguments, only flags: see action %[1]s --help", c.name)
	}
	env, err := actions.ReadEnvironment(w.getenv)
	if err != nil {
		return nil, nil, err
	}
	env.HostWorkspace = opts[option.HostWorkspace]
	if host := env.HostWorkspace; host != "" && !filepath.IsAbs(host) {
		return nil, nil, fmt.Errorf("host-workspace is %q, must be an absolute path: leave it to action.yml", host)
	}
	a := &app{streams: w, runner: runner, env: env, now: w.now(), file: opts[option.Schedule]}
	requests := gh.Options{
		BaseURL: env.APIURL, PlainHTTP: env.OwnPlainAPI(), UserAgent: "schedule-action/" + version, Log: runner.Logf,
		Now: w.now, Sleep: w.sleep,
	}
	if c.isWaitedFor() {
		requests.Attempts, requests.Timeout = waitedAttempts, cmp.Or(w.patience, waitedTimeout)
	}
	a.clients = gh.NewClients(requests)
	if text := opts[option.Now]; text != "" {
		if a.now, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, nil, fmt.Errorf("now is %q, must be an RFC 3339 time such as 2026-11-23T05:00:00Z", text)
		}
	}
	if a.dir, err = filepath.Abs(cmp.Or(opts[option.Target], env.Workspace, ".")); err != nil {
		return nil, nil, err
	}
	return a, &option.Reader{Values: opts, Args: positional}, a.checkPlaces(opts)
}
