// Package act runs the action as users do: nektos/act executes workflows that say `uses:
// ./`, builds the action's image, starts it as a container and takes in its command files
// and job artifacts. Only GitHub's REST API is a stand-in.
//
// It needs a Docker engine, git, act in PATH and the images of .ci/images, and fails
// without them.
package act

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	moduleRoot = "../.."
	jobImage   = "schedule-action-job:latest" // made by .ci/images
	repository = "acme/web"
	now        = "2026-11-24T09:00:00Z" // a Tuesday in week 48
	actTimeout = 5 * time.Minute        // the first run compiles the action
)

// lab is one repository that uses the action, and act's store of job artifacts.
type lab struct {
	dir   string // the checkout, mounted into the job container under the same path
	store string
	runs  int
}

// newLab makes a git repository of the sample checkout and the action itself, so that
// `uses: ./` is the action.
func newLab(t *testing.T, sample string) *lab {
	t.Helper()
	l := &lab{dir: filepath.Join(t.TempDir(), "web"), store: t.TempDir()}
	// What the image is built from, and no more: act hands the whole checkout to the
	// builder without regard to .dockerignore.
	for _, name := range []string{"Dockerfile", "action.yml", "go.mod", "go.sum", "cmd", "internal"} {
		copyTree(t, filepath.Join(moduleRoot, name), filepath.Join(l.dir, name))
	}
	copyTree(t, filepath.Join(moduleRoot, "testdata", sample), l.dir)
	copyTree(t, "testdata", filepath.Join(l.dir, ".github", "workflows"))
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"remote", "add", "origin", "https://github.com/" + repository},
		{"add", "--all"},
		{"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message=sample"},
	} {
		command(t, l.dir, "git", args...)
	}
	return l
}

// copyTree copies a file or directory without tests, their data, and what a run by hand
// left behind.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != from && (d.Name() == "testdata" || d.Name() == "prepared") {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// write replaces a file of the checkout.
func (l *lab) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (l *lab) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// runOptions are what differs between runs of one workflow.
type runOptions struct {
	workflow string // file of .github/workflows
	trigger  string // default workflow_dispatch
	event    any    // content of the event file, nil for none
	apiURL   string
	vars     map[string]string
	secrets  map[string]string
}

// result is what a later step of the job, and a reader of the log, saw of the action.
type result struct {
	runID    int
	log      string
	exitCode int // of the action's container
	Outcome  string
	Outputs  map[string]string
}

var exitPattern = regexp.MustCompile("exit with `FAILURE`: (\\d+)")

// act executes one workflow of the checkout as a workflow run of its own. The error is
// that of a job that failed.
func (l *lab) act(t *testing.T, o runOptions) (log string, err error) {
	t.Helper()
	l.runs++
	args := []string{
		cmp.Or(o.trigger, "workflow_dispatch"), "--workflows", filepath.Join(".github/workflows", o.workflow), "--bind",
		"--platform", "ubuntu-latest=" + jobImage, "--pull=false", "--no-cache-server",
		"--local-repository", "kaizen-agentic/schedule-action@v1=" + l.dir,
		"--artifact-server-path", l.store, "--artifact-server-addr", "127.0.0.1", "--artifact-server-port", freePort(t),
		"--env", "GITHUB_RUN_ID=" + strconv.Itoa(l.runs), "--env", "GITHUB_API_URL=" + o.apiURL, "--var", "NOW=" + now,
	}
	for _, name := range slices.Sorted(maps.Keys(o.vars)) {
		args = append(args, "--var", name+"="+o.vars[name])
	}
	for _, name := range slices.Sorted(maps.Keys(o.secrets)) {
		args = append(args, "--secret", name+"="+o.secrets[name])
	}
	if o.event != nil {
		args = append(args, "--eventpath", writeJSON(t, o.event))
	}
	ctx, cancel := context.WithTimeout(t.Context(), actTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "act", args...)
	cmd.Dir = l.dir
	out, err := cmd.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && (!failed || ctx.Err() != nil) {
		t.Fatalf("act: %v\n%s", err, out)
	}
	return string(out), err
}

// run executes a workflow of testdata, whose last step hands over what it saw of the
// action.
func (l *lab) run(t *testing.T, o runOptions) result {
	t.Helper()
	if err := os.Remove(filepath.Join(l.dir, "step.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	// A job that fails is not yet a test that fails: what became of the action itself
	// counts.
	log, _ := l.act(t, o)
	r := result{runID: l.runs, log: log}
	if m := exitPattern.FindStringSubmatch(log); m != nil {
		r.exitCode, _ = strconv.Atoi(m[1])
	}
	step, err := os.ReadFile(filepath.Join(l.dir, "step.json"))
	if err != nil {
		t.Fatalf("the step after the action did not run\n%s", log)
	}
	if err := json.Unmarshal(step, &r); err != nil {
		t.Fatalf("%v in %s", err, step)
	}
	return r
}

// want fails the test, with the log, when the action ended otherwise.
func (r result) want(t *testing.T, exitCode int, outcome string) {
	t.Helper()
	if r.exitCode != exitCode || r.Outcome != outcome {
		t.Fatalf("the action ended with exit code %d and outcome %q, want %d and %q\n%s", r.exitCode, r.Outcome,
			exitCode, outcome, r.log)
	}
}

// wantLog fails the test when the log lacks one of the texts.
func (r result) wantLog(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.log, text) {
			t.Errorf("the log does not hold %q\n%s", text, r.log)
		}
	}
}

// artifacts are the names of the job artifacts that a run left in act's store.
func (l *lab) artifacts(t *testing.T, runID int) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(l.store, strconv.Itoa(runID)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// artifact reads a job artifact: the bytes of its zip, and its files.
func (l *lab) artifact(t *testing.T, runID int, name string) ([]byte, map[string]string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(l.store, strconv.Itoa(runID), name, name+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return data, files
}

func digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func writeJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs a program that must succeed and returns its standard output.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}

// freePort is a port of the loopback device that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
}
