package scaffold

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

// maxCronLines is the largest number of crons in a workflow, which people must be able to
// read.
const maxCronLines = 8

// cronLine is a cron of a new workflow, with a comment that says why.
type cronLine struct {
	text  string
	why   string
	slots cron.Expression
}

func newCronLine(text, why string) cronLine {
	return cronLine{text, why, cron.MustParse(text)}
}

func perMonth(lines []cronLine) (runs schedule.Rate) {
	for _, l := range lines {
		runs += schedule.Rate(l.slots.PerMonth())
	}
	return runs
}

// planTicks chooses the crons of the workflow that prepares the entries of a manifest.
// There is a tick shortly after each slot, and a few that catch up. Ticks at equal
// distances replace them if they need fewer runs, or if the slots are too scattered. If
// no entry is enabled, planTicks plans for the disabled ones, so that the workflow fits
// when one is enabled.
func planTicks(m *schedule.Manifest, repository string) []cronLine {
	var entries []*schedule.Entry
	anyEnabled := slices.ContainsFunc(m.Entries, func(e schedule.Entry) bool { return e.Enabled })
	for i := range m.Entries {
		if m.Entries[i].Enabled || !anyEnabled {
			entries = append(entries, &m.Entries[i])
		}
	}
	h := hashName(repository)
	plans := [][]cronLine{newSlotTicks(entries, h).lines()}
	for _, every := range []int{60, 30, 15, cron.Workflow.Shortest} {
		plans = append(plans, []cronLine{evenTicks(h, every)})
	}
	var best []cronLine
	for _, lines := range plans {
		if cheaper := best == nil || perMonth(lines) < perMonth(best); cheaper && covers(entries, lines, m.Location) {
			best = lines
		}
	}
	if best == nil {
		best = plans[len(plans)-1] // some slots are closer together than ticks can be
	}
	return best
}

// covers reports whether the lines tick in time for every entry and are few enough to
// read.
func covers(entries []*schedule.Entry, lines []cronLine, loc *time.Location) bool {
	if len(lines) == 0 || len(lines) > maxCronLines {
		return false
	}
	var crons []cron.Expression
	for _, l := range lines {
		crons = append(crons, l.slots)
	}
	return workflow.InTime(entries, crons, loc)
}

func hashName(repository string) int {
	h := fnv.New32a()
	h.Write([]byte(strings.ToLower(repository))) // Write never fails
	return int(h.Sum32() >> 1)
}

// latestTick is the longest time from a slot to its tick, in minutes.
const latestTick = 30

// usualMinute returns a minute in the first half of the hour, because most slots are on
// the hour. It differs between repositories and avoids the minutes at which most
// schedules start.
func usualMinute(hash int) int { return pick(hash, 2, latestTick-1) }

// pick returns a minute after low and up to high. It avoids multiples of 5 if it can.
func pick(hash, low, high int) int {
	var all, odd []int
	for m := low + 1; m <= high; m++ {
		all = append(all, m)
		if m%5 != 0 {
			odd = append(odd, m)
		}
	}
	if len(odd) > 0 {
		all = odd
	}
	return all[hash%len(all)]
}

// evenTicks returns a cron that ticks at equal distances all day.
func evenTicks(hash, every int) cronLine {
	first := usualMinute(hash) % every
	if first == 0 {
		first = 1 // most schedules start at minute 0
	}
	var minutes []int
	for m := first; m < 60; m += every {
		minutes = append(minutes, m)
	}
	why := fmt.Sprintf("every %d minutes", every)
	if every == 60 {
		why = "every hour"
	}
	return newCronLine(numbers(minutes)+" * * * *", why)
}

// numbers writes the values of a field of a cron. Three or more in a row become a range,
// and five or more at the same distance get a step.
func numbers(values []int) string {
	if step := commonStep(values); len(values) > 4 && step > 1 {
		return fmt.Sprintf("%d-%d/%d", values[0], values[len(values)-1], step)
	}
	var parts []string
	for i := 0; i < len(values); i++ {
		j := i
		for j+1 < len(values) && values[j+1] == values[j]+1 {
			j++
		}
		if j-i < 2 {
			parts = append(parts, fmt.Sprint(values[i]))
			continue
		}
		parts = append(parts, fmt.Sprintf("%d-%d", values[i], values[j]))
		i = j
	}
	return strings.Join(parts, ",")
}

// commonStep returns the distance between neighboring values, or 0 if the distances
// differ.
func commonStep(values []int) int {
	for i := 2; i < len(values); i++ {
		if values[i]-values[i-1] != values[1]-values[0] {
			return 0
		}
	}
	if len(values) < 2 {
		return 0
	}
	return values[1] - values[0]
}
