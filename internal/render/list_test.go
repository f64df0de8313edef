package render

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/doctor"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

func TestList(t *testing.T) {
	t.Parallel()
	m := load(t, "coach", "review")
	list := List{
		schedule.Decide(&m.Entries[0], now, schedule.Known{Earlier: []string{"2026-W46"}}),
		schedule.Decide(&m.Entries[1], now, schedule.Known{Delivered: true}),
	}
	findings := []diag.Finding{diag.NoPrompt.At(m.File, 5, 3, "no prompt", "add one")}
	entries := []*schedule.Entry{&m.Entries[0]}
	fixture.Golden(t, "testdata/list.golden",
		"-- text --\n"+string(list.Text("the directory .kaizen/prepared"))+"-- json --\n"+string(list.JSON())+
			"-- scheduled-runs --\n"+string(ScheduledRuns(m, entries, "/home/runner/work/web"))+
			"-- outputs --\n"+written(t,
			list.Outputs(findings))+"-- summary --\n"+list.Summary("the directory .kaizen/prepared").Markdown(1<<20))
}

// No entries give empty arrays, which a step can decode.
func TestNoEntries(t *testing.T) {
	t.Parallel()
	const matrix, roster = `{"include":[]}`, "[]"
	invalid, summary := InvalidManifest("schedule.yml", []diag.Finding{diag.Cadence.At("x", 1, 1, "bad", "")}, 0)
	usage, usageSummary := UsageError(errors.New("agents names none"))
	empty := List{}.Outputs(nil)
	for name, got := range map[string][3]string{
		"empty":   {empty.Value("matrix"), empty.Value("roster"), empty.Value("valid")},
		"invalid": {invalid.Value("matrix"), invalid.Value("roster"), invalid.Value("valid")},
		"usage":   {usage.Value("matrix"), usage.Value("roster"), usage.Value("valid")},
	} {
		valid := "false"
		if name == "empty" {
			valid = "true"
		}
		if want := [3]string{matrix, roster, valid}; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if string(List{}.JSON()) != "[]\n" || invalid.Value("errors") != "1" || usage.Value("payloads") != "[]" {
		t.Errorf("got %q, %q, %q", List{}.JSON(), invalid.Value("errors"), usage.Value("payloads"))
	}
	if summary.Verdict != "❌ schedule.yml is not valid" || usageSummary.Verdict != "❌ agents names none" {
		t.Errorf("got %q and %q", summary.Verdict, usageSummary.Verdict)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	ok := doctor.Check{Name: "manifest", Verdict: doctor.OK, Message: "valid"}
	warned := doctor.Check{Name: "token", Verdict: doctor.Warning, Message: "old", Hint: "renew it"}
	failed := doctor.Check{Name: "nats", Verdict: doctor.Failed, Message: "says\n::error::x", Hint: "##[error]y"}
	for _, tt := range []struct {
		checks  []doctor.Check
		verdict string
		valid   string
	}{
		{[]doctor.Check{ok}, "✅ A run has everything that it needs", "true"},
		{[]doctor.Check{ok, warned}, "⚠️ Nothing failed, 1 warning", "true"},
		{[]doctor.Check{ok, warned, failed}, "❌ 1 check failed, 1 warning", "false"},
	} {
		c := NewChecks(tt.checks)
		out := c.Outputs()
		if got := c.Summary().Verdict; got != tt.verdict || out.Value("valid") != tt.valid {
			t.Errorf("got %q and %s, want %q", got, out.Value("valid"), tt.verdict)
		}
		for _, text := range []string{string(c.Text()), string(c.JSON())} {
			if strings.Contains(text, "\n::") || strings.Contains(text, `\n::`) || strings.Contains(text, "##[") {
				t.Errorf("a command in\n%s", text)
			}
		}
	}
}

func TestInstants(t *testing.T) {
	t.Parallel()
	at := func(day, hour int) schedule.Slot {
		return schedule.Slot{At: time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC)}
	}
	for _, tt := range []struct {
		want  string
		slots []schedule.Slot
	}{
		{"", nil},
		{"2026-11-24 09:00", []schedule.Slot{at(24, 9)}},
		{"2026-11-24 09:00, 17:00, 2026-11-25 09:00", []schedule.Slot{at(24, 9), at(24, 17), at(25, 9)}},
	} {
		if got := Instants(tt.slots); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	got := string(Table([][]string{{"A", "LONG", "C"}, {"value", "", ""}, {"", "x", "y"}}))
	if want := "A      LONG  C\nvalue\n       x     y\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
