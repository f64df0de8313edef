// Package act runs the action as users do, in workflows with `uses: ./`. nektos/act
// builds the image, starts the container, and reads its command files and job artifacts.
// Only GitHub's REST API is a stand-in.
//
// The tests need a Docker engine, git, act in PATH and the images of .ci/images. They
// fail without them.
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

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

const (
	moduleRoot = "../.."
	// .ci/images provides these images.
	jobImage     = "schedule-action-job:latest"
	agentImage   = "schedule-action-agent:latest"
	builderImage = "schedule-action-builder:latest"

	repository = "acme/web"
	now        = "2026-11-24T09:00:00Z" // a Tuesday in week 48
	actTimeout = 5 * time.Minute        // the first run compiles the action
)

// lab is one repository that uses the action, and act's store of job artifacts.
type lab struct {
	dir   string // the checkout, mounted into the job container under the same path
	store string
	runs  int
	image string   // of the job container
	args  []string // more arguments of act
}

// newLab creates a git repository with a sample checkout and the action itself, so that
// `uses: ./` runs the action.
func newLab(t *testing.T, sample string) *lab {
	t.Helper()
	return newLabOf(t, sample, repository)
}

// newLabOf is newLab for the repository of this name.
func newLabOf(t *testing.T, sample, repository string) *lab {
	t.Helper()
	l := &lab{dir: filepath.Join(fixture.TempDir(t), "web"), store: fixture.TempDir(t), image: jobImage}
	// Copy only what the image is built from, because act ignores .dockerignore and sends
	// the whole checkout to the builder.
	for _, name := range []string{"Dockerfile", "action.yml", "go.mod", "go.sum", "cmd", "internal"} {
		copyTree(t, filepath.Join(moduleRoot, name), filepath.Join(l.dir, name))
	}
	// act passes no build arguments.
	dockerfile := regexp.MustCompile(`(?m)^ARG BUILDER=.*$`).ReplaceAll(l.read(t, "Dockerfile"),
		[]byte("ARG BUILDER="+builderImage))
	l.write(t, "Dockerfile", string(dockerfile))
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

// copyTree copies a file or directory. It leaves out tests, their data, and bundles that
// were prepared by hand.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// The helpers of tests have canaries, for which the tests search the checkout.
			if path != from && slices.Contains([]string{"testdata", "prepared", "fixture", "ghtest"}, d.Name()) {
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
	fixture.Must(t, err)
}

// write replaces a file of the checkout.
func (l *lab) write(t *testing.T, name, text string) {
	t.Helper()
	fixture.Must(t, os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o644))
}

func (l *lab) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(l.dir, name))
	fixture.Must(t, err)
	return data
}

// runOptions has what differs between runs of a workflow.
type runOptions struct {
	workflow string // file in .github/workflows
	trigger  string // the event's name, by default workflow_dispatch
	event    any    // content of the event file; nil for none
	apiURL   string
	vars     map[string]string
	secrets  map[string]string
}

// result is what a later step of the job and the log show about the action.
type result struct {
	runID    int
	log      string
	exitCode int // of the action's container
	Outcome  string
	Outputs  map[string]string
}

var exitPattern = regexp.MustCompile("exit with `FAILURE`: (\\d+)")

// act executes a workflow of the checkout as a new workflow run. It returns an error if a
// job failed.
func (l *lab) act(t *testing.T, o runOptions) (log string, err error) {
	t.Helper()
	l.runs++
	args := []string{
		cmp.Or(o.trigger, "workflow_dispatch"), "--workflows", filepath.Join(".github/workflows", o.workflow), "--bind",
		"--platform", "ubuntu-latest=" + l.image, "--pull=false", "--no-cache-server",
		"--local-repository", "kaizen-agentic/schedule-action@v1=" + l.dir,
		"--artifact-server-path", l.store, "--artifact-server-addr", "127.0.0.1", "--artifact-server-port", freePort(t),
		"--env", "GITHUB_RUN_ID=" + strconv.Itoa(l.runs), "--env", "GITHUB_API_URL=" + o.apiURL, "--var", "NOW=" + now,
	}
	args = append(args, l.args...)
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

// run executes a workflow of testdata. Its last step writes the action's outcome and
// outputs into step.json.
func (l *lab) run(t *testing.T, o runOptions) result {
	t.Helper()
	if err := os.Remove(filepath.Join(l.dir, "step.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	// Some tests expect that the action fails, and then the job fails, too.
	log, _ := l.act(t, o)
	fixture.NoCanary(t, "the log", log)
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

// want ends the test if the action had another exit code or outcome.
func (r result) want(t *testing.T, exitCode int, outcome string) {
	t.Helper()
	if r.exitCode != exitCode || r.Outcome != outcome {
		t.Fatalf("the action ended with exit code %d and outcome %q, want %d and %q\n%s", r.exitCode, r.Outcome,
			exitCode, outcome, r.log)
	}
}

// wantLog fails the test if the log lacks one of the texts.
func (r result) wantLog(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.log, text) {
			t.Errorf("the log does not hold %q\n%s", text, r.log)
		}
	}
}

// artifacts returns the names of a run's job artifacts in act's store.
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

// artifact returns the zip of a job artifact, and the files in it.
func (l *lab) artifact(t *testing.T, runID int, name string) ([]byte, map[string]string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(l.store, strconv.Itoa(runID), name, name+".zip"))
	fixture.Must(t, err)
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	fixture.Must(t, err)
	files := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		fixture.Must(t, err)
		content, err := io.ReadAll(r)
		fixture.Must(t, err)
		files[f.Name] = string(content)
	}
	return data, files
}

func digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func writeJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	fixture.Must(t, err)
	path := filepath.Join(fixture.TempDir(t), "event.json")
	fixture.Must(t, os.WriteFile(path, data, 0o644))
	return path
}

// command runs a program and returns its standard output. The test ends if the program
// fails.
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

// freePort returns a port of 127.0.0.1 on which no server listens.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fixture.Must(t, err)
	defer listener.Close()
	return fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
}
