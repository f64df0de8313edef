package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// lineEnd matches what ends a line for the runner or for a terminal.
var lineEnd = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")

// strangeCommands are the lines that the runner takes for a command, or that a terminal
// obeys, and that are not annotations of this program.
func strangeCommands(text string) (strange []string) {
	for _, line := range lineEnd.Split(text, -1) {
		annotation := strings.HasPrefix(line, "::error ") && strings.Contains(line, "title=changed::")
		isCommand := strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[")
		if isCommand && !annotation || strings.ContainsAny(line, "\x1b\u202e") {
			strange = append(strange, line)
		}
	}
	return strange
}

// hostileNames are names that a bundle's directory, a file or a source can have.
var hostileNames = []string{
	"::error::x", "  ::add-mask::x", "\n::set-output name=x::y", "a\n::error file=x::y", "##[error]x", "a##[add-path]b",
	"a\r::stop-commands::x", "\x1b[31mred", "\u202egnp.exe", "a\u2028::error::x", "a\u0085::error::x",
	"%0A::error::x", "`<b>`|x", "<img src=x>",
}

// TestVerifyHostileBundles verifies bundles whose names, extra files and sources.json are
// commands, as an action and on a terminal.
func TestVerifyHostileBundles(t *testing.T) {
	t.Parallel()
	for _, name := range hostileNames {
		quoted, err := json.Marshal(name)
		fixture.Must(t, err)
		for place, files := range map[string]map[string]string{
			"directory":  {"prepared/" + name + "/sources.json": `{"bundle":{"name":"bundle.md"}}`},
			"extra file": {"prepared/x/sources.json": `{"bundle":{"name":"bundle.md"}}`, "prepared/x/" + name: "x"},
			"no bundle": {"prepared/" + name + "/x": "x",
				"prepared/x/sources.json": `{"bundle":{"name":"bundle.md"}}`},
			"source": {"prepared/x/sources.json": `{"bundle":{"name":"bundle.md"},"files":[{"path":` + string(quoted) +
				`,"role":` + string(quoted) + `,"sha256":` + string(quoted) + `,"size":9}],"commit":` +
				string(quoted) + "}",
				"prepared/x/bundle.md": ""},
			"bundle's name": {"prepared/x/sources.json": `{"bundle":{"name":` + string(quoted) + `}}`},
			"broken":        {"prepared/x/sources.json": name},
		} {
			t.Run(place+" "+name, func(t *testing.T) {
				t.Parallel()
				p := newEmptyPlatform(t, ghtest.Options{})
				fixture.Write(t, p.workspace, files)
				dir := filepath.Join(p.workspace, "prepared")
				got := p.step(map[string]string{"command": "verify", "from": dir, "target": p.workspace})
				if got.code != exitFindings || got.outputs["valid"] != "false" || got.outputs["count"] == "0" {
					t.Errorf("exit code %d, outputs %v\n%s", got.code, got.outputs, got.stderr)
				}
				if strange := strangeCommands(got.stdout + "\n" + got.stderr); len(strange) > 0 {
					t.Errorf("the log has the commands %q", strange)
				}
				if !strings.Contains(got.summary, "❌") || strings.Contains(got.summary, "<img src") ||
					strings.ContainsAny(got.summary, "\x1b\u202e\r") {
					t.Errorf("the summary is\n%s", got.summary)
				}
				out := action(t, exitFindings, "verify", dir, "--target", p.workspace)
				if strings.ContainsAny(out, "\x1b\u202e\r\u2028\u0085") {
					t.Errorf("the terminal gets %q", out)
				}
			})
		}
	}
}

// TestVerifyAsAnAction prepares bundles in one step and verifies them in the next.
func TestVerifyAsAnAction(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	prepared := p.step(map[string]string{"now": tuesday, "agents": "all"})
	if prepared.code != exitOK || prepared.outputs["count"] != "2" {
		t.Fatalf("exit code %d, %v\n%s", prepared.code, prepared.outputs, prepared.stderr)
	}
	for _, inputs := range []map[string]string{{}, {"target": p.workspace},
		{"from": p.workspace + "/.kaizen/prepared"}} {
		inputs["command"] = "verify"
		got := p.step(inputs)
		if got.code != exitOK || got.outputs["valid"] != "true" || got.outputs["errors"] != "0" ||
			got.outputs["count"] != "2" || got.stdout != "" {
			t.Errorf("%v: exit code %d, outputs %v\n%s%s", inputs, got.code, got.outputs, got.stdout, got.stderr)
		}
		if !strings.Contains(got.summary, "✅ 2 bundles checked, none differs") ||
			!strings.Contains(got.summary, ".kaizen/prepared/"+coachThisWeek) {
			t.Errorf("%v: the summary is\n%s", inputs, got.summary)
		}
	}
	bundle := filepath.Join(p.workspace, ".kaizen/prepared", coachThisWeek, "bundle.md")
	writeTest(t, bundle, "another")
	got := p.step(map[string]string{"command": "verify"})
	place := "file=.kaizen/prepared/" + coachThisWeek + "/bundle.md"
	if got.code != exitFindings || got.outputs["valid"] != "false" || got.outputs["errors"] != "1" ||
		!strings.Contains(got.stdout, place) {
		t.Errorf("changed: exit code %d, outputs %v\n%s%s", got.code, got.outputs, got.stdout, got.stderr)
	}
	if got := p.step(map[string]string{"command": "verify", "from": filepath.Dir(bundle)}); got.code != exitFindings {
		t.Errorf("one bundle: exit code %d\n%s", got.code, got.stderr)
	}
	fixture.Must(t, os.RemoveAll(filepath.Join(p.workspace, ".kaizen/prepared")))
	got = p.step(map[string]string{"command": "verify"})
	if got.code != exitUsage || got.outputs["valid"] != "false" ||
		!strings.Contains(got.summary, "opening the bundle directory") {
		t.Errorf("without bundles: exit code %d, outputs %v\n%s\n%s", got.code, got.outputs, got.stderr, got.summary)
	}
}

// TestVerifyWithoutASummary checks that a report that cannot be written is no success.
func TestVerifyWithoutASummary(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	if got := p.step(map[string]string{"now": tuesday, "agents": "coach"}); got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	vars := p.vars(103, nil, map[string]string{"GITHUB_STEP_SUMMARY": filepath.Join(p.workspace, "none", "summary")})
	var out bytes.Buffer
	if code := runWith(t, t.Context(), []string{"verify"}, vars, &out, &out); code != exitUnavailable {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}
