package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

func TestMain(m *testing.M) {
	fixture.WaitInParallel(8)
	os.Exit(m.Run())
}

const server = "https://github.com"

// web is a repository with one weekly entry, on Mondays at 08:00 UTC.
func web(change func(*fleet.Repository)) *fleet.Roster {
	r := fleet.Repository{
		Name: "acme/web", ID: 77, Forge: fleet.GitHub, Server: server, DefaultBranch: "main", Visibility: "private",
		Slug: "web", Manifest: schedule.DefaultPath, Timezone: "UTC", Valid: true,
		Entries: []fleet.Entry{{Agent: "coach", Cadence: schedule.Weekly, Cron: "0 8 * * 1", Enabled: true}},
	}
	if change != nil {
		change(&r)
	}
	return fleet.New(9, []fleet.Repository{r})
}

func instant(tb testing.TB, text string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.RFC3339, text)
	fixture.Must(tb, err)
	return at
}

// reportOf makes the report of November 2026 from lines of evidence.
func reportOf(tb testing.TB, roster *fleet.Roster, now string, lines ...string) *Report {
	tb.Helper()
	facts := NewFacts(server)
	fixture.Must(tb, facts.AddPath(tb.Context(), "-", strings.NewReader(strings.Join(lines, "\n"))))
	facts.ReadAll(roster)
	made, err := New(tb.Context(), Options{Roster: roster, Facts: facts, Now: instant(tb, now), Grace: 6 * time.Hour,
		Since: instant(tb, "2026-11-01T00:00:00Z")})
	fixture.Must(tb, err)
	return made
}

// The lines of evidence about coach in acme/web.
func prepared(period, at string) string {
	return fmt.Sprintf(`{"event":"kaizen.schedule.prepared","occurred_at":%q,`+
		`"bundle":{"id":"acme/web/kaizen.web.coach.%s",`+
		`"artifact":{"url":"https://github.com/acme/web/actions/runs/1"}}}`, at, period)
}

func received(period, at, more string) string {
	return fmt.Sprintf(`{"event":"kaizen.schedule.received","occurred_at":%q,"id":"acme/web/kaizen.web.coach.%s",`+
		`"consumer":{"repository":"acme/core","run_url":"https://github.com/acme/core/actions/runs/2"}%s}`, at, period,
		more)
}

func announced(at string, runs int, rate float64) string {
	return fmt.Sprintf(`{"type":"kaizen.metrics.recorded","timestamp":%q,"attributes":{"agent":"coach",`+
		`"project":"web","summary":{"success_rate":%g,"execution_count":%d,"avg_quality":0.5}}}`, at, rate, runs)
}

func executed(at string, success bool) string {
	return fmt.Sprintf(`{"timestamp":%q,"agent":"coach","project":"web","success":%t,"quality_score":0.8,`+
		`"execution_time_s":60}`, at, success)
}

// The table of docs/report.md: the state of the week of 23 November, and its flags.
func TestStates(t *testing.T) {
	t.Parallel()
	const (
		week   = "2026-W48"
		inTime = "2026-11-23T08:05:00Z"
		soon   = "2026-11-23T10:00:00Z"
		late   = "2026-11-24T08:00:00Z"
		next   = "2026-11-30T08:00:00Z" // the next period begins
	)
	earlier := prepared("2026-W46", "2026-11-09T08:05:00Z")
	tests := []struct {
		name, now string
		lines     []string
		want      string
	}{
		{"slot just passed", soon, nil, "due"},
		{"end of the grace", "2026-11-23T13:59:59Z", nil, "due"},
		{"after the grace", "2026-11-23T14:00:00Z", nil, "overdue"},
		{"just before the next period", "2026-11-30T07:59:59Z", nil, "overdue"},
		{"next period", next, nil, "missed"},
		{"delivered", soon, []string{prepared(week, inTime)}, "prepared"},
		{"delivered, nothing is known of consumers", late, []string{prepared(week, inTime)}, "prepared"},
		{"not acknowledged in time", late, []string{prepared(week, inTime),
			received("2026-W46", "2026-11-09T08:06:00Z", "")}, "prepared unreceived"},
		{"acknowledged", late, []string{prepared(week, inTime), received(week, inTime, "")}, "received"},
		{"rejected", late, []string{prepared(week, inTime), received(week, inTime,
			`,"state":"rejected","reason":"no"`)},
			"failed"},
		{"executed", late, []string{prepared(week, inTime), executed("2026-11-23T08:20:00Z", true)}, "executed"},
		{"failed", late, []string{prepared(week, inTime), executed("2026-11-23T08:20:00Z", false)}, "failed"},
		{"failed and then not", late, []string{prepared(week, inTime), executed("2026-11-23T08:20:00Z", false),
			executed("2026-11-23T09:20:00Z", true)}, "executed"},
		{"executed by hand before the event", late, []string{prepared(week, inTime),
			executed("2026-11-23T08:04:00Z", true)}, "prepared"},
		{"executed by hand, never prepared", next, []string{executed("2026-11-24T08:04:00Z", true)}, "missed"},
		{"executed in the next period", "2026-12-01T08:00:00Z", []string{prepared(week, inTime),
			executed("2026-11-30T09:00:00Z", true)}, "prepared"},
		{"twice the same event", late, []string{prepared(week, inTime), prepared(week, inTime)}, "prepared"},
		{"two events of one id", late, []string{prepared(week, inTime), prepared(week, "2026-11-23T09:05:00Z")},
			"prepared duplicate"},
		{"acknowledged by two runs", late, []string{prepared(week, inTime), received(week, inTime, ""),
			received(week, "2026-11-23T09:05:00Z", "")}, "received duplicate"},
		{"forced", late, []string{prepared(week, inTime), prepared(week+".run-7", "2026-11-23T09:05:00Z")},
			"prepared forced"},
		{"an envelope of activity-core", late, []string{`{"id":"1","type":"kaizen.metrics.recorded","timestamp":` +
			`"2026-11-23T09:00:00Z","attributes":{"agent":"coach","project":"web","summary":{"success_rate":0.5}}}`,
			prepared(week, inTime)}, "executed"},
		{"totals that rise", late, []string{prepared(week, inTime), announced("2026-11-16T09:00:00Z", 4, .5),
			announced("2026-11-23T09:00:00Z", 5, .6)}, "executed"},
		{"totals that do not", late, []string{prepared(week, inTime), announced("2026-11-16T09:00:00Z", 4, .5),
			announced("2026-11-23T09:00:00Z", 5, .4)}, "failed"},
		{"totals with a gap", late, []string{prepared(week, inTime), announced("2026-11-16T09:00:00Z", 3, .5),
			announced("2026-11-23T09:00:00Z", 5, .4)}, "executed"},
		{"no success so far", late, []string{prepared(week, inTime), announced("2026-11-23T09:00:00Z", 2, 0)},
			"failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			made := reportOf(t, web(nil), tt.now, append(tt.lines, earlier)...)
			got := ""
			for _, p := range made.Repositories[0].Entries[0].Periods {
				if p.Period == week {
					got = strings.Join(append([]string{string(p.State)}, texts(p.Flags)...), " ")
				}
			}
			if got != tt.want || len(made.Problems) > 0 {
				t.Errorf("got %q, want %q; problems %v", got, tt.want, made.Problems)
			}
		})
	}
}

func texts(flags []Flag) (list []string) {
	for _, f := range flags {
		list = append(list, string(f))
	}
	return list
}

// Periods before the first receipt are left out. Without any, all of the window count.
func TestFirstReceipt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, lines, want string
	}{
		{"never", "", "W48 overdue, W47 missed, W46 missed, W45 missed"},
		{"since the 16th", prepared("2026-W47", "2026-11-16T08:05:00Z"), "W48 overdue, W47 prepared"},
		{"late by two days", prepared("2026-W47", "2026-11-18T08:05:00Z"), "W48 overdue, W47 prepared"},
		{"with a gap", prepared("2026-W45", "2026-11-02T08:05:00Z") + "\n" +
			prepared("2026-W48", "2026-11-23T08:05:00Z"),
			"W48 prepared, W47 missed, W46 missed, W45 prepared"},
	} {
		made := reportOf(t, web(nil), "2026-11-25T08:00:00Z", tt.lines)
		var got []string
		for _, p := range made.Repositories[0].Entries[0].Periods {
			got = append(got, strings.TrimPrefix(p.Period, "2026-")+" "+string(p.State))
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, text, tt.want)
		}
	}
}

// States of repositories and entries.
func TestRepositories(t *testing.T) {
	t.Parallel()
	finding := diag.Cron.At(schedule.DefaultPath, 5, 1, "broken", "write it again")
	tests := []struct {
		name   string
		change func(*fleet.Repository)
		want   State
		alarms string
	}{
		{"never ran", nil, Overdue, "missed"},
		{"paused", func(r *fleet.Repository) { r.Entries[0].Enabled = false }, Disabled, ""},
		{"invalid", func(r *fleet.Repository) {
			r.Valid, r.Entries, r.Timezone, r.Findings = false, nil, "", []diag.Finding{finding}
		}, Invalid, "invalid"},
		{"unreadable", func(r *fleet.Repository) {
			r.Valid, r.Entries, r.Timezone, r.Error = false, nil, "", "404 not found"
		}, Unknown, "unread"},
	}
	for _, tt := range tests {
		made := reportOf(t, web(tt.change), "2026-11-25T08:00:00Z")
		var alarms []string
		for _, a := range made.Alarms(AlarmMissed, AlarmFailed, AlarmUnreceived, AlarmInvalid, AlarmUnread) {
			alarms = append(alarms, string(a.Alarm))
		}
		if got := made.Repositories[0].State; got != tt.want || strings.Join(alarms, " ") != tt.alarms {
			t.Errorf("%s: got %s and alarms %q, want %s and %q", tt.name, got, alarms, tt.want, tt.alarms)
		}
	}
}

// The verdict says what is wrong, whatever --fail-on names. The mark says whether it fails.
func TestVerdict(t *testing.T) {
	t.Parallel()
	invalid := func(r *fleet.Repository) {
		r.Valid, r.Entries, r.Timezone = false, nil, ""
		r.Findings = []diag.Finding{diag.Cron.At(schedule.DefaultPath, 5, 1, "broken", "write it again")}
	}
	for _, tt := range []struct {
		change        func(*fleet.Repository)
		failOn        []Alarm
		verdict, mark string
		tally         string
	}{
		{invalid, nil, "1 manifest invalid", "⚠️", "1 repository with 0 entries."},
		{invalid, []Alarm{AlarmMissed}, "1 manifest invalid", "⚠️", "1 repository with 0 entries."},
		{invalid, []Alarm{AlarmInvalid}, "1 manifest invalid", "❌", "1 repository with 0 entries."},
		{nil, nil, "1 entry not prepared in time", "⚠️", "1 repository with 1 entry. Periods: 3 missed, 1 overdue."},
		{func(r *fleet.Repository) { r.Entries[0].Enabled = false }, FailOn, "Everything on time", "✅",
			"1 repository with 1 entry. Periods: 4 disabled."},
	} {
		made := reportOf(t, web(tt.change), "2026-11-25T08:00:00Z")
		raised := made.Alarms(tt.failOn...)
		if got := made.Lines(raised)[:2]; got[0] != tt.verdict+"." || got[1] != tt.tally {
			t.Errorf("the log says %q, want %q and %q", got, tt.verdict, tt.tally)
		}
		if got := made.Summary(raised).Verdict; got != tt.mark+" "+tt.verdict {
			t.Errorf("the summary says %q, want %s %q", got, tt.mark, tt.verdict)
		}
	}
}

// An alarm ends when the entry works again, although the window still has missed periods.
func TestAlarmEnds(t *testing.T) {
	t.Parallel()
	first := prepared("2026-W45", "2026-11-02T08:05:00Z")
	for _, tt := range []struct {
		now   string
		lines []string
		want  string
	}{
		{"2026-11-09T08:00:00Z", []string{first}, ""},
		{"2026-11-09T14:00:00Z", []string{first}, "missed 1"},
		{"2026-11-23T09:00:00Z", []string{first}, "missed 2"}, // the current one is within its grace
		{"2026-11-23T14:00:00Z", []string{first}, "missed 3"},
		{"2026-11-24T14:00:00Z", []string{first, prepared("2026-W48", "2026-11-24T13:00:00Z")}, ""},
		{"2026-11-24T14:00:00Z", []string{first, executed("2026-11-02T09:00:00Z", false)}, "missed 3, failed 1"},
		{"2026-11-10T14:00:00Z", []string{first, executed("2026-11-02T09:00:00Z", false),
			prepared("2026-W46", "2026-11-09T08:05:00Z")}, "failed 1"},
		{"2026-11-10T14:00:00Z", []string{first, executed("2026-11-02T09:00:00Z", false),
			prepared("2026-W46", "2026-11-09T08:05:00Z"), executed("2026-11-09T09:00:00Z", true)}, ""},
	} {
		var got []string
		for _, a := range reportOf(t, web(nil), tt.now, tt.lines...).Alarms(AlarmMissed, AlarmFailed) {
			got = append(got, fmt.Sprint(a.Alarm, " ", a.Count))
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%s: got %q, want %q", tt.now, text, tt.want)
		}
	}
}

// What is no evidence becomes a problem, and the rest counts.
func TestBrokenEvidence(t *testing.T) {
	t.Parallel()
	made := reportOf(t, web(nil), "2026-11-23T09:00:00Z", "{", `{"event":"kaizen.agent.installed"}`, "", "[]",
		prepared("2026-W48", "2026-11-23T08:05:00Z"), prepared("2026-W99", "2026-11-23T08:05:00Z"))
	if len(made.Problems) != 1 || !strings.HasPrefix(made.Problems[0].Message, "-: 4 of its lines are no event") {
		t.Errorf("problems: %+v", made.Problems)
	}
	if got := made.Repositories[0].Entries[0].State; got != Prepared {
		t.Errorf("got %s", got)
	}
}

// A store of bundles and receipts is evidence: its receipts, and events that wait.
func TestStoreDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fixture.Write(t, dir, map[string]string{
		"kaizen.web.coach.2026-W48/receipt.json": string(receiptOf(t, "kaizen.web.coach.2026-W48", nil)),
		"kaizen.web.coach.2026-W48/event.json":   prepared("2026-W48", "2026-11-24T12:00:00Z"),
		"kaizen.web.coach.2026-W48/sources.json": "{}",
		"kaizen.web.coach.2026-W47/event.json":   prepared("2026-W47", "2026-11-16T12:00:00Z"),
		"kaizen.web.coach.2026-W46/receipt.json": string(receiptOf(t, "kaizen.web.coach.2026-W46", nil)),
		"notes.txt":                              "not read",
	})
	roster, facts := web(nil), NewFacts(server)
	fixture.Must(t, facts.AddPath(t.Context(), dir, nil))
	facts.ReadAll(roster)
	made, err := New(t.Context(), Options{Roster: roster, Facts: facts, Now: instant(t, "2026-11-24T13:00:00Z"),
		Grace: time.Hour, Since: instant(t, "2026-11-01T00:00:00Z")})
	fixture.Must(t, err)
	var got []string
	for _, p := range made.Repositories[0].Entries[0].Periods {
		got = append(got, string(p.State))
	}
	if !slices.Equal(got, []string{"prepared", "missed", "prepared"}) || len(made.Problems) > 0 {
		t.Errorf("got %q, problems %v", got, made.Problems)
	}
}

// Without a token, the checkouts on this machine say what was prepared and executed.
func TestCheckouts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const name = "kaizen.web.coach.2026-W48"
	fixture.Write(t, dir, map[string]string{
		".kaizen/prepared/" + name + "/receipt.json": string(receiptOf(t, name, nil)),
		".kaizen/metrics/coach/executions.jsonl":     executed("2026-11-24T13:00:00Z", true),
	})
	r := Reader{Server: server, Settings: Settings{Since: instant(t, "2026-11-01T00:00:00Z")}}
	roster := web(func(r *fleet.Repository) { r.Root = dir })
	facts, err := r.Collect(t.Context(), roster)
	fixture.Must(t, err)
	made, err := New(t.Context(), Options{Roster: roster, Facts: facts, Now: instant(t, "2026-11-24T14:00:00Z"),
		Since: r.Since})
	fixture.Must(t, err)
	if e := made.Repositories[0].Entries[0]; e.State != Executed || len(made.Problems) > 0 {
		t.Errorf("got %s, problems %v", e.State, made.Problems)
	}
}

// A repository without a path has no checkout: the directory of the process is not one.
func TestCheckoutsWithoutAPath(t *testing.T) {
	const many = 100
	dir := t.TempDir()
	const name = "kaizen.web.coach.2026-W48"
	fixture.Write(t, dir, map[string]string{
		".kaizen/prepared/" + name + "/receipt.json": string(receiptOf(t, name, nil)),
	})
	t.Chdir(dir)
	one := web(nil).Repositories[0]
	roster := fleet.New(many, slices.Repeat([]fleet.Repository{one}, many))
	facts := NewFacts(server)
	before := descriptors()
	fixture.Must(t, facts.AddCheckouts(t.Context(), roster, time.Time{}))
	if opened := descriptors() - before; opened >= many || len(facts.bundles) > 0 {
		t.Errorf("%d descriptors stay open, and the evidence is %v", opened, facts.bundles)
	}
}

// descriptors counts the open files of the process; 0 where the system does not list them.
func descriptors() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

// A run that ends reads no further checkout and no further file, and makes no report.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fixture.Write(t, dir, map[string]string{"events.jsonl": prepared("2026-W48", "2026-11-24T12:00:00Z")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	roster, facts := web(func(r *fleet.Repository) { r.Root = dir }), NewFacts(server)
	for name, do := range map[string]func() error{
		"a directory of evidence": func() error { return facts.AddPath(ctx, dir, nil) },
		"checkouts":               func() error { return facts.AddCheckouts(ctx, roster, time.Time{}) },
		"the report": func() error {
			_, err := New(ctx, Options{Roster: roster, Facts: facts, Now: instant(t, "2026-11-24T13:00:00Z")})
			return err
		},
	} {
		if err := do(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want that the run is cancelled", name, err)
		}
	}
	if len(facts.bundles) > 0 {
		t.Errorf("the evidence is %v", facts.bundles)
	}
}

// Links lead to known servers only, over http or https.
func TestLinks(t *testing.T) {
	t.Parallel()
	f := NewFacts(server, "http://gitea.local:3000")
	for address, want := range map[string]bool{
		"https://github.com/acme/web": true, "http://gitea.local:3000/x?y=1": true, "https://GitHub.com/x": true,
		"http://github.com/acme/web": false, "https://github.com.evil.example/": false, "https://evil.example": false,
		"javascript:alert(1)": false, "https://user@github.com/": false, "//github.com/x": false, "": false,
		"https://github.com/\u202ex": false, "data:text/html,x": false, "https://github.com/" +
			strings.Repeat("x", 2000): false,
	} {
		if got := f.link(address); (got != "") != want {
			t.Errorf("link(%q) = %q", address, got)
		}
	}
}

// The report takes its own size in time and memory, whatever the crons are.
func TestManyPeriods(t *testing.T) {
	t.Parallel()
	made := reportOf(t, web(func(r *fleet.Repository) {
		r.Entries[0].Cadence, r.Entries[0].Cron = schedule.Daily, "*/5 * * * *"
	}), "2026-11-25T08:00:00Z")
	if n := len(made.Repositories[0].Entries[0].Periods); n != maxPeriods {
		t.Errorf("%d periods", n)
	}
}

// FuzzEvidence reads any text as evidence, and writes all forms of the report.
func FuzzEvidence(f *testing.F) {
	for _, seed := range []string{
		prepared("2026-W48", "2026-11-23T08:05:00Z"), received("2026-W48", "2026-11-23T08:05:00Z",
			`,"state":"rejected"`),
		executed("2026-11-23T08:20:00Z", false), string(receiptOf(f, "kaizen.web.coach.2026-W48", nil)),
		announced("2026-11-23T09:00:00Z", 4, .5),
		"{\n[1]\nnull", "\ufeff{}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		made := reportOf(t, web(nil), "2026-11-24T09:00:00Z", text)
		checkForms(t, made)
	})
}

// checkForms writes all forms of a report and checks what must hold for any text.
func checkForms(t *testing.T, made *Report) {
	t.Helper()
	if data := made.JSON(); !json.Valid(data) {
		t.Errorf("no JSON: %s", data)
	}
	page, err := made.HTML([]string{server})
	fixture.Must(t, err)
	checkPage(t, string(page))
	checkCSV(t, made.CSV())
	checkCalendar(t, string(made.Calendar()))
}

// A monthly entry that stopped raises an alarm on every day, with the defaults: on the last
// day of a long month, and while the next period is within its grace.
func TestMonthlyEntryStaysInTheWindow(t *testing.T) {
	t.Parallel()
	roster := web(func(r *fleet.Repository) {
		r.Entries[0].Cadence, r.Entries[0].Cron = schedule.Monthly, "0 9 1 * *"
	})
	for _, now := range []string{"2026-12-01T15:00:00Z", "2026-12-31T23:00:00Z", "2027-01-01T10:00:00Z"} {
		at := instant(t, now)
		v, _, err := option.Parse("report", []string{"--roster", "roster.json"}, func(string) string { return "" })
		fixture.Must(t, err)
		s, err := ReadSettings(v, at)
		fixture.Must(t, err)
		facts := NewFacts(server)
		facts.ReadAll(roster)
		made, err := New(t.Context(), Options{Roster: roster, Facts: facts, Now: at, Grace: s.Grace, Since: s.Since})
		fixture.Must(t, err)
		if raised := made.Alarms(AlarmMissed); len(raised) != 1 {
			t.Errorf("%s: %d alarms, state %s", now, len(raised), made.Repositories[0].State)
		}
	}
}

// A time with an offset may be in a year that cannot be written in UTC.
func TestYearsOfEvidence(t *testing.T) {
	t.Parallel()
	r := reportOf(t, web(nil), "2026-11-24T00:00:00Z", prepared("2026-W48", "9999-12-31T23:59:59-23:00"),
		prepared("2026-W48", "0000-01-01T00:00:00+23:00"),
		`{"timestamp":"9999-12-31T23:59:59-23:00","repo":"acme/web","agent":"coach","success":true}`)
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message, "3 of its lines") {
		t.Errorf("%+v", r.Problems)
	}
	f := NewFacts()
	for _, at := range []string{"9999-12-31T23:59:59-23:00", "0000-01-01T00:00:00+23:00"} {
		f.add("acme/web", "kaizen.web.coach.2026-W48", Evidence{At: instant(t, at), Kind: Receipt})
		f.execute("acme/web", "coach", Evidence{At: instant(t, at)})
	}
	if len(f.bundles) > 0 || len(f.executions) > 0 {
		t.Errorf("kept %v and %v", f.bundles, f.executions)
	}
	for _, format := range Formats {
		if _, err := r.Encode(format, nil); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// Any number of events and executions of one period is read once, and leaves a page that can
// be opened.
func TestEvidenceIsBounded(t *testing.T) {
	t.Parallel()
	const many = 2_000
	var lines []string
	at := instant(t, "2026-11-23T08:00:00Z")
	for i := range many {
		when := at.Add(time.Duration(i) * time.Second).Format(time.RFC3339)
		lines = append(lines, prepared("2026-W48", when), fmt.Sprintf(
			`{"timestamp":%q,"repo":"acme/web","agent":"coach","success":%t}`, when, i < many-1))
	}
	p := reportOf(t, web(nil), "2026-11-24T00:00:00Z", lines...).Repositories[0].Entries[0].Periods[0]
	if len(p.Evidence) != 2*maxEvidence || p.State != Failed {
		t.Errorf("%d pieces of evidence, %s; want that of the last execution", len(p.Evidence), p.State)
	}
}
