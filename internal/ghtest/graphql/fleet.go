package graphql

import (
	"fmt"
	"strings"
)

const manifest = "version: \"1\"\ntimezone: Europe/Berlin\nagents:\n  coach: {cadence: weekly, cron: \"0 9 * * 1\"}\n" +
	"  optimization: {cadence: monthly, enabled: false}\n"

// Fleet returns n repositories of acme, a multiple of 250. Twelve of a hundred have a
// manifest, and one in thirty of those is broken: of 10,000 repositories 1,200 and 40.
func Fleet(n int) (repositories []Repository) {
	scheduled := 0
	for i := range n {
		r := Repository{ID: int64(i + 1), FullName: fmt.Sprintf("acme/service-%05d", i*7919%n),
			Topics: []string{"team-" + fmt.Sprint(i%17)}}
		if i*12/100 != (i+1)*12/100 {
			scheduled++
			text := strings.Replace(manifest, "0 9 * * 1", fmt.Sprintf("%d %d * * %d", i%60, i%24, i%7), 1)
			if scheduled%30 == 0 {
				text = strings.Replace(text, "weekly", "hourly", 1)
			}
			r.Files = map[string]string{".kaizen/schedule.yml": text}
		}
		repositories = append(repositories, r)
	}
	return repositories
}

// Trouble is what the platform does now and then: it gives up on pages above 50, fails,
// cuts connections, and answers in part.
func Trouble(n int, q Query) Fault {
	switch {
	case q.First > 50, n%61 == 17:
		return Fault{Status: 502}
	case n%41 == 5:
		return Fault{Limited: true}
	case n%41 == 25:
		return Fault{Limited: true, Keep: q.First / 2}
	case n%97 == 50:
		return Fault{Reset: true}
	}
	return Fault{}
}
