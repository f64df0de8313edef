package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// ownWorkflow has what the checks of this repository's workflows read.
type ownWorkflow struct {
	Permissions *map[string]string
	Jobs        map[string]ownJob
}

type ownJob struct {
	Needs       any // a name or a list
	Environment string
	Timeout     int `yaml:"timeout-minutes"`
	Permissions map[string]string
	Steps       []struct {
		Uses, Run string
		With      map[string]any
	}
}

func (j ownJob) needs() []string {
	switch needs := j.Needs.(type) {
	case string:
		return []string{needs}
	case []any:
		var names []string
		for _, n := range needs {
			name, _ := n.(string)
			names = append(names, name)
		}
		return names
	}
	return nil
}

var (
	pinnedAction  = regexp.MustCompile(`(?m)^\s*(?:- )?uses: [a-z0-9-]+/[a-z0-9/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	anyAction     = regexp.MustCompile(`(?m)^\s*(?:- )?uses: [^.\s].*$`)
	pinnedBuilder = regexp.MustCompile(`(?m)^ARG BUILDER=golang:[0-9a-z.-]+@sha256:[0-9a-f]{64}$`)
	imageTag      = regexp.MustCompile(`\$IMAGE:\S+`)
)

// workflowFaults returns what is unsafe in a workflow of this repository.
func workflowFaults(t *testing.T, text string) []string {
	t.Helper()
	var w ownWorkflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		t.Fatal(err)
	}
	var out []string
	if w.Permissions == nil || len(*w.Permissions) > 0 {
		out = append(out, "the permissions at the top are not {}")
	}
	for _, line := range anyAction.FindAllString(text, -1) {
		if !pinnedAction.MatchString(line) {
			out = append(out, "not pinned by commit with its version: "+strings.TrimSpace(line))
		}
	}
	for name, job := range w.Jobs {
		if job.Timeout == 0 {
			out = append(out, name+" has no timeout")
		}
		for _, step := range job.Steps {
			if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
				out = append(out, name+" leaves its token in the checkout")
			}
			if strings.Contains(step.Run, "${{") {
				out = append(out, name+" splices an expression into a script")
			}
		}
	}
	return out
}

// releaseFaults returns what a release pushes or signs without approval, and the tags of
// images that a job reads which did not write them.
func releaseFaults(t *testing.T, text string) []string {
	t.Helper()
	var w ownWorkflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		t.Fatal(err)
	}
	var approved func(name string) bool
	approved = func(name string) bool {
		return w.Jobs[name].Environment == "release" || slices.ContainsFunc(w.Jobs[name].needs(), approved)
	}
	var out []string
	for name, job := range w.Jobs {
		for scope, access := range job.Permissions {
			if access != "read" && !approved(name) {
				out = append(out, name+" may write "+scope+" before the approval")
			}
		}
		for _, step := range job.Steps {
			for line := range strings.Lines(step.Run) {
				if strings.Contains(line, "imagetools create") &&
					len(imageTag.FindAllString(line, -1)) != 1 {
					out = append(out, name+" joins images by tag")
				}
			}
		}
	}
	if !strings.Contains(text, "|  image: docker://$IMAGE@$DIGEST|") {
		out = append(out, "action.yml does not get the digest of the image")
	}
	return out
}

// TestWorkflowsArePinned checks the workflows of this repository, and proves that each
// check can fail.
func TestWorkflowsArePinned(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../.github/workflows/*.yml")
	fixture.Must(t, err)
	if len(paths) < 2 {
		t.Fatalf("found only the workflows %q", paths)
	}
	for _, path := range paths {
		for _, fault := range workflowFaults(t, fixture.Read(t, path)) {
			t.Errorf("%s: %s", path, fault)
		}
	}
	if dockerfile := fixture.Read(t, "../../Dockerfile"); !pinnedBuilder.MatchString(dockerfile) {
		t.Error("the builder of the Dockerfile is not pinned by digest")
	}
	ci := fixture.Read(t, "../../.github/workflows/ci.yml")
	for _, change := range [][2]string{
		{"permissions: {}", "permissions: {contents: read}"},
		{"actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "actions/checkout@v7"},
		{"persist-credentials: false", "fetch-depth: 0"},
		{"    timeout-minutes: 1\n", ""},
		{`run: test "$RESULTS"`, `run: test "${{ join(needs.*.result) }}"`},
	} {
		expectFault(t, ci, change, workflowFaults)
	}
}

// TestReleaseIsApproved checks that a person approves before anything is pushed or signed,
// and that images are named by digest.
func TestReleaseIsApproved(t *testing.T) {
	t.Parallel()
	release := fixture.Read(t, "../../.github/workflows/release.yml")
	for _, fault := range releaseFaults(t, release) {
		t.Error(fault)
	}
	for _, change := range [][2]string{
		{"needs: approve", "needs: check"},
		{"environment: release", "environment: test"},
		{`"$IMAGE@$AMD64"`, `"$IMAGE:build-amd64"`},
		{"docker://$IMAGE@$DIGEST", "docker://$IMAGE:$VERSION"},
	} {
		expectFault(t, release, change, releaseFaults)
	}
}

// expectFault checks that a changed text has a fault.
func expectFault(t *testing.T, text string, change [2]string, check func(*testing.T, string) []string) {
	t.Helper()
	changed := strings.Replace(text, change[0], change[1], 1)
	if changed == text {
		t.Errorf("there is no %q to change", change[0])
	} else if len(check(t, changed)) == 0 {
		t.Errorf("no fault with %q", change[1])
	}
}
