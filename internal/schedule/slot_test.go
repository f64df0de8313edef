package schedule

import (
	"fmt"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
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

// entry returns an enabled entry in UTC.
func entry(cadence Cadence, expression string) Entry {
	return Entry{
		Agent: "a", Cadence: cadence, Cron: expression, Slots: cron.MustParse(expression), Location: time.UTC,
		Enabled: true,
	}
}

func daily(hour, minute int) Entry { return entry(Daily, fmt.Sprintf("%d %d * * *", minute, hour)) }

func weekly(day time.Weekday, hour, minute int) Entry {
	return entry(Weekly, fmt.Sprintf("%d %d * * %d", minute, hour, day))
}

func monthly(day, hour, minute int) Entry {
	return entry(Monthly, fmt.Sprintf("%d %d %d * *", minute, hour, day))
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
		{"weekly", "Europe/Berlin", weekly(time.Monday, 5, 0), "2026-11-24T12:00:00Z", "2026-11-23T05:00:00+01:00",
			"2026-W48"},
		{"weekly, the week before", "Europe/Berlin", weekly(time.Monday, 5, 0), "2026-11-23T03:59:00Z",
			"2026-11-16T05:00:00+01:00", "2026-W47"},
		{"ISO week of the old year in January", "UTC", weekly(time.Friday, 0, 0), "2027-01-02T00:00:00Z",
			"2027-01-01T00:00:00Z", "2026-W53"},
		{"ISO week of the new year in December", "UTC", weekly(time.Monday, 0, 0), "2024-12-31T00:00:00Z",
			"2024-12-30T00:00:00Z", "2025-W01"},
		{"Sunday ends the ISO week", "UTC", weekly(time.Sunday, 0, 0), "2026-11-24T00:00:00Z", "2026-11-22T00:00:00Z",
			"2026-W47"},
		{"monthly", "UTC", monthly(15, 0, 0), "2026-11-14T23:59:59Z", "2026-10-15T00:00:00Z", "2026-10"},
		{"monthly, short month has no 31st", "UTC", monthly(31, 6, 0), "2026-11-30T06:00:00Z", "2026-10-31T06:00:00Z",
			"2026-10"},
		{"monthly, leap February", "UTC", monthly(29, 0, 0), "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2028-02"},
		{"monthly, over the year", "UTC", monthly(31, 0, 0), "2027-01-15T00:00:00Z", "2026-12-31T00:00:00Z", "2026-12"},

		{"gap moves to its end", "Europe/Berlin", daily(2, 30), "2026-03-29T12:00:00Z", "2026-03-29T03:00:00+02:00",
			"2026-03-29"},
		{"not yet at the gap's end", "Europe/Berlin", daily(2, 30), "2026-03-29T00:59:59Z", "2026-03-28T02:30:00+01:00",
			"2026-03-28"},
		{"twice is the first", "Europe/Berlin", daily(2, 30), "2026-10-25T00:30:00Z", "2026-10-25T02:30:00+02:00",
			"2026-10-25"},
		{"twice, at the second", "Europe/Berlin", daily(2, 30), "2026-10-25T01:30:00Z", "2026-10-25T02:30:00+02:00",
			"2026-10-25"},
		{"half-hour gap", "Australia/Lord_Howe", daily(2, 10), "2026-10-04T12:00:00Z", "2026-10-04T02:30:00+11:00",
			"2026-10-04"},
		{"half-hour fold", "Australia/Lord_Howe", daily(1, 45), "2026-04-05T12:00:00Z", "2026-04-05T01:45:00+11:00",
			"2026-04-05"},
		{"gap at midnight", "America/Sao_Paulo", daily(0, 0), "2018-11-04T12:00:00Z", "2018-11-04T01:00:00-02:00",
			"2018-11-04"},
		{"fold over midnight", "America/Sao_Paulo", daily(23, 30), "2018-02-18T12:00:00Z", "2018-02-17T23:30:00-02:00",
			"2018-02-17"},
		{"two-hour gap", "Antarctica/Troll", daily(1, 30), "2026-03-29T12:00:00Z", "2026-03-29T03:00:00+02:00",
			"2026-03-29"},

		{"skipped day, daily", "Pacific/Apia", daily(5, 0), "2011-12-30T10:00:00Z", "2011-12-31T00:00:00+14:00",
			"2011-12-30T1000Z"},
		{"the day after the skipped one", "Pacific/Apia", daily(5, 0), "2011-12-30T15:00:00Z",
			"2011-12-31T05:00:00+14:00",
			"2011-12-30T1500Z"},
		{"two slots at one instant", "Pacific/Apia", daily(0, 0), "2011-12-30T10:00:00Z", "2011-12-31T00:00:00+14:00",
			"2011-12-31"},
		{"skipped day, weekly", "Pacific/Apia", weekly(time.Friday, 5, 0), "2012-01-02T00:00:00Z",
			"2011-12-31T00:00:00+14:00", "2011-W52"},
		{"skipped last day of the month and year", "Pacific/Kiritimati", monthly(31, 9, 0), "1995-01-15T00:00:00Z",
			"1995-01-01T00:00:00+14:00", "1994-12-31T1000Z"},
		{"repeated day is its first", "Pacific/Kwajalein", daily(12, 0), "1969-09-30T13:00:00Z",
			"1969-09-30T12:00:00+11:00",
			"1969-09-30"},

		{"offset with seconds", "Africa/Monrovia", daily(0, 0), "1972-01-06T12:00:00Z", "1972-01-06T00:44:30Z",
			"1972-01-06"},
		{"gap of 44 minutes 30", "Africa/Monrovia", daily(0, 10), "1972-01-07T12:00:00Z", "1972-01-07T00:44:30Z",
			"1972-01-07"},
		{"31 December of a leap year, by rule", "Europe/Berlin", daily(5, 0), "2040-12-31T12:00:00Z",
			"2040-12-31T05:00:00+01:00", "2040-12-31"},
		{"the same in the south", "Australia/Lord_Howe", daily(5, 0), "2040-12-31T12:00:00Z",
			"2040-12-31T05:00:00+11:00",
			"2040-12-31"},

		{"every hour", "UTC", entry(Daily, "0 * * * *"), "2026-11-26T09:59:59Z", "2026-11-26T09:00:00Z",
			"2026-11-26T0900Z"},
		{"every hour, in its zone", "Europe/Berlin", entry(Daily, "0 * * * *"), "2026-11-26T09:30:00Z",
			"2026-11-26T10:00:00+01:00", "2026-11-26T0900Z"},
		{"every hour, a repeated one, first", "Europe/Berlin", entry(Daily, "0 * * * *"), "2026-10-25T00:30:00Z",
			"2026-10-25T02:00:00+02:00", "2026-10-25T0000Z"},
		{"every hour, a repeated one, again", "Europe/Berlin", entry(Daily, "0 * * * *"), "2026-10-25T01:30:00Z",
			"2026-10-25T02:00:00+01:00", "2026-10-25T0100Z"},
		{"a repeated hour that is named counts once", "Europe/Berlin", entry(Daily, "0 1,2,3 * * *"),
			"2026-10-25T01:30:00Z",
			"2026-10-25T02:00:00+02:00", "2026-10-25T0000Z"},
		{"half past every hour, in a gap", "Europe/Berlin", entry(Daily, "30 * * * *"), "2026-03-29T01:15:00Z",
			"2026-03-29T01:30:00+01:00", "2026-03-29T0030Z"},
		{"every second hour, in a gap", "Europe/Berlin", entry(Daily, "0 */2 * * *"), "2026-03-29T01:15:00Z",
			"2026-03-29T00:00:00+01:00", "2026-03-28T2300Z"},
		{"two slots at the end of a gap are one", "Europe/Berlin", entry(Daily, "0 2,3 * * *"), "2026-03-29T12:00:00Z",
			"2026-03-29T03:00:00+02:00", "2026-03-29"},
		{"twice a week", "UTC", entry(Weekly, "0 9 * * 1,4"), "2026-11-26T10:00:00Z", "2026-11-26T09:00:00Z",
			"2026-11-26T0900Z"},
		{"daily, by a weekly cron", "UTC", entry(Daily, "0 9 * * 1"), "2026-11-26T10:00:00Z", "2026-11-23T09:00:00Z",
			"2026-11-23"},
		{"weekly, by a daily cron", "UTC", entry(Weekly, "0 9 * * *"), "2026-11-26T10:00:00Z", "2026-11-26T09:00:00Z",
			"2026-11-26T0900Z"},
		{"monthly, on a weekday or a date", "UTC", entry(Monthly, "0 9 13 * FRI"), "2026-11-15T10:00:00Z",
			"2026-11-13T09:00:00Z", "2026-11-13T0900Z"},
		{"leap day", "UTC", entry(Monthly, "0 0 29 2 *"), "2027-06-01T00:00:00Z", "2024-02-29T00:00:00Z", "2024-02"},
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
				t.Errorf("the slot is in %s, want %s", got.At.Location(), e.Location)
			}
		})
	}
}

// BenchmarkCurrent shows what the period of a slot costs, also with thousands of slots in
// its unit.
func BenchmarkCurrent(b *testing.B) {
	at := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	for name, e := range map[string]Entry{
		"one a month": entry(Monthly, "0 9 24 * *"), "one a day": entry(Daily, "0 9 * * *"),
		"each minute": entry(Monthly, "* * * * *"),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				e.Current(at)
			}
		})
	}
}
