package actions

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func usualSummary() Summary {
	return Summary{
		Verdict: "1 of 2 agents prepared and delivered",
		Sections: []Section{
			{
				Text: "Ledger: job artifacts of acme/web.\nTick of 2026-11-24 07:12 UTC.",
				Table: &Table{
					Header: []string{"Agent", "Prepared", "Why", "Next", "Artifact"},
					Rows: [][]Cell{
						{{Text: "coach", Code: true}, {Text: "yes"}, {Text: "due since 2026-11-23 05:00"},
							{Text: "2026-11-30"},
							{Text: "kaizen.web.coach.2026-W48", Code: true,
								URL: "https://github.com/acme/web/actions/runs/1/artifacts/2?a=1&b=2"}},
						{{Text: "optimization", Code: true}, {Text: "no"}, {Text: "has a receipt for 2026-11"},
							{Text: "2026-12-01"}},
					},
				},
				Details: []Details{{Title: "Payload of coach", Language: "json",
					Body: `{"event":"kaizen.schedule.prepared"}`}},
			},
			{Title: "Deliveries", Table: &Table{
				Header: []string{"Target", "Result"},
				Rows:   [][]Cell{{{Text: "acme/activity-core"}, {Text: "delivered"}}},
			}},
		},
	}
}

// hostileSummary has s in every text of a summary.
func hostileSummary(s string) Summary {
	return Summary{Verdict: s, Sections: []Section{{
		Title: s, Text: s,
		Table: &Table{Header: []string{"A" + s, "B"}, Rows: [][]Cell{
			{{Text: s}, {Text: s, Code: true}},
			{{Text: s, URL: "https://e.example/" + s}, {Text: "x", URL: s}},
		}},
		Details: []Details{{Title: s, Language: s, Body: s}},
	}}}
}

func TestSummaryGolden(t *testing.T) {
	t.Parallel()
	fixture.Golden(t, "testdata/summary.md", usualSummary().Markdown(maxSummary))
	fixture.Golden(t, "testdata/empty.md", Summary{Verdict: "nothing due"}.Markdown(maxSummary))
	var all strings.Builder
	for _, s := range hostile {
		if len(s) < 200 {
			fmt.Fprintf(&all, "%s\n", hostileSummary(s).Markdown(maxSummary))
		}
	}
	fixture.Golden(t, "testdata/hostile.md", all.String())
}

// ownHTML and ownLink match what this package writes itself.
var (
	ownHTML = regexp.MustCompile(`</?(details|summary|code|span)>|<br>`)
	ownLink = regexp.MustCompile(`\]\(https://e\.example/[^() ]*\)`)
)

// checkSummary checks that no text changes the structure of the summary.
func checkSummary(t *testing.T, s string) {
	t.Helper()
	got := hostileSummary(s).Markdown(maxSummary)
	head, rest, ok := strings.Cut(got, "<details>")
	if !ok || strings.Count(head, "\n|") != 4 {
		t.Fatalf("%q broke the table: %s", s, got)
	}
	for line := range strings.SplitSeq(head, "\n") {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 3 {
			t.Errorf("%q broke out of its cell: %s", s, line)
		}
	}
	if markup := ownHTML.ReplaceAllString(head, ""); strings.ContainsAny(markup, "<>") {
		t.Errorf("%q left HTML: %s", s, markup)
	}
	left := ownLink.ReplaceAllString(head, "")
	if link := safeURL(s); link != "" {
		left = strings.Replace(left, "[x]("+link+")", "", 1)
	}
	if strings.Contains(left, "://") || strings.Contains(left, "](") {
		t.Errorf("%q left a link: %s", s, head)
	}
	title, rest, _ := strings.Cut(rest, "</summary>\n\n")
	if strings.ContainsAny(strings.TrimPrefix(title, "<summary>"), "<>\n") {
		t.Errorf("%q broke the folded title: %s", s, title)
	}
	fence := rest[:len(rest)-len(strings.TrimLeft(rest, "`"))]
	info, rest, _ := strings.Cut(rest[len(fence):], "\n")
	if len(fence) < 3 || strings.ContainsAny(info, "` <") {
		t.Errorf("%q broke the fence's line: %q", s, info)
	}
	body, ok := strings.CutSuffix(rest, "\n"+fence+"\n\n</details>\n\n")
	if !ok || strings.Contains(body, fence) {
		t.Errorf("%q broke the fence: %s", s, rest)
	}
}

func TestSummaryHostile(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		checkSummary(t, s)
	}
}

func FuzzSummary(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(checkSummary)
}

func TestSummaryLinks(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, want string }{
		{"https://github.com/acme/web", "[x](https://github.com/acme/web)"},
		{"http://localhost:8080/a", "[x](http://localhost:8080/a)"},
		{"https://e.example/a(b)c d|e<f>\"`\\*_[x]",
			"[x](https://e.example/a%28b%29c%20d%7Ce%3Cf%3E%22%60%5C%2A_%5Bx%5D)"},
		{"https://e.example/?a=1&lt;", "[x](https://e.example/?a=1&amp;lt;)"},
		{"javascript:alert(1)", "x"},
		{"data:text/html,x", "x"},
		{"//e.example/x", "x"},
		{"/relative", "x"},
		{"https://user:pass@e.example/", "x"},
		{"https:e.example", "x"},
		{"https://e.example/\n", "x"},
		{"", "x"},
	}
	for _, tt := range tests {
		if got := (Cell{Text: "x", URL: tt.url}).markdown(); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.url, got, tt.want)
		}
	}
}

func TestSummaryShortens(t *testing.T) {
	t.Parallel()
	s := usualSummary()
	for i := range 500 {
		s.Sections[0].Table.Rows = append(s.Sections[0].Table.Rows, []Cell{{Text: fmt.Sprintf("agent-%03d", i)}})
		s.Sections[0].Details = append(s.Sections[0].Details,
			Details{Title: "payload", Body: strings.Repeat("x", 5000)})
	}
	full := len(s.Markdown(1 << 30))
	tests := []struct {
		limit       int
		rows, folds int // how many are kept
		deliveries  bool
		shortened   bool
	}{
		{full + 1, 502, 501, true, false},
		{full, 502, 500, true, true},
		{1 << 20, 502, 201, true, true},
		{20_000, 502, 1, true, true},
		{2_000, 40, 0, false, true},
		{400, 0, 0, false, true},
	}
	for _, tt := range tests {
		got := s.Markdown(tt.limit)
		rows := strings.Count(got, "agent-") + strings.Count(got, "<code>coach") +
			strings.Count(got, "<code>optimization")
		folds := strings.Count(got, "<details>")
		if len(got) >= tt.limit || !strings.HasPrefix(got, "## 1 of 2 agents prepared and delivered\n") {
			t.Errorf("limit %d: %d bytes beginning %.40q", tt.limit, len(got), got)
		}
		if strings.Contains(got, "> Shortened") != tt.shortened ||
			strings.Contains(got, "### Deliveries") != tt.deliveries {
			t.Errorf("limit %d: shortened %v, want %v; or the wrong sections", tt.limit, !tt.shortened, tt.shortened)
		}
		if rows < tt.rows || rows > tt.rows+30 || folds < tt.folds || folds > tt.folds+5 {
			t.Errorf("limit %d: %d rows and %d folded parts, want about %d and %d", tt.limit, rows, folds, tt.rows,
				tt.folds)
		}
	}
}

func TestWriteSummaryStaysBelowThePlatformsLimit(t *testing.T) {
	t.Parallel()
	r, _, _, dir := newTestRunner(t)
	s := usualSummary()
	s.Sections[0].Details[0].Body = strings.Repeat("|", 2<<20)
	if err := r.WriteSummary(s); err != nil {
		t.Fatal(err)
	}
	got := fixture.Read(t, filepath.Join(dir, "summary"))
	if len(got) >= 1<<20 || !strings.Contains(got, "> Shortened") {
		t.Errorf("%d bytes written", len(got))
	}
}
