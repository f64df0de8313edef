package actions

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sethvargo/go-githubactions"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// MaxOutputs is the largest total size of a job's outputs, in bytes of UTF-8. The platform
// takes 1 MB, and counts about as many bytes as UTF-16 has, which are at most twice as
// many. Source:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs
const MaxOutputs = 1 << 20 / 2

// Further limits of the platform. Sources:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits
// for summaries, and
// https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations for
// annotations.
const (
	maxSummary     = 1<<20 - 1<<10 // bytes; the runner drops a summary of more than 1 MiB
	maxAnnotations = 10            // per type and step
	maxAnnotation  = 4096          // characters; the runner cuts longer messages
)

// logPrefix starts every log line in Actions, so that no text can be a command.
const logPrefix = "kaizen: "

// RunnerOptions has the environment and the streams of a Runner.
type RunnerOptions struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer // annotations go to Stdout, the log to Stderr
}

// Runner writes what the GitHub runner reads: log, outputs, summary and annotations.
// Outside Actions it only writes the log. Only Logf is safe for concurrent use.
type Runner struct {
	getenv    func(string) string
	logging   sync.Mutex // guards stderr, because agents are prepared in parallel
	stderr    io.Writer
	action    *githubactions.Action
	delimiter func() string // at least 128 random bits
}

// NewRunner returns a Runner.
func NewRunner(o RunnerOptions) *Runner {
	return &Runner{
		getenv:    o.Getenv,
		stderr:    o.Stderr,
		action:    githubactions.New(githubactions.WithWriter(o.Stdout), githubactions.WithGetenv(o.Getenv)),
		delimiter: rand.Text,
	}
}

// Actions reports whether the program runs as a step of a workflow.
func (r *Runner) Actions() bool { return r.getenv("GITHUB_ACTIONS") == "true" }

// Logf writes one or more lines to standard error, made safe by safetext.Sanitize and
// without secrets. Write errors are ignored.
func (r *Runner) Logf(format string, args ...any) {
	text := safetext.Sanitize(secrets.Masked(strings.TrimRight(fmt.Sprintf(format, args...), "\r\n")))
	if r.Actions() {
		text = logPrefix + strings.ReplaceAll(text, "\n", "\n"+logPrefix)
	}
	r.logging.Lock()
	defer r.logging.Unlock()
	_, _ = io.WriteString(r.stderr, text+"\n")
}

// Annotate shows findings next to their lines in a pull request. The platform shows at
// most ten errors and ten warnings per step, so Annotate ranks the findings and returns
// those that it did not show. Outside Actions it does nothing and returns nil.
func (r *Runner) Annotate(findings []diag.Finding) (hidden []diag.Finding) {
	if !r.Actions() {
		return nil
	}
	sorted := slices.Clone(findings)
	diag.Sort(sorted)
	shown, hidden := diag.Rank(sorted, maxAnnotations)
	for _, f := range shown {
		if r.issue(func() { r.action.IssueCommand(annotation(f)) }) != nil {
			hidden = append(hidden, f)
		}
	}
	return hidden
}

// annotation returns the workflow command for f. The library escapes what could end a
// property or the line. A line or column of 0 is left out, because the runner would show
// line 0.
func annotation(f diag.Finding) *githubactions.Command {
	message := f.Message
	if f.Hint != "" {
		message += "\n" + f.Hint
	}
	message, f.File = secrets.Masked(message), secrets.Masked(f.File)
	name := "warning"
	if f.Severity == diag.Error {
		name = "error"
	}
	properties := githubactions.CommandProperties{"title": safetext.OneLine(f.Rule)}
	if f.File != "" {
		properties["file"] = safetext.OneLine(f.File)
	}
	if f.Line > 0 {
		properties["line"] = strconv.Itoa(f.Line)
	}
	if f.Line > 0 && f.Column > 0 {
		properties["col"] = strconv.Itoa(f.Column)
	}
	return &githubactions.Command{Name: name, Properties: properties,
		Message: safetext.Shorten(safetext.Sanitize(message), maxAnnotation)}
}

// writeOutput sets an output of the step. Later steps get the value byte for byte. It
// returns an error if the value has more than MaxOutputs bytes, or if the file of
// GITHUB_OUTPUT cannot be written. Outside Actions it does nothing.
func (r *Runner) writeOutput(name, value string) error {
	if !r.Actions() {
		return nil
	}
	if len(value) > MaxOutputs {
		return fmt.Errorf("output %q has %d bytes, the platform accepts %d a job: "+
			"read the files below bundle-dir instead", name, len(value), MaxOutputs)
	}
	delimiter := r.delimiter()
	if strings.Contains(value, delimiter) {
		return fmt.Errorf("output %q holds its own delimiter: run again", name)
	}
	// The delimiter is random, because a value that contains it could set other outputs.
	// SetOutput of the library has a fixed one.
	message := name + "<<" + delimiter + githubactions.EOF + value + githubactions.EOF + delimiter
	if err := r.writeFile("GITHUB_OUTPUT", &githubactions.Command{Name: "output", Message: message}); err != nil {
		return fmt.Errorf("setting output %q: %w", name, err)
	}
	return nil
}

// WriteSummary appends s to the summary of the step, shortened to the platform's limit.
// Outside Actions it does nothing.
func (r *Runner) WriteSummary(s Summary) error {
	if !r.Actions() {
		return nil
	}
	command := &githubactions.Command{Name: "step-summary", Message: secrets.Masked(s.Markdown(maxSummary))}
	return r.writeFile("GITHUB_STEP_SUMMARY", command)
}

func (r *Runner) writeFile(variable string, command *githubactions.Command) error {
	if r.getenv(variable) == "" {
		return fmt.Errorf("%s is not set: run this as a step of a workflow", variable)
	}
	if err := r.issue(func() { r.action.IssueFileCommand(command) }); err != nil {
		return fmt.Errorf("writing the file of %s: %w", variable, err)
	}
	return nil
}

// issue calls write and returns its panic as an error, because the library panics when a
// write fails.
func (r *Runner) issue(write func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = errors.New(fmt.Sprint(p))
		}
	}()
	write()
	return nil
}
