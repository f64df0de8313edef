package schedule

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
)

var full = flag.Bool("full", false,
	"compare with the model over all zones and three years, at more than 100,000 instants")

// sample is a cron and the values that each field matches. The model does not parse the
// text.
type sample struct {
	text                                   string
	minutes, hours, days, months, weekdays uint64
	either, realHours                      bool
}

// wallClock is what a clock shows. Its fields are read once for all samples, because the
// model asks for them at every minute.
type wallClock struct {
	minute, hour, day int
	month             time.Month
	weekday           time.Weekday
}

func wallClockOf(t time.Time) wallClock {
	_, month, day := t.Date()
	hour, minute, _ := t.Clock()
	return wallClock{minute, hour, day, month, t.Weekday()}
}

func (s *sample) matches(wall wallClock) bool {
	if s.minutes>>wall.minute&1 == 0 || s.hours>>wall.hour&1 == 0 || s.months>>wall.month&1 == 0 {
		return false
	}
	day, weekday := s.days>>wall.day&1 == 1, s.weekdays>>wall.weekday&1 == 1
	if s.either {
		return day || weekday
	}
	return day && weekday
}

// modelSlots returns the slots of every sample, each with its period in the three
// cadences. It walks the clock of loc minute by minute.
func modelSlots(loc *time.Location, samples []*sample, start, end time.Time) [][]time.Time {
	slots := make([][]time.Time, len(samples))
	var shown int64 // the clock has shown all local minutes up to this one
	for t := start; t.Before(end); t = t.Add(time.Minute) {
		local := t.In(loc)
		_, offset := local.Zone()
		minute := (t.Unix() + int64(offset)) / 60
		if t.Equal(start) {
			shown = minute
		}
		wall := wallClockOf(local)
		for i, s := range samples {
			hit := s.matches(wall) && (minute >= shown || s.realHours)
			for skipped := shown; skipped < minute && !hit && !s.realHours; skipped++ {
				hit = s.matches(wallClockOf(time.Unix(skipped*60, 0).UTC()))
			}
			if hit {
				slots[i] = append(slots[i], local)
			}
		}
		shown = max(shown, minute+1)
	}
	return slots
}

func modelUnit(c Cadence, local time.Time) string {
	switch c {
	case Daily:
		return local.Format("2006-01-02")
	case Weekly:
		year, week := local.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	}
	return local.Format("2006-01")
}

// modelPeriods sets the periods of the slots.
func modelPeriods(c Cadence, at []time.Time) func(i int) Slot {
	unit := func(t time.Time) int {
		_, offset := t.Zone()
		day := (t.Unix() + int64(offset)) / 86400
		switch c {
		case Daily:
			return int(day)
		case Weekly:
			return int(day+3) / 7 // 1 January 1970 was a Thursday
		}
		return t.Year()*12 + int(t.Month())
	}
	count := map[int]int{}
	for _, t := range at {
		count[unit(t)]++
	}
	return func(i int) Slot {
		if count[unit(at[i])] > 1 {
			return Slot{at[i], at[i].UTC().Format("2006-01-02T1504Z")}
		}
		return Slot{at[i], modelUnit(c, at[i])}
	}
}

var (
	monthNames   = strings.Fields("- JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
	weekdayShort = strings.Fields("SUN MON TUE WED THU FRI SAT")
)

// randomField returns a field of one to three values, ranges and steps, or an asterisk.
func randomField(rnd *rand.Rand, lowest, highest int, names []string) (text string, values uint64) {
	write := func(v int) string {
		if v < len(names) && rnd.IntN(2) == 0 { // 7 is Sunday, but SUN is 0
			return names[v]
		}
		return fmt.Sprint(v)
	}
	var elements []string
	for range 1 + rnd.IntN(3) {
		first, last, step := lowest+rnd.IntN(highest-lowest+1), highest, 1
		element := write(first)
		switch rnd.IntN(4) {
		case 0: // a range
			last = first + rnd.IntN(highest-first+1)
			element += "-" + write(last)
		case 1: // a range with a step
			last = first + rnd.IntN(highest-first+1)
			step = 1 + rnd.IntN(6)
			element += fmt.Sprintf("-%s/%d", write(last), step)
		case 2: // a step
			first, step = lowest, 1+rnd.IntN(7)
			element = fmt.Sprintf("*/%d", step)
		default:
			last = first
		}
		for v := first; v <= last; v += step {
			values |= 1 << v
		}
		elements = append(elements, element)
	}
	return strings.Join(elements, ","), values
}

// randomSample returns a cron. Common forms are more likely than others.
func randomSample(rnd *rand.Rand) *sample {
	for {
		var s sample
		texts := [5]string{fmt.Sprint(rnd.IntN(60)), fmt.Sprint(rnd.IntN(4)), "*", "*", "*"}
		s.minutes, s.hours, s.days, s.months, s.weekdays = 0, 0, 1<<32-2, 1<<13-2, 1<<7-1
		fmt.Sscan(texts[0]+" "+texts[1], &s.minutes, &s.hours)
		s.minutes, s.hours = 1<<s.minutes, 1<<s.hours
		if rnd.IntN(3) == 0 {
			texts[0], s.minutes = randomField(rnd, 0, 59, nil)
		}
		switch rnd.IntN(4) {
		case 0:
			texts[1], s.hours = "*", 1<<24-1
		case 1:
			texts[1], s.hours = randomField(rnd, 0, 23, nil)
		}
		if rnd.IntN(3) == 0 {
			texts[2], s.days = randomField(rnd, 1, 31, nil)
		}
		if rnd.IntN(6) == 0 {
			texts[3], s.months = randomField(rnd, 1, 12, monthNames)
		}
		if rnd.IntN(3) == 0 {
			texts[4], s.weekdays = randomField(rnd, 0, 7, weekdayShort)
			s.weekdays |= s.weekdays >> 7
		}
		s.text = strings.Join(texts[:], " ")
		s.either = texts[2][0] != '*' && texts[4][0] != '*'
		s.realHours = strings.ContainsAny(texts[1], "*/")
		if _, err := cron.Parse(s.text, cron.Manifest); err == nil { // some never match
			return &s
		}
	}
}

// spans lists zones and the year in which the walk starts. They cover clock changes by an
// hour, half an hour and two hours, at midnight, over a whole day, in the southern summer
// and for Ramadan.
var spans = []struct {
	zone string
	year int
}{
	{"Europe/Berlin", 2026}, {"Australia/Lord_Howe", 2039}, {"Pacific/Apia", 2010}, {"America/Sao_Paulo", 2017},
	{"America/St_Johns", 2010},
	{"Africa/Casablanca", 2029}, {"UTC", 2026}, {"Europe/Dublin", 2027}, {"America/New_York", 2006},
	{"America/Nuuk", 2022},
	{"America/Caracas", 2015}, {"Africa/Cairo", 2013}, {"Asia/Gaza", 2024}, {"Asia/Kathmandu", 1985},
	{"Asia/Pyongyang", 2014},
	{"Asia/Tehran", 2021}, {"Antarctica/Troll", 2029}, {"Antarctica/Casey", 2009}, {"Pacific/Chatham", 2030},
	{"Pacific/Kiritimati", 1993},
	{"Pacific/Kwajalein", 1992}, {"Pacific/Enderbury", 1993},
}

// TestSlotsAgreeWithModel compares slots, periods and the next five slots with a model
// that only reads the clock.
func TestSlotsAgreeWithModel(t *testing.T) {
	t.Parallel()
	zones, days, crons := 4, 160, 10
	if *full {
		zones, days, crons = len(spans), 3*365, 30
	}
	for i, span := range spans[:zones] {
		t.Run(span.zone, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			loc := zone(t, span.zone)
			samples := make([]*sample, crons)
			for i := range samples {
				samples[i] = randomSample(rnd)
			}
			start := time.Date(span.year, 9, 15, 0, 0, 0, 0, time.UTC)
			if !*full && span.zone == "Pacific/Apia" {
				start = start.AddDate(1, 0, 0)
			}
			compared := 0
			for i, at := range modelSlots(loc, samples, start, start.AddDate(0, 0, days)) {
				for _, c := range []Cadence{Daily, Weekly, Monthly} {
					e := entry(c, samples[i].text)
					e.Location = loc
					compared += compareWithModel(t, rnd, &e, at)
				}
			}
			t.Logf("%d triples of cron, zone and instant", compared)
		})
	}
}

// compareWithModel compares at random instants and around random slots, but not near the
// ends of the walk.
func compareWithModel(t *testing.T, rnd *rand.Rand, e *Entry, at []time.Time) (compared int) {
	t.Helper()
	const around, margin = 5, 33 * 24 * time.Hour
	period := modelPeriods(e.Cadence, at)
	want := func(from, to int) (slots []Slot) {
		for i := from; i < to; i++ {
			slots = append(slots, period(i))
		}
		return slots
	}
	for range 60 {
		if len(at) < 2*around+2 {
			return compared
		}
		i := around + rnd.IntN(len(at)-2*around-1)
		if at[i-around].Sub(at[0]) < margin || at[len(at)-1].Sub(at[i+around]) < margin {
			continue // the unit may have slots outside the walk
		}
		width := at[i+1].Sub(at[i])
		now := at[i].Add([]time.Duration{0, width - time.Second, time.Duration(rnd.Int64N(int64(width)))}[rnd.IntN(3)])
		previous := want(i-around, i)
		slices.Reverse(previous)
		same(t, e, now, "Current", []Slot{e.Current(now)}, want(i, i+1))
		same(t, e, now, "Next", e.Next(now, around), want(i+1, i+1+around))
		var got []Slot
		for s := range e.Previous(now) {
			if got = append(got, s); len(got) == around {
				break
			}
		}
		same(t, e, now, "Previous", got, previous)
		compared++
	}
	return compared
}

func same(t *testing.T, e *Entry, now time.Time, what string, got, want []Slot) {
	t.Helper()
	equal := func(a, b Slot) bool { return a.At.Equal(b.At) && a.Period == b.Period }
	if !slices.EqualFunc(got, want, equal) {
		t.Fatalf("%s of %s %q at %s:\n got %v\nwant %v", what, e.Cadence, e.Cron,
			now.In(e.Location).Format(time.RFC3339),
			got, want)
	}
}
