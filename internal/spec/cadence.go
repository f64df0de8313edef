package spec

import "github.com/kaizen-agentic/schedule-action/internal/cron"

// Cadence is how often an entry runs at least. It decides the calendar unit of the
// entry's periods.
type Cadence string

// The valid cadences.
const (
	Daily   Cadence = "daily"
	Weekly  Cadence = "weekly"
	Monthly Cadence = "monthly"
)

// Cadences lists the names of the valid cadences, the most frequent first. It is
// read-only.
var Cadences = []string{string(Daily), string(Weekly), string(Monthly)}

// CadenceOf returns the most frequent cadence that the expression satisfies, or Monthly
// if it satisfies none.
func CadenceOf(e cron.Expression) Cadence {
	switch {
	case e.EveryUnit(cron.Day):
		return Daily
	case e.EveryUnit(cron.Week):
		return Weekly
	}
	return Monthly
}

// Valid reports whether c is one of the three cadences.
func (c Cadence) Valid() bool { return c == Daily || c == Weekly || c == Monthly }

// DefaultCron returns the cron of an entry that has this cadence and no cron of its own.
func (c Cadence) DefaultCron() string {
	switch c {
	case Weekly:
		return "0 9 * * 1"
	case Monthly:
		return "0 9 1 * *"
	}
	return "0 9 * * *"
}

// Unit returns the calendar unit of a period: a day, a week or a month.
func (c Cadence) Unit() cron.Unit {
	switch c {
	case Weekly:
		return cron.Week
	case Monthly:
		return cron.Month
	}
	return cron.Day
}

// Retention returns the number of days for which a receipt is kept. It covers the
// receipt's period and the next one, because a late tick that finds no receipt would run
// the period again.
func (c Cadence) Retention() int {
	switch c {
	case Daily:
		return 1 + 2*1
	case Weekly:
		return 1 + 2*7
	}
	return 1 + 2*31
}

// MaxRetention is how long the platform keeps an artifact at the most, in days.
// https://github.com/actions/upload-artifact#retention-period
const MaxRetention = 90

// Keep returns for how many days a bundle and its receipt should be kept. short says that
// they may end before the period after theirs does, so that a period may be delivered
// twice.
//
// A wanted of 0 is just long enough: 3 days if daily, 15 if weekly, 63 if monthly. The
// result is 1 to 90, and at most platformCap (GITHUB_RETENTION_DAYS) unless that is 0,
// unknown.
func (c Cadence) Keep(wanted, platformCap int) (days int, short bool) {
	need := c.Retention()
	days = need
	if wanted > 0 {
		days = wanted
	}
	limit := MaxRetention
	if platformCap > 0 {
		limit = min(limit, platformCap)
	}
	days = min(days, limit)
	return days, days < need
}
