package spec

import (
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
)

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		agent, slug bool
		asSlug      string
	}{
		{"coach", true, true, "coach"},
		{"a-1_B", true, true, "a-1_B"},
		{"a.b", false, true, "a.b"},
		{".github", false, false, "github"},
		{"-a", false, false, "a"},
		{"my web", false, false, "my-web"},
		{"web!", false, false, "web"},
		{"ä", false, false, ""},
		{"", false, false, ""},
		{strings.Repeat("a", 64), true, true, strings.Repeat("a", 64)},
		{strings.Repeat("a", 65), false, true, strings.Repeat("a", 65)},
		{strings.Repeat("a", 101), false, false, strings.Repeat("a", 100)},
	}
	for _, tt := range tests {
		if got := IsAgent(tt.name); got != tt.agent {
			t.Errorf("IsAgent(%q) = %t", tt.name, got)
		}
		if got := IsSlug(tt.name); got != tt.slug {
			t.Errorf("IsSlug(%q) = %t", tt.name, got)
		}
		if got := AsSlug(tt.name); got != tt.asSlug {
			t.Errorf("AsSlug(%q) = %q, want %q", tt.name, got, tt.asSlug)
		}
	}
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	tests := []struct{ path, reason string }{
		{"docs/SCOPE.md", ""}, {"a//b", ""}, {"./a", ""}, {"a/../b", ""}, {".gitignore", ""}, {".github/a", ""},
		{"", "empty"}, {"/a", "absolute"}, {"C:/a", "drive letter"}, {`a\b`, "backslash"}, {"../a", "leaves"},
		{"a/../..", "leaves"}, {".", "itself"}, {"a/..", "itself"}, {".git/config", "into .git"},
		{"a/.GIT", "into .git"},
		{"a\nb", "control"}, {"a\u2028b", "control"}, {strings.Repeat("a", 4096), ""},
		{strings.Repeat("a", 4097), "4096"},
	}
	for _, tt := range tests {
		reason, hint := CheckPath(tt.path)
		if !strings.Contains(reason, tt.reason) || (reason == "") != (tt.reason == "") ||
			(hint == "") != (reason == "") {
			t.Errorf("CheckPath(%q) = %q, %q; want %q", tt.path, reason, hint, tt.reason)
		}
	}
}

func TestCheckCommand(t *testing.T) {
	t.Parallel()
	tests := []struct{ command, reason string }{
		{"make done", ""}, {" ", "empty"}, {"a\nb", "more than one line"}, {"a\tb", "control"},
		{strings.Repeat("ä", 1000), ""}, {strings.Repeat("ä", 1001), "1000"},
	}
	for _, tt := range tests {
		reason, hint := CheckCommand(tt.command)
		if !strings.Contains(reason, tt.reason) || (reason == "") != (tt.reason == "") ||
			(hint == "") != (reason == "") {
			t.Errorf("CheckCommand(%q) = %q, %q; want %q", tt.command, reason, hint, tt.reason)
		}
	}
}

// TestDefaultCrons checks that each cadence's default cron runs in every one of its
// units.
func TestDefaultCrons(t *testing.T) {
	t.Parallel()
	for _, name := range Cadences {
		c := Cadence(name)
		e := cron.MustParse(c.DefaultCron())
		if !c.Valid() || CadenceOf(e) != c || !e.EveryUnit(c.Unit()) {
			t.Errorf("%s: cron %q is that of %s", c, c.DefaultCron(), CadenceOf(e))
		}
	}
	if Cadence("hourly").Valid() {
		t.Error("hourly is valid")
	}
}

// TestFixedOffsetCity checks that every fixed offset has a city, and that the city
// exists.
func TestFixedOffsetCity(t *testing.T) {
	t.Parallel()
	for _, zone := range Zones() {
		city := FixedOffsetCity(zone)
		offset := strings.TrimPrefix(zone, "Etc/GMT")
		fixed := slices.Contains([]string{"EST", "MST", "HST"}, zone) ||
			strings.HasPrefix(zone, "Etc/GMT") && strings.Trim(offset, "+-0") != ""
		if fixed != (city != "") || city != "" && !slices.Contains(Zones(), city) {
			t.Errorf("%s: city %q", zone, city)
		}
	}
}
