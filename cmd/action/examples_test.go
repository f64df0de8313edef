package main

import (
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
