package render

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) // a Tuesday

// load loads a manifest of weekly entries with these agents.
func load(t *testing.T, agents ...string) *schedule.Manifest {
	t.Helper()
	text := "version: \"1\"\nrepo: web\nagents:\n"
	for _, name := range agents {
		text += "  " + name + ":\n    cadence: weekly\n"
	}
	m, findings := schedule.Load(schedule.DefaultPath, []byte(text), schedule.Options{})
	if m == nil {
		t.Fatal(findings)
	}
	return m
}

// outcomes plans the entries of a manifest without receipts, so all of them are chosen.
func outcomes(t *testing.T, m *schedule.Manifest) []*pipeline.Outcome {
	t.Helper()
	plans, err := pipeline.Planner{Manifest: m, Now: now}.Plan(t.Context())
	fixture.Must(t, err)
	out := make([]*pipeline.Outcome, len(plans))
	for i, p := range plans {
		out[i] = &pipeline.Outcome{Planned: p, Built: &pipeline.Built{}, Delivered: &pipeline.Delivered{}}
	}
	return out
}

// written returns the outputs as the runner reads them, in one line each.
func written(t *testing.T, out actions.Outputs) string {
	t.Helper()
	file := filepath.Join(fixture.TempDir(t), "output")
	vars := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": file}
	runner := actions.NewRunner(actions.RunnerOptions{Getenv: func(name string) string { return vars[name] }})
	fixture.Must(t, runner.WriteOutputs(out))
	values := fixture.Outputs(t, fixture.Read(t, file))
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "%s=%s\n", name, values[name])
	}
	return b.String()
}
