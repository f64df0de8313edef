package fleet

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

func repo(name string, entries ...Entry) Repository {
	return Repository{Name: name, Forge: GitHub, Server: "https://github.com", Slug: strings.TrimPrefix(name, "acme/"),
		Manifest: schedule.DefaultPath, Timezone: "UTC", Valid: true, Entries: entries}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	coach := Entry{"coach", "weekly", "0 9 * * 1", true}
	paused, daily := coach, coach
	paused.Enabled, daily.Cadence, daily.Cron = false, "daily", "0 9 * * *"
	invalid := Repository{Name: "acme/web", Server: "https://github.com",
		Findings: []diag.Finding{{File: "f", Line: 1, Column: 2, Message: "bad"}}}
	unreadable := Repository{Name: "acme/web", Server: "https://github.com", Error: "no answer"}
	renamed := repo("acme/site", coach)
	renamed.ID = 5
	before := repo("acme/web", coach)
	before.ID = 5
	tests := []struct {
		name     string
		old, now []Repository
		want     string
	}{
		{"same", []Repository{repo("acme/web", coach)}, []Repository{repo("acme/web", coach)}, ""},
		{"added", nil, []Repository{repo("acme/web", coach)}, `added acme/web: coach weekly "0 9 * * 1"`},
		{"removed", []Repository{repo("acme/web", coach)}, nil, `removed acme/web: coach weekly "0 9 * * 1"`},
		{"paused", []Repository{repo("acme/web", coach)}, []Repository{repo("acme/web", paused)},
			`changed acme/web: coach weekly "0 9 * * 1" paused, was weekly "0 9 * * 1"`},
		{"cadence", []Repository{repo("acme/web", coach)}, []Repository{repo("acme/web", daily)},
			`changed acme/web: coach daily "0 9 * * *", was weekly "0 9 * * 1"`},
		{"agent", []Repository{repo("acme/web", coach)},
			[]Repository{repo("acme/web", Entry{"tidy", "daily", "1 1 * * *", true})}, `changed acme/web: new: tidy daily "1 1 * * *"; gone: coach weekly "0 9 * * 1"`},
		{"newly invalid", []Repository{repo("acme/web", coach)}, []Repository{invalid}, "invalid acme/web: f:1:2: bad"},
		{"still invalid", []Repository{invalid}, []Repository{invalid}, ""},
		{"new and invalid", nil, []Repository{invalid}, "invalid acme/web: f:1:2: bad"},
		{"fixed", []Repository{invalid}, []Repository{repo("acme/web", coach)},
			`fixed acme/web: coach weekly "0 9 * * 1"`},
		{"unreadable", []Repository{repo("acme/web", coach)}, []Repository{unreadable},
			"unreadable acme/web: no answer"},
		{"readable again", []Repository{unreadable}, []Repository{repo("acme/web", coach)},
			`readable again acme/web: coach weekly "0 9 * * 1"`},
		{"readable and invalid", []Repository{unreadable}, []Repository{invalid}, "invalid acme/web: f:1:2: bad"},
		{"still unreadable", []Repository{unreadable}, []Repository{unreadable}, ""},
		{"renamed", []Repository{before}, []Repository{renamed}, "changed acme/site: name acme/site, was acme/web; " +
			"slug site, was web"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			for _, c := range New(9, tt.now).Changes(New(9, tt.old)) {
				lines = append(lines, fmt.Sprintf("%s %s: %s", c.Kind, c.Repository, strings.Join(c.Details, "; ")))
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSpread checks that the proposals keep cadence, hour and days, stay when the fleet
// grows, and leave no crowded minute.
func TestSpread(t *testing.T) {
	t.Parallel()
	crowd := func(n int) *Roster {
		var list []Repository
		for i := range n {
			list = append(list, repo(fmt.Sprintf("acme/r%04d", i), Entry{"coach", "weekly", "0 9 * * 1", true},
				Entry{"paused", "weekly", "0 9 * * 1", false}, Entry{"often", "daily", "*/20 * * * *", i < 3}))
		}
		return New(n, list)
	}
	few, err := crowd(crowded - 3).Spread()
	if err != nil || len(few) != 0 {
		t.Errorf("%d proposals for a few, %v", len(few), err)
	}
	small, err := crowd(100).Spread()
	if err != nil {
		t.Fatal(err)
	}
	large, err := crowd(600).Spread()
	if err != nil || len(large) != 600 {
		t.Fatalf("%d proposals, %v", len(large), err)
	}
	load := map[string]int{}
	for i, p := range large {
		if i < len(small) && p.Instead != small[i].Instead {
			t.Errorf("%s: %q in a small fleet, %q in a large one", p.Repository, small[i].Instead, p.Instead)
		}
		minute, rest, _ := strings.Cut(p.Instead, " ")
		if n, err := strconv.Atoi(minute); rest != "9 * * 1" || err != nil || n%15 == 0 || p.Agent != "coach" {
			t.Errorf("got %+v", p)
		}
		if _, err := cron.Parse(p.Instead, cron.Manifest); err != nil {
			t.Errorf("%q: %v", p.Instead, err)
		}
		load[minute]++
	}
	for minute, n := range load {
		if n > 25 { // 600 over 56 minutes are 10 on average
			t.Errorf("minute %s has %d entries", minute, n)
		}
	}
	for _, expression := range []string{"*/5 * * * *", "0,30 9 * * *", "nonsense"} {
		if got := Respread("acme/web", "coach", expression); got != "" {
			t.Errorf("%q: got %q, want none", expression, got)
		}
	}
}

// Proposals are off the full and quarter hours, on each of the other minutes. So they are
// not proposed again once they are followed.
func TestSuggest(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for i := range 1_000 {
		name := fmt.Sprintf("acme/r%04d", i)
		proposals := Suggest(name, manifest("0 9 * * 1"))
		if len(proposals) != 1 {
			t.Fatalf("%s: got %+v", name, proposals)
		}
		instead := proposals[0].Instead
		if again := Suggest(name, manifest(instead)); len(again) > 0 {
			t.Errorf("%s: got %q instead of %q", name, again[0].Instead, instead)
		}
		used[instead] = true
	}
	if len(used) != 56 {
		t.Errorf("%d minutes are used, want 56", len(used))
	}
}

func manifest(expression string) *schedule.Manifest {
	return &schedule.Manifest{Entries: []schedule.Entry{
		{Agent: "coach", Cron: expression, Slots: cron.MustParse(expression), Enabled: true},
		{Agent: "paused", Cron: "0 9 * * 1", Slots: cron.MustParse("0 9 * * 1")},
	}}
}

// TestJobsOfTheOwnRepository checks what sets repositories apart in the ledger.
// cmd/action.TestCentralMode compares that with checkouts.
func TestJobsOfTheOwnRepository(t *testing.T) {
	t.Parallel()
	place := pipeline.Place{Repository: "acme/Control", ServerURL: "https://github.com"}
	if got := place.SourceOf("https://github.com", "acme/control"); got != "" {
		t.Errorf("the own repository has the source %q", got)
	}
	a, b := place.SourceOf("https://github.com", "acme/web"), place.SourceOf("https://gitea.example", "acme/web")
	if a == "" || a == b {
		t.Errorf("two servers have the sources %q and %q", a, b)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ jobs, pages, first, last int }{
		{0, 1, 0, 0}, {1, 1, 1, 1}, {256, 1, 256, 256}, {257, 2, 256, 1}, {1200, 5, 256, 176},
	} {
		jobs := make([]Job, tt.jobs)
		if got := Pages(jobs); got != tt.pages {
			t.Errorf("%d jobs: %d pages, want %d", tt.jobs, got, tt.pages)
		}
		if first, last := len(Page(jobs, 1)), len(Page(jobs, tt.pages)); first != tt.first || last != tt.last {
			t.Errorf("%d jobs: the first page has %d, the last %d", tt.jobs, first, last)
		}
		for _, after := range []int{tt.pages + 1, math.MaxInt/PageSize + 2, math.MaxInt} {
			if n := len(Page(jobs, after)); n != 0 {
				t.Errorf("%d jobs: page %d has %d", tt.jobs, after, n)
			}
		}
	}
}

// Numbers have their nouns in the singular and in the plural.
func TestCounts(t *testing.T) {
	t.Parallel()
	coach := Entry{"coach", "weekly", "0 9 * * 1", true}
	for _, tt := range []struct {
		n    int
		want string
	}{{1, "1 entry"}, {2, "2 entries"}} {
		var list []Repository
		for i := range tt.n {
			list = append(list, repo(fmt.Sprintf("acme/r%d", i), coach))
		}
		d := &Discovery{Roster: New(tt.n, list), Page: 1, Proposals: make([]Proposal, tt.n)}
		lines := append(d.Lines(), undecidedError(map[string]int{"no answer": tt.n}).Error())
		for i, want := range []string{tt.want + " with more than 10 others in a minute",
			"valid with " + tt.want + " (", tt.want + " undecided: no answer"} {
			if !strings.Contains(lines[i], want) {
				t.Errorf("got %q, want %q", lines[i], want)
			}
		}
	}
}

// TestHostileSummary checks that names and findings of other repositories are inert in the
// summary, in the log and in annotations.
func TestHostileSummary(t *testing.T) {
	t.Parallel()
	bad := Repository{Name: "x|<script>`\n::error::y", Forge: Local, Manifest: schedule.DefaultPath,
		Findings: []diag.Finding{{File: "f|<b>", Line: 1, Column: 1, Rule: "cron", Severity: diag.Error,
			Message: "</td><script>alert(1)</script>", Hint: "[x](javascript:alert(1))"}}}
	bad.Clean()
	d := &Discovery{Roster: New(2, []Repository{bad}), Page: 1}
	text := d.Summary().Markdown(1 << 20)
	for _, tag := range []string{"<script>", "<b>", "\n::", "](javascript"} {
		if strings.Contains(text, tag) {
			t.Errorf("the summary has %q:\n%s", tag, text)
		}
	}
	for _, f := range d.Annotations() {
		if f.File != "" || f.Line != 0 {
			t.Errorf("an annotation is about a file of this repository: %+v", f)
		}
	}
	if strings.Contains(string(d.Text()), "\n::") {
		t.Errorf("the table has a command:\n%s", d.Text())
	}
}
