package schedule

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the tests need the zones wherever they run
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func daily(hour, minute int) Entry {
	return Entry{Agent: "a", Cadence: Daily, Hour: hour, Minute: minute, Enabled: true}
}

func weekly(day time.Weekday, hour, minute int) Entry {
	return Entry{Agent: "a", Cadence: Weekly, Weekday: day, Hour: hour, Minute: minute, Enabled: true}
}

func monthly(day, hour, minute int) Entry {
	return Entry{Agent: "a", Cadence: Monthly, MonthDay: day, Hour: hour, Minute: minute, Enabled: true}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		zone   string
		entry  Entry
		now    string
		at     string // RFC 3339 in the zone
		period string
	}{
		{"daily, before its time", "UTC", daily(5, 0), "2026-11-24T04:59:59Z", "2026-11-23T05:00:00Z", "2026-11-23"},
		{"daily, at its time", "UTC", daily(5, 0), "2026-11-24T05:00:00Z", "2026-11-24T05:00:00Z", "2026-11-24"},
		{"weekly", "Europe/Berlin", weekly(time.Monday, 5, 0), "2026-11-24T12:00:00Z", "2026-11-23T05:00:00+01:00", "2026-W48"},
		{"weekly, the week before", "Europe/Berlin", weekly(time.Monday, 5, 0), "2026-11-23T03:59:00Z", "2026-11-16T05:00:00+01:00", "2026-W47"},
		{"ISO week of the old year in January", "UTC", weekly(time.Friday, 0, 0), "2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z", "2026-W53"},
		{"ISO week of the new year in December", "UTC", weekly(time.Monday, 0, 0), "2024-12-31T00:00:00Z", "2024-12-30T00:00:00Z", "2025-W01"},
		{"Sunday ends the ISO week", "UTC", weekly(time.Sunday, 0, 0), "2026-11-24T00:00:00Z", "2026-11-22T00:00:00Z", "2026-W47"},
		{"monthly", "UTC", monthly(15, 0, 0), "2026-11-14T23:59:59Z", "2026-10-15T00:00:00Z", "2026-10"},
		{"monthly, short month", "UTC", monthly(31, 6, 0), "2026-11-30T06:00:00Z", "2026-11-30T06:00:00Z", "2026-11"},
		{"monthly, February", "UTC", monthly(30, 0, 0), "2026-03-01T00:00:00Z", "2026-02-28T00:00:00Z", "2026-02"},
		{"monthly, leap February", "UTC", monthly(31, 0, 0), "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2028-02"},
		{"monthly, over the year", "UTC", monthly(31, 0, 0), "2027-01-15T00:00:00Z", "2026-12-31T00:00:00Z", "2026-12"},

		{"gap moves to its end", "Europe/Berlin", daily(2, 30), "2026-03-29T12:00:00Z", "2026-03-29T03:00:00+02:00", "2026-03-29"},
		{"not yet at the gap's end", "Europe/Berlin", daily(2, 30), "2026-03-29T00:59:59Z", "2026-03-28T02:30:00+01:00", "2026-03-28"},
		{"twice is the first", "Europe/Berlin", daily(2, 30), "2026-10-25T00:30:00Z", "2026-10-25T02:30:00+02:00", "2026-10-25"},
		{"twice, at the second", "Europe/Berlin", daily(2, 30), "2026-10-25T01:30:00Z", "2026-10-25T02:30:00+02:00", "2026-10-25"},
		{"half-hour gap", "Australia/Lord_Howe", daily(2, 10), "2026-10-04T12:00:00Z", "2026-10-04T02:30:00+11:00", "2026-10-04"},
		{"half-hour fold", "Australia/Lord_Howe", daily(1, 45), "2026-04-05T12:00:00Z", "2026-04-05T01:45:00+11:00", "2026-04-05"},
		{"gap at midnight", "America/Sao_Paulo", daily(0, 0), "2018-11-04T12:00:00Z", "2018-11-04T01:00:00-02:00", "2018-11-04"},
		{"fold over midnight", "America/Sao_Paulo", daily(23, 30), "2018-02-18T12:00:00Z", "2018-02-17T23:30:00-02:00", "2018-02-17"},
		{"two-hour gap", "Antarctica/Troll", daily(1, 30), "2026-03-29T12:00:00Z", "2026-03-29T03:00:00+02:00", "2026-03-29"},

		{"skipped day, daily", "Pacific/Apia", daily(5, 0), "2011-12-30T10:00:00Z", "2011-12-31T00:00:00+14:00", "2011-12-30"},
		{"the day after the skipped one", "Pacific/Apia", daily(5, 0), "2011-12-30T15:00:00Z", "2011-12-31T05:00:00+14:00", "2011-12-31"},
		{"two slots at one instant", "Pacific/Apia", daily(0, 0), "2011-12-30T10:00:00Z", "2011-12-31T00:00:00+14:00", "2011-12-31"},
		{"skipped day, weekly", "Pacific/Apia", weekly(time.Friday, 5, 0), "2012-01-02T00:00:00Z", "2011-12-31T00:00:00+14:00", "2011-W52"},
		{"skipped last day of the month and year", "Pacific/Kiritimati", monthly(31, 9, 0), "1995-01-15T00:00:00Z", "1995-01-01T00:00:00+14:00", "1994-12"},
		{"repeated day is its first", "Pacific/Kwajalein", daily(12, 0), "1969-09-30T13:00:00Z", "1969-09-30T12:00:00+11:00", "1969-09-30"},

		{"offset with seconds", "Africa/Monrovia", daily(0, 0), "1972-01-06T12:00:00Z", "1972-01-06T00:44:30Z", "1972-01-06"},
		{"gap of 44 minutes 30", "Africa/Monrovia", daily(0, 10), "1972-01-07T12:00:00Z", "1972-01-07T00:44:30Z", "1972-01-07"},
		{"31 December of a leap year, by rule", "Europe/Berlin", daily(5, 0), "2040-12-31T12:00:00Z", "2040-12-31T05:00:00+01:00", "2040-12-31"},
		{"the same in the south", "Australia/Lord_Howe", daily(5, 0), "2040-12-31T12:00:00Z", "2040-12-31T05:00:00+11:00", "2040-12-31"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := tt.entry
			e.Location = zone(t, tt.zone)
			got := e.Current(instant(t, tt.now))
			if !got.At.Equal(instant(t, tt.at)) || got.Period != tt.period {
				t.Errorf("got %s %s, want %s %s", got.At.Format(time.RFC3339), got.Period, tt.at, tt.period)
			}
			if got.At.Location() != e.Location {
				t.Errorf("slot is told in %s, want %s", got.At.Location(), e.Location)
			}
		})
	}
}

// model lists an entry's slots by walking every minute of a few years and every date of the calendar.
type model struct {
	loc   *time.Location
	start time.Time // UTC minute that first[0] belongs to as a local time
	first []int64   // local minute → Unix minute at which it is first shown, -1 for never
}

func newModel(loc *time.Location, year, years int) *model {
	start := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	m := &model{loc: loc, start: start, first: make([]int64, 60*24*366*years)}
	for i := range m.first {
		m.first[i] = -1
	}
	for at := start.Add(-48 * time.Hour); ; at = at.Add(time.Minute) {
		_, offset := at.In(loc).Zone()
		i := int(at.Sub(start).Minutes()) + offset/60
		if i >= len(m.first) {
			return m
		}
		if i >= 0 && m.first[i] < 0 {
			m.first[i] = at.Unix() / 60
		}
	}
}

func (m *model) slots(e Entry) (slots []Slot) {
	for date := m.start; ; date = date.AddDate(0, 0, 1) {
		i := int(date.Sub(m.start).Minutes()) + e.Hour*60 + e.Minute
		for i < len(m.first) && m.first[i] < 0 {
			i++
		}
		if i >= len(m.first) {
			return slots
		}
		isLast := date.AddDate(0, 0, 1).Day() == 1
		var period string
		switch {
		case e.Cadence == Daily:
			period = date.Format("2006-01-02")
		case e.Cadence == Weekly && date.Weekday() == e.Weekday:
			year, week := date.ISOWeek()
			period = fmt.Sprintf("%d-W%02d", year, week)
		case e.Cadence == Monthly && (date.Day() == e.MonthDay || isLast && date.Day() < e.MonthDay):
			period = date.Format("2006-01")
		default:
			continue
		}
		slots = append(slots, Slot{At: time.Unix(m.first[i]*60, 0).In(m.loc), Period: period})
	}
}

func TestSlotsAgreeWithWalkingEveryMinute(t *testing.T) {
	t.Parallel()
	spans := []struct {
		zone string
		year int
	}{
		{"UTC", 2026}, {"Europe/Berlin", 2026}, {"Europe/Dublin", 2027}, {"America/New_York", 2006}, {"America/St_Johns", 2010},
		{"America/Sao_Paulo", 2017}, {"America/Nuuk", 2022}, {"America/Caracas", 2015}, {"Africa/Casablanca", 2029}, {"Africa/Cairo", 2013},
		{"Asia/Gaza", 2024}, {"Asia/Kathmandu", 1985}, {"Asia/Pyongyang", 2014}, {"Asia/Tehran", 2021}, {"Antarctica/Troll", 2039},
		{"Antarctica/Casey", 2009}, {"Australia/Lord_Howe", 2039}, {"Pacific/Apia", 2010}, {"Pacific/Chatham", 2030},
		{"Pacific/Kiritimati", 1993}, {"Pacific/Kwajalein", 1992}, {"Pacific/Enderbury", 1993},
	}
	for i, span := range spans {
		t.Run(span.zone, func(t *testing.T) {
			t.Parallel()
			const years = 3
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			m := newModel(zone(t, span.zone), span.year, years)
			for range 30 {
				e := []Entry{daily(0, 0), weekly(time.Weekday(rnd.IntN(7)), 0, 0), monthly(1+rnd.IntN(31), 0, 0)}[rnd.IntN(3)]
				e.Hour, e.Minute, e.Location = rnd.IntN(24), rnd.IntN(60), m.loc
				if rnd.IntN(2) == 0 { // most changes of the clock happen here
					e.Hour = rnd.IntN(4)
				}
				checkAgainst(t, rnd, &e, m.slots(e))
			}
		})
	}
}

// checkAgainst compares at random moments and at the edges of random slots.
func checkAgainst(t *testing.T, rnd *rand.Rand, e *Entry, want []Slot) {
	t.Helper()
	const around = 5
	for range 40 {
		i := around + rnd.IntN(len(want)-2*around)
		now := want[i].At.Add([]time.Duration{0, -time.Second, time.Duration(rnd.Int64N(int64(24 * time.Hour)))}[rnd.IntN(3)])
		for !want[i].At.After(now) {
			i++
		}
		for want[i-1].At.After(now) {
			i--
		}
		i--
		if i < around || i+around >= len(want) {
			continue
		}
		previous := slices.Clone(want[i-around : i])
		slices.Reverse(previous)
		same(t, e, now, "Current", []Slot{e.Current(now)}, want[i:i+1])
		same(t, e, now, "Next", e.Next(now, around), want[i+1:i+1+around])
		same(t, e, now, "Previous", first(around, e.Previous(now)), previous)
	}
}

func first(n int, slots iter.Seq[Slot]) (list []Slot) {
	for s := range slots {
		if list = append(list, s); len(list) == n {
			break
		}
	}
	return list
}

func same(t *testing.T, e *Entry, now time.Time, what string, got, want []Slot) {
	t.Helper()
	equal := func(a, b Slot) bool { return a.At.Equal(b.At) && a.Period == b.Period }
	if !slices.EqualFunc(got, want, equal) {
		t.Fatalf("%s of %s %v/%d %02d:%02d at %s:\n got %v\nwant %v", what, e.Cadence, e.Weekday, e.MonthDay, e.Hour, e.Minute,
			now.In(e.Location).Format(time.RFC3339), got, want)
	}
}
