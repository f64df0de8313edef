package suggest

import (
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		word       string
		candidates []string
		want       string
	}{
		{"weekl", spec.Cadences, "weekly"},
		{"WEEKLY", spec.Cadences, "weekly"},
		{"wekely", spec.Cadences, "weekly"}, // two letters swapped
		{"mo", spec.Cadences, "monthly"},    // the only candidate that starts so
		{"hourly", spec.Cadences, ""},
		{"", spec.Cadences, ""},
		{"mon", weekdayNames, "monday"},
		{"t", weekdayNames, ""},
		{"munday", weekdayNames, "monday"}, // as near as sunday, and the first letter matches
		{"x", spec.EntryKeys, ""},
		{"promt", spec.EntryKeys, "prompt"},
		{"session-close", spec.EntryKeys, "session_close"},
		{"temperature", spec.EntryKeys, ""},
		{"äemory", spec.EntryKeys, "memory"},
		{"wekly", spec.Cadences, "weekly"},
		{"dayly", spec.Cadences, "daily"},
		{"mondy", weekdayNames, "monday"},
		{"omnday", weekdayNames, "monday"}, // the first two letters swapped
		{"nonday", weekdayNames, "monday"}, // only the first letter is wrong
		{"ETS", []string{"EST"}, "EST"},
		{"biweekly", spec.Cadences, ""}, // a different first letter
		{"nondey", weekdayNames, ""},    // a wrong first letter and another error
		{"PST", []string{"EST"}, ""},
		{"coahc-1", []string{"coach-1", "coach-2"}, "coach-1"},
		{"coach-3", []string{"coach-1", "coach-2"}, ""}, // a different number
		{"Europe/Berln", []string{"Europe/Berlin"}, "Europe/Berlin"},
		{"Eruope/Berlin", []string{"Europe/Berlin"}, "Europe/Berlin"},
		{"Europe/Münster", []string{"Europe/Minsk"}, ""}, // only the continent matches
		{"Europe/", []string{"Europe/Minsk", "Europe/Berlin"}, ""},
		{"a/", []string{"a/", "a"}, "a/"},
	} {
		if got := Nearest(c.word, c.candidates); got != c.want {
			t.Errorf("Nearest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}

func TestZone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, want string }{
		{"europe/berlin", "Europe/Berlin"},
		{"Europe/Berln", "Europe/Berlin"},
		{"Berlin", "Europe/Berlin"},
		{"berln", "Europe/Berlin"},
		{"Lisboa", "Europe/Lisbon"},
		{"Munich", ""},
		{"Boston", ""},
		{"Frankfurt", ""},
		{"Pacific Time", ""},
		{"EDT", ""},
		{"New York", "America/New_York"},
		{"UCT ", "UCT"},
		{"Urope/Berlin", ""}, // a missing first letter is rare
		{"PST", "PST8PDT"},   // the only candidate that starts so
		{"IST", ""},
		{"GMT+2", ""},
		{"UTC+02:00", ""},
		{"Etc/GMT+15", ""},
		{"Europe/Münster", ""},
		{"Europe/Frankfurt", ""},
		{"Europe/Munich", ""},
		{"Asia/Bangalore", ""},
		{"Asia/Mumbai", ""},
		{"Asia/Delhi", ""},
		{"Asia/Bombay", ""},
		{"America/San_Francisco", ""},
		{"America/Houston", ""},
		{"America/Seattle", ""},
	} {
		if got := Zone(c.zone); got != c.want {
			t.Errorf("Zone(%q) = %q, want %q", c.zone, got, c.want)
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
		{"abcdefghij", "xbcdefghiy", 2},
		{"abcdefghij", "cdefghijab", 4},
		{"abcdefghij", "bcdefghijabc", 4},
	} {
		if got := distance([]rune(c.a), []rune(c.b), 5); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestOneSlip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"coach", "coach", false},
		{"coach", "Coach", true},
		{"COACH", "coach", true},
		{"coach", "coch", true},
		{"coach", "coachh", true},
		{"coach", "couch", true},
		{"coach", "coahc", true},
		{"coach", "roach", true},
		{"coach", "caoch", true},
		{"coach", "coachs", true},
		{"coach", "caochs", false},
		{"coach", "Couch", false}, // the case and a letter
		{"coach", "coaching", false},
		{"coach-1", "coach-2", false},
		{"coach", "coach-2", false},
		{"code-review", "code_review", true},
		{"code-review", "codereview", true},
		{"ab", "ba", true},
		{"ab", "ac", false},
		{"a", "b", false},
		{"abc", "abcd", false},
	} {
		if got := OneSlip(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: one slip %t", c.a, c.b, got)
		}
	}
}
