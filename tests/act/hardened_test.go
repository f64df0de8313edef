package act

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// hardened are the options of docker run under which the image works: nothing but the
// workspace can be written, and there is no network.
var hardened = []string{"--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none",
	"--pids-limit=64", "--memory=256m"}

// TestHardened runs the image without capabilities, network and a writable root, as the
// user of the workspace. Only prepare writes, so the others get a workspace that is
// read-only.
func TestHardened(t *testing.T) {
	const image = "schedule-action:hardened-test"
	workspace := filepath.Join(fixture.TempDir(t), "web")
	copyTree(t, filepath.Join(moduleRoot, "testdata", "kaizen"), workspace)
	command(t, moduleRoot, "docker", "build", "--quiet", "--build-arg", "BUILDER="+builderImage, "--tag", image, ".")
	run := func(mode string, args ...string) string {
		t.Helper()
		options := slices.Concat([]string{"run"}, hardened, []string{
			fmt.Sprintf("--user=%d:%d", os.Getuid(), os.Getgid()),
			"--volume=" + workspace + ":/workspace:" + mode, "--workdir=/workspace", image}, args)
		return command(t, workspace, "docker", options...)
	}
	run("ro", "validate")
	if got := run("ro", "list", "--now", now); !strings.Contains(got, "coach") {
		t.Errorf("list does not name the agent:\n%s", got)
	}
	event := run("rw", "prepare", "coach", "--emit", "stdout", "--now", now)
	if !strings.Contains(event, `"agent":"coach"`) {
		t.Errorf("prepare printed %q", event)
	}
	bundles, err := filepath.Glob(filepath.Join(workspace, ".kaizen", "prepared", "*", "bundle.md"))
	fixture.Must(t, err)
	if len(bundles) != 1 {
		t.Fatalf("prepare left the bundles %q", bundles)
	}
	rel, err := filepath.Rel(workspace, filepath.Dir(bundles[0]))
	fixture.Must(t, err)
	run("ro", "verify", rel, "--target", ".")
}
