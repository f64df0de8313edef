package suggest

import "testing"

const silencedRemark = " (with # kaizen-ignore: cron-cadence on the line of the cron)"

// TestParseTiming compares schedules in words with the lines to write instead.
func TestParseTiming(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ words, want string }{
		{"daily", "cadence: daily"},
		{"every day at 5am", `cadence: daily and cron: "0 5 * * *"`},
		{"Every Friday", `cadence: weekly and cron: "0 9 * * 5"`},
		{"mondays and thursdays at 17:30", `cadence: weekly and cron: "30 17 * * 1,4"`},
		{"Wendesday", `cadence: weekly and cron: "0 9 * * 3"`},
		{"weekly at noon", `cadence: weekly and cron: "0 12 * * 1"`},
		{"on the 15th of the month", `cadence: monthly and cron: "0 9 15 * *"`},
		{"monthly on 1 and 15 at 22h", `cadence: monthly and cron: "0 22 1,15 * *"`},
		{"monthly on monday", `cadence: monthly and cron: "0 9 1 * *" (a cron cannot select a weekday of the month)`},
		{"every 31st", `cadence: monthly and cron: "0 9 28 * *" (a day that every month has)`},
		{"every 15 minutes", `cadence: daily and cron: "*/15 * * * *"`},
		{"every 6 hours", `cadence: daily and cron: "0 */6 * * *"`},
		{"every 3 days", `cadence: weekly and cron: "0 9 */3 * *" (it restarts on day 1 of each month)`},
		{"every 2 weeks", `cadence: monthly and cron: "0 9 1,15 * *" (a cron cannot count weeks; this is twice a month)`},
		{"every 6 months", `cadence: monthly and cron: "0 9 1 */6 *"` + silencedRemark},
		{"twice a day", `cadence: daily and cron: "0 9,17 * * *"`},
		{"hourly", `cadence: daily and cron: "0 * * * *"`},
		{"12am", `cadence: daily and cron: "0 0 * * *"`},
		{"12:15 pm", `cadence: daily and cron: "15 12 * * *"`},
		{"0  9 * *\t1", `cadence: weekly and cron: "0 9 * * 1"`},
		{"“0 9 1 * *”", `cadence: monthly and cron: "0 9 1 * *"`},

		{"every monday at 9", `cadence: weekly and cron: "0 9 * * 1"`},
		{"every day at 7", `cadence: daily and cron: "0 7 * * *"`},
		{"daily at 17", `cadence: daily and cron: "0 17 * * *"`},
		{"weekdays at 9", `cadence: weekly and cron: "0 9 * * 1-5"`},
		{"daily on weekdays", `cadence: weekly and cron: "0 9 * * 1-5"`},
		{"daily@9", `cadence: daily and cron: "0 9 * * *"`},
		{"daily at 9 pm", `cadence: daily and cron: "0 21 * * *"`},
		{"nightly at 3", `cadence: daily and cron: "0 3 * * *"`},
		{"on the 5 at 9", `cadence: monthly and cron: "0 9 5 * *"`},
		{"on day 5 of the month", `cadence: monthly and cron: "0 9 5 * *"`},
		{"15th day of every month", `cadence: monthly and cron: "0 9 15 * *"`},
		{"quarterly on the 15th", `cadence: monthly and cron: "0 9 15 1,4,7,10 *"` + silencedRemark},

		{"every 1 day", "cadence: daily"}, {"1d", "cadence: daily"}, {"24h", "cadence: daily"},
		{"1 week", "cadence: weekly"}, {"7d", "cadence: weekly"}, {"1 month", "cadence: monthly"},
		{"1 hour", `cadence: daily and cron: "0 * * * *"`},
		{"@every 2h", `cadence: daily and cron: "0 */2 * * *"`},
		{"every 12h", `cadence: daily and cron: "0 */12 * * *"`},
		{"every 30 minutes", `cadence: daily and cron: "*/30 * * * *"`},
		{"every 30m", `cadence: daily and cron: "*/30 * * * *"`}, // 30 months are not possible
		{"2 hours", `cadence: daily and cron: "0 */2 * * *"`},
		{"every 2 hours on weekdays", `cadence: weekly and cron: "0 */2 * * 1-5"`},
		{"every 2nd day", `cadence: weekly and cron: "0 9 */2 * *" (it restarts on day 1 of each month)`},

		{"at 9:00 and 17:00", `cadence: daily and cron: "0 9,17 * * *"`},
		{"at 9 and 17", `cadence: daily and cron: "0 9,17 * * *"`},
		{"9am,5pm", `cadence: daily and cron: "0 9,17 * * *"`},
		{"thursday, monday at 17:30 and 9:30", `cadence: weekly and cron: "30 9,17 * * 1,4"`},

		{"@daily", `cadence: daily and cron: "0 0 * * *"`},
		{"@weekly", `cadence: weekly and cron: "0 0 * * 0"`},
		{"@Yearly", `cadence: monthly and cron: "0 0 1 1 *"` + silencedRemark},

		// These are ambiguous, or no cron has the same meaning.
		{"9", ""}, {"daily 7", ""}, {"every day 9", ""}, {"weekly 1", ""}, {"on 5", ""}, {"every 9", ""}, {"2 per day", ""},
		{"at 24", ""}, {"at 0", ""}, {"at 31", ""}, {"at 5 and 9 pm", ""}, {"9 and 17:00", ""}, {"9:00 and 17:30", ""},
		{"monday at 9 and friday at 17", ""}, {"monday 9:00, 17:00 friday", ""}, {"monday the 15th", ""},
		{"weekly on the 5th", ""}, {"daily on mondays", ""}, {"daily weekly", ""}, {"weekly every 2 hours", ""},
		{"hourly at 9", ""}, {"every 2nd week of january", ""}, {"first monday of the month", ""},
		{"1st monday of the month", ""},
		{"fortnightly on the 5th", ""}, {"every 2 weeks on monday", ""}, {"yearly on mondays", ""},
		{"the 2nd week", ""},
		{"12h", ""}, {"daily 6h", ""}, {"every 3m", ""}, {"5h", ""},
		{"every 45 minutes", ""}, {"every 36h", ""}, {"7 hours", ""},
		{"@reboot", ""}, {"09:00 UTC", ""},
		{"", ""}, {"at", ""}, {"25:00", ""}, {"13pm", ""}, {"0am", ""}, {"05:60", ""}, {"32", ""}, {"0", ""}, {"-1", ""},
		{"every 7 hours", ""}, {"every 90 minutes", ""}, {"every 3 weeks", ""}, {"every 5 months", ""}, {"every 0 days", ""},
		{"hours", ""}, {"weeks", ""}, {"pm", ""}, {"never", ""}, {"friday or so", ""}, {"0 9 * *", ""},
	} {
		parsed, ok := parseTiming(c.words)
		got := ""
		if ok {
			got = parsed.lines("")
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.words, got, c.want)
		}
	}
}
