// Package watchdog tells people what a report finds: in an issue, and to a health check.
package watchdog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/report"
)

// RollingIssue keeps one issue open while alarms are raised, and closes it afterwards.
type RollingIssue struct {
	API        *gh.Client
	Repository string
	Log        func(format string, args ...any)
}

// NewRollingIssue opens the client of the token. The error is about the options.
func NewRollingIssue(clients *gh.Clients, token, repository string, log func(string, ...any)) (*RollingIssue, error) {
	if repository == "" || token == "" {
		return nil, advice.New("run in Actions, or set GITHUB_REPOSITORY and give issue-token",
			"issue needs the repository of a workflow and a token")
	}
	api, err := clients.For(token)
	if err != nil {
		return nil, err
	}
	return &RollingIssue{API: api.WithInput(option.IssueToken), Repository: repository, Log: log}, nil
}

// The marker is the first line of the body. It is invisible, and ends with a digest of the
// alarms, so that an unchanged state changes nothing.
const (
	markerStart = "<!-- schedule-action report "
	markerEnd   = " -->"
)

// maxBody is the largest body of an issue, in bytes. GitHub takes 65,536 characters.
const maxBody = 60_000

// Keep opens, updates or closes the issue about what a report raised. A report that is
// incomplete neither opens nor closes one without an alarm, because it is not known whether
// all entries work. Keep takes one request for the user of the token, one for each page of
// open issues up to its own issue or an empty page, and at most two for a change.
func (i *RollingIssue) Keep(ctx context.Context, made *report.Report, raised []report.Raised) error {
	found, err := i.find(ctx)
	if err != nil {
		return err
	}
	if found != nil || len(raised) > 0 {
		raised = slices.Concat(raised, made.Alarms(report.AlarmUnread))
	}
	if len(raised) == 0 && made.Incomplete() {
		i.Log("the issue of %s is left as it is, because not everything could be read", i.Repository)
		return nil
	}
	digest, body := fingerprint(raised), issueBody(raised, inWords(time.Duration(made.Grace)*time.Second))
	title := "Scheduled agents: " + report.Verdict(raised)
	switch {
	case found == nil && len(raised) == 0:
		return nil
	case found == nil:
		created, err := i.API.CreateIssue(ctx, i.Repository, title, body)
		if err == nil {
			i.Log("opened issue %d of %s", created.Number, i.Repository)
		}
		return err
	case strings.TrimSpace(found.Body) == strings.TrimSpace(body):
		i.Log("issue %d of %s is up to date", found.Number, i.Repository)
		return nil
	}
	change, comment := gh.IssueChange{Title: title, Body: body}, "The state has changed: "+report.Verdict(raised)+"."
	if strings.HasPrefix(found.Body, markerStart+digest+markerEnd) {
		comment = "" // the same entries, for longer
	}
	if len(raised) == 0 {
		change.State, comment = "closed", "Every entry works again."
	}
	// The body comes before the comment: a run that ends between them adds no second one.
	if err := i.API.UpdateIssue(ctx, i.Repository, found.Number, change); err != nil {
		return err
	}
	i.Log("updated issue %d of %s", found.Number, i.Repository)
	if comment == "" {
		return nil
	}
	return i.API.CommentIssue(ctx, i.Repository, found.Number, comment)
}

// find returns the open issue of an earlier run, nil if there is none. An issue counts by
// its marker and by its author: anyone can write the marker.
func (i *RollingIssue) find(ctx context.Context) (*gh.Issue, error) {
	login, err := i.API.Login(ctx)
	if err != nil {
		return nil, err
	}
	var found *gh.Issue
	err = i.API.OpenIssues(ctx, i.Repository, func(issue gh.Issue) bool {
		if strings.HasPrefix(issue.Body, markerStart) && i.API.IsOwn(issue, login) {
			found = &issue
		}
		return found == nil
	})
	return found, err
}

// fingerprint identifies a set of alarms: what is wrong, not for how long.
func fingerprint(raised []report.Raised) string {
	var lines []string
	for _, a := range raised {
		lines = append(lines, string(a.Alarm)+"\x00"+a.Name())
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:12])
}

// inWords writes a duration without the zeros at its end, such as 6h for 6h0m0s.
func inWords(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// issueBody renders the alarms. Summaries escape all text.
func issueBody(raised []report.Raised, grace string) string {
	s := actions.Summary{Verdict: report.Verdict(raised), Sections: []actions.Section{
		{Text: "This issue is updated while something is wrong, and closed afterwards. A slot counts after a grace " +
			"of " + grace + "."},
	}}
	if len(raised) > 0 {
		s.Sections = append(s.Sections, actions.Section{Table: report.AlarmTable(raised)})
	}
	return markerStart + fingerprint(raised) + markerEnd + "\n" + s.Markdown(maxBody)
}
