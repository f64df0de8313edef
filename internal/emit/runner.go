package emit

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
)

// MaxOutputs is how many bytes of outputs the platform takes from a job (platform-facts).
const MaxOutputs = 1 << 20

// Further limits of the platform (platform-facts, "Log and command files").
const (
	maxSummary     = 1<<20 - 1<<10 // bytes of a step's summary, beyond which all of it is dropped; a little is left for the line end
	maxAnnotations = 10            // of each type a step
	maxAnnotation  = 4096          // characters
)

// logPrefix begins every line in Actions, so that no text of ours can be a command there.
const logPrefix = "kaizen: "

// RunnerOptions are what the runner's side needs from outside.
type RunnerOptions struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer // annotations go to Stdout, the log to Stderr
}

// Runner is the GitHub runner's side: log, outputs, summary, annotations. Elsewhere it has only the log.
type Runner struct {
	getenv    func(string) string
	logging   sync.Mutex // one line at a time: agents are prepared side by side
	stderr    io.Writer
	action    *githubactions.Action
	delimiter func() string // at least 128 random bits
}

// NewRunner makes the runner's side.
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

// Logf writes a line, or several, to standard error, sanitised. A log that can't be written is nobody's error.
func (r *Runner) Logf(format string, args ...any) {
	text := Sanitize(strings.TrimRight(fmt.Sprintf(format, args...), "\r\n"))
	if r.Actions() {
		text = logPrefix + strings.ReplaceAll(text, "\n", "\n"+logPrefix)
	}
	r.logging.Lock()
	defer r.logging.Unlock()
	_, _ = io.WriteString(r.stderr, text+"\n")
}

// Annotate shows findings beside the code they are about, ranked, and returns those that it did not show: the platform takes ten errors and
// ten warnings of a step. Outside Actions it shows nothing and returns nil.
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

// annotation is the workflow command for f. The library escapes what could end a property or the line; a position of 0 is left out,
// for the runner would show it as line 0.
func annotation(f diag.Finding) *githubactions.Command {
	message := f.Message
	if f.Hint != "" {
		message += "\n" + f.Hint
	}
	name := "warning"
	if f.Severity == diag.Error {
		name = "error"
	}
	properties := githubactions.CommandProperties{"title": oneLine(f.Rule)}
	if f.File != "" {
		properties["file"] = oneLine(f.File)
	}
	if f.Line > 0 {
		properties["line"] = strconv.Itoa(f.Line)
	}
	if f.Line > 0 && f.Column > 0 {
		properties["col"] = strconv.Itoa(f.Column)
	}
	return &githubactions.Command{Name: name, Properties: properties, Message: shorten(Sanitize(message), maxAnnotation)}
}

// WriteOutput sets a step output; outside Actions it does nothing. The value is kept byte for byte: it stands between lines that nobody can
// have guessed. Errors: a value of more than 1 MB, or a GITHUB_OUTPUT that can't be written.
func (r *Runner) WriteOutput(name, value string) error {
	if !r.Actions() {
		return nil
	}
	if len(value) > MaxOutputs {
		return fmt.Errorf("output %q has %d bytes, the platform takes %d a job: read the files below bundle-dir instead", name, len(value), MaxOutputs)
	}
	delimiter := r.delimiter()
	if strings.Contains(value, delimiter) {
		return fmt.Errorf("output %q holds its own delimiter: run again", name)
	}
	// Not the library's SetOutput: its delimiter is fixed, so that a value which holds it sets other outputs.
	message := name + "<<" + delimiter + githubactions.EOF + value + githubactions.EOF + delimiter
	if err := r.writeFile("GITHUB_OUTPUT", &githubactions.Command{Name: "output", Message: message}); err != nil {
		return fmt.Errorf("setting output %q: %w", name, err)
	}
	return nil
}

// WriteSummary appends s to the step's summary, shortened to what the platform shows; outside Actions it does nothing.
func (r *Runner) WriteSummary(s Summary) error {
	if !r.Actions() {
		return nil
	}
	return r.writeFile("GITHUB_STEP_SUMMARY", &githubactions.Command{Name: "step-summary", Message: s.Markdown(maxSummary)})
}

func (r *Runner) writeFile(variable string, command *githubactions.Command) error {
	if r.getenv(variable) == "" {
		return fmt.Errorf("%s is not set: the runner did not say where to write", variable)
	}
	if err := r.issue(func() { r.action.IssueFileCommand(command) }); err != nil {
		return fmt.Errorf("writing the file of %s: %w", variable, err)
	}
	return nil
}

// issue turns the library's panics on a failed write back into errors.
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
