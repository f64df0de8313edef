package event

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// contractExample is the example of the contract without its white space.
const contractExample = `{"event":"kaizen.schedule.prepared","version":"1",` +
	`"occurred_at":"2026-06-17T09:00:12Z","repo":"kaizen-agentic",` +
	`"root":"/home/worsch/kaizen-agentic","agent":"coach","cadence":"weekly",` +
	`"prepare_command":"kaizen-agentic schedule prepare coach --target /home/worsch/kaizen-agentic",` +
	`"bundle":{"format":"markdown","agent_prompt_found":true,"has_memory":true,"has_metrics":true,` +
	`"pointers":["scope","todo"],"bytes":8421},` +
	`"session_close":["kaizen-agentic metrics record coach --success --time <s> --quality <0-1>"]}`

func example() Event {
	return New(&prepare.Bundle{
		Repo: "kaizen-agentic", Agent: "coach", Cadence: "weekly", Format: prepare.Markdown,
		Content: make([]byte, 8421), PromptFound: true, HasMemory: true, HasMetrics: true,
		Pointers:     []prepare.Pointer{{Label: "scope"}, {Label: "todo"}},
		SessionClose: []string{"kaizen-agentic metrics record coach --success --time <s> --quality <0-1>"},
	}, Context{
		Root:       "/home/worsch/kaizen-agentic",
		OccurredAt: time.Date(2026, 6, 17, 11, 0, 12, 999, time.FixedZone("CEST", 2*60*60)),
	})
}

func TestMarshalIsTheContractsExample(t *testing.T) {
	t.Parallel()
	e := example()
	got, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != contractExample {
		t.Errorf("got  %s\nwant %s", got, contractExample)
	}
	back, err := Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*back, e) {
		t.Errorf("parsed %+v, want %+v", *back, e)
	}
}

func TestMarshalIsSafeInALog(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"legacy command", "x ##[error]boom"},
		{"many hashes", "####[[[error]"},
		{"non-ASCII", "äöü 日本 😀"},
		{"bidi", "a\u202eb\u2066c"},
		{"line separators", "a\u2028b\u0085c"},
		{"delete is quoted by the validator's rule elsewhere", `a\b"c`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := example()
			e.SessionClose = []string{tt.text}
			got, err := e.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(got, []byte("##[")) ||
				bytes.ContainsFunc(got, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
				t.Errorf("a log could act on %s", got)
			}
			var back Event
			if err := json.Unmarshal(got, &back); err != nil || back.SessionClose[0] != tt.text {
				t.Errorf("came back as %q (%v)", back.SessionClose, err)
			}
		})
	}
}

// TestLine checks that JSON of others gets the form of Marshal.
func TestLine(t *testing.T) {
	t.Parallel()
	const in, want = "{\n \"b\": \"####[[ \x7f ä \u202e 😀 <\",\n \"a\": [1, 2]\r\n}\n",
		`{"b":"####\u005b[ \u007f \u00e4 \u202e \ud83d\ude00 <","a":[1,2]}`
	if got, err := Line([]byte(in)); err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if got, err := Line([]byte("{} {}")); err == nil {
		t.Errorf("two values became %s", got)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	artifact := func() *Artifact {
		return &Artifact{Repository: "acme/web", RunID: 1, Name: "kaizen.web.coach.2026-W48", ID: 2,
			Digest: "sha256:" + strings.Repeat("0a", 32), URL: "https://github.com/acme/web/actions/runs/1/artifacts/2"}
	}
	tests := []struct {
		name   string
		change func(*Event)
		want   string // a part of the error; "" if there is none
	}{
		{"as it is", func(*Event) {}, ""},
		{"with artifact", func(e *Event) { e.Bundle.Artifact = artifact() }, ""},
		{"empty lists", func(e *Event) { e.Bundle.Pointers, e.SessionClose = []string{}, []string{} }, ""},
		{"windows root", func(e *Event) { e.Root = `C:\work\web` }, ""},
		{"other event", func(e *Event) { e.Event = "kaizen.metrics.recorded" }, "event must be"},
		{"other version", func(e *Event) { e.Version = "2" }, `version must be "1"`},
		{"time without zone", func(e *Event) { e.OccurredAt = "2026-06-17 09:00" }, "occurred_at"},
		{"slug", func(e *Event) { e.Repo = "../x" }, "repo"},
		{"relative root", func(e *Event) { e.Root = "work" }, "root"},
		{"root with newline", func(e *Event) { e.Root = "/a\nb" }, "root"},
		{"agent", func(e *Event) { e.Agent = "a.b" }, "agent"},
		{"cadence", func(e *Event) { e.Cadence = "hourly" }, "cadence"},
		{"no command", func(e *Event) { e.PrepareCommand = "" }, "prepare_command"},
		{"null list", func(e *Event) { e.SessionClose = nil }, "session_close"},
		{"two lines", func(e *Event) { e.SessionClose = []string{"a\nb"} }, "session_close[0]"},
		{"format", func(e *Event) { e.Bundle.Format = "html" }, "bundle.format"},
		{"label", func(e *Event) { e.Bundle.Pointers = []string{"a b"} }, "bundle.pointers[0]"},
		{"size", func(e *Event) { e.Bundle.Bytes = -1 }, "bundle.bytes"},
		{"digest", func(e *Event) { e.Bundle.Artifact = artifact(); e.Bundle.Artifact.Digest = "md5:1" },
			"artifact.digest"},
		{"artifact name", func(e *Event) { e.Bundle.Artifact = artifact(); e.Bundle.Artifact.Name = "a/b" },
			"artifact.name"},
		{"artifact repository", func(e *Event) { e.Bundle.Artifact = artifact(); e.Bundle.Artifact.Repository = "a" },
			"artifact.repository"},
		{"artifact url", func(e *Event) { e.Bundle.Artifact = artifact(); e.Bundle.Artifact.URL = "javascript:1" },
			"artifact.url"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := example()
			tt.change(&e)
			err := e.Validate()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMarshalRefusesWhatThePlatformRefuses(t *testing.T) {
	t.Parallel()
	e := example()
	e.SessionClose = []string{strings.Repeat("x", MaxSize)}
	if _, err := e.Marshal(); err == nil || !strings.Contains(err.Error(), "65535") {
		t.Errorf("got %v, want the limit named", err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	replace := func(old, new string) string { return strings.Replace(contractExample, old, new, 1) }
	tests := []struct{ name, data, want string }{
		{"empty", "", "not a JSON object"},
		{"array", "[]", "not a JSON object"},
		{"truncated", contractExample[:len(contractExample)-1], "not valid JSON"},
		{"more data", contractExample + "{}", "more data"},
		{"missing field", replace(`"agent":"coach",`, ""), `lacks the field "agent"`},
		{"missing flag", replace(`"has_memory":true,`, ""), `lacks the field "bundle.has_memory"`},
		{"eleventh field", replace(`{"event"`, `{"extra":1,"event"`), `"extra"`},
		{"twice", replace(`{"event"`, `{"event":"x","event"`), "twice"},
		{"twice but for case", replace(`"bytes":8421`, `"bytes":8421,"Bytes":1`), "twice"},
		{"null", replace(`"agent":"coach"`, `"agent":null`), "null"},
		{"number as string", replace(`8421`, `"8421"`), "bytes"},
		{"fraction", replace(`8421`, `8421.5`), "bytes"},
		{"not UTF-8", replace("coach", "\xff"), "UTF-8"},
		{"too large", contractExample + strings.Repeat(" ", MaxSize), "65535"},
		{"contract", replace(`"weekly"`, `"yearly"`), "cadence"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse([]byte(tt.data)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPrepareCommandSurvivesAShell(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"/w/plain", "/w/with space", "/w/it's", `/w/"$HOME"`, "/w/`id`;&|", "/w/ünï"} {
		out, err := exec.Command("sh", "-c", "printf '%s\\n' "+PrepareCommand("coach", root, prepare.JSON)).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := "kaizen-agentic\nschedule\nprepare\ncoach\n--target\n" + root + "\n--format\njson\n"
		if string(out) != want {
			t.Errorf("%q: the shell read %q", root, out)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(contractExample))
	f.Add([]byte(`{"event":"##[error]"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Parse(data)
		if err != nil {
			return
		}
		line, err := e.Marshal()
		if err != nil {
			return // escapes may have made it too long
		}
		back, err := Parse(line)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s came back as %+v (%v)", line, back, err)
		}
	})
}
