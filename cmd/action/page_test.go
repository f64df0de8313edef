package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
