package schedule

import "testing"

func TestSuggest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		word       string
		candidates []string
		want       string
	}{
		{"weekl", cadences, "weekly"},
		{"WEEKLY", cadences, "weekly"},
		{"wekely", cadences, "weekly"}, // two neighbours swapped
		{"mo", cadences, "monthly"},    // the only one it abbreviates
		{"hourly", cadences, ""},
		{"", cadences, ""},
		{"mon", weekdays, "monday"},
		{"t", weekdays, ""},
		{"munday", weekdays, "monday"}, // as near as sunday, but for the first letter
		{"x", entryKeys, ""},
		{"promt", entryKeys, "prompt"},
		{"session-close", entryKeys, "session_close"},
		{"temperature", entryKeys, ""},
		{"ägent", entryKeys, "agent"},
	} {
		if got := Suggest(c.word, c.candidates); got != c.want {
			t.Errorf("Suggest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"a", "", 1},
		{"abc", "abc", 0},
		{"abc", "acb", 1},
		{"abc", "axc", 1},
		{"abc", "ab", 1},
		{"abcdefgh", "", 5}, // the limit
		{"日本語", "日本", 1},
	} {
		if got := distance([]rune(c.a), []rune(c.b), 5); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
