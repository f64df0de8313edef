package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
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
	// signals returns a context that a signal cancels. It is called when a command
	// begins, since --help needs none.
	signals func(context.Context) (context.Context, context.CancelFunc)
}

// command is one word of the command line.
type command struct {
	name  string
	args  string // positional arguments, for --help
	short string
	run   func(context.Context, *app, *reader) (int, error)
}

func commands() []command {
	return []command{
		{"init", "", "find agents in the repository and write the manifest, the workflows and the ignore line",
			runInit},
		{"validate", "[FILE…]", "check the manifest, as on a pull request; with a base version show what changes",
			runValidate},
		{"list", "", "show every entry: due or not, why, its period and next five dates", runList},
		{"prepare", "[AGENT…]",
			"prepare the bundles of the agents that are due, or of those named, and emit their events", runPrepare},
		{"doctor", "", "check tokens, permissions, targets, sizes and retention without emitting anything", runDoctor},
		{"verify", "DIR", "check a bundle directory against its sources.json, and with --target against a checkout",
			runVerify},
	}
}

// app is one invocation with its streams, environment and common options.
type app struct {
	streams
	runner *actions.Runner
	env    actions.Environment
	now    time.Time // the instant of the whole run
	dir    string    // the checkout, absolute
	file   string    // the manifest, as the user gave it
	host   string    // the workspace's path on the runner's host, "" if it is the same

	clients map[string]*gh.Client // by token
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
// outputs. A step with `if: always()` can decode the outputs.
func reportUsageError(runner *actions.Runner, err error) {
	runner.Annotate([]diag.Finding{{Rule: "usage", Severity: diag.Error, Message: err.Error()}})
	failed := errors.Join(
		outputs{{"valid", "false"}, {"errors", "0"}, {"warnings", "0"}, {"count", "0"}, {"prepared", "[]"},
			{"payloads", "[]"}, {"deliveries", "[]"},
			{"matrix", matrixJSON([]matrixEntry{})}, {"roster", "[]"}}.set(runner),
		runner.WriteSummary(actions.Summary{Verdict: "❌ " + err.Error()}),
	)
	if failed != nil {
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
	if errors.Is(err, flag.ErrHelp) {
		io.WriteString(w.stdout, commandHelp(all[i]))
		return exitOK, nil
	}
	if err != nil {
		return exitUsage, err
	}
	ctx, stop := w.signals(ctx)
	defer stop()
	code, err := all[i].run(ctx, a, r)
	if ctx.Err() != nil {
		return exitUnavailable, errors.Join(err, errors.New("cancelled before the end; nothing is lost: run again"))
	}
	if _, ok := errors.AsType[usageError](err); ok {
		code = exitUsage
	}
	return code, err
}

func newApp(c command, args []string, w streams, runner *actions.Runner) (*app, *reader, error) {
	opts, positional, err := parseOptions(c.name, args, w.getenv)
	if err != nil {
		return nil, nil, err
	}
	env, err := actions.ReadEnvironment(w.getenv)
	if err != nil {
		return nil, nil, err
	}
	a := &app{streams: w, runner: runner, env: env, now: w.now(), file: opts[optSchedule], host: opts[optHostWorkspace]}
	if a.host != "" && !filepath.IsAbs(a.host) {
		return nil, nil, fmt.Errorf("host-workspace is %q, must be an absolute path: leave it to action.yml", a.host)
	}
	if text := opts[optNow]; text != "" {
		if a.now, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, nil, fmt.Errorf("now is %q, must be an RFC 3339 time such as 2026-11-23T05:00:00Z", text)
		}
	}
	a.dir, err = filepath.Abs(cmp.Or(opts[optTarget], env.Workspace, "."))
	return a, &reader{values: opts, args: positional}, err
}

// parseOptions reads flags, which may follow positional arguments, then inputs, then
// defaults.
func parseOptions(command string, args []string, getenv func(string) string) (values, []string, error) {
	opts := values{}
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	for _, o := range options {
		set.Var(optionValue{o, opts}, o.name, o.help)
	}
	var positional []string
	for len(args) > 0 {
		if err := set.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, nil, err
			}
			return nil, nil, fmt.Errorf("%w: see action %s --help", err, command)
		}
		rest := set.Args()
		if len(rest) < len(args) && args[len(args)-len(rest)-1] == "--" {
			positional = append(positional, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		positional, args = append(positional, rest[0]), rest[1:]
	}
	for name := range opts {
		if o := optionNamed(name); !o.taken(command) {
			return nil, nil, fmt.Errorf("action %s does not take --%s: see action %s --help", command, name, command)
		}
	}
	return opts, positional, fillDefaults(opts, getenv)
}

func optionNamed(name string) option {
	return options[slices.IndexFunc(options, func(o option) bool { return o.name == name })]
}

func fillDefaults(opts values, getenv func(string) string) error {
	for _, o := range options {
		if _, ok := opts[o.name]; ok {
			continue
		}
		input := ""
		if !o.flagOnly {
			input = strings.TrimSpace(getenv(o.input()))
		}
		if input == "" {
			opts[o.name] = o.initial
			continue
		}
		if o.placeholder == "" {
			input = strings.ToLower(input) // YAML's True and TRUE are the same switch
		}
		if err := (optionValue{o, opts}).Set(input); err != nil {
			return fmt.Errorf("input %s %w", o.name, err)
		}
	}
	if opts[optToken] == "" {
		opts[optToken] = getenv("GITHUB_TOKEN")
	}
	if opts[optDispatchToken] == "" {
		opts[optDispatchToken] = opts[optToken]
	}
	return nil
}

func names(all []command) []string {
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.name
	}
	return out
}

// help avoids fmt and io.WriteString, whose first use takes 1 to 8 % of the start-up
// time.
func help() []byte {
	const width = 20
	text := []byte(`action prepares scheduled agent runs from .kaizen/schedule.yml and emits kaizen.schedule.prepared.

Usage: action COMMAND [ARGUMENT…] [FLAG…]

Commands:
`)
	for _, c := range commands() {
		words := strings.TrimSpace(c.name + " " + c.args)
		padding := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(words)))
		text = append(text, "  "+words+padding+" "+c.short+"\n"...)
	}
	return append(text, `
action COMMAND --help shows the flags of a command. Every flag is also the action's input of the same name,
except those that only init takes.

Exit codes: 0 success, 1 findings, 2 wrong usage or inputs, 3 a service failed or the run was cancelled (run again).
`...)
}

func commandHelp(c command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: action %s\n\n%s.\n\nFlags:\n", strings.TrimSpace(c.name+" "+c.args+" [FLAG…]"),
		strings.ToUpper(c.short[:1])+c.short[1:])
	for _, o := range options {
		if o.taken(c.name) {
			b.WriteString(o.usage())
		}
	}
	if c.name == "prepare" {
		b.WriteString("\nExamples:\n  action prepare coach                     print the bundle of coach\n  action " +
			"prepare coach --emit stdout       print its event\n  action prepare --dispatch-to acme/core   prepare " +
			"what is due and dispatch it\n")
	}
	return b.String()
}
