package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// A dry run reports for every target what it would send, and leaves nothing behind.
func TestDryRunTellsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var targets []string
	for i := range 500 {
		targets = append(targets, fmt.Sprintf("acme/r%03d", i))
	}
	inputs := fanOut(tuesday)
	inputs["dispatch-to"], inputs["dry-run"] = strings.Join(targets, "\n")+"\nACME/R007 # again", "true"
	got := p.step(inputs)
	if got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	var deliveries []struct {
		Agent string
		store.Delivery
	}
	if err := json.Unmarshal([]byte(got.outputs["deliveries"]), &deliveries); err != nil ||
		len(deliveries) != len(targets) {
		t.Fatalf("%d deliveries, %v", len(deliveries), err)
	}
	for i, d := range deliveries {
		if d.Agent != "coach" || d.Channel != "dispatch" || d.Target != targets[i] || d.Status != "dry-run" {
			t.Errorf("delivery %d is %+v", i, d)
		}
		for where, text := range map[string]string{"log": got.stderr, "summary": got.summary} {
			if !strings.Contains(text, targets[i]) {
				t.Errorf("the %s lacks %s", where, targets[i])
			}
		}
	}
	if !strings.Contains(got.stderr, "dispatch acme/r499: dry-run") ||
		!strings.Contains(got.summary, "1 agent would be prepared") {
		t.Errorf("not reported as a dry run:\n%.2000s", got.summary)
	}
	if e, err := event.Parse([]byte(got.outputs["payload"])); err != nil || e.Agent != "coach" {
		t.Errorf("payload: %v", err)
	}
	for _, r := range p.api.Requests() {
		if r.Method != "GET" {
			t.Errorf("sent %s %s", r.Method, r.Path)
		}
	}
	if n := len(p.results.Requests()); n > 0 {
		t.Errorf("%d requests to the artifact service", n)
	}
	if _, err := os.Stat(filepath.Join(p.workspace, ".kaizen/prepared")); !os.IsNotExist(err) {
		t.Errorf("a store was written (%v)", err)
	}
	// The next real run finds the agent due.
	if got := p.step(fanOut(tuesday)); got.code != exitOK || got.outputs["count"] != "1" {
		t.Errorf("after it: exit code %d, %v\n%s", got.code, got.outputs["count"], got.stderr)
	}
}

// An event that exceeds the platform's limit is reported with its size before anything is
// sent.
func TestOversizedEventLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.write(".kaizen/schedule.yml",
		oneAgent+"    session_close:\n"+strings.Repeat("      - "+strings.Repeat("é", 900)+"\n", 13))
	got := p.step(fanOut(tuesday))
	if got.code != exitFindings || got.outputs["count"] != "0" {
		t.Errorf("exit code %d, outputs %v", got.code, got.outputs)
	}
	for _, want := range []string{"bytes, and the platform accepts 65535: shorten session_close",
		".kaizen/schedule.yml:6:7"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("the log lacks %q:\n%.1000s", want, got.stderr)
		}
	}
	for _, r := range p.api.Requests() {
		if r.Method != "GET" {
			t.Errorf("sent %s %s", r.Method, r.Path)
		}
	}
	if n := len(p.results.Requests()); n > 0 {
		t.Errorf("%d requests to the artifact service", n)
	}
}

// A dry run claims no delivery where a target fails.
func TestDryRunWithATargetThatFails(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	inputs := fanOut(tuesday)
	inputs["dry-run"], inputs["nats-url"] = "true", "nats://127.0.0.1:1"
	got := p.step(inputs)
	const want = "coach: would not be delivered: 1 of 3 targets would not get the event: correct what failed"
	if got.code != exitUnavailable || !strings.Contains(got.stderr, want) ||
		!strings.Contains(got.summary, "❌ 1 agent would not be delivered") {
		t.Errorf("exit code %d, want %q\n%s\n%.500s", got.code, want, got.stderr, got.summary)
	}
	for where, text := range map[string]string{"log": got.stderr, "summary": got.summary} {
		if strings.Contains(text, "delivered to") || strings.Contains(text, "delivered partly") {
			t.Errorf("the %s claims a delivery:\n%s", where, text)
		}
	}
}
