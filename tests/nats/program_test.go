package nats_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// TestProgramSendsOneEventEverywhere runs the program itself: the stream, the dispatch
// and the output payload carry the same event.
func TestProgramSendsOneEventEverywhere(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	js, conn := admin(t, s)
	addStream(t, js, nil)
	received, err := conn.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	api, err := ghtest.New(ghtest.Options{Errorf: t.Errorf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	api.AddRepository(ghtest.Repository{FullName: "acme/core"})
	access := map[string]ghtest.Permissions{"acme/core": {Contents: "write"}}
	api.AddToken("ghp_fanout", ghtest.Token{Kind: ghtest.Personal, Access: access})

	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "kaizen"), os.DirFS("../../testdata/kaizen")); err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(dir, "output")
	program := filepath.Join(dir, "action")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/action")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "prepare", "coach", "--target", filepath.Join(dir, "kaizen"),
		"--emit", "nats,dispatch", "--nats-url", s.ClientURL(), "--dispatch-to", "acme/core")
	cmd.Env = []string{
		"GITHUB_ACTIONS=true", "GITHUB_API_URL=" + api.URL(), "GITHUB_OUTPUT=" + output,
		"GITHUB_REPOSITORY=acme/web", "GITHUB_RUN_ID=1",
		"INPUT_DISPATCH-TOKEN=ghp_fanout",
	}
	if err := os.WriteFile(output, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	msg, err := received.NextMsg(5 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	payload := outputOf(t, output, "payload")
	if string(msg.Data) != payload {
		t.Errorf("the stream got\n%s\nthe output payload is\n%s", msg.Data, payload)
	}
	dispatches := api.Dispatches()
	if len(dispatches) != 1 || !reflect.DeepEqual(canonical(t, dispatches[0].ClientPayload), canonical(t, msg.Data)) {
		t.Errorf("dispatched %+v, the stream got\n%s", dispatches, msg.Data)
	}
	if got, want := msg.Header["ce-source"][0], "https://github.com/acme/web"; got != want {
		t.Errorf("ce-source is %q, want %q", got, want)
	}
}

// canonical is what a JSON text means, whatever its white space, order and escapes.
func canonical(t *testing.T, data []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// outputOf reads an output of one line from a file as the runner does: name<<delimiter,
// value, delimiter.
func outputOf(t *testing.T, file, name string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut("\n"+string(data), "\n"+name+"<<")
	lines := strings.SplitN(rest, "\n", 3)
	if !ok || len(lines) < 3 || !strings.HasPrefix(lines[2], lines[0]) {
		t.Fatalf("there is no output %s of one line in\n%s", name, data)
	}
	return lines[1]
}
