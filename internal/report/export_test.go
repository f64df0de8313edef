package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// receiptOf is a valid receipt of a bundle of coach in acme/web.
func receiptOf(tb testing.TB, name string, deliveries []store.Delivery) []byte {
	tb.Helper()
	e := event.Event{
		Event: event.Type, Version: event.Version, OccurredAt: "2026-11-24T12:00:00Z", Repo: "web",
		Root: "/home/runner/web", Agent: "coach", Cadence: "weekly",
		PrepareCommand: event.PrepareCommand("coach", "/home/runner/web", prepare.Markdown),
		Bundle:         event.Bundle{Format: "markdown", Pointers: []string{}, Bytes: 8}, SessionClose: []string{},
	}
	data, err := e.Marshal()
	fixture.Must(tb, err)
	receipt, err := json.Marshal(store.Receipt{ID: "acme/web/" + name, Name: name, Event: data, Deliveries: deliveries})
	fixture.Must(tb, err)
	return receipt
}

// hostile are texts that must stay text.
var hostile = []string{
	`=HYPERLINK("https://evil.example","x")`, "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "\u200b=1",
	`</script><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, "<!--", "]]>", `{{data}}`, `{{policy}}`,
	"a\u2028b\u2029c", "BEGIN:VEVENT\r\nEND:VCALENDAR", "x\nATTACH:https://evil.example", `a;b,c\d`, "\u202egnp.exe",
	"::error::x", "##[error]x", strings.Repeat("ä", 300), "a\x00b", "\xff\xfe",
}

// hostileReport has hostile texts at each place where a text may stand.
func hostileReport(tb testing.TB) *Report {
	made := reportOf(tb, web(nil), "2026-11-24T09:00:00Z", prepared("2026-W48", "2026-11-23T08:05:00Z"))
	for _, text := range hostile {
		e := made.Repositories[0].Entries[0]
		e.Agent, e.Cron = text, text
		e.Periods = []Period{e.Periods[0]}
		e.Periods[0].Evidence = []Evidence{{Kind: Receipt, At: made.Generated, Detail: text, By: text}}
		made.Repositories = append(made.Repositories,
			Repository{Name: text, Slug: text, State: Invalid, Error: text, Entries: []Entry{e}},
			Repository{Name: text, Slug: text, State: Invalid, Findings: []diag.Finding{
				diag.Cron.At(text, 1, 1, text, text)}})
		made.Problems = append(made.Problems, Problem{Repository: text, Message: text, Hint: text})
	}
	return made
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	checkForms(t, hostileReport(t))
}

// checkPage checks that no text of the data ends its element or adds another.
func checkPage(t *testing.T, page string) {
	t.Helper()
	lower := strings.ToLower(page)
	if n := strings.Count(lower, "<script"); n != 3 || strings.Count(lower, "</script") != 3 {
		t.Errorf("the page has %d script elements, want 3", n)
	}
	if policy := `content="default-src 'none'; img-src data:; script-src 'sha256-`; strings.Count(page, policy) != 1 ||
		strings.Contains(page, "'unsafe-") {
		t.Error("the page has no policy, or one that lets other scripts run")
	}
	_, data, _ := strings.Cut(page, `id="data">`)
	data, rest, _ := strings.Cut(data, "</script>")
	_, details, _ := strings.Cut(rest, `id="details">`)
	details, _, _ = strings.Cut(details, "</script>")
	if strings.ContainsAny(data+details, "<>&\u2028\u2029\x00") || !utf8.ValidString(page) {
		t.Error("the data of the page has characters that a script element must not have")
	}
	if !json.Valid([]byte(data)) {
		t.Error("the data of the page is no JSON")
	}
	for line := range strings.Lines(details) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

// checkCSV checks that a spreadsheet reads each cell as text.
func checkCSV(t *testing.T, data []byte) {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	fixture.Must(t, err)
	for _, line := range lines {
		if len(line) != len(columns) {
			t.Fatalf("%d cells, want %d", len(line), len(columns))
		}
		for _, cell := range line {
			if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune(formulaStarts, first) {
				t.Errorf("cell %q is a formula", cell)
			}
			if strings.ContainsAny(cell, "\r\n\t") {
				t.Errorf("cell %q has more than one line", cell)
			}
		}
	}
}

// checkCalendar checks the form of RFC 5545: https://www.rfc-editor.org/rfc/rfc5545#section-3.1
func checkCalendar(t *testing.T, text string) {
	t.Helper()
	if !strings.HasSuffix(text, "\r\n") {
		t.Error("the last line has no end")
	}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n\x00") || !utf8.ValidString(line) {
			t.Errorf("bad line %q, %d bytes", line, len(line))
		}
	}
	unfolded := strings.ReplaceAll(text, "\r\n ", "")
	depth := 0
	for _, line := range strings.Split(strings.TrimSuffix(unfolded, "\r\n"), "\r\n") {
		name, _, ok := strings.Cut(line, ":")
		known := []string{"BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "METHOD", "X-WR-CALNAME", "UID", "DTSTAMP",
			"DTSTART", "SUMMARY", "DESCRIPTION", "URL", "TRANSP"}
		if !ok || !strings.Contains(strings.Join(known, " ")+" ", name+" ") {
			t.Errorf("line %q", line)
		}
		switch name {
		case "BEGIN":
			depth++
		case "END":
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d components have no end", depth)
	}
}

// The UID of a run stays the same in later reports, and differs between agents,
// repositories and periods.
func TestUIDs(t *testing.T) {
	t.Parallel()
	uids := func(now string) map[string]bool {
		found := map[string]bool{}
		for line := range strings.Lines(string(reportOf(t, web(func(r *fleet.Repository) {
			r.Entries = append(r.Entries, fleet.Entry{Agent: "review", Cadence: schedule.Weekly, Cron: "0 8 * * 1",
				Enabled: true},
				fleet.Entry{Agent: "paused", Cadence: schedule.Weekly, Cron: "0 8 * * 1"})
		}), now).Calendar())) {
			if uid, ok := strings.CutPrefix(line, "UID:"); ok {
				if found[uid] {
					t.Errorf("%s is there twice", uid)
				}
				found[uid] = true
			}
		}
		return found
	}
	first, second := uids("2026-11-24T09:00:00Z"), uids("2026-12-01T09:00:00Z")
	same := 0
	for uid := range first {
		if second[uid] {
			same++
		}
	}
	if len(first) != 10 || len(second) != 10 || same != 8 {
		t.Errorf("%d and %d events, %d of them in both; want 10, 10, 8", len(first), len(second), same)
	}
}

// The JSON form has exactly what its schema says, and reads back.
func TestSchema(t *testing.T) {
	t.Parallel()
	c := jsonschema.NewCompiler()
	path, err := filepath.Abs("../../schema/report.schema.json")
	fixture.Must(t, err)
	s, err := c.Compile(path)
	fixture.Must(t, err)
	full := reportOf(t, web(nil), "2026-11-24T09:00:00Z", prepared("2026-W48", "2026-11-23T08:05:00Z"),
		received("2026-W48", "2026-11-23T08:06:00Z", ""), executed("2026-11-23T08:20:00Z", true), "{")
	for name, made := range map[string]*Report{"full": full, "hostile": hostileReport(t),
		"empty": reportOf(t, fleet.New(0, nil), "2026-11-24T09:00:00Z")} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(made.JSON()))
		fixture.Must(t, err)
		if err := s.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var back Report
	fixture.Must(t, json.Unmarshal(full.JSON(), &back))
	if !bytes.Equal(back.JSON(), full.JSON()) {
		t.Error("the JSON form does not read back")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}
