package scaffold

import (
	"fmt"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

// ReportOptions are what the report depends on, besides the scaffold.
type ReportOptions struct {
	// Dir is the absolute path of the checkout.
	Dir string
	// Root is the absolute path of the repository if the checkout is a part of it, or "".
	Root string
	// Target is the value of --target, quoted for a shell; "" without the flag.
	Target string
	// Given are the options of the manifest that the user set, such as timezone.
	Given []string
}

// report is a scaffold with the options of its report.
type report struct {
	*Scaffold
	ReportOptions
}

// Report describes a scaffold that is written: the agents, the files, the cost, and the
// next two steps. File names are untrusted; the text is safe for a log.
func (s *Scaffold) Report(o ReportOptions) string {
	r := &report{s, o}
	return safetext.Sanitize(r.text())
}

const (
	maxSkipped = 20 // skipped files that are listed
	maxFirst   = 5  // agents that are listed as the first to run
)

func (r *report) text() string {
	var b strings.Builder
	b.WriteString(r.found() + "\n")
	for _, p := range r.Skipped[:min(len(r.Skipped), maxSkipped)] {
		fmt.Fprintf(&b, "  skipped %s: it %s\n", safetext.OneLine(p.Path), safetext.OneLine(p.Reason))
	}
	if more := len(r.Skipped) - maxSkipped; more > 0 {
		fmt.Fprintf(&b, "  skipped %s\n", advice.Count(more, "more file"))
	}
	for _, f := range r.Files {
		b.WriteString(fileLine(f) + "\n")
	}
	if r.Runs > 0 {
		b.WriteString(billed(float64(r.Runs)) + "\n")
	}
	for _, note := range r.notes() {
		b.WriteString("note: " + safetext.OneLine(note) + "\n")
	}
	first, second := r.next()
	fmt.Fprintf(&b, "next:\n  1. %s\n  2. %s\n", first, second)
	return b.String()
}

func (r *report) found() string {
	switch {
	case len(r.Found) == 0 && r.Files[0].Reason == "" && !r.named:
		return "found no agents: the manifest has those of kaizen-agentic, paused as long as they have no prompt here"
	case len(r.Found) == 0:
		return "found no agents"
	}
	names := make([]string, len(r.Found))
	for i, a := range r.Found {
		names[i] = a.Agent
	}
	return fmt.Sprintf("found %s: %s", advice.Count(len(names), "agent"), strings.Join(names, ", "))
}

func fileLine(f File) string {
	switch {
	case f.Exists:
		return fmt.Sprintf("  kept    %s: %s", f.Path, f.Reason)
	case f.Reason != "":
		return fmt.Sprintf("  skipped %s: %s", f.Path, f.Reason)
	case f.Append:
		return "  added   " + strings.TrimSpace(f.Content) + " to " + f.Path
	}
	return "  wrote   " + f.Path
}

// freeMinutes is the monthly quota of minutes for private repositories of a personal
// account on GitHub Free:
// https://docs.github.com/en/billing/concepts/product-billing/github-actions.
const freeMinutes = 2000

// billed describes the cost of the runs. A run is billed by the minute, rounded up.
func billed(runs float64) string {
	n := int(math.Round(runs))
	if n > freeMinutes {
		return fmt.Sprintf("about %s runs a month; a private repository is billed at least %[1]s minutes, "+
			"of which %s are free", thousands(n), thousands(freeMinutes))
	}
	return fmt.Sprintf("about %s runs a month; a private repository is billed at least %[1]s of its %s free minutes",
		thousands(n), thousands(freeMinutes))
}

// thousands formats a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// notes returns the scaffold's notes. It adds those about options without effect, and about
// a checkout that is a part of its repository, where the platform reads no workflows.
func (r *report) notes() []string {
	notes := slices.Clone(r.Notes)
	if r.Files[0].Exists {
		for _, name := range r.Given {
			notes = append(notes, fmt.Sprintf("--%s changes nothing, since %s is kept", name, r.Files[0].Path))
		}
	}
	if part, err := filepath.Rel(r.Root, r.Dir); r.Root != "" && err == nil {
		notes = append(notes, fmt.Sprintf("workflows are read at the repository's root only: move those of "+
			"%s to %s and add the input target: %s to each step that uses this action",
			path.Dir(r.Files[1].Path), r.rootWorkflows(), filepath.ToSlash(part)))
	}
	return notes
}

// rootWorkflows returns the directory of workflows at the repository's root.
func (r *report) rootWorkflows() string {
	dir := path.Dir(ScheduleWorkflow)
	if above, err := checkout.Open(r.Root); err == nil {
		dir = workflow.WorkflowDir(above)
		above.Close()
	}
	return filepath.Join(r.Root, filepath.FromSlash(dir))
}

// next returns the two steps that the user takes next.
func (r *report) next() (first, second string) {
	target := ""
	if r.Target != "" {
		target = " --target " + r.Target
	}
	check := "action validate" + target + " && action list" + target
	if r.Manifest == nil {
		return "fix what this reports: action validate" + target, "run again: action init" + target
	}
	var enabled, paused []string
	for _, e := range r.Manifest.Entries {
		if e.Enabled {
			enabled = append(enabled, e.Agent)
		} else {
			paused = append(paused, e.Agent)
		}
	}
	written := slices.ContainsFunc(r.Files, func(f File) bool { return f.Reason == "" })
	push := "commit these files and push them to the default branch"
	if r.Root != "" {
		push = "move the workflows as the note says, then " + push
	}
	switch {
	case len(enabled) == 0:
		return r.enable(paused[0]), "run: " + check + ", then " + push
	case !written:
		second = "when all of it is on the default branch, run: action doctor" + target
	case r.Files[0].Exists:
		second = push
	default:
		second = push + "; first runs, at the next tick: " + advice.Some(enabled, maxFirst)
	}
	return "read .kaizen/schedule.yml, then run: " + check, second
}

// enable returns the first step if every entry is disabled.
func (r *report) enable(agent string) string {
	if slices.ContainsFunc(r.Found, func(a FoundAgent) bool { return a.Agent == agent }) {
		return "choose the agents that are to run and set enabled: true for each in .kaizen/schedule.yml"
	}
	return fmt.Sprintf("add agents/agent-%s.md, the prompt of %[1]s, and set enabled: true for it in "+
		".kaizen/schedule.yml", agent)
}
