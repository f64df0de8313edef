package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// cron is one cron expression of a workflow.
type cron struct {
	text string
	pos  Pos
	loc  *time.Location
	// segments are second, minute, hour, day of the month, month and day of the week, as the library takes them.
	segments []string
}

const (
	minuteSegment = 1
	hourSegment   = 2
)

// cronField is what GitHub takes in one of the five fields.
type cronField struct {
	name     string
	min, max int
	names    string // three letters each, for min, min+1, …
}

// GitHub documents 0–6 for the weekday; 7 is common for Sunday and no reason to alarm anybody.
var cronFields = []cronField{
	{"minute", 0, 59, ""}, {"hour", 0, 23, ""}, {"day of the month", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}, {"day of the week", 0, 7, "sunmontuewedthufrisat"},
}

var cronElement = pattern(`^(?:\*|([0-9]{1,2}|[A-Za-z]{3})(?:-([0-9]{1,2}|[A-Za-z]{3}))?)(?:/([0-9]{1,3}))?$`)

// parseCron checks an expression against POSIX cron as GitHub takes it: five fields, names for months and weekdays, lists, ranges and
// steps. The library would take more (seconds, years, @daily, L, W, #) that GitHub refuses.
func parseCron(text string) (segments []string, err error) {
	fields := strings.Fields(text)
	if len(fields) != len(cronFields) {
		return nil, fmt.Errorf("it has %d fields instead of five", len(fields))
	}
	for i, f := range cronFields {
		for element := range strings.SplitSeq(fields[i], ",") {
			if err := f.check(element); err != nil {
				return nil, fmt.Errorf("its %s %q %w", f.name, element, err)
			}
		}
	}
	return gronx.Segments(text)
}

func (f cronField) check(element string) error {
	match := cronElement().FindStringSubmatch(element)
	if match == nil {
		return errors.New("is not a value, a range or a step")
	}
	if match[3] != "" && strings.Trim(match[3], "0") == "" {
		return errors.New("has a step of 0")
	}
	previous := -1
	for _, value := range []string{match[1], match[2]} {
		if value == "" {
			continue
		}
		n := f.number(value)
		if n < f.min || n > f.max || n < previous {
			return fmt.Errorf("is out of range, which is %d to %d", f.min, f.max)
		}
		previous = n
	}
	return nil
}

// number is -1 for what is neither a number nor a name.
func (f cronField) number(value string) int {
	if n, err := strconv.Atoi(value); err == nil {
		return n
	}
	if i := strings.Index(f.names, strings.ToLower(value)); i >= 0 && i%3 == 0 {
		return f.min + i/3
	}
	return -1
}

// due lists the values, 0 to n-1, of the minute or the hour (by its index among the segments) at which the cron ticks.
func (c *cron) due(field, n int) (values []int) {
	segments := []string{"0", "*", "*", "*", "*", "*"}
	segments[field] = c.segments[field]
	unit := map[int]time.Duration{minuteSegment: time.Minute, hourSegment: time.Hour}[field]
	for v := range n {
		if matches(segments, coverageStart.Add(time.Duration(v)*unit)) {
			values = append(values, v)
		}
	}
	return values
}

// onTheHour reports whether every tick is at minute 0, when most of GitHub's schedules start.
func (c *cron) onTheHour() bool { return slices.Equal(c.due(minuteSegment, 60), []int{0}) }

func matches(segments []string, at time.Time) bool {
	g := gronx.New()
	g.C.SetRef(at)
	due, err := g.SegmentsDue(segments)
	return err == nil && due
}

// The year over which coverage is judged is a fixed one, so that a check says the same today and tomorrow. It is a leap year, and
// holds both changes of the clock wherever there are any.
var (
	coverageStart = time.Date(2028, 1, 3, 0, 0, 0, 0, time.UTC)
	coverageEnd   = time.Date(2029, 2, 1, 0, 0, 0, 0, time.UTC)
)

// ticks are the instants of the cron around that year, in order, at most limit (ok is false if there are more). A local time that
// does not exist ticks when the clock has moved on, as GitHub says of its time zones.
func (c *cron) ticks(limit int) (instants []time.Time, ok bool) {
	minutes, hours := c.due(minuteSegment, 60), c.due(hourSegment, 24)
	day := append([]string{"0", "*", "*"}, c.segments[3:]...)
	for date := coverageStart.AddDate(0, 0, -2); date.Before(coverageEnd.AddDate(0, 0, 2)); date = date.AddDate(0, 0, 1) {
		if !matches(day, date) {
			continue
		}
		if len(instants)+len(hours)*len(minutes) > limit {
			return nil, false
		}
		for _, h := range hours {
			for _, m := range minutes {
				instants = append(instants, firstAt(date.Add(time.Duration(h)*time.Hour+time.Duration(m)*time.Minute), c.loc))
			}
		}
	}
	return instants, true
}

// wait is the longest time that an entry's slots wait for a tick, with the slot and the length of its period.
type wait struct {
	slot   Slot
	ticked bool // a tick comes before the next slot
	delay  time.Duration
	period time.Duration
}

// bad reports whether the tick is nearer to the next slot than to its own, so that a usual delay of the platform may lose the period.
func (w wait) bad() bool { return w.lateness() > 0.5 }

// lateness is the share of the period that passes before the tick, more than 1 if none comes.
func (w wait) lateness() float64 {
	if !w.ticked {
		return 2
	}
	return float64(w.delay) / float64(w.period)
}

// longestWait looks for the slot that waits longest for the first tick of any list.
func (e *Entry) longestWait(lists [][]time.Time) (longest wait) {
	slots := e.Next(coverageStart, int(coverageEnd.Sub(coverageStart)/(24*time.Hour)))
	longest.ticked = true
	for i, s := range slots[:len(slots)-1] {
		next := slots[i+1].At
		if next.After(coverageEnd) {
			break
		}
		w := wait{slot: s, period: next.Sub(s.At), delay: next.Sub(s.At)}
		for _, ticks := range lists {
			j, _ := slices.BinarySearchFunc(ticks, s.At, time.Time.Compare)
			if j < len(ticks) && ticks[j].Before(next) {
				w.ticked = true
				w.delay = min(w.delay, ticks[j].Sub(s.At))
			}
		}
		// Where only the change of the clock makes a difference, the first slot is the plainest example.
		if longest.ticked && (!w.ticked || w.delay > longest.delay+2*time.Hour) {
			longest = w
		}
	}
	return longest
}
