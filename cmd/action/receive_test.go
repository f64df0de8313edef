package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// produce runs the producer, and returns its event and the bytes of its bundle.
func (p *platform) produce() (payload, bundle string) {
	p.t.Helper()
	got := p.step(map[string]string{"now": tuesday, "cadence": "weekly"})
	if got.code != exitOK {
		p.t.Fatalf("prepare: exit code %d\n%s", got.code, got.stderr)
	}
	return got.outputs["payload"], fixture.Read(p.t, filepath.Join(p.workspace, got.outputs["bundle-path"]))
}

// received is the environment of a run that this event started.
func (p *platform) received(eventName, payload string) map[string]string {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "event.json")
	webhook := map[string]any{"repository": map[string]any{"id": 7, "full_name": sampleRepo, "default_branch": "main"}}
	if eventName == "workflow_dispatch" {
		webhook["inputs"] = map[string]string{"event": payload}
	} else {
		webhook["action"], webhook["client_payload"] = event.Type, json.RawMessage(payload)
	}
	var data bytes.Buffer
	enc := json.NewEncoder(&data) // as the runner writes it
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	fixture.Must(p.t, enc.Encode(webhook))
	fixture.Must(p.t, os.WriteFile(file, data.Bytes(), 0o644))
	return map[string]string{"GITHUB_EVENT_NAME": eventName, "GITHUB_EVENT_PATH": file}
}

// receive runs the consumer in a run of its own.
func (p *platform) receive(inputs, env map[string]string) ran {
	p.t.Helper()
	all := map[string]string{"command": "receive", "now": "2026-11-24T09:10:00Z", "bundle-token": "token"}
	for name, value := range inputs {
		all[name] = value
	}
	p.run++
	return p.stepIn(p.run, all, env)
}

func (p *platform) downloads() (n int) {
	for _, q := range p.api.Requests() {
		if q.Storage {
			n++
		}
	}
	return n
}

// TestReceiveFiveTimes gets one event five times: one acceptance, four duplicates, one
// download. The bundle is the producer's, byte for byte.
func TestReceiveFiveTimes(t *testing.T) {
	t.Parallel()
	for _, eventName := range []string{"repository_dispatch", "workflow_dispatch"} {
		p := newPlatform(t)
		payload, bundle := p.produce()
		accepted, duplicates := 0, 0
		for range 5 {
			got := p.receive(nil, p.received(eventName, payload))
			out := got.outputs
			if got.code != exitOK || out["payload"] != payload || out["agent"] != "coach" ||
				out["period"] != "2026-W48" ||
				out["repository"] != sampleRepo || out["repo"] != "kaizen-agentic" || out["cadence"] != "weekly" ||
				out["event-id"] != sampleRepo+"/kaizen.kaizen-agentic.coach.2026-W48" || out["lateness"] != "600" {
				t.Fatalf("%s: exit code %d, %v\n%s", eventName, got.code, out, got.stderr)
			}
			switch out["duplicate"] {
			case "true":
				duplicates++
				if out["bundle-path"] != "" || out["bundle-dir"] != "" {
					t.Errorf("a duplicate has the bundle %q in %q", out["bundle-path"], out["bundle-dir"])
				}
			case "false":
				accepted++
				if got := fixture.Read(t, filepath.Join(p.workspace, out["bundle-path"])); got != bundle {
					t.Error("the bundle is not the producer's")
				}
				entries, err := os.ReadDir(filepath.Join(p.workspace, out["bundle-dir"]))
				if err != nil || len(entries) != 2 {
					t.Errorf("the directory has %v (%v)", entries, err)
				}
			}
		}
		if n := p.downloads(); accepted != 1 || duplicates != 4 || n != 1 {
			t.Errorf("%s: %d accepted, %d duplicates, %d downloads", eventName, accepted, duplicates, n)
		}
	}
}

// TestReceiveAgain runs one run again: its agent failed, and is to run again. Another run of
// the same event is a duplicate.
func TestReceiveAgain(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	payload, _ := p.produce()
	env := p.received("repository_dispatch", payload)
	inputs := map[string]string{"command": "receive", "bundle-token": "token"}
	for i, want := range []struct {
		run       int64
		attempt   string
		duplicate string
	}{{200, "1", "false"}, {200, "1", "true"}, {200, "2", "false"}, {200, "2", "true"}, {201, "1", "true"},
		{201, "2", "true"}} {
		env["GITHUB_RUN_ATTEMPT"] = want.attempt
		got := p.stepIn(want.run, inputs, env)
		if got.code != exitOK || got.outputs["duplicate"] != want.duplicate {
			t.Errorf("%d: run %d, attempt %s: exit code %d, duplicate %q\n%s", i, want.run, want.attempt, got.code,
				got.outputs["duplicate"], got.stderr)
		}
	}
}

// TestReceiveAcknowledges sends each state to a repository and a workflow. If one of them
// cannot be reached, the event is not recorded, so that it is not lost.
func TestReceiveAcknowledges(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	payload, _ := p.produce()
	env := p.received("repository_dispatch", payload)
	inputs := map[string]string{"acknowledge-to": "acme/core", "dispatch-token": fanOutToken}
	p.api.Fail("POST /repos/acme/core/dispatches", 1, ghtest.Status(422, `{"message":"no"}`))
	got := p.receive(inputs, env)
	if got.code != exitUnavailable || got.outputs != nil && got.outputs["payload"] != "" ||
		!strings.Contains(got.stderr, "acknowledging over dispatch to acme/core") {
		t.Fatalf("target refuses: exit code %d, %v\n%s", got.code, got.outputs, got.stderr)
	}
	for range 2 {
		if got := p.receive(inputs, env); got.code != exitOK {
			t.Fatalf("exit code %d\n%s", got.code, got.stderr)
		}
	}
	inputs["allow"] = "other/*"
	if got := p.receive(inputs, env); got.code != exitFindings || got.outputs["payload"] != "" {
		t.Errorf("not allowed: exit code %d, %v", got.code, got.outputs)
	}
	var states []string
	for _, d := range p.api.Dispatches() {
		r, err := event.ParseReceived(d.ClientPayload)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, d.EventType+" "+string(r.State)+" "+r.Reason)
		if r.ID != sampleRepo+"/kaizen.kaizen-agentic.coach.2026-W48" || r.Consumer.Repository != sampleRepo ||
			!strings.HasPrefix(r.Consumer.RunURL, "https://github.com/"+sampleRepo+"/actions/runs/") {
			t.Errorf("got %+v", r)
		}
	}
	want := event.ReceivedType + " in_progress \n" + event.ReceivedType + " duplicate \n" + event.ReceivedType +
		` rejected the repository "acme/kaizen-agentic" is not among those that are allowed: other/*`
	if got := strings.Join(states, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestReceiveForgedRecord accepts an event although a fork, and a run on another branch, have
// stored a record of it.
func TestReceiveForgedRecord(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	payload, _ := p.produce()
	record := "kaizen.kaizen-agentic-5b15907cb9f3bf2b.coach.2026-W48.received"
	forged := []ghtest.Artifact{
		{Repository: sampleRepo, Name: record, RunID: 300, HeadBranch: "main", HeadRepositoryID: 99},
		{Repository: sampleRepo, Name: record, RunID: 301, HeadBranch: "evil"},
	}
	for _, a := range forged {
		p.api.AddArtifact(a)
	}
	got := p.receive(nil, p.received("repository_dispatch", payload))
	if got.code != exitOK || got.outputs["duplicate"] != "false" {
		t.Fatalf("exit code %d, duplicate %q\n%s", got.code, got.outputs["duplicate"], got.stderr)
	}
	if !strings.Contains(got.stderr, record) || strings.Count(got.stderr, ": skipped") != 2 {
		t.Errorf("the records are not those of this event: %s", got.stderr)
	}
}

// TestReceiveUndecided does not guess when the ledger cannot be read: neither a duplicate nor
// an agent that runs twice.
func TestReceiveUndecided(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	payload, _ := p.produce()
	p.api.Fail("GET /repos/"+sampleRepo+"/actions/artifacts", 1, ghtest.Status(403, `{"message":"no"}`))
	got := p.receive(nil, p.received("repository_dispatch", payload))
	if got.code != exitUnavailable || got.outputs["payload"] != "" || got.outputs["duplicate"] != "false" ||
		p.downloads() != 0 {
		t.Errorf("exit code %d, %v\n%s", got.code, got.outputs, got.stderr)
	}
}

// TestReceiveEvents runs on the events of workflows that bring one, and on others only if the
// user says so.
func TestReceiveEvents(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	payload, _ := p.produce()
	file := filepath.Join(t.TempDir(), "event.json")
	fixture.Must(t, os.WriteFile(file, []byte(payload+"\n"), 0o644))
	for _, tt := range []struct {
		event, allowed string
		code           int
		want           string
	}{
		{"pull_request", "", exitUsage, "receive is refused on the event pull_request"},
		{"schedule", "", exitUsage, "accept the risk with allow-events: schedule"},
		{"", "", exitUsage, "the run has no event"},
		{"workflow_call", "", exitUsage, "receive is refused on the event workflow_call"},
		{"schedule", "schedule", exitOK, ""},
	} {
		got := p.receive(map[string]string{"event": file, "allow-events": tt.allowed},
			map[string]string{"GITHUB_EVENT_NAME": tt.event})
		if got.code != tt.code || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%+v: exit code %d\n%s", tt, got.code, got.stderr)
		}
	}
	got := p.receive(nil, map[string]string{"GITHUB_EVENT_NAME": "workflow_dispatch"})
	if got.code != exitUsage || !strings.Contains(got.stderr, "there is no event") {
		t.Errorf("no event: exit code %d\n%s", got.code, got.stderr)
	}
}

// TestReceiveHostileText gives every free text of an event commands, Markdown and shell text.
// They reach outputs as data, and the log and the summary as plain text.
func TestReceiveHostileText(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	payload, _ := p.produce()
	const hostile = "$(touch PWNED) `touch PWNED` ; ##[error]x ::set-output name=x::y </details><script>alert(1)</script> | x |"
	var e map[string]any
	fixture.Must(t, json.Unmarshal([]byte(payload), &e))
	e["root"], e["prepare_command"], e["session_close"] = "/"+hostile, hostile, []string{hostile}
	e["bundle"].(map[string]any)["later"] = hostile
	data, err := json.Marshal(e)
	fixture.Must(t, err)
	got := p.receive(nil, p.received("repository_dispatch", string(data)))
	if got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	back, err := event.Parse([]byte(got.outputs["payload"]))
	if err != nil || back.PrepareCommand != hostile || back.SessionClose[0] != hostile {
		t.Errorf("the payload is %s (%v)", got.outputs["payload"], err)
	}
	for name, text := range map[string]string{"log": got.stdout + got.stderr, "payload": got.outputs["payload"],
		"summary": got.summary} {
		if strings.Contains(text, "##[") || strings.Contains(text, "\n::") {
			t.Errorf("the %s has a command: %s", name, text)
		}
	}
	if at := strings.Index(got.summary, "<script>"); at >= 0 && !strings.Contains(got.summary[:at], "```") {
		t.Errorf("the summary has HTML: %s", got.summary)
	}
	if _, err := os.Stat(filepath.Join(p.workspace, "PWNED")); err == nil {
		t.Error("the text was executed")
	}
	refused := p.receive(map[string]string{"allow-agents": "none"}, p.received("repository_dispatch", string(data)))
	if refused.code != exitFindings || !strings.Contains(refused.summary, "refused") ||
		!strings.Contains(refused.stdout, "::error") {
		t.Errorf("refused: exit code %d\n%s\n%s", refused.code, refused.stdout, refused.summary)
	}
}

// TestReceiveOnATerminal uses a directory as its ledger.
func TestReceiveOnATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fixture.Write(t, dir, map[string]string{"event.json": fixture.Read(t,
		"../../testdata/conformance/valid/contract-example.json")})
	args := []string{"receive", "--target", dir, "--event", filepath.Join(dir, "event.json"), "--allow",
		"kaizen-agentic"}
	for i, want := range []string{"accepted kaizen-agentic/kaizen.kaizen-agentic.coach.2026-06-17T0900Z",
		"is a duplicate"} {
		code, _, stderr := runOnTerminal(t, args...)
		if code != exitOK || !strings.Contains(stderr, want) {
			t.Errorf("%d: exit code %d\n%s", i, code, stderr)
		}
	}
	fixture.Write(t, dir, map[string]string{"event.json": strings.Repeat(" ", event.MaxSize+1)})
	if code, _, stderr := runOnTerminal(t, args...); code != exitFindings || !strings.Contains(stderr, "65536 bytes") {
		t.Errorf("too large: exit code %d\n%s", code, stderr)
	}
}

// runOnTerminal runs the program without the environment of a workflow.
func runOnTerminal(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	code = runWith(t, t.Context(), args, map[string]string{}, &out, &log)
	return code, out.String(), log.String()
}

// TestReceiveArchives keeps the producer's zip by its digest, inside the workspace only.
func TestReceiveArchives(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	payload, _ := p.produce()
	env := p.received("repository_dispatch", payload)
	for _, outside := range []string{"../archive", t.TempDir()} {
		got := p.receive(map[string]string{"archive-dir": outside}, env)
		if got.code != exitUsage || !strings.Contains(got.stderr, "archive-dir") {
			t.Errorf("%s: exit code %d\n%s", outside, got.code, got.stderr)
		}
	}
	archive := filepath.Join(p.workspace, "archive")
	if got := p.receive(map[string]string{"archive-dir": archive}, env); got.code != exitOK ||
		!strings.Contains(got.summary, "sha256/") {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	e, err := event.Parse([]byte(payload))
	fixture.Must(t, err)
	digits := strings.TrimPrefix(e.Bundle.Artifact.Digest, "sha256:")
	files := fixture.Tree(t, archive)
	if len(files) != 2 || files["sha256/"+digits[:2]+"/"+digits+".zip"] == "" ||
		!strings.Contains(files["index.jsonl"], `"id":"`+e.Bundle.ID+`"`) {
		t.Errorf("the archive has %v", files)
	}
}
