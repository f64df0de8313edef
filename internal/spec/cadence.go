package spec

import "github.com/kaizen-agentic/schedule-action/internal/cron"

// Cadence is how often an entry runs at least, and the calendar unit of its periods.
type Cadence string

// The valid cadences.
const (
	Daily   Cadence = "daily"
	Weekly  Cadence = "weekly"
	Monthly Cadence = "monthly"
)

// DefaultCron is the cron of an entry of this cadence that names none.
func (c Cadence) DefaultCron() string {
	switch c {
	case Weekly:
		return "0 9 * * 1"
	case Monthly:
		return "0 9 1 * *"
	}
	return "0 9 * * *"
}

// Unit is the span of the calendar that a period of this cadence takes.
func (c Cadence) Unit() cron.Unit {
	switch c {
	case Weekly:
		return cron.Week
	case Monthly:
		return cron.Month
	}
	return cron.Day
}

// Retention is for how many days a receipt is kept: longer than its period and the next
// one. Otherwise, a late tick may find no receipt and run a period twice.
func (c Cadence) Retention() int {
	switch c {
	case Daily:
		return 1 + 2*1
	case Weekly:
		return 1 + 2*7
	}
	return 1 + 2*31
}

// Cadences are the names of the valid cadences, the most frequent one first. It is read only.
var Cadences = []string{string(Daily), string(Weekly), string(Monthly)}

// CadenceOf is the shortest cadence that the expression satisfies, monthly if none.
func CadenceOf(e cron.Expression) Cadence {
	switch {
	case e.EveryUnit(cron.Day):
		return Daily
	case e.EveryUnit(cron.Week):
		return Weekly
	}
	return Monthly
}

// Valid reports whether the cadence is one of the contract's.
func (c Cadence) Valid() bool { return c == Daily || c == Weekly || c == Monthly }
