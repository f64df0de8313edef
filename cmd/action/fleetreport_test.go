package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest/issues"
	"github.com/kaizen-agentic/schedule-action/internal/report"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

var opsToken = fixture.Canary("ghs_", "ops")

// guard is a platform with a clock, on which acme/ops watches the sample repository.
type guard struct {
	*platform
	clock  *fixture.Clock
	issues *issues.Issues
	roster string // file
}

func newGuard(t *testing.T, start time.Time) *guard {
	t.Helper()
	w := &guard{clock: fixture.NewClock(start), issues: &issues.Issues{}}
	w.platform = newPlatformOn(t, ghtest.Options{Now: w.clock.Now, Routes: w.issues.Routes()})
	w.api.AddRepository(ghtest.Repository{FullName: "acme/ops"})
	w.api.AddToken(opsToken, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
		"acme/ops": {Issues: "write"}, "*": {Actions: "read", Contents: "read"}}})
	roster := fleet.New(1, []fleet.Repository{{
		Name: sampleRepo, ID: 7, Forge: fleet.GitHub, Server: "https://github.com", DefaultBranch: "main",
		Visibility: "public", Slug: "kaizen-agentic", Manifest: schedule.DefaultPath, Timezone: "Europe/Berlin",
		Valid:   true,
		Entries: []fleet.Entry{{Agent: "coach", Cadence: schedule.Weekly, Cron: "0 5 * * 1", Enabled: true}},
	}})
	w.roster = filepath.Join(t.TempDir(), "roster.json")
	fixture.Must(t, os.WriteFile(w.roster, roster.Encode(), 0o644))
	return w
}

// watch runs report in acme/ops.
func (w *guard) watch(inputs map[string]string) ran {
	w.t.Helper()
	all := map[string]string{"command": "report", "roster": w.roster, "now": w.clock.Now().Format(time.RFC3339),
		"fail-on": "missed", "issue": "true", "token": opsToken}
	for name, value := range inputs {
		all[name] = value
	}
	w.run++
	return w.stepIn(w.run, all, map[string]string{"GITHUB_REPOSITORY": "acme/ops"})
}

// A scheduler stops for twelve days. The watchdog in another repository reports it within
// one period plus the grace, opens one issue, and closes it after recovery.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	location, err := time.LoadLocation("Europe/Berlin")
	fixture.Must(t, err)
	coach := cron.MustParse("0 5 * * 1")
	start := time.Date(2026, 11, 2, 0, 30, 0, 0, time.UTC)
	w := newGuard(t, start)
	stops := time.Date(2026, 11, 12, 0, 0, 0, 0, time.UTC)
	recovers := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	const grace = 6 * time.Hour
	var lastTick, reported, closed time.Time
	for at := start; at.Before(start.AddDate(0, 0, 28)); at = at.Add(6 * time.Hour) {
		w.clock.Set(at)
		if at.Before(stops) || !at.Before(recovers) {
			if got := w.step(map[string]string{"command": "prepare", "cadence": "weekly",
				"now": at.Format(time.RFC3339)}); got.code != exitOK {
				t.Fatalf("prepare at %s: exit code %d\n%s", at, got.code, got.stderr)
			}
			if at.Before(stops) {
				lastTick = at
			}
		}
		got := w.watch(nil)
		all := w.issues.All()
		switch got.code {
		case exitFindings:
			if reported.IsZero() {
				reported = at
			}
			if len(all) != 1 || all[0].State != "open" || !closed.IsZero() {
				t.Fatalf("at %s: %+v\n%s", at, all, got.stderr)
			}
		case exitOK:
			if len(all) > 1 || len(all) == 1 && all[0].State != "closed" {
				t.Fatalf("at %s: %+v\n%s", at, all, got.stderr)
			}
			if !reported.IsZero() && closed.IsZero() {
				closed = at
			}
		default:
			t.Fatalf("at %s: exit code %d\n%s", at, got.code, got.stderr)
		}
	}
	next := coach.After(lastTick, location)
	if late := reported.Sub(lastTick); reported.Before(next.Add(grace)) || late > 7*24*time.Hour+grace+6*time.Hour {
		t.Errorf("reported at %s, the last tick was at %s, the next slot %s", reported, lastTick, next)
	}
	issue := w.issues.All()[0]
	if len(issue.Comments) != 1 || !strings.Contains(issue.Comments[0], "works again") ||
		closed.Sub(recovers) > 12*time.Hour {
		t.Errorf("closed at %s with the comments %q", closed, issue.Comments)
	}
	t.Logf("slot %s without a tick: reported %s, %s after the slot and %s after the last tick; closed %s after recovery",
		next.UTC(), reported, reported.Sub(next), reported.Sub(lastTick), closed.Sub(recovers))
}

// The forms are written beside each other, and agree with list about the next dates.
func TestReportForms(t *testing.T) {
	t.Parallel()
	w := newGuard(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	w.step(map[string]string{"command": "prepare", "cadence": "weekly", "now": tuesday})
	out := func(name string) string { return filepath.Join(w.workspace, name) }
	got := w.watch(map[string]string{"out": out("page.html") + "\n" + out("report.json") + "\n" + out("report.csv") +
		"\n" +
		out("next.ics"), "fail-on": "", "issue": ""})
	if got.code != exitOK || !strings.Contains(got.summary, "Everything on time") {
		t.Fatalf("exit code %d\n%s\n%s", got.code, got.stderr, got.summary)
	}
	var made report.Report
	fixture.Must(t, json.Unmarshal([]byte(fixture.Read(t, out("report.json"))), &made))
	entry := made.Repositories[0].Entries[0]
	if entry.State != report.Prepared || entry.Periods[0].Evidence[0].URL == "" {
		t.Errorf("the entry is %s with %+v", entry.State, entry.Periods)
	}
	listed := w.step(map[string]string{"command": "list", "cadence": "weekly", "now": tuesday, "format": "json"})
	var list []struct{ Next []time.Time }
	fixture.Must(t, json.Unmarshal([]byte(listed.stdout), &list))
	calendar := fixture.Read(t, out("next.ics"))
	for i, at := range list[0].Next {
		if !entry.Next[i].At.Equal(at) || !strings.Contains(calendar, "DTSTART:"+at.UTC().Format("20060102T150405Z")) {
			t.Errorf("list has %s, the report %s", at, entry.Next[i].At)
		}
	}
	if !strings.Contains(fixture.Read(t, out("page.html")), "<!doctype html>") ||
		!strings.HasPrefix(fixture.Read(t, out("report.csv")), "repository,slug,agent") {
		t.Error("the page or the table has another form")
	}
}

// Wrong options are usage errors that name them, and never show the address of the ping.
func TestReportOptions(t *testing.T) {
	t.Parallel()
	w := newGuard(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	for _, tt := range []struct {
		name, value, want string
	}{
		{"roster", "/nowhere", "reading the roster"}, {"out", filepath.Join(w.workspace, "page.pdf"),
			"must end in .html, .json, .csv, .ics"},
		{"consumers", "core", "must be owner/name"}, {"grace", "soon", "must be a duration such as 6h"},
		{"grace", "-1h", "must be a duration"}, {"grace", "8785h", "at most 8784h (366 days)"},
		{"days", "0", "must be a number from 1 to 366"},
		{"since", "yesterday", "must be a date"}, {"since", "2027-01-01", "must be a date"},
		{"receipts", "many", "must be a number from 0 to 100"}, {"fail-on", "late", "must be a list of missed, failed"},
		{"fail-on", "", "issue is set but fail-on is not"}, {"ping-url", "http://hc.example/s3cret",
			"ping-url is no address"},
		{"evidence", "/nowhere.jsonl", "reading the evidence"},
	} {
		got := w.watch(map[string]string{tt.name: tt.value})
		if got.code != exitUsage || !strings.Contains(got.stderr, tt.want) || strings.Contains(got.stderr, "s3cret") {
			t.Errorf("%s %q: exit code %d, %s", tt.name, tt.value, got.code, got.stderr)
		}
	}
	broken := filepath.Join(t.TempDir(), "roster.json")
	fixture.Must(t, os.WriteFile(broken, []byte("{}"), 0o644))
	if got := w.watch(map[string]string{"roster": broken}); got.code != exitUsage ||
		!strings.Contains(got.stderr, "action discover") {
		t.Errorf("exit code %d, %s", got.code, got.stderr)
	}
}

// A ledger that cannot be read is no missed run: exit code 3, and no issue.
func TestReportUnread(t *testing.T) {
	t.Parallel()
	w := newGuard(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	w.api.AddToken(opsToken, ghtest.Token{Kind: ghtest.Installation,
		Access: map[string]ghtest.Permissions{"acme/ops": {Issues: "write"}}})
	w.api.AddRepository(ghtest.Repository{ID: 7, FullName: sampleRepo, Private: true})
	got := w.watch(nil)
	if got.code != exitUnavailable || len(w.issues.All()) != 0 || !strings.Contains(got.summary, "unreadable") {
		t.Errorf("exit code %d\n%s\n%s", got.code, got.stderr, got.summary)
	}
}

// On a terminal without a token, report reads this machine only and prints a table.
func TestReportOnATerminal(t *testing.T) {
	t.Parallel()
	w := newGuard(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	got := runHere(t, "report", "--roster", w.roster, "--now", "2026-11-24T09:00:00Z", "--fail-on", "missed")
	if got.code != exitFindings || !strings.Contains(got.stdout, "kaizen-agentic  coach  overdue  2026-W48") {
		t.Errorf("exit code %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
}
