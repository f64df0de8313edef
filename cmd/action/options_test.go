package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// actionSection reads the names and descriptions of a section of action.yml line by line.
func actionSection(t *testing.T, section string) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	found, name, inside := map[string]string{}, "", false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); {
		case line != "" && line[0] != ' ':
			inside = line == section+":"
		case inside && strings.HasPrefix(line, "    description: "):
			found[name] = strings.Trim(value, `"`)
		case inside && strings.HasPrefix(line, "  ") && line[2] != ' ':
			name = strings.TrimSuffix(key, ":")
			found[name] = ""
		}
	}
	return found
}

func TestFlagsAreInputs(t *testing.T) {
	t.Parallel()
	inputs := actionSection(t, "inputs")
	want := []string{"command"}
	for _, o := range options {
		if !o.flagOnly {
			want = append(want, o.name)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(inputs)); !slices.Equal(got, want) {
		t.Errorf("action.yml has the inputs\n%q, the flags are\n%q", got, want)
	}
	for name, description := range inputs {
		if description == "" {
			t.Errorf("input %s has no description", name)
		}
	}
}

// TestFlagsWithoutInput lists the flags that make sense on a command line only.
func TestFlagsWithoutInput(t *testing.T) {
	t.Parallel()
	var got []string
	for _, o := range options {
		if o.flagOnly {
			got = append(got, o.name)
		}
	}
	if want := []string{"base", "timezone", "engagement", "bootstrap-cadence"}; !slices.Equal(got, want) {
		t.Errorf("flags without an input: %q, want %q", got, want)
	}
}

// The default of an option that must not be empty is also in action.yml: otherwise the
// runner gives an empty text to an input that is left out.
func TestDefaultsThatAreNotEmpty(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		pattern := `(?m)^  ` + o.name + `:\n    description: .*\n    default: ` + o.initial + `$`
		if o.notEmpty && !regexp.MustCompile(pattern).Match(data) {
			t.Errorf("action.yml has no default %q for %s", o.initial, o.name)
		}
	}
}

// TestOptionsAreRead fails for an option that no code reads.
func TestOptionsAreRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		if file == "options.go" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	declarations, err := os.ReadFile("options.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		constant := regexp.MustCompile(`(?m)^\t(opt\w+) += "` + o.name + `"$`).FindStringSubmatch(string(declarations))
		if constant == nil || !regexp.MustCompile(`\b`+constant[1]+`\b`).MatchString(source.String()) {
			t.Errorf("nothing reads the option %s", o.name)
		}
	}
}

// TestOutputsAreDeclared fails for an output that action.yml does not declare, or that no
// code sets.
func TestOutputsAreDeclared(t *testing.T) {
	t.Parallel()
	set := map[string]bool{}
	var files []string
	for _, dir := range []string{".", "../../internal/render", "../../internal/actions"} {
		found, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	setter := regexp.MustCompile(`\.Set(?:|Int|JSON)\("([a-z-]+)", `)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range setter.FindAllStringSubmatch(string(data), -1) {
			set[m[1]] = true
		}
	}
	declared := actionSection(t, "outputs")
	if got, want := slices.Sorted(maps.Keys(set)), slices.Sorted(maps.Keys(declared)); !slices.Equal(got, want) {
		t.Errorf("the program sets\n%q, action.yml declares\n%q", got, want)
	}
}

// mostUsed are the inputs that the README shows; docs/inputs.md has all of them.
var mostUsed = []string{
	"command", "agents", "target", "dispatch-to", "dispatch-token", "nats-url", "emit", "secrets", "fail-on", "dry-run",
}

// inputTable renders the rows of the inputs called names.
func inputTable(t *testing.T, names []string, rows map[string]string) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| input | commands | meaning |\n|---|---|---|\n")
	for _, name := range names {
		row, ok := rows[name]
		if !ok {
			t.Errorf("there is no input %s", name)
		}
		table.WriteString(row)
	}
	return table.String()
}

// inputRows are the table rows of all inputs by name, and the names in the order of
// options.go.
func inputRows() (rows map[string]string, order []string) {
	rows = map[string]string{
		"command": "| `command` | | what to do: " + strings.Join(names(commands()), ", ") + " (default `prepare`) |\n",
	}
	order = []string{"command"}
	for _, o := range options {
		if o.flagOnly {
			continue
		}
		help := o.help
		if o.initial != "" {
			help += fmt.Sprintf(" (default `%s`)", o.initial)
		}
		if o.secret {
			help += "; secret"
		}
		takers := "all"
		if o.commands != nil {
			takers = strings.Join(o.commands, ", ")
		}
		rows[o.name] = fmt.Sprintf("| `%s` | %s | %s |\n", o.name, takers, help)
		order = append(order, o.name)
	}
	return rows, order
}

func outputTable(t *testing.T) string {
	t.Helper()
	table := "| output | meaning |\n|---|---|\n"
	declared := actionSection(t, "outputs")
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		table += fmt.Sprintf("| `%s` | %s |\n", name, strings.ReplaceAll(declared[name], `\"`, `"`))
	}
	return table
}

// TestReadmeTables compares the tables of the README and of the docs with the
// declarations; -update rewrites them. Every input is in the table of one page of the
// docs, and the most used ones are in the README.
func TestReadmeTables(t *testing.T) {
	t.Parallel()
	rows, order := inputRows()
	isNATS := func(name string) bool { return strings.HasPrefix(name, "nats-") }
	var general, nats []string
	for _, name := range order {
		if isNATS(name) {
			nats = append(nats, name)
		} else {
			general = append(general, name)
		}
	}
	for _, table := range []struct{ page, block, want string }{
		{"../../README.md", "inputs", inputTable(t, mostUsed, rows)},
		{"../../docs/inputs.md", "inputs", inputTable(t, general, rows)},
		{"../../docs/inputs.md", "outputs", outputTable(t)},
		{"../../docs/fan-out.md", "nats-inputs", inputTable(t, nats, rows)},
	} {
		updateBlock(t, table.page, table.block, table.want)
	}
}

// updateBlock compares a block of a page with want, or rewrites it.
func updateBlock(t *testing.T, page, name, want string) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := replaceBlock(t, string(data), name, want)
	switch {
	case text == string(data):
	case !fixture.Updating():
		t.Errorf("the table %q of %s differs from options.go or action.yml: run this test with -update", name, page)
	default:
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// replaceBlock replaces the text between <!-- name --> and <!-- /name -->.
func replaceBlock(t *testing.T, text, name, block string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, "<!-- "+name+" -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok || !ok2 {
		t.Fatalf("there is no block %s", name)
	}
	return before + "<!-- " + name + " -->\n" + block + "<!-- /" + name + " -->" + after
}

func TestParseOptions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		args       []string
		env        map[string]string
		option     string
		want       string
		positional string
		err        string
	}{
		{name: "default", option: "secrets", want: "fail"},
		{name: "input", env: map[string]string{"INPUT_SECRETS": "redact"}, option: "secrets", want: "redact"},
		{name: "flag over input", args: []string{"--secrets", "off"}, env: map[string]string{"INPUT_SECRETS": "redact"},
			option: "secrets", want: "off"},
		{name: "hyphens stay", env: map[string]string{"INPUT_DISPATCH-TO": "a/b\n"}, option: "dispatch-to",
			want: "a/b"},
		{name: "empty input is none", env: map[string]string{"INPUT_SECRETS": ""}, option: "secrets", want: "fail"},
		{name: "among arguments", args: []string{"coach", "--now", "x", "review", "--force"}, option: "now", want: "x",
			positional: "coach review"},
		{name: "after a double dash", args: []string{"--", "--now"}, option: "now", want: "", positional: "--now"},
		{name: "switch", args: []string{"--force"}, option: "force", want: "true"},
		{name: "switch off", args: []string{"--force=false"}, env: map[string]string{"INPUT_FORCE": "true"},
			option: "force", want: "false"},
		{name: "switch as input", env: map[string]string{"INPUT_DRY-RUN": "True"}, option: "dry-run", want: "true"},
		{name: "repeated list", args: []string{"--dispatch-to", "a/b", "--dispatch-to=c/d"}, option: "dispatch-to",
			want: "a/b\nc/d"},
		{name: "repeated value, last wins", args: []string{"--now", "a", "--now", "b"}, option: "now", want: "b"},
		{name: "token from the environment", env: map[string]string{"GITHUB_TOKEN": "t"}, option: "token", want: "t"},
		{name: "dispatch token defaults to token", env: map[string]string{"INPUT_TOKEN": "t"}, option: "dispatch-token",
			want: "t"},
		{name: "dispatch token by name", env: map[string]string{"INPUT_TOKEN": "t", "INPUT_DISPATCH-TOKEN": "token"},
			option: "dispatch-token", want: "t"},
		{name: "dispatch token of a missing secret", env: map[string]string{"INPUT_TOKEN": "t", "INPUT_DISPATCH-TOKEN": "",
			"INPUT_HOST-WORKSPACE": "/work"}, option: "dispatch-token", want: ""},
		{name: "no action.yml, as with docker://", env: map[string]string{"INPUT_TOKEN": "t", "INPUT_DISPATCH-TOKEN": ""},
			option: "dispatch-token", want: "t"},
		{name: "empty dispatch token", args: []string{"--dispatch-token", ""}, env: map[string]string{"INPUT_TOKEN": "t"},
			option: "dispatch-token", want: ""},
		{name: "one hyphen", args: []string{"-now", "x"}, option: "now", want: "x"},
		{name: "a hyphen alone", args: []string{"-"}, option: "now", positional: "-"},
		{name: "a hyphen as value", args: []string{"--from", "-"}, option: "from", want: "-"},
		{name: "a value with an equals sign", args: []string{"--now=a=b"}, option: "now", want: "a=b"},
		{name: "an empty value", args: []string{"--now="}, option: "now", want: ""},
		{name: "unknown flag", args: []string{"--frobnicate"},
			err: "there is no flag --frobnicate: see action prepare --help"},
		{name: "unknown flag with a secret", args: []string{"--tokn=s3cret"},
			err: "there is no flag --tokn: did you mean --token? If not: see action prepare --help"},
		{name: "flags of this command are near", args: []string{"--fail-oin"}, err: "there is no flag --fail-oin: see"},
		{name: "three hyphens", args: []string{"---now", "x"}, err: "there is no flag ---now"},
		{name: "no name", args: []string{"--=x"}, err: "there is no flag --: see"},
		{name: "no value", args: []string{"--now"}, err: "--now needs a value, as in --now TIME: see action prepare --help"},
		{name: "arguments and the flag", args: []string{"coach", "--agents", "all"},
			err: "action prepare gets agents as arguments and with --agents: leave one of them out"},
		{name: "arguments and the flag with its default", args: []string{"--agents", "due", "coach"}, err: "leave one"},
		{name: "arguments over the input", args: []string{"coach"}, env: map[string]string{"INPUT_AGENTS": "all"},
			option: "agents", want: "all", positional: "coach"},
		{name: "flag of another command", args: []string{"--fail-on", "warning"}, err: "does not take --fail-on"},
		{name: "flag only, no input", env: map[string]string{"INPUT_TIMEZONE": "Europe/Berlin"}, option: "timezone",
			want: "UTC"},
		{name: "base is a flag only", env: map[string]string{"INPUT_BASE": "old.yml"}, option: "base", want: ""},
		{name: "now is an input", env: map[string]string{"INPUT_NOW": "x"}, option: "now", want: "x"},
		{name: "bad switch", env: map[string]string{"INPUT_FORCE": "maybe"},
			err: `input force is "maybe", must be true or false`},
		{name: "bad switch flag", args: []string{"--force=maybe"}, err: `--force is "maybe", must be true or false`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opts, positional, err := parseOptions("prepare", tt.args, func(key string) string { return tt.env[key] })
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if opts[tt.option] != tt.want || strings.Join(positional, " ") != tt.positional {
				t.Errorf("got %q and %q, want %q and %q", opts[tt.option], positional, tt.want, tt.positional)
			}
		})
	}
}
