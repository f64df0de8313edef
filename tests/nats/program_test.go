package nats_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// TestProgramSendsOneEventEverywhere runs the program itself. The stream, the dispatch
// and the output payload must have the same event.
func TestProgramSendsOneEventEverywhere(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	js, conn := admin(t, s)
	addStream(t, js, nil)
	received, err := conn.SubscribeSync(subject)
	fixture.Must(t, err)
	fixture.Must(t, conn.Flush())
	api, err := ghtest.New(ghtest.Options{Errorf: t.Errorf})
	fixture.Must(t, err)
	t.Cleanup(api.Close)
	api.AddRepository(ghtest.Repository{FullName: "acme/core"})
	access := map[string]ghtest.Permissions{"acme/core": {Contents: "write"}}
	token := fixture.Canary("ghp_", "fanout")
	api.AddToken(token, ghtest.Token{Kind: ghtest.Personal, Access: access})

	dir := fixture.TempDir(t)
	fixture.Must(t, os.CopyFS(filepath.Join(dir, "kaizen"), os.DirFS("../../testdata/kaizen")))
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
		"GITHUB_REPOSITORY=acme/web", "GITHUB_RUN_ID=1", "GITHUB_EVENT_NAME=schedule",
		"INPUT_DISPATCH-TOKEN=" + token,
	}
	fixture.Must(t, os.WriteFile(output, nil, 0o644))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	msg, err := received.NextMsg(5 * time.Second)
	fixture.Must(t, err)
	outputs := fixture.Outputs(t, fixture.Read(t, output))
	payload := outputs["payload"]
	if string(msg.Data) != payload {
		t.Errorf("the stream got\n%s\nthe output payload is\n%s", msg.Data, payload)
	}
	dispatches := api.Dispatches()
	if len(dispatches) != 1 || !reflect.DeepEqual(canonical(t, dispatches[0].ClientPayload), canonical(t, msg.Data)) {
		t.Errorf("dispatched %+v, the stream got\n%s", dispatches, msg.Data)
	}
	if e, err := event.Parse(msg.Data); err != nil || e.Bundle.ID != msg.Header["Nats-Msg-Id"][0] ||
		e.Bundle.ID != outputs["event-id"] {
		t.Errorf("the message %q has the event %s (%v)", msg.Header["Nats-Msg-Id"], msg.Data, err)
	}
	if got, want := msg.Header["ce-source"][0], "https://github.com/acme/web"; got != want {
		t.Errorf("ce-source is %q, want %q", got, want)
	}
}

// canonical returns the value of a JSON text, without its white space, order and escapes.
func canonical(t *testing.T, data []byte) any {
	t.Helper()
	var value any
	fixture.Must(t, json.Unmarshal(data, &value))
	return value
}
