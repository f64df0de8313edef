package store

import "github.com/kaizen-agentic/schedule-action/internal/schedule"

// maxRetention is how long the platform keeps an artifact at the most, in days.
// https://github.com/actions/upload-artifact#retention-period
const maxRetention = 90

// Retention returns for how many days a bundle and its receipt should be kept. short says
// that they may end before the period after theirs does, so that a period may be
// delivered twice.
//
// A wanted of 0 is just long enough: 3 days if daily, 15 if weekly, 63 if monthly. The
// result is 1 to 90, and at most platformCap (GITHUB_RETENTION_DAYS) unless that is 0,
// unknown.
func Retention(c schedule.Cadence, wanted, platformCap int) (days int, short bool) {
	need := c.Retention()
	days = need
	if wanted > 0 {
		days = wanted
	}
	limit := maxRetention
	if platformCap > 0 {
		limit = min(limit, platformCap)
	}
	days = min(days, limit)
	return days, days < need
}
