package schedule

import (
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	const (
		head   = "version: \"1\"\nrepo: acme\ntimezone: Europe/Berlin\nagents:\n"
		weekly = `  coach: {cadence: weekly, cron: "0 5 * * 1"}` + "\n"
	)
	tests := []struct {
		name       string
		base, head string
		want       []string // agent before→after: kind detail; …
		repo       string
		changed    bool
	}{
		{"the same, written differently", head + weekly, head +
			"  coach:\n    cron: '00 05 * *\t1'\n    cadence: weekly\n",
			[]string{"coach 4.3→4.3"}, "", false},
		{"new", "", head + weekly, []string{`coach 0→4.3: added weekly, cron "0 5 * * 1" Europe/Berlin`}, "", true},
		{"added and removed", head + weekly, head + "  tidy: {cadence: daily}\n", []string{
			`tidy 0→30.4: added daily, cron "0 9 * * *" Europe/Berlin`,
			`coach 4.3→0: removed weekly, cron "0 5 * * 1" Europe/Berlin`}, "", true},
		{"added disabled", head + weekly, head + weekly + "  tidy: {cadence: monthly, enabled: false}\n", []string{
			"coach 4.3→4.3", `tidy 0→0: added monthly, cron "0 9 1 * *" Europe/Berlin, disabled`}, "", true},
		{"moved in the list", head + weekly + "  tidy: {cadence: daily}\n", head + "  tidy: {cadence: daily}\n" +
			weekly,
			[]string{"tidy 30.4→30.4", "coach 4.3→4.3"}, "", false},
		{"re-timed", head + weekly, head + `  coach: {cadence: monthly, cron: "0 5 31 * *"}` + "\n", []string{
			`coach 4.3→0.6: re-timed weekly, cron "0 5 * * 1" Europe/Berlin → monthly, cron "0 5 31 * *" Europe/Berlin`}, "",
			true},
		{"another zone", head + weekly, strings.Replace(head, "Europe/Berlin", "UTC", 1) + weekly, []string{
			`coach 4.3→4.3: re-timed weekly, cron "0 5 * * 1" Europe/Berlin → weekly, cron "0 5 * * 1" UTC`}, "", true},
		{"disabled", head + weekly, head + strings.Replace(weekly, "}", ", enabled: false}", 1),
			[]string{"coach 4.3→0: disabled "}, "", true},
		{"enabled", head + strings.Replace(weekly, "}", ", enabled: false}", 1), head + weekly,
			[]string{"coach 0→4.3: enabled "}, "", true},
		{"files", head + strings.Replace(weekly, "}", ", memory: m.md, pointers: {scope: S.md}}", 1),
			head + strings.Replace(weekly, "}",
				", prompt: p.md, pointers: {scope: S.md, log: L.md}, session_close: [done]}", 1),
			[]string{
				`coach 4.3→4.3: files changed prompt by convention → "p.md"; files changed memory "m.md" → by convention; ` +
					`files changed pointers scope "S.md" → scope "S.md", log "L.md"; files changed session_close`},
			"", true},
		{"another slug", head + weekly, strings.Replace(head, "acme", "acme2", 1) + weekly, []string{"coach 4.3→4.3"},
			"acme → acme2", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			load := func(text string) *Manifest {
				m, findings := Load(DefaultPath, []byte(text), Options{})
				if m == nil && text != "" {
					t.Fatal(findings)
				}
				if text == "" {
					return nil
				}
				return m
			}
			now := instant(t, "2026-11-24T09:00:00Z")
			after := load(tt.head)
			d := Compare(load(tt.base), after, now)
			var got []string
			var sum Rate
			for i, e := range d.Entries {
				line := e.Agent + " " + e.Before.String() + "→" + e.After.String()
				for j, c := range e.Changes {
					line += [...]string{": ", "; "}[min(j, 1)] + string(c.Kind) + " " + c.Detail
				}
				got = append(got, line)
				sum += e.After
				if i < len(after.Entries) && !slices.Equal(e.Next, after.Entries[i].Next(now, 5)) ||
					i >= len(after.Entries) && e.Next != nil {
					t.Errorf("next dates of %s: %v", e.Agent, e.Next)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if d.Changed() != tt.changed || d.New != (tt.base == "") || d.Repo != tt.repo || d.After != sum {
				t.Errorf("changed %v, new %v, repo %q, after %v", d.Changed(), d.New, d.Repo, d.After)
			}
		})
	}
}
