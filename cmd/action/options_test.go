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
	"github.com/kaizen-agentic/schedule-action/internal/option"
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
	for _, o := range option.All {
		if !o.FlagOnly {
			want = append(want, o.Name)
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
	for _, o := range option.All {
		if o.FlagOnly {
			got = append(got, o.Name)
		}
	}
	if want := []string{"base", "durable", "create", "workers", "run-timeout", "stop-timeout", "dead-letter", "pass-env",
		"metrics-addr", "timezone", "engagement", "bootstrap-cadence"}; !slices.Equal(got, want) {
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
	for _, o := range option.All {
		pattern := `(?m)^  ` + o.Name + `:\n    description: .*\n    default: ` + o.Initial + `$`
		if o.NotEmpty && !regexp.MustCompile(pattern).Match(data) {
			t.Errorf("action.yml has no default %q for %s", o.Initial, o.Name)
		}
	}
}

// TestOptionsAreRead fails for an option that no code reads.
func TestOptionsAreRead(t *testing.T) {
	t.Parallel()
	read := map[string]bool{}
	for _, f := range parseModule(t) {
		if f.isTest() {
			continue
		}
		for _, use := range uses(f) {
			read[strings.TrimPrefix(use, modulePath+"internal/option.")] = true
		}
	}
	declarations, err := os.ReadFile("../../internal/option/option.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range option.All {
		constant := regexp.MustCompile(`(?m)^\t(\w+) += "` + o.Name + `"$`).FindStringSubmatch(string(declarations))
		if constant == nil || !read[constant[1]] {
			t.Errorf("nothing reads the option %s", o.Name)
		}
	}
}

// TestOutputsAreDeclared fails for an output that action.yml does not declare, or that no
// code sets.
func TestOutputsAreDeclared(t *testing.T) {
	t.Parallel()
	set := map[string]bool{}
	var files []string
	for _, dir := range []string{".", "../../internal/render", "../../internal/fleet", "../../internal/report",
		"../../internal/actions", "../../internal/receive"} {
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
// internal/option.
func inputRows() (rows map[string]string, order []string) {
	rows = map[string]string{
		"command": "| `command` | | what to do: " + strings.Join(names(commands()), ", ") + " (default `prepare`) |\n",
	}
	order = []string{"command"}
	for _, o := range option.All {
		if o.FlagOnly {
			continue
		}
		help := o.Meaning()
		if o.Secret {
			help += "; secret"
		}
		takers := "all"
		if o.Commands != nil {
			takers = strings.Join(o.Commands, ", ")
		}
		rows[o.Name] = fmt.Sprintf("| `%s` | %s | %s |\n", o.Name, takers, help)
		order = append(order, o.Name)
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
		t.Errorf("the table %q of %s differs from internal/option or action.yml: run this test with -update", name, page)
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
