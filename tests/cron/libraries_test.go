// Package cron compares the program's cron with the libraries that could take its place.
package cron

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	netresearch "github.com/netresearch/go-cron"

	ours "github.com/kaizen-agentic/schedule-action/internal/cron"
)

// library finds the slots around an instant. A zero time means that it finds none.
// robfig/cron v3.0.1 is not included, because it cannot find previous slots.
type library struct {
	name           string
	next, previous func(expression string, at time.Time) time.Time // strictly after, at or before
}

// goCron reads five fields, of which either day is enough.
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

// changes are clock changes: of an hour, half an hour, at midnight. The day that Samoa
// skipped, 30 December 2011, is not among them: there the Next of go-cron, and of
// robfig/cron from which it comes, never returns.
var changes = []struct{ zone, at string }{
	{"Europe/Berlin", "2026-03-29T01:00:00Z"}, {"Europe/Berlin", "2026-10-25T01:00:00Z"},
	{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"}, {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
	{"America/Sao_Paulo", "2018-11-04T03:00:00Z"}, {"America/Sao_Paulo", "2018-02-18T02:00:00Z"},
	{"America/New_York", "2026-03-08T07:00:00Z"},
}

// TestNoLibraryIsRight compares next and previous slots at random instants in the week
// around each clock change with the program's own, which a model in internal/schedule
// confirms. When a library agrees, take it: this test then fails.
func TestNoLibraryIsRight(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	crons := []string{
		"30 2 * * *", "0 0 * * *", "15 1,2,3 * * *", "0 * * * *", "30 */2 * * *", "0 2 * * 0", "0 9 1 * *",
		"10 2 13 * 5",
	}
	const instants = 50
	wrong := make([]struct{ next, previous, total int }, len(libraries))
	example := make([]string, len(libraries))
	for _, change := range changes {
		loc, err := time.LoadLocation(change.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, change.at)
		if err != nil {
			t.Fatal(err)
		}
		for _, expression := range crons {
			e := ours.MustParse(expression)
			for range instants {
				now := at.Add(time.Duration(rnd.IntN(7*24*3600)-4*24*3600) * time.Second).In(loc)
				for i, l := range libraries {
					wrong[i].total++
					if got, want := l.next(expression, now), e.After(now, loc); !got.Equal(want) {
						wrong[i].next++
						example[i] = fmt.Sprintf("%q after %s: %s, not %s", expression, now, got, want)
					}
					if l.previous != nil {
						if got, want := l.previous(expression, now), e.AtOrBefore(now, loc); !got.Equal(want) {
							wrong[i].previous++
						}
					}
				}
			}
		}
	}
	for i, l := range libraries {
		w := wrong[i]
		t.Logf("%s: of %d instants, the next slot differs at %d, the previous one at %d; %s",
			l.name, w.total, w.next, w.previous, example[i])
		if w.next+w.previous == 0 {
			t.Errorf("%s agrees: use it instead of our own", l.name)
		}
	}
}
