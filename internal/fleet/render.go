package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/render"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Discovery is what discover shows.
type Discovery struct {
	*Roster
	// Failures are repositories of which not even the name is known.
	Failures []string
	// Jobs is nil if they could not be found out.
	Jobs []Job
	Page int // of the jobs, counted from 1
	// Due says that the jobs are for what is due only.
	Due       bool
	Compared  bool // with an earlier roster
	Changes   []Change
	Proposals []Proposal
}

// NewDiscovery returns what is shown of a roster, without its jobs. Earlier is the roster
// to compare with, or nil.
func NewDiscovery(r, earlier *Roster, failures []string) (*Discovery, error) {
	d := &Discovery{Roster: r, Failures: failures, Page: 1, Compared: earlier != nil}
	if earlier != nil {
		d.Changes = r.Changes(earlier)
	}
	var err error
	d.Proposals, err = r.Spread()
	return d, err
}

// Incomplete reports whether a repository could not be read.
func (d *Discovery) Incomplete() bool { return len(d.Failures) > 0 || d.Count().Unreadable > 0 }

// Fails reports whether findings fail the check. failOn is the least severe finding that
// does, or never.
func (d *Discovery) Fails(failOn string) bool {
	c := d.Count()
	return failOn != "never" && c.Errors > 0 || failOn == string(diag.Warning) && c.Warnings > 0
}

// Line counts what was found, for the log and as the verdict of the summary.
func (d *Discovery) Line() string {
	c := d.Count()
	line := fmt.Sprintf("%d of %d repositories have a manifest: %d valid with %s (%d enabled), %d invalid",
		c.Repositories-c.Unreadable, d.Scanned, c.Valid, advice.Count(c.Entries, "entry"), c.Enabled, c.Invalid)
	if n := c.Unreadable + len(d.Failures); n > 0 {
		line += fmt.Sprintf(", and %d could not be read", n)
	}
	return line
}

// Lines returns the lines of the log: what could not be read, what is invalid, what
// changed, and the totals.
func (d *Discovery) Lines() (lines []string) {
	for _, f := range d.Failures {
		lines = append(lines, "error: "+f)
	}
	for _, r := range d.Repositories {
		if r.Error != "" {
			lines = append(lines, fmt.Sprintf("error: %s: %s", r.Name, r.Error))
		}
		for _, f := range r.Findings {
			lines = append(lines, fmt.Sprintf("%s: %s %s: %s [%s]", f.Severity, r.Name, f.Place(),
				advice.Join(f.Message, f.Hint), f.Rule))
		}
	}
	for _, c := range d.Changes {
		lines = append(lines, fmt.Sprintf("%s: %s: %s", c.Kind, c.Repository, strings.Join(c.Details, "; ")))
	}
	if d.Compared && len(d.Changes) == 0 {
		lines = append(lines, "nothing changed since the earlier roster")
	}
	if len(d.Proposals) > 0 {
		lines = append(lines, fmt.Sprintf("%s with more than %d others in a minute: see the proposals to spread them",
			advice.Count(len(d.Proposals), "entry"), crowded))
	}
	if n := Pages(d.Jobs); n > 1 {
		lines = append(lines, fmt.Sprintf("the matrix has %d pages: this is page %d", n, d.Page))
	}
	return append(lines, d.Line())
}

// Annotations returns the findings for the runner. They are about files of other
// repositories, so they name no file of this one.
func (d *Discovery) Annotations() (findings []diag.Finding) {
	for _, r := range d.Repositories {
		for _, f := range r.Findings {
			f.Message = fmt.Sprintf("%s: %s: %s", r.Name, f.Place(), f.Message)
			f.File, f.Line, f.Column = "", 0, 0
			findings = append(findings, f)
		}
		if r.Error != "" {
			findings = append(findings, diag.Finding{Rule: diag.Unreadable.ID, Severity: diag.Error,
				Message: r.Name + ": " + r.Error})
		}
	}
	return findings
}

// Outputs returns the outputs. The warning, "" for none, says what had to be left out.
func (d *Discovery) Outputs() (out actions.Outputs, warning string) {
	c := d.Count()
	out.SetResult(c.Invalid == 0 && !d.Incomplete(), c.Errors+c.Unreadable+len(d.Failures), c.Warnings)
	out.SetInt("count", len(d.Jobs))
	d.setMatrix(&out)
	var compact bytes.Buffer
	if err := json.Compact(&compact, d.Encode()); err != nil {
		panic(err) // Encode has made it
	}
	out.Set("roster", compact.String())
	if out.Size() > actions.MaxOutputs {
		out.Set("roster", "")
		warning = "output roster is empty, because the roster exceeds the platform's limit: write it to a file with out"
	}
	return out, warning
}

func (d *Discovery) setMatrix(out *actions.Outputs) {
	out.SetJSON("matrix", d.matrix())
	pages := make([]int, Pages(d.Jobs))
	for i := range pages {
		pages[i] = i + 1
	}
	out.SetJSON("pages", pages)
}

func (d *Discovery) matrix() map[string][]Job {
	return map[string][]Job{"include": Page(d.Jobs, d.Page)}
}

// Render returns the report in a format: json, text, scheduled-runs or matrix. The cadence
// limits scheduled-runs; "" is all.
func (d *Discovery) Render(format string, cadence schedule.Cadence) ([]byte, error) {
	switch format {
	case "text":
		return d.Text(), nil
	case "scheduled-runs":
		return d.ScheduledRuns(cadence)
	case "matrix":
		return d.matrixJSON(), nil
	}
	return d.Encode(), nil
}

// matrixJSON returns the page of the jobs as the strategy of a workflow.
func (d *Discovery) matrixJSON() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d.matrix()); err != nil {
		panic(err) // plain structs always encode
	}
	return diag.EscapeJSON(b.Bytes())
}

// Text returns a table for a terminal, and the proposals.
func (d *Discovery) Text() []byte {
	table := [][]string{{"REPOSITORY", "AGENT", "CADENCE", "CRON", "TIMEZONE", "STATE"}}
	for _, r := range d.Repositories {
		name := safetext.OneLine(r.Name)
		switch {
		case r.Error != "":
			table = append(table, []string{name, "", "", "", "", "unreadable"})
		case !r.Valid:
			table = append(table, []string{name, "", "", "", "", "invalid"})
		}
		for _, e := range r.Entries {
			table = append(table, []string{name, e.Agent, string(e.Cadence), e.Cron, r.Timezone,
				map[bool]string{true: "enabled", false: "paused"}[e.Enabled]})
		}
	}
	text := render.Table(table)
	if len(d.Proposals) == 0 {
		return text
	}
	table = [][]string{{"REPOSITORY", "AGENT", "CRON", "SHARED BY", "INSTEAD"}}
	for _, p := range d.Proposals {
		name := safetext.OneLine(p.Repository)
		table = append(table, []string{name, p.Agent, p.Cron, fmt.Sprint(p.Shared), p.Instead})
	}
	return append(append(text, '\n'), render.Table(table)...)
}

// maxRows is how many rows a table of the summary has.
const maxRows = 200

// Summary returns the job summary.
func (d *Discovery) Summary() actions.Summary {
	s := actions.Summary{Verdict: d.Line()}
	if d.Incomplete() || d.Count().Invalid > 0 {
		s.Verdict = "❌ " + s.Verdict
	}
	add := func(title, text string, header []string, rows [][]actions.Cell) {
		if len(rows) == 0 {
			return
		}
		if len(rows) > maxRows {
			text = strings.TrimSpace(fmt.Sprintf("%s The first %d of %d.", text, maxRows, len(rows)))
			rows = rows[:maxRows]
		}
		s.Sections = append(s.Sections, actions.Section{Title: title, Text: text,
			Table: &actions.Table{Header: header, Rows: rows}})
	}
	add("Unreadable", "", []string{"Repository", "Why"}, d.unreadableRows())
	add("Findings", "", []string{"Repository", "Place", "Rule", "Finding"}, d.findingRows())
	add("Changes", "Since the earlier roster.", []string{"Repository", "Change", "What"}, d.changeRows())
	jobs := "Repositories with an enabled entry."
	if d.Due {
		jobs = "Repositories with an entry that is due."
	}
	add("Jobs", jobs, []string{"Repository", "Agents"}, d.jobRows())
	add("Spread", fmt.Sprintf("These entries share a minute with more than %d others. Another minute spreads the load.",
		crowded), []string{"Repository", "Agent", "Cron", "Shared by", "Instead"}, d.proposalRows())
	return s
}

func (d *Discovery) unreadableRows() (rows [][]actions.Cell) {
	for _, r := range d.Repositories {
		if r.Error != "" {
			rows = append(rows, []actions.Cell{nameCell(&r), {Text: r.Error}})
		}
	}
	for _, f := range d.Failures {
		rows = append(rows, []actions.Cell{{Text: "?"}, {Text: f}})
	}
	return rows
}

func (d *Discovery) findingRows() (rows [][]actions.Cell) {
	for _, r := range d.Repositories {
		for _, f := range r.Findings {
			rows = append(rows, []actions.Cell{nameCell(&r), {Text: f.Place(), Code: true}, {Text: f.Rule, Code: true},
				{Text: advice.Join(f.Message, f.Hint)}})
		}
	}
	return rows
}

// nameCell links to the repository, where that has a page.
func nameCell(r *Repository) actions.Cell {
	c := actions.Cell{Text: r.Name}
	if r.Server != "" && strings.Contains(r.Name, "/") {
		c.URL = r.Server + "/" + r.Name
	}
	return c
}

func (d *Discovery) changeRows() (rows [][]actions.Cell) {
	for _, c := range d.Changes {
		rows = append(rows, []actions.Cell{{Text: c.Repository}, {Text: string(c.Kind)},
			{Text: strings.Join(c.Details, "; ")}})
	}
	return rows
}

func (d *Discovery) jobRows() (rows [][]actions.Cell) {
	for _, j := range d.Jobs {
		rows = append(rows, []actions.Cell{{Text: j.Repository}, {Text: j.Agents}})
	}
	return rows
}

func (d *Discovery) proposalRows() (rows [][]actions.Cell) {
	for _, p := range d.Proposals {
		rows = append(rows, []actions.Cell{{Text: p.Repository}, {Text: p.Agent, Code: true},
			{Text: p.Cron, Code: true}, {Text: fmt.Sprint(p.Shared)}, {Text: p.Instead, Code: true}})
	}
	return rows
}
