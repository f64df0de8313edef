package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/chromedp/chromedp"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/report"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// small is a roster with one weekly entry of each name.
func small(names ...string) *fleet.Roster {
	var repositories []fleet.Repository
	for _, name := range names {
		repositories = append(repositories, fleet.Repository{
			Name: "acme/" + name, Forge: fleet.GitHub, Server: server, DefaultBranch: "main", Slug: name,
			Manifest: schedule.DefaultPath, Timezone: "Europe/Berlin", Valid: true,
			Entries: []fleet.Entry{{Agent: "coach", Cadence: schedule.Weekly, Cron: "0 9 * * 1", Enabled: true}},
		})
	}
	return fleet.New(len(names), repositories)
}

// A missed, a failed, a duplicate and an unreceived run each show up, with links that lead
// to their evidence.
func TestEvidence(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	roster := small("duplicate", "failed", "fine", "missed", "unreceived")
	monday := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	for i := range roster.Repositories {
		r := &roster.Repositories[i]
		for week, period := range []string{"2026-W47", "2026-W48"} {
			at := monday.AddDate(0, 0, 7*week).Add(5 * time.Minute)
			w := writer{&lines, r, "coach", schedule.Slot{Period: period}, int64(10*i + week)}
			if r.Slug == "missed" && week == 1 {
				continue
			}
			w.event("kaizen.schedule.prepared", at, nil)
			if r.Slug == "duplicate" {
				w.run += 5
				w.event("kaizen.schedule.prepared", at.Add(time.Hour), nil)
			}
			if r.Slug == "unreceived" && week == 1 {
				continue
			}
			w.event("kaizen.schedule.received", at.Add(time.Minute), map[string]any{"consumer": map[string]any{
				"repository": "acme/core", "run_url": fmt.Sprintf("%s/acme/core/actions/runs/%d", server, w.run)}})
			w.line(map[string]any{"timestamp": at.Add(2 * time.Hour).Format(time.RFC3339), "agent": "coach",
				"project": r.Slug,
				"success": r.Slug != "failed"})
		}
	}
	page := open(t, writePage(t, makeReport(t, roster, []byte(lines.String()))), desktop)
	for _, tt := range []struct{ name, badge, flag string }{
		{"missed", "overdue", ""}, {"failed", "failed", ""}, {"duplicate", "executed", "duplicate"},
		{"unreceived", "prepared", "unreceived"}, {"fine", "executed", ""},
	} {
		page.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("search").value = ""`),
			chromedp.SendKeys(chromedp.CSS("#search"), "acme/"+tt.name),
			openFirst)
		row := `#detail tbody tr:first-child `
		badge, flags := page.texts(row+".badge"), page.texts(row+".flag")
		if !slices.Equal(badge, []string{tt.badge}) || strings.Join(flags, " ") != tt.flag {
			t.Errorf("%s: the newest period is %q with %q", tt.name, badge, flags)
		}
		links := eval[[]string](page, `[...document.querySelectorAll("#detail a")].map((a) => a.href)`)
		for _, want := range []string{server + "/acme/" + tt.name, server + "/acme/" + tt.name + "/actions/runs/"} {
			if !slices.ContainsFunc(links, func(l string) bool { return strings.HasPrefix(l, want) }) {
				t.Errorf("%s: no link to %s in %q", tt.name, want, links)
			}
		}
		page.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("detail").close()`))
	}
}

// The chart of an agent begins with the latest span that has a run, also where that is long ago.
func TestLatestRun(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	roster := small("web")
	at := time.Date(2026, 11, 2, 8, 5, 0, 0, time.UTC)
	w := writer{&lines, &roster.Repositories[0], "coach", schedule.Slot{Period: "2026-W45"}, 1}
	w.event("kaizen.schedule.prepared", at, nil)
	w.line(map[string]any{"timestamp": at.Add(time.Hour).Format(time.RFC3339), "agent": "coach", "project": "web",
		"success": true})
	page := open(t, writePage(t, makeReport(t, roster, []byte(lines.String()))), desktop)
	if got := page.texts("#agents .readout")[0]; !strings.HasSuffix(got, ": 100\u00a0% of 1") {
		t.Errorf("the chart begins with %q", got)
	}
}

// Hostile names, findings and details are text on the page: nothing is run, loaded or
// linked.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	texts := []string{`</script><script>window.hit = 1</script>`, `<img src=x onerror="window.hit = 1">`,
		`javascript:window.hit = 1`, `"><svg onload=window.hit=1>`, `<a href="https://evil.example">x</a>`,
		`{{constructor}}`,
		"\u202egnp", "a\u2028b"}
	made := makeReport(t, small("web"), nil)
	for _, text := range texts {
		e := made.Repositories[0].Entries[0]
		e.Agent, e.Cron = text, text
		e.Periods = []report.Period{{Period: text, Slot: now, State: report.Failed, Flags: []report.Flag{},
			Evidence: []report.Evidence{{Kind: report.Run, At: now, URL: "https://evil.example/" + text, Detail: text},
				{Kind: report.Receipt, At: now, URL: "javascript:window.hit=1", By: text}}}}
		made.Repositories = append(made.Repositories, report.Repository{Name: text, Slug: text, State: report.Failed,
			URL: "javascript:window.hit=1", Error: text, Findings: []diag.Finding{diag.Cron.At(text, 1, 1, text, text)},
			Entries: []report.Entry{e}})
		made.Problems = append(made.Problems, report.Problem{Repository: text, Message: text, Hint: text})
	}
	page := open(t, writePage(t, made), desktop)
	for i := range texts {
		page.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector("[data-position='%d']").click()`,
			i)))
		if n := eval[int](page, `document.querySelectorAll("#detail a, #detail img, #detail script").length`); n > 1 {
			t.Errorf("row %d: %d links or other elements", i, n)
		}
		page.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("detail").close()`))
	}
	if eval[bool](page, `"hit" in window`) {
		t.Error("a text of the data was executed")
	}
	if got := page.texts("#problem-list strong")[0]; got != texts[0]+": " {
		t.Errorf("the text is shown as %q", got)
	}
	foreign := eval[[]string](page, `[...document.querySelectorAll("a")].map((a) => a.href)
		.filter((a) => !a.startsWith("https://github.com/") && !a.includes("#"))`)
	if len(foreign) > 0 {
		t.Errorf("links to %q", foreign)
	}
}

// An independent parser reads the calendar, and finds the dates that list shows.
func TestCalendar(t *testing.T) {
	t.Parallel()
	made := makeReport(t, exampleRoster, exampleEvidence)
	parsed, err := ics.ParseCalendar(strings.NewReader(string(made.Calendar())))
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	uids := map[string]bool{}
	for _, e := range parsed.Events() {
		at, err := e.GetStartAt()
		if err != nil || uids[e.Id()] {
			t.Fatalf("event %s: %v", e.Id(), err)
		}
		uids[e.Id()] = true
		got = append(got, e.GetProperty(ics.ComponentPropertySummary).Value+" "+at.UTC().Format(time.RFC3339))
	}
	for i := range exampleRoster.Repositories {
		r := &exampleRoster.Repositories[i]
		entries, err := r.Schedule()
		if err != nil {
			t.Fatal(err)
		}
		for j := range entries {
			for _, s := range schedule.Decide(&entries[j], now, schedule.Known{}).Next { // as list does
				if entries[j].Enabled {
					want = append(want, fmt.Sprintf("%s in %s %s", entries[j].Agent, r.Name,
						s.At.UTC().Format(time.RFC3339)))
				}
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(got) == 0 || !slices.Equal(got, want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
}

// Hostile texts leave the calendar one that parses, with as many events and the texts in
// their places.
func TestHostileCalendar(t *testing.T) {
	t.Parallel()
	made := makeReport(t, small("web"), nil)
	texts := []string{"x\r\nEND:VEVENT\r\nBEGIN:VALARM", `a;b,c\nd`, "END:VCALENDAR", strings.Repeat("日本", 90),
		"a:b\"c"}
	for _, text := range texts {
		e := made.Repositories[0].Entries[0]
		e.Agent = text
		made.Repositories = append(made.Repositories, report.Repository{Name: "acme/x", Entries: []report.Entry{e}})
	}
	parsed, err := ics.ParseCalendar(strings.NewReader(string(made.Calendar())))
	if err != nil {
		t.Fatal(err)
	}
	events := parsed.Events()
	if len(events) != 5*(len(texts)+1) || len(parsed.Components) != len(events) {
		t.Errorf("%d events among %d components", len(events), len(parsed.Components))
	}
	for i, text := range texts {
		summary := events[5*(i+1)].GetProperty(ics.ComponentPropertySummary).Value
		if want := strings.Join(strings.Fields(text), " ") + " in acme/x"; summary != want {
			t.Errorf("summary %q, want %q", summary, want)
		}
	}
}
