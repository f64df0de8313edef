package scaffold

import (
	"fmt"
	"slices"
	"strings"
)

// lines returns the ticks as crons, one for each set of days and minutes, and one that
// catches up.
func (s *slotTicks) lines() []cronLine {
	type group struct{ days, minutes string }
	hours := make(map[group][]int)
	agents := make(map[group][]string)
	var groups []group
	for _, days := range s.days {
		for hour := range 24 {
			minutes, names := s.at(days, hour)
			if len(minutes) == 0 {
				continue
			}
			g := group{days, numbers(minutes)}
			if hours[g] == nil {
				groups = append(groups, g)
			}
			hours[g] = append(hours[g], hour)
			agents[g] = append(agents[g], names...)
		}
	}
	var lines []cronLine
	for _, g := range groups {
		text := fmt.Sprintf("%s %s %s", g.minutes, hourField(hours[g]), g.days)
		lines = append(lines, newCronLine(text, "shortly after the time of "+nameSome(agents[g])))
	}
	if catchUp := s.catchUp(); len(catchUp) > 0 {
		text := fmt.Sprintf("%d %s %s", usualMinute(s.hash), hourField(catchUp), everyDay)
		lines = append(lines, newCronLine(text, "catches up if a tick was late or dropped"))
	}
	return lines
}

// at returns the minutes of the ticks in an hour, and the agents that they are for.
func (s *slotTicks) at(days string, hour int) (minutes []int, agents []string) {
	for _, t := range s.ticks {
		if t.days == days && t.hour == hour {
			minutes, agents = append(minutes, t.minute), append(agents, t.agents...)
		}
	}
	slices.Sort(minutes)
	return minutes, agents
}

func hourField(hours []int) string {
	if len(hours) == 24 {
		return "*"
	}
	return numbers(hours)
}

// catchUp returns three hours without another tick, spread over the day. It returns none
// if at least 12 hours have a tick every day.
func (s *slotTicks) catchUp() []int {
	taken, daily := make(map[int]bool), make(map[int]bool)
	for _, t := range s.ticks {
		taken[t.hour] = true
		daily[t.hour] = daily[t.hour] || t.days == everyDay
	}
	if len(s.ticks) == 0 || countTrue(daily) >= 12 {
		return nil
	}
	var hours []int
	for n := 1; n <= 3; n++ {
		for i := range 24 {
			if hour := (s.ticks[0].hour + n*6 + i) % 24; !taken[hour] {
				taken[hour] = true
				hours = append(hours, hour)
				break
			}
		}
	}
	slices.Sort(hours)
	return hours
}

func countTrue(set map[int]bool) (n int) {
	for _, in := range set {
		if in {
			n++
		}
	}
	return n
}

// nameSome returns the first few names, each once, and the number of the others.
func nameSome(names []string) string {
	var once []string
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	const most = 3
	if len(once) <= most+1 {
		return strings.Join(once, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(once[:most], ", "), len(once)-most)
}
