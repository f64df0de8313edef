package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// Settings are the options of the command report.
type Settings struct {
	Roster    string   // file
	Out       []string // files
	Evidence  []string // files and directories
	Consumers []string
	Ledger    string // "" where each repository has its own
	Since     time.Time
	Grace     time.Duration
	Receipts  int
	FailOn    []Alarm
	PingURL   string
	Issue     bool
	// Token reads the fleet. IssueToken keeps the issue.
	Token, IssueToken string
}

// ReadSettings reads the options. The error is a usage error, and never has a secret.
func ReadSettings(v option.Values, now time.Time) (Settings, error) {
	s := Settings{
		Roster: v[option.Roster], Out: v.Lines(option.Out), Evidence: v.Lines(option.Evidence),
		Consumers: target.Split(v[option.Consumers]), Ledger: v[option.Ledger], Issue: v.IsOn(option.Issue),
		PingURL: v[option.PingURL], Token: v[option.Token], IssueToken: v[option.IssueToken],
	}
	if s.IssueToken == "" {
		s.IssueToken = s.Token
	}
	if s.Roster == "" {
		return s, errors.New("roster is missing, must be a file that action discover has written")
	}
	for _, file := range s.Out {
		if FormatOf(file) == "" {
			return s, fmt.Errorf("out has %q, must end in %s", file, strings.Join(Formats, ", "))
		}
	}
	for _, name := range append([]string{s.Ledger}, s.Consumers...) {
		if name != "" && !bundleid.IsRepository(name) {
			return s, fmt.Errorf("consumers or ledger has %q, must be owner/name", name)
		}
	}
	var err error
	if s.Grace, err = time.ParseDuration(v[option.Grace]); err != nil || s.Grace < 0 || s.Grace > maxWindow {
		return s, fmt.Errorf("grace is %q, must be a duration such as 6h, at most 8784h (366 days)", v[option.Grace])
	}
	if s.Receipts, err = v.Number(option.Receipts, 0, 100); err != nil {
		return s, err
	}
	if s.Since, err = since(v, now); err != nil {
		return s, err
	}
	if v.Given(option.FailOn) {
		for _, name := range target.Split(v[option.FailOn]) {
			if !slices.Contains(FailOn, Alarm(name)) {
				return s, fmt.Errorf("fail-on has %q, must be a list of missed, failed, unreceived, invalid", name)
			}
			s.FailOn = append(s.FailOn, Alarm(name))
		}
	}
	if s.Issue && len(s.FailOn) == 0 {
		return s, errors.New("issue is set but fail-on is not: say with fail-on what the issue is about")
	}
	return s, nil
}

// maxWindow is the longest window, and the longest grace.
const maxWindow = 366 * 24 * time.Hour

// since reads the begin of the window, which is the begin of a day.
func since(v option.Values, now time.Time) (time.Time, error) {
	today := now.UTC().Truncate(24 * time.Hour)
	text := v[option.Since]
	if text == "" {
		days, err := v.Number(option.Days, 1, int(maxWindow/(24*time.Hour)))
		return today.AddDate(0, 0, 1-days), err
	}
	day, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil || day.After(now) || day.Before(today.Add(-maxWindow)):
		return day, fmt.Errorf("since is %q, must be a date of the last 366 days such as %s", text,
			today.AddDate(0, 0, -14).Format(time.DateOnly))
	case v.Given(option.Days):
		return day, errors.New("since and days are both given: leave one of them out")
	}
	return day, nil
}
