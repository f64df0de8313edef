package schedule

import "testing"

// TestPropose compares words with the lines to write in their place.
func TestPropose(t *testing.T) {
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
		{"monthly on monday", `cadence: monthly and cron: "0 9 1 * *" (a cron cannot say a day of the week in a month)`},
		{"every 31st", `cadence: monthly and cron: "0 9 28 * *" (a day that every month has)`},
		{"every 15 minutes", `cadence: daily and cron: "*/15 * * * *"`},
		{"every 6 hours", `cadence: daily and cron: "0 */6 * * *"`},
		{"every 3 days", `cadence: weekly and cron: "0 9 */3 * *" (it starts anew on day 1 of each month)`},
		{"every 2 weeks", `cadence: monthly and cron: "0 9 1,15 * *" (a cron cannot count weeks; this is twice a month)`},
		{"every 6 months", `cadence: monthly and cron: "0 9 1 */6 *" (with # kaizen-ignore: cron-cadence on the line of ` +
			`the cron)`},
		{"twice a day", `cadence: daily and cron: "0 9,17 * * *"`},
		{"hourly", `cadence: daily and cron: "0 * * * *"`},
		{"12am", `cadence: daily and cron: "0 0 * * *"`},
		{"12:15 pm", `cadence: daily and cron: "15 12 * * *"`},
		{"0  9 * *\t1", `cadence: weekly and cron: "0 9 * * 1"`},
		{"“0 9 1 * *”", `cadence: monthly and cron: "0 9 1 * *"`},

		{"", ""}, {"at", ""}, {"25:00", ""}, {"13pm", ""}, {"0am", ""}, {"05:60", ""}, {"32", ""}, {"0", ""}, {"-1", ""},
		{"every 7 hours", ""}, {"every 90 minutes", ""}, {"every 3 weeks", ""}, {"every 5 months", ""}, {"every 0 days", ""},
		{"hours", ""}, {"weeks", ""}, {"pm", ""}, {"never", ""}, {"friday or so", ""}, {"0 9 * *", ""},
	} {
		p, ok := propose(c.words)
		got := ""
		if ok {
			got = p.lines("")
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.words, got, c.want)
		}
	}
}

// TestProposeIsValid loads the proposal for every fixed word.
func TestProposeIsValid(t *testing.T) {
	t.Parallel()
	for word := range fixedWords {
		p, ok := propose(word)
		if !ok {
			t.Errorf("%q is unknown", word)
		}
		text := "version: \"1\"\nagents:\n  coach: " + p.flow() + " # kaizen-ignore: cron-cadence\n"
		if _, findings := Load("f", []byte(text), Options{}); len(findings) > 0 {
			t.Errorf("%q: %s: %v", word, p.flow(), findings)
		}
	}
}
