package workflow

import (
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

func TestMayPrepare(t *testing.T) {
	t.Parallel()
	steps := func(list string) string { return "on: push\njobs: {a: {steps: [" + list + "]}}\n" }
	const action = "{uses: kaizen-agentic/schedule-action@v1"
	for _, tt := range []struct {
		name, workflow, dir, file string
		want                      bool
	}{
		{"at the root", steps(action + "}"), ".", schedule.DefaultPath, true},
		{"in another directory", steps(action + "}"), "packages/web", schedule.DefaultPath, false},
		{"in this directory", steps(action + ", with: {target: ./packages/web/}}"), "packages/web", schedule.DefaultPath, true},
		{"in the workspace", steps(action + ", with: {target: '${{ github.workspace }}/packages/web'}}"), "packages/web",
			schedule.DefaultPath, true},
		{"in a directory that is not known", steps(action + ", with: {target: '${{ matrix.dir }}'}}"), "packages/web",
			schedule.DefaultPath, true},
		{"in another checkout", steps("{uses: actions/checkout@v7, with: {path: repo}}, " + action +
			", with: {target: repo/packages/web}}"), "packages/web", schedule.DefaultPath, true},
		{"in an unknown checkout", steps("{uses: actions/checkout@v7, with: {path: '${{ github.job }}'}}, " + action + "}"),
			"packages/web", schedule.DefaultPath, true},
		{"another manifest", steps(action + ", with: {schedule: other.yml}}"), ".", schedule.DefaultPath, false},
		{"this manifest", steps(action + ", with: {schedule: ./other.yml}}"), ".", "other.yml", true},
		{"the default manifest", steps(action + "}"), ".", "other.yml", false},
		{"validates only", steps(action + ", with: {command: validate}}"), ".", schedule.DefaultPath, false},
		{"an unknown command", steps(action + ", with: {command: '${{ inputs.command }}'}}"), ".", schedule.DefaultPath, true},
		{"another action", steps("{uses: actions/checkout@v7}"), ".", schedule.DefaultPath, false},
		{"calls another repository's workflow", "on: {schedule: [{cron: '17 * * * *'}]}\njobs: {a: {uses: " +
			"acme/.github/.github/workflows/x.yml@main}}\n", ".", schedule.DefaultPath, true},
		{"calls its own workflow", "on: {schedule: [{cron: '17 * * * *'}]}\njobs: {a: {uses: ./.github/workflows/x.yml}}\n",
			".", schedule.DefaultPath, false},
		{"calls it on a push", "on: push\njobs: {a: {uses: acme/.github/.github/workflows/x.yml@main}}\n", ".",
			schedule.DefaultPath, false},
		{"not YAML", "on: [push\n", ".", schedule.DefaultPath, false},
		{"empty", "", ".", schedule.DefaultPath, false},
	} {
		tree := treeOf(t, map[string]string{".github/workflows/kaizen.yml": tt.workflow})
		if got := MayPrepare(tree, tt.dir, tt.file); got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
	}
	if MayPrepare(treeOf(t, nil), ".", schedule.DefaultPath) {
		t.Error("without workflows: got true")
	}
}
