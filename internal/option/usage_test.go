package option

import (
	"slices"
	"strings"
	"testing"
)

// Each command that takes an option says what the option means to it, and nothing about others.
func TestUsesFitTheCommands(t *testing.T) {
	t.Parallel()
	for _, o := range All {
		var explained []string
		for _, u := range o.Uses {
			explained = append(explained, u.Commands...)
		}
		for _, c := range explained {
			if !o.Taken(c) {
				t.Errorf("%s says what it means to %s, which does not take it", o.Name, c)
			}
		}
		for _, c := range o.Commands {
			if o.Help == "" && !slices.Contains(explained, c) {
				t.Errorf("%s does not say what it means to %s", o.Name, c)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		command, want string
	}{
		{"validate", "  --fail-on WHAT               the least severe finding that fails the check, error (default) " +
			"or warning\n"},
		{"discover", "(default) or warning; also never\n"},
		{"report", "  --fail-on WHAT               a list of missed, failed, unreceived and invalid, default: none\n"},
		{"list", "  --format FORMAT              text (default), json or scheduled-runs\n"},
		{"init", "  --agents NAMES               names of the agents that get an entry, separated by commas or " +
			"newlines; default: those found\n"},
		{"prepare", "(default .kaizen/schedule.yml)\n"},
	} {
		if got := Usage(tt.command); !strings.Contains(got, tt.want) {
			t.Errorf("the help of %s lacks %q:\n%s", tt.command, tt.want, got)
		}
	}
}
