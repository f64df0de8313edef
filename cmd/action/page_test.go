package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

// The workflows of docs/gitea.md pass the action's own check, and the one that receives the
// event can be started with it.
func TestWorkflowsOfTheGiteaPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/gitea.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)<!-- (\\S+\\.yml) -->\n```yaml\n(.*?)```\n<!-- /").FindAllStringSubmatch(
		strings.ReplaceAll(string(page), "acme/web", sampleRepo), -1)
	if len(blocks) != 3 {
		t.Fatalf("%d workflows", len(blocks))
	}
	dir := fixture.TempDir(t)
	place := filepath.Join(dir, ".gitea", "workflows")
	if err := errors.Join(copySample(dir, samplesDir+"/kaizen"), os.MkdirAll(place, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		if err := os.WriteFile(filepath.Join(place, block[1]), []byte(block[2]), 0o644); err != nil {
			t.Fatal(err)
		}
		problem, hint := workflow.CheckStart([]byte(block[2]), gh.EventInput)
		if block[1] == "react.yml" && problem != "" {
			t.Errorf("%s %s: %s", block[1], problem, hint)
		}
	}
	action(t, 0, "validate", "--fail-on", "warning", "--target", dir)
	out := action(t, 0, "doctor", "--target", dir)
	if !regexp.MustCompile(`(?m)^ok +workflows `).MatchString(out) {
		t.Errorf("doctor prints\n%s", out)
	}
}

// splices returns the scripts of a workflow, or of a part of one, that have an expression.
// The runner replaces it before a shell reads the script, so its value can be a command.
func splices(t *testing.T, block string) (scripts []string) {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(block), &root); err != nil && strings.Contains(block, "run:") {
		t.Errorf("%v in\n%s", err, block)
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for i, child := range n.Content {
			isScript := n.Kind == yaml.MappingNode && i%2 == 1 &&
				slices.Contains([]string{"run", "script"}, n.Content[i-1].Value)
			if isScript && strings.Contains(child.Value, "${{") {
				scripts = append(scripts, child.Value)
			}
			visit(child)
		}
	}
	visit(&root)
	return scripts
}

// TestScriptsOfThePages checks the YAML of README and docs, and proves that the check can
// fail.
func TestScriptsOfThePages(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	fixture.Must(t, err)
	blocks := 0
	for _, page := range append(pages, readmePage) {
		for _, m := range yamlBlock.FindAllStringSubmatch(fixture.Read(t, page), -1) {
			blocks++
			for _, script := range splices(t, strings.ReplaceAll("\n"+m[2], "\n"+m[1], "\n")) {
				t.Errorf("%s: a script has an expression: %s", page, script)
			}
		}
	}
	if blocks < 10 {
		t.Errorf("found only %d blocks", blocks)
	}
	for block, want := range map[string]int{
		"- run: echo ${{ inputs.x }}\n  env: {X: '${{ inputs.x }}'}\n":                                 1,
		"jobs: {a: {steps: [{run: 'echo $X'}, {with: {script: 'f(${{ github.actor }})'}}]}}\n":         1,
		"jobs: {a: {steps: [{run: 'echo $X', env: {X: '${{ inputs.x }}'}, name: '${{ github.x }}'}]}}": 0,
	} {
		if got := splices(t, block); len(got) != want {
			t.Errorf("%s: found %q", block, got)
		}
	}
}

// TestTablesOfThePages checks that each row of a table is one line: the rest of a row that
// continues on the next line would be a row of its own.
func TestTablesOfThePages(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	fixture.Must(t, err)
	rows := 0
	for _, page := range append(pages, readmePage) {
		code := false
		for i, line := range strings.Split(fixture.Read(t, page), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				code = !code
			}
			first, last := strings.HasPrefix(line, "|"), strings.HasSuffix(line, "|")
			if first != last && !code {
				t.Errorf("%s:%d: the row %q has no beginning or no end", page, i+1, line)
			}
			if first && !code {
				rows++
			}
		}
	}
	if rows < 100 {
		t.Errorf("found only %d rows", rows)
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^( *)```ya?ml\n(.*?)^ *```$")
