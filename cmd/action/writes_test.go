package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
)

// resultsOf are command lines by command, and where they write results. DIR is a workspace with
// the sample, a stored bundle, a roster, an event, and in new a repository without a manifest.
var resultsOf = map[string][]struct {
	args            string
	stdout, outputs bool
}{
	"init":     {{"init --target DIR/new", true, false}},
	"validate": {{"validate --format json", true, true}},
	"list": {{"list", true, true}, {"list --format json", true, true},
		{"list --format scheduled-runs", true, false}},
	"prepare":  {{"prepare coach --now " + tuesday + " --emit stdout", true, true}},
	"receive":  {{"receive --event DIR/event.json --allow kaizen-agentic --allow-events schedule", false, true}},
	"doctor":   {{"doctor", true, true}},
	"discover": {{"discover --root DIR --format text", true, true}},
	"verify":   {{"verify", true, true}},
	"report":   {{"report --roster DIR/roster.json", true, true}},
}

// TestFailedWrites runs every command with a standard output that is full, or with a file of
// outputs that is a directory.
func TestFailedWrites(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		for _, tt := range resultsOf[c.name] {
			if tt.stdout {
				t.Run(tt.args+" on a full disk", func(t *testing.T) {
					t.Parallel()
					failedWrite(t, tt.args, fullDisk{}, func(string) map[string]string { return nil })
				})
			}
			if tt.outputs {
				t.Run(tt.args+" without outputs", func(t *testing.T) {
					t.Parallel()
					failedWrite(t, tt.args, io.Discard, func(dir string) map[string]string {
						vars := placeVars(t, "container", dir)
						vars["GITHUB_OUTPUT"] = dir
						return vars
					})
				})
			}
		}
		if len(resultsOf[c.name]) == 0 {
			t.Errorf("resultsOf lacks %s", c.name)
		}
	}
}

// failedWrite runs a command that cannot write its result, and checks the exit code.
func failedWrite(t *testing.T, args string, stdout io.Writer, environment func(dir string) map[string]string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(fixture.TempDir(t))
	fixture.Must(t, err)
	fixture.Must(t, copySample(dir, samplesDir+"/kaizen"))
	action(t, exitOK, "prepare", "coach", "--target", dir, "--now", tuesday)
	fixture.Write(t, dir, map[string]string{
		"roster.json": string(fleet.New(0, nil).Encode()), "new/agents/coach.md": "x",
		"new/.git/HEAD": "ref: refs/heads/main\n",
		"event.json":    fixture.Read(t, "../../testdata/conformance/valid/contract-example.json"),
	})
	words := strings.Fields(strings.ReplaceAll(args, "DIR", dir))
	if !strings.Contains(args, "--target") {
		words = append(words, "--target", dir)
	}
	vars := environment(dir)
	var log bytes.Buffer
	code := run(t.Context(), words, streams{
		getenv: func(name string) string { return vars[name] }, stdin: strings.NewReader(""), stdout: stdout,
		stderr: &log, now: time.Now, signals: context.WithCancel,
		sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	reported := strings.Contains(log.String(), "no space left on device") ||
		strings.Contains(log.String(), "is a directory")
	if code != exitUnavailable || !reported {
		t.Errorf("exit code %d, want %d\n%s", code, exitUnavailable, log.String())
	}
}
