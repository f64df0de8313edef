package actions

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// The parsers in this file find commands in a log as actions/runner 2.336.0 does. Source:
// https://github.com/actions/runner/blob/v2.336.0/src/Runner.Common/ActionCommand.cs

// runnerCommands has the commands that the runner knows, including disabled ones.
var runnerCommands = []string{
	"error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "add-matcher", "remove-matcher",
	"set-output", "set-env", "add-path", "save-state", "stop-commands", "echo", "internal-set-repo-path",
}

type runnerCommand struct {
	name       string
	properties map[string]string
	data       string
}

// parseLog returns the commands in a stream. A line ends at LF, CR or both, as .NET reads
// them.
func parseLog(stream string) []runnerCommand {
	var commands []runnerCommand
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(stream)
	for line := range strings.SplitSeq(lines, "\n") {
		if c, ok := parseV2(line); ok {
			commands = append(commands, c)
		} else if c, ok := parseV1(line); ok {
			commands = append(commands, c)
		}
	}
	return commands
}

// parseV2 mirrors TryParseV2: `::name key=value,key=value::data` after white space. It
// ignores invisible characters, because .NET compares strings by culture and ignores
// them, too.
func parseV2(line string) (runnerCommand, bool) {
	line = strings.TrimLeftFunc(line,
		func(r rune) bool { return unicode.IsSpace(r) || r != '\t' && safetext.IsInvisible(r) })
	rest, ok := strings.CutPrefix(line, "::")
	if !ok {
		return runnerCommand{}, false
	}
	info, data, ok := strings.Cut(rest, "::")
	if !ok {
		return runnerCommand{}, false
	}
	property := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	value := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")
	return newRunnerCommand(info, data, ",", property, value)
}

// parseV1 mirrors TryParse: `##[name key=value;key=value]data` anywhere in a line.
func parseV1(line string) (runnerCommand, bool) {
	_, rest, ok := strings.Cut(line, "##[")
	if !ok {
		return runnerCommand{}, false
	}
	info, data, ok := strings.Cut(rest, "]")
	if !ok {
		return runnerCommand{}, false
	}
	unescape := strings.NewReplacer("%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]", "%25", "%")
	return newRunnerCommand(info, data, ";", unescape, unescape)
}

func newRunnerCommand(info, data, separator string, property, value *strings.Replacer) (runnerCommand, bool) {
	name, list, _ := strings.Cut(info, " ")
	if !slices.Contains(runnerCommands, strings.ToLower(name)) {
		return runnerCommand{}, false
	}
	c := runnerCommand{name: name, properties: map[string]string{}, data: value.Replace(data)}
	for pair := range strings.SplitSeq(strings.TrimSpace(list), separator) {
		if k, v, ok := strings.Cut(pair, "="); ok {
			c.properties[k] = property.Replace(v)
		}
	}
	return c, true
}

// TestParsersSeeAttacks checks that the parsers would find the attacks that other tests
// expect to fail.
func TestParsersSeeAttacks(t *testing.T) {
	t.Parallel()
	for _, attack := range []string{
		"::error::x", " \t::error file=a::x", "a\r::set-output name=a::b", "x ##[error]y", "##[warning a=b]",
		"\u200b::error::x", "\u00a0::stop-commands::x",
	} {
		if len(parseLog("log: line\n"+attack+"\n")) != 1 {
			t.Errorf("%q is a command to the runner, but the test's parser missed it", attack)
		}
	}
	got, err := fixture.ParseOutputs("a<<_D_\nx\n_D_\nb=1\nc<<_D_\n_D_\n")
	want := []fixture.Output{{Name: "a", Value: "x"}, {Name: "b", Value: "1"}, {Name: "c", Value: ""}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}
