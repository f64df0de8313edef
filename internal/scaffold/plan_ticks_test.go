package scaffold

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// planned returns a manifest with an entry for each "<cadence> <cron>". A - before it
// disables the entry.
func planned(t *testing.T, zone string, entries ...string) *schedule.Manifest {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	m := &schedule.Manifest{File: schedule.DefaultPath, Repo: "web", Location: loc}
	for i, text := range entries {
		text, off := strings.CutPrefix(text, "-")
		cadence, expression, _ := strings.Cut(text, " ")
		m.Entries = append(m.Entries,
			schedule.Entry{Agent: fmt.Sprintf("a%d", i), Cadence: schedule.Cadence(cadence), Cron: expression,
				Slots: cron.MustParse(expression), Location: loc, Enabled: !off})
	}
	return m
}

// TestPlanTicks uses a repository whose usual minute is 17.
func TestPlanTicks(t *testing.T) {
	t.Parallel()
	const repository = "acme/r0"
	if m := usualMinute(hashName(repository)); m != 17 {
		t.Fatalf("the minute is %d", m)
	}
	tests := []struct {
		name    string
		entries []string
		want    []string
	}{
		{"the same days are merged", []string{"weekly 0 9 * * 1", "weekly 0 10 * * MON", "weekly 5 12 * * 1"},
			[]string{"17 9,10,12 * * 1", "17 3,15,21 * * *"}},
		{"other days are not", []string{"weekly 0 9 * * 1", "monthly 0 9 1 * *"},
			[]string{"17 9 * * 1", "17 9 1 * *", "17 3,15,21 * * *"}},
		{"a daily tick serves the weekly one", []string{"weekly 0 9 * * 1", "daily 0 9 * * *"},
			[]string{"17 9 * * *", "17 3,15,21 * * *"}},
		{"a row of hours", []string{"daily 0 9-12 * * *"}, []string{"17 9-12 * * *", "17 3,15,21 * * *"}},
		{"hourly", []string{"daily 0 * * * *"}, []string{"17 * * * *"}},
		{"hourly, twice", []string{"daily 0 * * * *", "daily 30 * * * *"}, []string{"17,32 * * * *"}},
		{"four times an hour", []string{"daily */15 * * * *"}, []string{"2,17,32,47 * * * *"}},
		{"as often as a workflow can", []string{"daily */5 * * * *"}, []string{"2-57/5 * * * *"}},
		{"more often", []string{"daily * * * * *"}, []string{"2-57/5 * * * *"}},
		{"Sunday is 0", []string{"weekly 0 9 * * 7", "weekly 0 10 * * SUN"},
			[]string{"17 9,10 * * 0", "17 3,15,21 * * *"}},
		{"a range to Sunday", []string{"weekly 0 9 * * 5-7"}, []string{"17 9 * * 0,5,6", "17 3,15,21 * * *"}},
		{"either day", []string{"weekly 0 9 1 * 1"}, []string{"17 9 1 * 1", "17 3,15,21 * * *"}},
		{"late in the hour", []string{"daily 45 9 * * *"}, []string{"47 9 * * *", "17 3,15,21 * * *"}},
		{"the last minute of an hour", []string{"weekly 59 9 * * 1"}, []string{"17 10 * * 1", "17 4,16,22 * * *"}},
		{"the last minute of a day", []string{"weekly 59 23 * * 1"}, []string{"17 0 * * *", "17 6,12,18 * * *"}},
		{"the taken hour is not taken again", []string{"daily 0 9 * * *", "weekly 0 15 * * 1"},
			[]string{"17 9 * * *", "17 15 * * 1", "17 3,16,21 * * *"}},
		{"disabled", []string{"weekly 0 9 * * 1", "-daily 0 * * * *"}, []string{"17 9 * * 1", "17 3,15,21 * * *"}},
		{"disabled, all", []string{"-weekly 0 9 * * 1"}, []string{"17 9 * * 1", "17 3,15,21 * * *"}},
		{"too scattered", []string{"monthly 0 9 1 * *", "monthly 0 9 2 * *", "monthly 0 9 3 * *",
			"monthly 0 9 4 * *", "monthly 0 9 5 * *",
			"monthly 0 9 6 * *", "monthly 0 9 7 * *", "monthly 0 9 8 * *"}, []string{"17 * * * *"}},
		{"more ticks than every hour", []string{"daily 0 0-12 * * *", "daily 35 0-23/2 * * *"}, []string{"17 * * * *"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, l := range planTicks(planned(t, "Europe/Berlin", tt.entries...), repository) {
				got = append(got, l.text)
			}
			if strings.Join(got, "; ") != strings.Join(tt.want, "; ") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPlansCover checks for many crons, zones and repositories that the ticks are valid
// in a workflow and come in time for every slot.
func TestPlansCover(t *testing.T) {
	t.Parallel()
	rosters := [][]string{
		{"weekly 0 9 * * 1"}, {"monthly 0 9 31 * *"}, {"daily 0 * * * *", "daily 30 * * * *"},
		{"daily 59 23 * * *"}, {"daily 30 2 * * *"},
		{"daily 0,50 * * * *"}, {"daily 0,7,14,21,28,35,42,49 * * * *"}, {"daily 58 * * * *"},
		{"weekly 0 */6 * * 6,7", "daily 0 0 * * *"},
		{"daily 0,30 9-17 * * 1-5"}, {"daily */10 * * * *", "daily 7 * * * *"},
		{"weekly 1 1 * * 1", "weekly 13 2 * * 2", "weekly 25 3 * * 3", "weekly 37 4 * * 4",
			"weekly 49 5 * * 5", "weekly 59 6 * * 6", "weekly 59 23 * * 7", "monthly 5 5 5 * *"},
	}
	for i, roster := range rosters {
		for n, zone := range []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe"} {
			t.Run(fmt.Sprint(roster, zone), func(t *testing.T) {
				t.Parallel()
				m := planned(t, zone, roster...)
				lines := planTicks(m, fmt.Sprintf("acme/r%d", i*7+n))
				var entries []*schedule.Entry
				for i := range m.Entries {
					entries = append(entries, &m.Entries[i])
				}
				if !covers(entries, lines, m.Location) {
					t.Errorf("%+v do not cover the slots", lines)
				}
				for _, l := range lines {
					if _, err := cron.Parse(l.text, cron.Workflow); err != nil {
						t.Errorf("a workflow does not take %q: %v", l.text, err)
					}
				}
			})
		}
	}
}

// TestUsualMinute checks that repositories are spread over the first half of the hour.
func TestUsualMinute(t *testing.T) {
	t.Parallel()
	count := map[int]int{}
	for i := range 1000 {
		m := usualMinute(hashName(fmt.Sprintf("acme/repository-%d", i)))
		if m < 3 || m > 29 || m%5 == 0 {
			t.Errorf("minute %d", m)
		}
		count[m]++
	}
	for m, n := range count {
		if n > 100 {
			t.Errorf("minute %d has %d of 1000 repositories", m, n)
		}
	}
	if len(count) != 22 {
		t.Errorf("%d minutes are used, want 22", len(count))
	}
	if a, b := hashName("Acme/Web"), hashName("acme/web"); a != b {
		t.Error("the case of a name counts")
	}
}

// TestPerMonth counts the ticks of 28 years without the package cron, and compares.
func TestPerMonth(t *testing.T) {
	t.Parallel()
	for _, roster := range [][]string{
		{"weekly 0 9 * * 1", "weekly 0 10 * * 1"}, {"daily 0 * * * *", "daily 30 * * * *"},
		{"monthly 0 9 31 * *", "weekly 0 4-6 * * 6,7"}, {"daily */5 * * * *"},
	} {
		lines := planTicks(planned(t, "UTC", roster...), "acme/web")
		ticks := 0
		for day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
			for _, l := range lines {
				f := strings.Fields(l.text)
				if fieldValues(t, f[2], 1, 31)[day.Day()] && fieldValues(t, f[4], 0, 6)[int(day.Weekday())] {
					ticks += len(fieldValues(t, f[0], 0, 59)) * len(fieldValues(t, f[1], 0, 23))
				}
			}
		}
		if got, want := float64(perMonth(lines)), float64(ticks)/(28*12); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: %v a month, counted %v", lines, got, want)
		}
	}
}

// fieldValues returns the values of a field of a cron.
func fieldValues(t *testing.T, field string, low, high int) map[int]bool {
	values := map[int]bool{}
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		first, last, step := low, high, 1
		if stepped {
			step = number(t, stepText)
		}
		if span != "*" {
			from, to, ranged := strings.Cut(span, "-")
			first, last = number(t, from), number(t, from)
			if ranged {
				last = number(t, to)
			}
		}
		for v := first; v <= last; v += step {
			values[v] = true
		}
	}
	return values
}

func number(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
