package receive

import (
	"fmt"
	"strconv"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// Finding returns the refusal for an annotation.
func (r *Refusal) Finding() diag.Finding {
	return diag.Finding{Rule: r.Code, Severity: diag.Error, Message: r.Message, Hint: r.Hint}
}

// Outputs returns the step's outputs. Those of an event that is not accepted are empty, so
// that a later step that runs anyway finds nothing of it. below makes the paths relative to
// the workspace.
func (o *Outcome) Outputs(below func(dir string) string) actions.Outputs {
	var out actions.Outputs
	errs := len(o.Errors)
	if o.Refusal != nil {
		errs++
	}
	out.SetResult(errs == 0, errs, 0)
	for _, name := range []string{"event-id", "agent", "repo", "repository", "cadence", "period", "payload", "lateness",
		"bundle-path", "bundle-dir"} {
		out.Set(name, "")
	}
	out.Set("duplicate", strconv.FormatBool(o.State == event.Repeated))
	if o.State != event.Repeated && !o.Accepted() {
		return out
	}
	e := o.Event
	out.Set("event-id", e.ID)
	out.Set("agent", e.Agent)
	out.Set("repo", e.Repo)
	out.Set("repository", e.Repository())
	out.Set("cadence", e.Cadence)
	out.Set("period", e.Bundle.Period)
	out.Set("payload", string(e.JSON))
	out.SetInt("lateness", int(e.Lateness(o.At)/time.Second))
	if o.Bundle != nil {
		out.Set("bundle-path", below(o.Bundle.Path))
		out.Set("bundle-dir", below(o.Bundle.Dir))
	}
	return out
}

// Verdict is one line about the outcome. It may have text of the event.
func (o *Outcome) Verdict() string {
	switch {
	case o.Refusal != nil:
		return fmt.Sprintf("refused (%s): %s", o.Refusal.Code, o.Refusal.Message)
	case o.Event == nil || o.State == "":
		return "not decided: " + failure(o.Errors)
	case len(o.Errors) > 0:
		return fmt.Sprintf("%s is not done: %s", o.Event.ID, failure(o.Errors))
	case o.State == event.Repeated:
		return o.Event.ID + " is a duplicate: it was accepted earlier, and its bundle is not fetched again"
	case o.Bundle == nil:
		return fmt.Sprintf("accepted %s, which has no bundle to fetch", o.Event.ID)
	}
	return fmt.Sprintf("accepted %s, bundle in %s", o.Event.ID, o.Bundle.Dir)
}

func failure(errs []error) string {
	if len(errs) == 0 {
		return "the run was cancelled"
	}
	message, _ := advice.Split(errs[0])
	return message
}

// Summary says what arrived, and why it was accepted or refused.
func (o *Outcome) Summary() actions.Summary {
	mark := "✅ "
	switch {
	case !o.Accepted() && o.State != event.Repeated, len(o.Errors) > 0:
		mark = "❌ "
	case o.State == event.Repeated:
		mark = "⏭️ "
	}
	s := actions.Summary{Verdict: mark + o.Verdict()}
	if o.Refusal != nil && o.Refusal.Hint != "" {
		s.Sections = append(s.Sections, actions.Section{Title: "Next step", Text: o.Refusal.Hint})
	}
	for _, err := range o.Errors {
		s.Sections = append(s.Sections, actions.Section{Title: "Error", Text: err.Error()})
	}
	if o.Event != nil {
		s.Sections = append(s.Sections, o.eventSection())
	}
	if len(o.Acknowledged) > 0 {
		s.Sections = append(s.Sections, o.acknowledgedSection())
	}
	return s
}

func (o *Outcome) eventSection() actions.Section {
	e := o.Event
	rows := [][2]string{
		{"event id", e.ID}, {"agent", e.Agent}, {"repository", e.Repository()}, {"slug", e.Repo},
		{"cadence", e.Cadence}, {"period", e.Bundle.Period}, {"prepared", e.OccurredAt},
		{"lateness", e.Lateness(o.At).Round(time.Second).String()},
	}
	if o.Bundle != nil {
		rows = append(rows, [2]string{"bundle", o.Bundle.Path}, [2]string{"digest", o.Bundle.Digest})
	}
	if o.Archived != "" {
		rows = append(rows, [2]string{"archived", o.Archived})
	}
	table := &actions.Table{Header: []string{"", ""}}
	for _, row := range rows {
		table.Rows = append(table.Rows, []actions.Cell{{Text: row[0]}, {Text: row[1], Code: row[1] != ""}})
	}
	return actions.Section{Title: "What arrived", Table: table,
		Details: []actions.Details{{Title: "Event", Language: "json", Body: string(e.JSON)}}}
}

func (o *Outcome) acknowledgedSection() actions.Section {
	table := &actions.Table{Header: []string{"channel", "target", "result"}}
	for _, d := range o.Acknowledged {
		result := string(d.Status)
		if d.Error != "" {
			result += ": " + d.Error
		}
		table.Rows = append(table.Rows, []actions.Cell{{Text: d.Channel}, {Text: d.Target, Code: true, URL: d.URL},
			{Text: result}})
	}
	return actions.Section{Title: "Acknowledgement: " + string(o.State), Table: table}
}
