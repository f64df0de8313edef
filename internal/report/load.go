package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// load is how many slots the coming days have by hour.
type load struct {
	Start int64 `json:"start"` // the begin of today in UTC
	// Crowd is how many slots in one minute count as a collision.
	Crowd int `json:"crowd"`
	// Cells are hours with slots: the hour since Start, its slots, and the slots and the
	// number of its busiest minute.
	Cells [][4]int `json:"cells"`
}

// loadDays is how many days the load covers, today included.
const loadDays = 7

// load counts the slots of enabled entries by minute.
func (r *Report) load() load {
	start := r.Generated.Truncate(24 * time.Hour)
	end := start.AddDate(0, 0, loadDays)
	minutes := map[int]int{}
	for p, n := range r.patterns() {
		location, err := time.LoadLocation(p.location)
		if err != nil {
			continue // the roster was checked
		}
		for at := p.slots.After(start.Add(-1), location); at.Before(end); at = p.slots.After(at, location) {
			minutes[int(at.Sub(start)/time.Minute)] += n
		}
	}
	cells := map[int]*[4]int{}
	for _, minute := range slices.Sorted(maps.Keys(minutes)) {
		hour, n := minute/60, minutes[minute]
		c := cells[hour]
		if c == nil {
			c = &[4]int{0: hour}
			cells[hour] = c
		}
		if c[1] += n; n > c[2] {
			c[2], c[3] = n, minute%60
		}
	}
	out := load{Start: start.Unix(), Crowd: crowd(r.Totals.Enabled), Cells: [][4]int{}}
	for _, hour := range slices.Sorted(maps.Keys(cells)) {
		out.Cells = append(out.Cells, *cells[hour])
	}
	return out
}

// crowd is from how many slots in one minute on a cell is marked: a twentieth of the
// entries, at least 2 and at most 10.
func crowd(enabled int) int { return min(max(2, enabled/20), 10) }

// patterns counts the enabled entries by cron and time zone.
func (r *Report) patterns() map[pattern]int {
	count := map[pattern]int{}
	for _, repo := range r.Repositories {
		for _, e := range repo.Entries {
			slots, err := cron.Parse(e.Cron, cron.Manifest)
			if err == nil && e.Enabled {
				count[pattern{slots, e.Timezone, schedule.Cadence(cmp.Or(string(e.Cadence), "daily"))}]++
			}
		}
	}
	return count
}
