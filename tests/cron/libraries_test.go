// Package cron compares the program's cron with libraries that could replace it.
package cron

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	netresearch "github.com/netresearch/go-cron"

	ours "github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// library finds the slots around an instant, or a zero time. It does not include
// robfig/cron v3.0.1, which cannot find previous slots.
type library struct {
	name string
	// next is after the instant, previous is before it or at it.
	next, previous func(expression string, at time.Time) time.Time
}

// goCron reads five fields. As in POSIX, either of the two day fields may match.
var goCron = netresearch.MustNewParser(
	netresearch.Minute | netresearch.Hour | netresearch.Dom | netresearch.Month | netresearch.Dow |
		netresearch.DowOrDom)

var libraries = []library{
	{"gronx", func(expression string, at time.Time) time.Time {
		next, _ := gronx.NextTickAfter(expression, at, false)
		return next
	}, func(expression string, at time.Time) time.Time {
		previous, _ := gronx.PrevTickBefore(expression, at, true)
		return previous
	}},
	{"netresearch/go-cron", func(expression string, at time.Time) time.Time {
		s, err := goCron.Parse(expression)
		if err != nil {
			return time.Time{}
		}
		return s.Next(at)
	}, func(expression string, at time.Time) time.Time {
		s, err := goCron.Parse(expression)
		if err != nil {
			return time.Time{}
		}
		return s.(netresearch.ScheduleWithPrev).Prev(at.Add(time.Nanosecond))
	}},
}

// changes has clock changes by an hour, by half an hour and at midnight. It does not have
// 30 December 2011, which Samoa skipped: on that day Next of go-cron and robfig/cron
// never returns.
var changes = []struct{ zone, at string }{
	{"Europe/Berlin", "2026-03-29T01:00:00Z"}, {"Europe/Berlin", "2026-10-25T01:00:00Z"},
	{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"}, {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
	{"America/Sao_Paulo", "2018-11-04T03:00:00Z"}, {"America/Sao_Paulo", "2018-02-18T02:00:00Z"},
	{"America/New_York", "2026-03-08T07:00:00Z"},
}

// instants is how often each cron is compared around each clock change.
const instants = 50

var crons = []string{
	"30 2 * * *", "0 0 * * *", "15 1,2,3 * * *", "0 * * * *", "30 */2 * * *", "0 2 * * 0", "0 9 1 * *",
	"10 2 13 * 5",
}

// TestNoLibraryIsRight compares slots at random instants in the week around each clock
// change. The program's own slots are confirmed by a model in internal/schedule. The test
// fails when a library agrees, because the library should then replace our own code.
func TestNoLibraryIsRight(t *testing.T) {
	t.Parallel()
	counts := make([]count, len(libraries))
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, change := range changes {
		loc, err := time.LoadLocation(change.zone)
		fixture.Must(t, err)
		at, err := time.Parse(time.RFC3339, change.at)
		fixture.Must(t, err)
		for _, expression := range crons {
			for range instants {
				now := at.Add(time.Duration(rnd.IntN(7*24*3600)-4*24*3600) * time.Second).In(loc)
				for i, l := range libraries {
					counts[i].compare(l, expression, now)
				}
			}
		}
	}
	for i, l := range libraries {
		c := counts[i]
		t.Logf("%s: of %d instants, the next slot differs at %d, the previous one at %d; %s",
			l.name, c.total, c.next, c.previous, c.example)
		if c.next+c.previous == 0 {
			t.Errorf("%s agrees: use it instead of our own", l.name)
		}
	}
}

// count has how many slots of a library differ from ours.
type count struct {
	total, next, previous int
	example               string // the last one that differs
}

func (c *count) compare(l library, expression string, now time.Time) {
	e := ours.MustParse(expression)
	c.total++
	if got, want := l.next(expression, now), e.After(now, now.Location()); !got.Equal(want) {
		c.next++
		c.example = fmt.Sprintf("%q after %s: %s, not %s", expression, now, got, want)
	}
	if got, want := l.previous(expression, now), e.AtOrBefore(now, now.Location()); !got.Equal(want) {
		c.previous++
	}
}
