package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/render"
)

// ServersOf returns the origins to which links may lead: the server of the run, and those
// on which the roster has repositories.
func ServersOf(roster *fleet.Roster, server string) []string {
	servers := []string{}
	add := func(address string) {
		if origin := originOf(address); origin != "" && !slices.Contains(servers, origin) {
			servers = append(servers, origin)
		}
	}
	add(server)
	for i := range roster.Repositories {
		add(roster.Repositories[i].Server)
	}
	return servers
}

// ReadAll says that what is known is all that there is, because no API is read.
func (f *Facts) ReadAll(roster *fleet.Roster) {
	for i := range roster.Repositories {
		f.read(nameOf(&roster.Repositories[i]), "")
	}
}

// verdict says what is wrong, or that nothing is, whatever --fail-on names.
func (r *Report) verdict() string {
	text := Verdict(r.attention())
	if len(r.Alarms(AlarmUnread)) == 0 && r.Incomplete() {
		text += ", as far as could be read"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// attention has all alarms.
func (r *Report) attention() []Raised { return r.Alarms(allAlarms...) }

// Lines returns the lines of the log: the verdict, the totals, and each alarm and problem.
func (r *Report) Lines(raised []Raised) []string {
	lines := []string{r.verdict() + ".", r.tally()}
	for _, a := range raised {
		line := string(a.Alarm) + ": " + a.Name()
		if a.Entry != nil {
			first := a.first()
			line += fmt.Sprintf(", since %s (%s)", first.Period, advice.Count(a.Count, "period"))
		}
		lines = append(lines, line)
	}
	for _, p := range r.Problems {
		lines = append(lines, "warning: "+strings.TrimPrefix(p.Repository+": ", ": ")+advice.Join(p.Message, p.Hint))
	}
	return lines
}

// tally counts repositories, entries and periods.
func (r *Report) tally() string {
	t := &r.Totals
	var parts []string
	for _, s := range slices.Backward(States) {
		if n := t.Periods[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	text := advice.Count(t.Repositories, "repository") + " with " + advice.Count(t.Entries, "entry") + "."
	if len(parts) > 0 {
		text += " Periods: " + strings.Join(parts, ", ") + "."
	}
	return text
}

// Outputs returns the outputs of report.
func (r *Report) Outputs(raised []Raised) (out actions.Outputs) {
	out.SetResult(len(raised) == 0 && !r.Incomplete(), len(raised), len(r.Problems))
	out.SetInt("count", r.Totals.Entries)
	return out
}

// maxRows is how many rows a table of the job summary has at most.
const maxRows = 200

// Summary returns the job summary.
func (r *Report) Summary(raised []Raised) actions.Summary {
	all, mark := r.attention(), "✅ "
	switch {
	case len(raised) > 0 || r.Incomplete():
		mark = "❌ "
	case len(all) > 0:
		mark = "⚠️ "
	}
	s := actions.Summary{Verdict: mark + r.verdict(), Sections: []actions.Section{{Text: r.tally()}}}
	if len(all) > 0 {
		section := actions.Section{Title: "What needs attention", Table: AlarmTable(all[:min(len(all), maxRows)])}
		if len(all) > maxRows {
			section.Text = fmt.Sprintf("The first %d of %d.", maxRows, len(all))
		}
		s.Sections = append(s.Sections, section)
	}
	if len(r.Problems) > 0 {
		table := &actions.Table{Header: []string{"Repository", "Problem", "Next step"}}
		for _, p := range r.Problems[:min(len(r.Problems), maxRows)] {
			table.Rows = append(table.Rows, []actions.Cell{{Text: p.Repository}, {Text: p.Message}, {Text: p.Hint}})
		}
		s.Sections = append(s.Sections, actions.Section{Title: "What could not be read", Table: table})
	}
	return s
}

// Text returns a table for a terminal.
func (r *Report) Text() []byte {
	table := [][]string{{"REPOSITORY", "AGENT", "STATE", "PERIOD", "NEXT"}}
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		if len(repo.Entries) == 0 {
			table = append(table, []string{repo.name(), "", string(repo.State), "", ""})
		}
		for _, e := range repo.Entries {
			period, next := "", ""
			if len(e.Periods) > 0 {
				period = e.Periods[0].Period
			}
			if e.Enabled {
				next = e.Next[0].At.UTC().Format("2006-01-02 15:04 MST")
			}
			table = append(table, []string{repo.name(), show(e.Agent), string(e.State), period, next})
		}
	}
	return render.Table(table)
}
