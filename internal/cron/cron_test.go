package cron

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

// TestMonth compares the matches in April 2028, which starts on a Saturday, with a count
// by hand.
func TestMonth(t *testing.T) {
	t.Parallel()
	start, end := time.Date(2028, 4, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text string
		want []string // day hour:minute
	}{
		{"17 5 1 * *", []string{"01 05:17"}},
		{"0 0 * apr sat", []string{"01 00:00", "08 00:00", "15 00:00", "22 00:00", "29 00:00"}},
		{"0 0 * 4 6", []string{"01 00:00", "08 00:00", "15 00:00", "22 00:00", "29 00:00"}},
		{"5 4 30 * 0", []string{"02 04:05", "09 04:05", "16 04:05", "23 04:05", "30 04:05"}},
		// both day fields are restricted: either is enough
		{"5 4 3,4 4 SUN", []string{"02 04:05", "03 04:05", "04 04:05", "09 04:05", "16 04:05", "23 04:05", "30 04:05"}},
		{"50/5 23 2 * *", []string{"02 23:50", "02 23:55"}},
		{"10-20/5,59 1-2 2 4 *", []string{
			"02 01:10", "02 01:15", "02 01:20", "02 01:59", "02 02:10", "02 02:15", "02 02:20", "02 02:59"}},
		{"1 */12 */15 4 *", []string{"01 00:01", "01 12:01", "16 00:01", "16 12:01"}},
		{"0 0 * * 5-7", []string{
			"01 00:00", "02 00:00", "07 00:00", "08 00:00", "09 00:00", "14 00:00", "15 00:00", "16 00:00",
			"21 00:00", "22 00:00", "23 00:00", "28 00:00", "29 00:00", "30 00:00"}},
		{"0 0 * * 7", []string{"02 00:00", "09 00:00", "16 00:00", "23 00:00", "30 00:00"}},
		{"0 0 */10 4 1-5", []string{"11 00:00", "21 00:00"}}, // one day field starts with a star: both must match
		{"0 0 1-4 4 */2", []string{"01 00:00", "02 00:00", "04 00:00"}},
		{"0 0 2-4 4 *,5", []string{"02 00:00", "03 00:00", "04 00:00"}},
		{"0 0 */9 4 5/2", []string{"28 00:00"}}, // Friday and, as 7, Sunday
		{"0 0 31 * 0-6", func() (all []string) { // all weekdays, and either day field is enough
			for d := start; d.Before(end); d = d.AddDate(0, 0, 1) {
				all = append(all, d.Format("02 15:04"))
			}
			return all
		}()},
		{"0 0 31 * *", nil},
	} {
		e, err := Parse(c.text, Manifest)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for at := e.After(start.Add(-time.Second), time.UTC); at.Before(end); at = e.After(at, time.UTC) {
			got = append(got, at.Format("02 15:04"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.text, got, c.want)
		}
	}
}

// TestParseErrors checks the message and the hint of every error, in both dialects where
// they differ.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	const minute = "write numbers from 0 to 59, *, ranges such as 0-4, or steps such as */2"
	for _, c := range []struct {
		text          string
		dialect       Dialect
		message, hint string
	}{
		{"", Manifest, "has 0 fields instead of five", fiveFields},
		{"0 9 *", Manifest, "has 3 fields instead of five", fiveFields},
		{"9", Workflow, "has 1 field instead of five", fiveFields},
		{"0 0 9 * * 1", Manifest, "has 6 fields; seconds and years are not supported", `write "0 9 * * 1"`},
		{"0 9 * * 1 2028", Workflow, "has 6 fields; seconds and years are not supported", `write "0 9 * * 1"`},
		{"0 0 9 * * 1 2028", Manifest, "has 7 fields; seconds and years are not supported", `write "0 9 * * 1"`},
		{"30 0 9 * * x", Manifest, "has 6 fields; seconds and years are not supported", fiveFields},
		{"0 0 0 9 * * 7 *", Manifest, "has 8 fields instead of five", fiveFields},
		{"0 0 9 * * 7", Workflow, "has 6 fields; seconds and years are not supported", fiveFields},

		{"@daily", Manifest, "is a macro, but a manifest needs five fields", `write "0 0 * * *"`},
		{" @Weekly ", Workflow, "is a macro, but a workflow needs five fields", `write "0 0 * * 0"`},
		{"@every 5m", Manifest, "is a macro, but a manifest needs five fields", fiveFields},

		{"60 * * * *", Manifest, `has the minute "60", which is outside 0 to 59`, "write a number from 0 to 59"},
		{"0 24 * * *", Workflow, `has the hour "24", which is outside 0 to 23`, "write a number from 0 to 23"},
		{"0 9 0 * *", Manifest, `has the day of the month "0", which is outside 1 to 31`,
			"write a number from 1 to 31"},
		{"0 9 1-32 * *", Manifest, `has the day of the month "1-32", which is outside 1 to 31`,
			"write a number from 1 to 31"},
		{"0 9 * 13 *", Manifest, `has the month "13", which is outside 1 to 12`, "write a number from 1 to 12"},
		{"0 9 * * 8", Manifest, `has the day of the week "8", which is outside 0 to 7`, "write a number from 0 to 7"},
		{"0 9 * * 7", Workflow, `has the day of the week "7", which is outside 0 to 6`, "write 0 or SUN for Sunday"},
		{"0 9 * * 5-7", Workflow, `has the day of the week "5-7", which is outside 0 to 6`,
			"write 0 or SUN for Sunday"},

		{"0 17-9 * * *", Manifest, `has the hour "17-9", which runs backwards`, "write it as two ranges: 17-23,0-9"},
		{"0 9 * * FRI-MON", Manifest, `has the day of the week "FRI-MON", which runs backwards`,
			"write it as two ranges: FRI-7,0-MON"},
		{"0 9 * * FRI-MON", Workflow, `has the day of the week "FRI-MON", which runs backwards`,
			"write it as two ranges: FRI-6,0-MON"},
		{"*/0 * * * *", Manifest, `has the minute "*/0", which needs a step from 1 to 99 after the slash`,
			"write a step such as */2, or remove the slash"},
		{"*/100 * * * *", Workflow, `has the minute "*/100", which needs a step from 1 to 99 after the slash`,
			"write a step such as */2, or remove the slash"},
		{"1,,2 * * * *", Manifest, "has an empty value in the list of its minute",
			"write a value on both sides of each comma, without spaces"},

		{"0 9 L * *", Manifest, `has the day of the month "L", and L for the last day is not supported`,
			"choose a day that every month has, such as 28"},
		{"0 9 * * FRIL", Manifest, `has the day of the week "FRIL", and L for the last day is not supported`,
			"choose a day that every month has, such as 28"},
		{"0 9 15W * *", Workflow, `has the day of the month "15W", and W for the nearest working day is not supported`,
			"choose days of the week instead: 1-5"},
		{"0 9 * * MON#1", Manifest,
			`has the day of the week "MON#1", and # for the n-th weekday of a month is not supported`,
			"choose days of the month instead, such as 1-7"},
		{"0 9 ? * 1", Manifest, `has the day of the month "?", and ? for any day is not supported`, "write * instead"},
		{"0 9 * * MONDAY", Manifest, `has the day of the week "MONDAY", which is not a three-letter name`, "write MON"},
		{"0 9 * june *", Workflow, `has the month "june", which is not a three-letter name`, "write JUN"},
		{"0 9 * * foo", Manifest, `has the day of the week "foo", which is not a value, a range or a step`,
			"write numbers from 0 to 7, or names such as SUN"},
		{"x * * * *", Manifest, `has the minute "x", which is not a value, a range or a step`, minute},
		{"MON * * * *", Manifest, `has the minute "MON", which is not a value, a range or a step`, minute},
		{"0 9 * * UNM", Manifest, `has the day of the week "UNM", which is not a value, a range or a step`,
			"write numbers from 0 to 7, or names such as SUN"},
		{"\x00\u202e23456789012345678901234567890 * * * *", Manifest,
			`has the minute "\x00\u202e234567890123456789…", which is not a value, a range or a step`, minute},

		{"0 9 30 2 *", Manifest, "never matches: none of its months has that day",
			"choose a day that exists in the month, such as 28"},
		{"0 9 31 2,4,6,9,11 *", Workflow, "never matches: none of its months has that day",
			"choose a day that exists in the month, such as 28"},
	} {
		_, err := Parse(c.text, c.dialect)
		e, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%q in %s: error %v", c.text, c.dialect.Reader, err)
			continue
		}
		if e.Message != c.message || e.Hint != c.hint || err.Error() != c.message {
			t.Errorf("%q in %s: got %q with %q", c.text, c.dialect.Reader, e.Message, e.Hint)
		}
	}
}

// TestEqual compares expressions that look different: some match at the same times, and
// some do not.
func TestEqual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"0 9 * * 1", "00  09\t*\n* MON", true},
		{"0 9 * * 0", "0 9 * * 7", true},
		{"0 9 * * 1-5", "0 9 * * mon,tue,wed,thu,fri", true},
		{"0 9 * * 1-5", "0 9 * * 5,4,3,2,1,1", true},
		{"*/30 9 * * *", "0,30 9 * * *", true},
		{"0 9 1 */3 *", "0 9 1 1,4,7,10 *", true},
		{"0 9 * * *", "0 9 1-31 * *", true},
		{"0 9 * * 1", "0 9 1-31 * 1", false}, // either day field is enough
		{"0 * * * *", "0 0-23 * * *", false}, // a repeated hour counts once
		{"0 9 * * 1", "1 9 * * 1", false},
	} {
		if got := MustParse(c.a) == MustParse(c.b); got != c.want {
			t.Errorf("%q and %q: equal %t", c.a, c.b, got)
		}
	}
}

func TestMustParse(t *testing.T) {
	t.Parallel()
	defer func() {
		if got, want := recover(), "cron 0 9: has 2 fields instead of five"; got != want {
			t.Errorf("panics with %v, want %q", got, want)
		}
	}()
	MustParse("0 9")
}

// TestMeasures checks the results that need no date.
func TestMeasures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text             string
		perDay, shortest int
		perMonth         float64 // over 28 years
		day, week, month bool    // whether every one has a match
	}{
		{"0 9 * * *", 1, 60, 30.4, true, true, true},
		{"* * * * *", 1440, 1, 43830, true, true, true},
		{"0 * * * *", 24, 60, 730.5, true, true, true},
		{"*/15 9 * * *", 4, 15, 121.8, true, true, true},
		{"0,59 9 * * *", 2, 59, 60.9, true, true, true},
		{"0,59 9,10 * * *", 4, 1, 121.8, true, true, true}, // 9:59 and 10:00
		{"0,20 9-17 * * *", 18, 20, 547.9, true, true, true},
		{"58,3 */2 * * *", 24, 5, 730.5, true, true, true},
		{"0 9 * * 1", 1, 60, 4.3, false, true, true},
		{"0 9 * * 1-5", 1, 60, 21.7, false, true, true},
		{"0 9 * * 0", 1, 60, 4.3, false, true, true},
		{"0 9 * * 1,0", 1, 60, 8.7, false, true, true},
		{"0 9 1 * *", 1, 60, 1, false, false, true},
		{"0 9 28 * *", 1, 60, 1, false, false, true},
		{"0 9 29 * *", 1, 60, 0.9, false, false, false},
		{"0 9 31 * *", 1, 60, 0.6, false, false, false},
		{"0 9 30,31 * *", 1, 60, 1.5, false, false, false}, // not in February
		{"0 9 */7 * *", 1, 60, 4.9, false, true, true},     // 1, 8, 15, 22, 29
		{"0 9 1,8,15,22 * *", 1, 60, 4, false, false, true},
		{"0 9 1-30 * *", 1, 60, 29.9, false, true, true},
		{"0 9 * 1-6 1", 1, 60, 2.2, false, false, false},
		{"0 9 1 1,4,7,10 *", 1, 60, 0.3, false, false, false},
		{"0 9 29 2 *", 1, 60, 0, false, false, false},
		{"0 9 1 * 1", 1, 60, 5.2, false, true, true},
		{"0 9 30 2 1", 1, 60, 0.3, false, false, false}, // Mondays in February
	} {
		e := MustParse(c.text)
		if got := math.Round(e.PerMonth()*10) / 10; got != c.perMonth {
			t.Errorf("%s: %v a month, want %v", c.text, got, c.perMonth)
		}
		if e.PerDay() != c.perDay || e.Shortest() != c.shortest {
			t.Errorf("%s: %d a day, %d minutes apart, want %d, %d", c.text, e.PerDay(), e.Shortest(), c.perDay,
				c.shortest)
		}
		if d, w, m := e.EveryUnit(Day), e.EveryUnit(Week), e.EveryUnit(Month); d != c.day || w != c.week ||
			m != c.month {
			t.Errorf("%s: every day %t, week %t, month %t", c.text, d, w, m)
		}
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	e := MustParse("5,*/20 1-3 29 FEB SUN")
	if got := e.Minutes(); !slices.Equal(got, []int{0, 5, 20, 40}) {
		t.Errorf("minutes %v", got)
	}
	if got := e.Hours(); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("hours %v", got)
	}
	for _, c := range []struct {
		date string
		want bool
	}{
		{"2028-02-29", true}, {"2028-02-06", true}, {"2028-02-07", false}, {"2028-03-05", false}, {"2027-02-28", true},
	} {
		date, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.On(date); got != c.want {
			t.Errorf("on %s: %t", c.date, got)
		}
	}
}

// TestEveryUnit compares EveryUnit with a walk through 28 years.
func TestEveryUnit(t *testing.T) {
	t.Parallel()
	days := []string{"*", "1", "15", "28", "29", "30", "31", "1,15", "1,8,15,22", "1,8,15,22,29", "*/2", "*/7", "*/8",
		"1-30", "2-31", "28,29", "1-7", "7-31"}
	months := []string{"*", "1-12", "1-11", "2", "*/2", "1,3,5,7,8,10,12"}
	weekdays := []string{"*", "1", "0", "1-5", "6,7", "*/2", "*/3", "0-6", "1-7", "2-7"}
	for _, day := range days {
		for _, month := range months {
			for _, weekday := range weekdays {
				text := "0 9 " + day + " " + month + " " + weekday
				e, err := Parse(text, Manifest)
				if err != nil {
					continue // never matches
				}
				for _, u := range []Unit{Day, Week, Month} {
					if got, want := e.EveryUnit(u), walk(e, u); got != want {
						t.Errorf("%s: in every unit %d: %t, want %t", text, u, got, want)
					}
				}
			}
		}
	}
}

// walk computes EveryUnit day by day.
func walk(e Expression, u Unit) bool {
	matched := true // the first unit may be incomplete
	for d := range dates {
		if u == Day || u == Week && d.weekday == int(time.Monday) || u == Month && d.day == 1 {
			if !matched {
				return false
			}
			matched = false
		}
		matched = matched || e.on(d.month, d.day, d.weekday)
	}
	return true
}

// TestDates compares the calendar of PerMonth with that of the standard library.
func TestDates(t *testing.T) {
	t.Parallel()
	at, n := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), 0
	for d := range dates {
		if want := (date{int(at.Month()), at.Day(), int(at.Weekday())}); d != want {
			t.Fatalf("day %d is %v, want %v", n, d, want)
		}
		at, n = at.AddDate(0, 0, 1), n+1
	}
	if want := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC); !at.Equal(want) || n != cycle {
		t.Errorf("ends at %v after %d days", at, n)
	}
}
