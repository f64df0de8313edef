package bundleid

import (
	"strconv"
	"strings"
	"time"
)

// SlotLayout is the form of a period that is a slot of its own, in UTC.
const SlotLayout = "2006-01-02T1504Z"

// PeriodStart is about when a period began: the slot that it is, or midnight UTC of its
// first date. ok is false for a text that is no period. It puts periods of different forms
// in order.
func PeriodStart(period string) (start time.Time, ok bool) {
	if year, week, found := strings.Cut(period, "-W"); found {
		return weekStart(year, week)
	}
	for _, layout := range []string{time.DateOnly, "2006-01", SlotLayout} {
		if at, err := time.Parse(layout, period); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// weekStart is the Monday of an ISO week, whose first one of a year holds 4 January.
func weekStart(year, week string) (time.Time, bool) {
	fourth, err := time.Parse(time.DateOnly, year+"-01-04")
	n, numberErr := strconv.ParseUint(week, 10, 8)
	if err != nil || numberErr != nil || len(week) != 2 || n < 1 || n > 53 {
		return time.Time{}, false
	}
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	return monday.AddDate(0, 0, 7*int(n-1)), true
}

// LatestBefore is the latest of the periods that begins before another one, "" if none
// does. They may be of different forms, as after a change of the cron.
func LatestBefore(periods []string, period string) string {
	end, _ := PeriodStart(period)
	latest, latestStart := "", time.Time{}
	for _, p := range periods {
		if start, ok := PeriodStart(p); ok && start.Before(end) && start.After(latestStart) {
			latest, latestStart = p, start
		}
	}
	return latest
}
