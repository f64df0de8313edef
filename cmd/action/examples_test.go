package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// exampleWorkflows are the workflows that people copy.
func exampleWorkflows(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../../examples/*.yml", "../../examples/gitea/*.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, found...)
	}
	return files
}

// scripts returns the texts of all `run:` in a parsed file.
func scripts(value any) (found []string) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			if script, ok := item.(string); ok && key == "run" {
				found = append(found, script)
			}
			found = append(found, scripts(item)...)
		}
	case []any:
		for _, item := range v {
			found = append(found, scripts(item)...)
		}
	}
	return found
}

// TestExamplesPassData holds that no script of an example has an expression, whose text a
// shell would run, and that no job has more permissions than it names.
func TestExamplesPassData(t *testing.T) {
	t.Parallel()
	count := 0
	for _, file := range exampleWorkflows(t) {
		text := fixture.Read(t, file)
		var workflow map[string]any
		fixture.Must(t, yaml.Unmarshal([]byte(text), &workflow))
		for _, script := range scripts(workflow) {
			count++
			if strings.Contains(script, "${{") {
				t.Errorf("%s splices an expression into a script:\n%s", file, script)
			}
		}
		if !strings.Contains(text, "\npermissions: {}\n") || !strings.Contains(text, "\nconcurrency:") {
			t.Errorf("%s has no empty permissions or no concurrency at its top", file)
		}
	}
	if count < 12 {
		t.Errorf("only %d scripts were found", count)
	}
}

// TestExamplesReadNoCommand runs the scripts that record a result after an agent that wrote
// into the file with the time of its start, or removed it. A shell executes what is inside
// of an index, and reads digits after a zero as octal.
func TestExamplesReadNoCommand(t *testing.T) {
	t.Parallel()
	count := 0
	for _, file := range exampleWorkflows(t) {
		var workflow map[string]any
		fixture.Must(t, yaml.Unmarshal([]byte(fixture.Read(t, file)), &workflow))
		for _, script := range scripts(workflow) {
			if !strings.Contains(script, "$RUNNER_TEMP/started") || strings.Contains(script, "claude") {
				continue
			}
			count++
			for _, started := range []string{"a[$(touch PWNED)]1000000000\n", "0899999999\n", ""} {
				recordResult(t, file, script, started)
			}
		}
	}
	if count != 4 {
		t.Errorf("%d scripts were found, want 4", count)
	}
}

// recordResult runs a script that records a result. The file with the time of the start does
// not exist if started is empty.
func recordResult(t *testing.T, file, script, started string) {
	t.Helper()
	dir := t.TempDir()
	files := 1
	if started != "" {
		writeFile(t, filepath.Join(dir, "started"), started)
		files++
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", script)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "RUNNER_TEMP=" + dir, "AGENT=coach", "OUTCOME=success"}
	out, err := cmd.CombinedOutput()
	tree := fixture.Tree(t, dir)
	if line := tree[".kaizen/metrics/coach/executions.jsonl"]; err != nil || len(tree) != files ||
		!strings.Contains(line, `"success":true,"execution_time_s":`) {
		t.Errorf("%s after %q: %v, %s, files %v", file, started, err, out, tree)
	}
}

// TestExamplesOfTheDocs holds that the page about their subject links to every example.
func TestExamplesOfTheDocs(t *testing.T) {
	t.Parallel()
	pages := ""
	for _, page := range []string{"receiving", "fleet", "report"} {
		pages += fixture.Read(t, "../../docs/"+page+".md")
	}
	for _, file := range exampleWorkflows(t) {
		if link := "(" + filepath.ToSlash(strings.TrimPrefix(file, "../")) + ")"; !strings.Contains(pages, link) {
			t.Errorf("docs/receiving.md, docs/fleet.md and docs/report.md have no link to %s", link)
		}
	}
}
