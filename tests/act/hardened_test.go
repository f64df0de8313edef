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

// probe prints what a process may still do in spite of these options.
const probe = `for f in /x /tmp/x; do touch $f 2>/dev/null && echo "it can write $f"; done
grep -q '^CapBnd:[[:space:]]*0*$' /proc/self/status || echo it has capabilities
grep -q '^NoNewPrivs:[[:space:]]*1$' /proc/self/status || echo it can gain privileges
[ "$(wc -l </proc/net/route)" -le 1 ] || echo it has a network
`

// TestHardened runs the image without capabilities, network and a writable root, as the
// user of the workspace. Only prepare writes, so the others get a workspace that is
// read-only.
func TestHardened(t *testing.T) {
	const image = "schedule-action:hardened-test"
	workspace := filepath.Join(fixture.TempDir(t), "web")
	copyTree(t, filepath.Join(moduleRoot, "testdata", "kaizen"), workspace)
	command(t, moduleRoot, "docker", "build", "--quiet", "--build-arg", "BUILDER="+builderImage, "--tag", image, ".")
	layers := command(t, moduleRoot, "docker", "image", "inspect", "--format={{len .RootFS.Layers}}", image)
	if layers != "2\n" {
		t.Errorf("the image has %s layers, want the certificates and the program", strings.TrimSpace(layers))
	}
	if got := command(t, moduleRoot, "docker", slices.Concat([]string{"run"}, hardened,
		[]string{"--entrypoint=sh", jobImage, "-c", probe})...); got != "" {
		t.Errorf("the container is not hardened:\n%s", got)
	}
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
