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
)

// MaxOutputs is how many bytes of outputs GitHub accepts from a job
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs).
const MaxOutputs = 1 << 20

// Further limits of the platform. Those of a summary and of annotations are in
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
// and https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations;
// a longer message of an annotation is cut by the runner.
const (
	maxSummary     = 1<<20 - 1<<10 // bytes; the runner drops all of a longer summary
	maxAnnotations = 10            // per type and step
	maxAnnotation  = 4096          // characters
)

// logPrefix starts every line in Actions, so that no text in the log can be a command.
const logPrefix = "kaizen: "

// RunnerOptions are the environment and streams of a Runner.
type RunnerOptions struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer // annotations go to Stdout, the log to Stderr
}

// Runner writes what the GitHub runner reads: log, outputs, summary, annotations. Outside
// Actions it writes only the log.
type Runner struct {
	getenv    func(string) string
	logging   sync.Mutex // guards stderr: agents are prepared in parallel
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

// Actions reports whether this is a step of a workflow.
func (r *Runner) Actions() bool { return r.getenv("GITHUB_ACTIONS") == "true" }

// Logf writes one or more lines to standard error, sanitised. Write errors are ignored.
func (r *Runner) Logf(format string, args ...any) {
	text := safetext.Sanitize(strings.TrimRight(fmt.Sprintf(format, args...), "\r\n"))
	if r.Actions() {
		text = logPrefix + strings.ReplaceAll(text, "\n", "\n"+logPrefix)
	}
	r.logging.Lock()
	defer r.logging.Unlock()
	_, _ = io.WriteString(r.stderr, text+"\n")
}

// Annotate shows findings beside their code, ranked, and returns those that it did not
// show: the platform shows ten errors and ten warnings per step. Outside Actions it
// returns nil.
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
// property or the line. A position of 0 is left out, because the runner would show it as
// line 0.
func annotation(f diag.Finding) *githubactions.Command {
	message := f.Message
	if f.Hint != "" {
		message += "\n" + f.Hint
	}
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

// writeOutput sets a step output; outside Actions it does nothing. The value is kept byte
// for byte, between two lines of random text. The error is about a value of more than
// MaxOutputs bytes, or a GITHUB_OUTPUT that cannot be written.
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
	// The library's SetOutput has a fixed delimiter, with which a value could set other
	// outputs.
	message := name + "<<" + delimiter + githubactions.EOF + value + githubactions.EOF + delimiter
	if err := r.writeFile("GITHUB_OUTPUT", &githubactions.Command{Name: "output", Message: message}); err != nil {
		return fmt.Errorf("setting output %q: %w", name, err)
	}
	return nil
}

// WriteSummary appends s to the step's summary, shortened to the platform's limit;
// outside Actions it does nothing.
func (r *Runner) WriteSummary(s Summary) error {
	if !r.Actions() {
		return nil
	}
	command := &githubactions.Command{Name: "step-summary", Message: s.Markdown(maxSummary)}
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

// issue returns the panic of the library after a failed write as an error.
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
