package cron

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // all machines have the same zones
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

func instant(tb testing.TB, text string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

// TestClockChanges searches across clock changes in both directions.
func TestClockChanges(t *testing.T) {
	t.Parallel()
	const (
		berlin = "Europe/Berlin"       // gap 02:00–03:00 on 29 March 2026, fold 02:00–03:00 on 25 October
		lord   = "Australia/Lord_Howe" // half an hour: gap 02:00–02:30 on 4 October 2026, fold 01:30–02:00 on 5 April
		cairo  = "Africa/Cairo"        // gap 00:00–01:00 on 24 April 2026, fold 23:00–24:00 on 29 October
		apia   = "Pacific/Apia"        // no 30 December 2011
	)
	for _, c := range []struct {
		name, cron, zone string
		from             string   // exclusive
		want             []string // the matches after it, in local time with the offset
	}{
		{"a gap takes the first instant after it", "30 2 * * *", berlin, "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"several times of a gap are one instant", "0,15,30,45 2 * * *", berlin, "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"a time at the end of a gap is one instant", "*/30 2,3 * * *", berlin, "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"hours over a gap", "0 * * * *", berlin, "2026-03-28T23:30:00Z",
			[]string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},
		{"half hours over a gap", "30 * * * *", berlin, "2026-03-28T23:45:00Z",
			[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:30:00+02:00"}},
		{"a gap on another day of the week", "30 2 * * 1", berlin, "2026-03-28T12:00:00Z",
			[]string{"2026-03-30T02:30:00+02:00", "2026-04-06T02:30:00+02:00"}},

		{"a fold counts once", "30 2 * * *", berlin, "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"a fold counts once, with a list of hours", "30 1,2,3 * * *", berlin, "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T01:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T03:30:00+01:00"}},
		{"a fold counts once, with a range of hours", "0 0-23 * * *", berlin, "2026-10-24T23:30:00Z",
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"}},
		{"real hours count for a star", "30 * * * *", berlin, "2026-10-24T23:00:00Z",
			[]string{"2026-10-25T01:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00",
				"2026-10-25T03:30:00+01:00"}},
		{"real hours count for a step", "0 */2 * * *", berlin, "2026-10-24T22:00:00Z",
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T04:00:00+01:00"}},
		{"real hours count for a range with a step", "0 2-4/2 * * *", berlin, "2026-10-24T22:00:00Z",
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T04:00:00+01:00"}},
		{"from the middle of a fold", "30 2 * * *", berlin, "2026-10-25T00:45:00Z",
			[]string{"2026-10-26T02:30:00+01:00"}},
		{"from the middle of a fold, real hours", "30 * * * *", berlin, "2026-10-25T00:45:00Z",
			[]string{"2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"}},

		{"a gap of half an hour", "15 2 * * *", lord, "2026-10-03T00:00:00Z",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"beside a gap of half an hour", "45 2 * * *", lord, "2026-10-03T00:00:00Z",
			[]string{"2026-10-03T02:45:00+10:30", "2026-10-04T02:45:00+11:00"}[1:]},
		{"hours over a gap of half an hour", "0 * * * *", lord, "2026-10-03T14:00:00Z",
			[]string{"2026-10-04T01:00:00+10:30", "2026-10-04T03:00:00+11:00", "2026-10-04T04:00:00+11:00"}},
		{"a fold of half an hour", "45 1 * * *", lord, "2026-04-04T00:00:00Z",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		{"a fold of half an hour, real hours", "45 * * * *", lord, "2026-04-04T14:00:00Z",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30", "2026-04-05T02:45:00+10:30"}},

		{"a gap at midnight", "0 0 * * *", cairo, "2026-04-23T12:00:00Z",
			[]string{"2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"}},
		{"a gap at midnight, on its day of the week", "30 0 * * 5", cairo, "2026-04-23T12:00:00Z",
			[]string{"2026-04-24T01:00:00+03:00", "2026-05-01T00:30:00+03:00"}},
		{"a fold before midnight", "30 23 * * *", cairo, "2026-10-29T12:00:00Z",
			[]string{"2026-10-29T23:30:00+03:00", "2026-10-30T23:30:00+02:00"}},
		{"midnight after a fold", "0 0 * * *", cairo, "2026-10-29T12:00:00Z",
			[]string{"2026-10-30T00:00:00+02:00", "2026-10-31T00:00:00+02:00"}},

		{"a skipped day", "0 9 * * *", apia, "2011-12-29T12:00:00Z",
			[]string{"2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"}},
		{"only the skipped day", "0 9 30 12 *", apia, "2010-12-31T12:00:00Z",
			[]string{"2011-12-31T00:00:00+14:00", "2012-12-30T09:00:00+14:00"}},
		{"hours over a skipped day", "0 * * * *", apia, "2011-12-30T08:30:00Z",
			[]string{"2011-12-29T23:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T01:00:00+14:00"}},

		{"a leap day", "0 9 29 2 *", "UTC", "2026-01-01T00:00:00Z", []string{"2028-02-29T09:00:00Z",
			"2032-02-29T09:00:00Z"}},
		{"a leap day over a century", "0 9 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T09:00:00Z"}},
		{"after is later", "0 9 * * *", "UTC", "2026-01-01T09:00:00Z", []string{"2026-01-02T09:00:00Z"}},
		{"within a minute", "0 9 * * *", "UTC", "2026-01-01T08:59:59Z", []string{"2026-01-01T09:00:00Z"}},
		{"the end of a leap year", "30 23 31 12 *", berlin, "2028-12-31T12:00:00Z",
			[]string{"2028-12-31T23:30:00+01:00", "2029-12-31T23:30:00+01:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, loc := MustParse(c.cron), zone(t, c.zone)
			from := instant(t, c.from)
			var got []string
			for at := from; len(got) < len(c.want); {
				at = e.After(at, loc)
				got = append(got, at.Format(time.RFC3339))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("forwards:  %v\nwant %v", got, c.want)
			}
			var back []string
			for at := instant(t, c.want[len(c.want)-1]); len(back) < len(c.want); {
				at = e.AtOrBefore(at, loc)
				back = append(back, at.Format(time.RFC3339))
				at = at.Add(-1)
			}
			slices.Reverse(back)
			if !slices.Equal(back, c.want) {
				t.Errorf("backwards: %v\nwant %v", back, c.want)
			}
		})
	}
}

// TestAgainstEveryMinute compares the search with a walk through all minutes of a year.
func TestAgainstEveryMinute(t *testing.T) {
	t.Parallel()
	start, end := instant(t, "2026-01-01T00:00:00Z"), instant(t, "2027-01-01T00:00:00Z")
	for _, name := range []string{"Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"} {
		loc := zone(t, name)
		var walls []time.Time // of every minute from one hour before start
		for at := start.Add(-time.Hour); at.Before(end); at = at.Add(time.Minute) {
			walls = append(walls, wallOf(at.In(loc)))
		}
		for _, text := range []string{"30 2 * * *", "0 * * * *", "15 */2 * * *", "45 1,2 * * 0", "0 0 1 * *",
			"59 23 31 * 5",
			"0 0-23 * 3,10 *"} {
			t.Run(name+" "+text, func(t *testing.T) {
				t.Parallel()
				e := MustParse(text)
				want := everyMinute(e, walls, start)
				var got []time.Time
				for at := e.After(start.Add(-1), loc); at.Before(end); at = e.After(at, loc) {
					got = append(got, at.UTC())
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d instants, want %d", len(got), len(want))
				}
			})
		}
	}
}

// everyMinute finds the instants by reading the clock at every minute. Unless real hours
// count, a match in a gap is moved to its end, and a match in a fold counts once.
func everyMinute(e Expression, walls []time.Time, start time.Time) (list []time.Time) {
	latest := walls[0]
	for i, wall := range walls {
		at := start.Add(time.Duration(i-60) * time.Minute)
		matches := e.matchesWall(wall) && (e.realHours || !wall.Before(latest))
		for skipped := latest; skipped.Before(wall) && !e.realHours; skipped = skipped.Add(time.Minute) {
			matches = matches || e.matchesWall(skipped)
		}
		if next := wall.Add(time.Minute); next.After(latest) {
			latest = next
		}
		if matches && !at.Before(start) {
			list = append(list, at)
		}
	}
	return list
}

func wallOf(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), 0, 0, time.UTC)
}

func (e *Expression) matchesWall(wall time.Time) bool {
	return e.On(wall) && has(e.hours, wall.Hour()) && has(e.minutes, wall.Minute())
}

// FuzzParse checks that no text, zone and instant makes the package panic, and that After
// and AtOrBefore agree.
func FuzzParse(f *testing.F) {
	zones := []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia",
		"America/Sao_Paulo",
		"Asia/Kolkata", "Antarctica/Troll"}
	for i, text := range []string{
		"* * * * *", "0 9 * * 1", "30 2 * * *", "*/15 */2 29 2 *", "0 0 31 * 7", "0-59/7 1,2 1-7 MAR,OCT sun", "@daily",
		"0 9 L * *", "0 0 9 * * *", "", "\xff", "0 9 30 2 *",
	} {
		f.Add(text, uint8(i), int64(1_774_742_400+i*3_600))
	}
	f.Fuzz(func(t *testing.T, text string, zoneIndex uint8, seconds int64) {
		e, err := Parse(text, Manifest)
		if w, errW := Parse(text, Workflow); errW == nil && (err != nil || e != w) {
			t.Fatalf("%q: a workflow takes it, a manifest does not: %v", text, err)
		}
		if err != nil {
			return
		}
		loc := zone(t, zones[int(zoneIndex)%len(zones)])
		const century = 100 * 365 * 24 * 3600
		at := time.Unix(seconds%century, 0)
		next := e.After(at, loc)
		if !next.After(at) {
			t.Fatalf("%q: %v is not after %v", text, next, at)
		}
		if got := e.AtOrBefore(next, loc); !got.Equal(next) {
			t.Fatalf("%q: the latest instant at %v is %v", text, next, got)
		}
		before := e.AtOrBefore(at, loc)
		if before.After(at) {
			t.Fatalf("%q: %v is after %v", text, before, at)
		}
		if got := e.After(before, loc); !got.Equal(next) {
			t.Fatalf("%q: after %v comes %v, not %v", text, before, got, next)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		MustParse("*/15 9-17 1,15 JAN-JUN MON")
	}
}

func BenchmarkAfter(b *testing.B) {
	from := instant(b, "2026-11-26T12:00:00Z")
	for _, text := range []string{"* * * * *", "0 9 * * 1", "0 9 29 2 *"} {
		b.Run(text, func(b *testing.B) {
			e, loc := MustParse(text), zone(b, "Europe/Berlin")
			for b.Loop() {
				e.After(from, loc)
			}
		})
	}
}

func BenchmarkAtOrBefore(b *testing.B) {
	from := instant(b, "2026-11-26T12:00:00Z")
	for _, text := range []string{"* * * * *", "0 9 * * 1", "0 9 29 2 *"} {
		b.Run(text, func(b *testing.B) {
			e, loc := MustParse(text), zone(b, "Europe/Berlin")
			for b.Loop() {
				e.AtOrBefore(from, loc)
			}
		})
	}
}

func BenchmarkEveryUnit(b *testing.B) {
	e := MustParse("0 9 * * *")
	for b.Loop() {
		e.EveryUnit(Day)
	}
}
