package act

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestRunnerMounts starts the image as GitHub's own runner does. Unlike act, the runner
// mounts the workspace at another path, /github/workspace, and only an argument has the
// host's path.
func TestRunnerMounts(t *testing.T) {
	const image = "schedule-action:runner-test"
	dir := fixture.TempDir(t)
	workspace, files := filepath.Join(dir, "work", "web"), filepath.Join(dir, "files")
	copyTree(t, filepath.Join(moduleRoot, "testdata", "kaizen"), workspace)
	fixture.Must(t, os.MkdirAll(files, 0o755))
	for _, name := range []string{"output", "summary"} {
		fixture.Must(t, os.WriteFile(filepath.Join(files, name), nil, 0o644))
	}
	if os.Geteuid() == 0 { // the user of a runner is not root
		command(t, dir, "chown", "-R", "1001:1001", workspace)
	}
	command(t, moduleRoot, "docker", "build", "--quiet", "--build-arg", "BUILDER="+builderImage, "--tag", image, ".")
	command(t, dir, "docker", "run", "--rm", "--network=none",
		"--volume="+workspace+":/github/workspace", "--volume="+files+":/github/file_commands",
		"--workdir=/github/workspace",
		"--env=GITHUB_ACTIONS=true", "--env=GITHUB_WORKSPACE=/github/workspace", "--env=GITHUB_REPOSITORY="+repository,
		"--env=GITHUB_OUTPUT=/github/file_commands/output", "--env=GITHUB_STEP_SUMMARY=/github/file_commands/summary",
		"--env=GITHUB_EVENT_NAME=schedule", "--env=INPUT_CADENCE=weekly", "--env=INPUT_NOW="+now,
		"--env=INPUT_EMIT=summary",
		image, "prepare", "--host-workspace="+workspace)

	outputs := fixture.Outputs(t, fixture.Read(t, filepath.Join(files, "output")))
	var event struct{ Root, Agent string }
	if err := json.Unmarshal([]byte(outputs["payload"]), &event); err != nil {
		t.Fatalf("payload: %v in %q", err, outputs)
	}
	if event.Root != workspace || event.Agent != "coach" {
		t.Errorf("root %q and agent %q, want %q and coach", event.Root, event.Agent, workspace)
	}
	if _, err := os.Stat(filepath.Join(workspace, outputs["bundle-path"])); err != nil {
		t.Errorf("bundle-path means nothing on the host: %v", err)
	}
	summary, err := os.ReadFile(filepath.Join(files, "summary"))
	if err != nil || !strings.Contains(string(summary), "1 agent prepared") {
		t.Errorf("summary: %v, %q", err, summary)
	}
	owner := ownerOf(t, workspace)
	err = filepath.WalkDir(filepath.Join(workspace, ".kaizen", "prepared"),
		func(path string, _ fs.DirEntry, err error) error {
			if err == nil && ownerOf(t, path) != owner {
				t.Errorf("%s belongs to user %d, so user %d of the runner cannot clean it up", path, ownerOf(t, path),
					owner)
			}
			return err
		})
	if err != nil {
		t.Error(err)
	}
}

func ownerOf(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	fixture.Must(t, err)
	return info.Sys().(*syscall.Stat_t).Uid
}
