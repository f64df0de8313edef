package diag

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

const sample = "\ufeffversion: \"1\"\r\n" +
	"repo: acme\r\n" +
	"agents:\r\n" +
	"\tcoach: {cadence: weekly}\r\n" +
	"  日本 é e\u0301 \x1b[31mred\x1b[0m \u202eevil \xff: {cadence: wekly}\r\n" +
	"  coach: {cadence: weekly}\r\n"

// hostile has text that tries to break out of each format.
const hostile = "\x1b]0;title\x07 ::error::x\r\n##[error]y \u202e \u200b \u2028 \x7f \u0085 \xff <script> " +
	"[link](https://evil.example) {0}"

func findings() []Finding {
	const file = ".kaizen/schedule.yml"
	return []Finding{
		Unreadable.At("docs/no such#file?.yml", 0, 0, "no such file", ""),
		WrongType.At(file, 1, 1, "the top of the file is a list", "write a mapping"),
		Version.At(file, 1, 10, `the version is "1"`, ""),
		Syntax.At(file, 4, 1, "a tab", ""),
		Cadence.At(file, 5, 43, `no cadence "wekly"`, `did you mean "weekly"?`),
		DuplicateAgent.At(file, 6, 3, `the agent "coach" is there twice`, ""),
		CronOnTheHour.At("c:d/ü.yml", 99, 3, "past the end of the file", ""),
		HiddenUnicode.At(hostile, 2, 1, hostile, hostile),
	}
}

func source(file string) []byte {
	if file == ".kaizen/schedule.yml" || file == hostile {
		return []byte(sample)
	}
	return nil
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	for name, color := range map[string]bool{"plain.txt": false, "color.txt": true} {
		var buf bytes.Buffer
		if err := WriteText(&buf, findings(), source, color); err != nil {
			t.Fatal(err)
		}
		fixture.Golden(t, filepath.Join("testdata", name), buf.Bytes())
	}
}

func TestTextKeepsSecrets(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	secret := func(string) []byte { return []byte("password: hunter2\n") }
	found := []Finding{HiddenUnicode.At("f", 1, 3, "hidden", ""), Secret.At("f", 1, 11, "a secret", "revoke it")}
	if err := WriteText(&buf, found, secret, false); err != nil {
		t.Fatal(err)
	}
	want := "f:1:3: warning: hidden [hidden-unicode]\nf:1:11: error: a secret [secret]\n  hint: revoke it\n"
	if buf.String() != want {
		t.Errorf("got %q, want %q", buf.String(), want)
	}
}

func TestTextCaret(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 500) + "日" + strings.Repeat("b", 500)
	tests := []struct {
		name   string
		line   string
		column int
		text   string
		caret  string
	}{
		{"start", "repo: x", 1, "repo: x", ""},
		{"middle", "repo: x", 7, "repo: x", "      "},
		{"behind the end", "repo:", 6, "repo:", "     "},
		{"tabs", "\tx:\ty", 5, "\tx:\ty", "\t  \t"},
		{"wide", "日本: x", 5, "日本: x", "      "},
		{"wide Hangul, kana, fullwidth, emoji", "한かＡ🚀x", 5, "한かＡ🚀x", "        "},
		{"narrow, not ASCII", "é–x", 3, "é–x", "  "},
		{"combining", "e\u0301x", 3, "e\u0301x", " "},
		{"escaped", "\x1bx", 2, `\x1bx`, "    "},
		{"bidi", "\u202ex", 2, `\u202ex`, "      "},
		{"not UTF-8", "\xffx", 2, `\xffx`, "    "},
		{"long, at the start", long, 1, strings.Repeat("a", 60) + "…", ""},
		{"long, in the middle", long, 501, "…" + strings.Repeat("a", 59) + "日" + strings.Repeat("b", 59) + "…",
			strings.Repeat(" ", 60)},
		{"long, at the end", long, 1001, "…" + strings.Repeat("b", 60), strings.Repeat(" ", 60)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var buf bytes.Buffer
			source := func(string) []byte { return []byte(tt.line) }
			// A second finding on the line must not shift the caret.
			if err := WriteText(&buf, []Finding{{File: "f", Line: 1, Column: 1},
				{File: "f", Line: 1, Column: tt.column}}, source, false); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(buf.String(), "\n")
			if text, caret := lines[4], lines[5]; text != " 1 | "+tt.text || caret != "   | "+tt.caret+"^" {
				t.Errorf("got\n%q\n%q\nwant\n%q\n%q", text, caret, tt.text, tt.caret)
			}
		})
	}
}

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	if err := WriteJSON(&buf, findings()); err != nil {
		t.Fatal(err)
	}
	fixture.Golden(t, filepath.Join("testdata", "findings.json"), buf.Bytes())
	var got []Finding
	if err := json.Unmarshal(buf.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := findings()
	for i := range want { // JSON is UTF-8
		want[i].File = strings.ToValidUTF8(want[i].File, "\ufffd")
		want[i].Message = strings.ToValidUTF8(want[i].Message, "\ufffd")
		want[i].Hint = strings.ToValidUTF8(want[i].Hint, "\ufffd")
	}
	if !slices.Equal(got, want) {
		t.Errorf("read back %+v", got)
	}

	buf.Reset()
	if err := WriteJSON(&buf, nil); err != nil || buf.String() != "[]\n" {
		t.Errorf("no findings give %q, %v", buf.String(), err)
	}
}

func TestWriteSARIF(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	if err := WriteSARIF(&buf, findings(), "1.2.3"); err != nil {
		t.Fatal(err)
	}
	fixture.Golden(t, filepath.Join("testdata", "findings.sarif"), buf.Bytes())

	if err := WriteSARIF(&buf, []Finding{{File: "f", Rule: "no-such-rule"}}, ""); err == nil {
		t.Error("an unknown rule is accepted")
	}
}

// TestSARIFStructure checks, for findings of every rule, what the official schema and
// GitHub's upload require.
func TestSARIFStructure(t *testing.T) {
	t.Parallel()
	all := findings()
	for _, r := range Rules {
		all = append(all, r.At("f.yml", 1, 0, "m", "h"), r.At("f.yml", 0, 0, "m", ""))
	}
	var buf bytes.Buffer
	if err := WriteSARIF(&buf, all, ""); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	dec := json.NewDecoder(&buf)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) != len(all) {
		t.Fatalf("version %q, %d runs", log.Version, len(log.Runs))
	}
	rules := log.Runs[0].Tool.Driver.Rules
	for i, r := range rules {
		if r.ID != Rules[i].ID || r.ShortDescription.Text == "" || r.HelpURI != rulesURI+r.ID {
			t.Errorf("rule %d: %+v", i, r)
		}
	}
	prints := make(map[string]bool)
	for i, r := range log.Runs[0].Results {
		if rules[r.RuleIndex].ID != r.RuleID || r.Level != Error && r.Level != Warning || r.Message.Text == "" ||
			len(r.Locations) != 1 {
			t.Errorf("result %+v", r)
		}
		place := r.Locations[0].PhysicalLocation
		if u, err := url.Parse(place.ArtifactLocation.URI); err != nil || u.IsAbs() ||
			strings.TrimPrefix(u.Path, "./") != all[i].File {
			t.Errorf("URI %q of %q: %v", place.ArtifactLocation.URI, all[i].File, err)
		}
		if region := place.Region; (region == nil) != (all[i].Line == 0) || region != nil &&
			(region.StartLine < 1 || region.StartColumn < 1) {
			t.Errorf("region %+v", region)
		}
		if strings.Contains(r.Message.Text, "](") {
			t.Errorf("message %q holds a link", r.Message.Text)
		}
		print := r.PartialFingerprints["finding/v1"]
		if prints[print] {
			t.Errorf("fingerprint %q occurs twice", print)
		}
		prints[print] = true
	}
}

// TestNothingEscapes checks that every rendering has only visible characters, line breaks
// and tabs.
func TestNothingEscapes(t *testing.T) {
	t.Parallel()
	renderings := map[string]func(*bytes.Buffer) error{
		"text":  func(b *bytes.Buffer) error { return WriteText(b, findings(), source, false) },
		"json":  func(b *bytes.Buffer) error { return WriteJSON(b, findings()) },
		"sarif": func(b *bytes.Buffer) error { return WriteSARIF(b, findings(), hostile) },
	}
	for name, render := range renderings {
		var buf bytes.Buffer
		if err := render(&buf); err != nil {
			t.Fatal(err)
		}
		for i, r := range buf.String() {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
				t.Errorf("%s: %q at %d", name, r, i)
			}
		}
		for line := range strings.Lines(buf.String()) {
			// The runner accepts the old form of a command anywhere in a line. The text
			// form may have it, because the log disarms such commands.
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") && name != "text" {
				t.Errorf("%s: a line holds a workflow command: %q", name, line)
			}
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"text":  WriteText(brokenWriter{}, findings(), source, false),
		"json":  WriteJSON(brokenWriter{}, nil),
		"sarif": WriteSARIF(brokenWriter{}, nil, ""),
	} {
		if err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("%s: the writer's error is lost: %v", name, err)
		}
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	f := func(file string, line int, rule Rule) Finding { return rule.At(file, line, 1, "m", "") }
	in := []Finding{
		f("a", 1, Secret), f("a", 2, LongPrompt), f("a", 3, Secret), f("a", 4, Secret), f("a", 5, Cron),
		f("b", 1, NoPrompt), f("b", 2, Secret), f("c", 1, LongPrompt), f("c", 2, Path),
	}
	tests := []struct {
		name    string
		perType int
		shown   []Finding
		hidden  []Finding
	}{
		{"none", 0, nil, in},
		{"negative", -1, nil, in},
		{"one", 1, []Finding{in[0], in[1]}, []Finding{in[2], in[3], in[4], in[5], in[6], in[7], in[8]}},
		{"spread over files", 3, []Finding{in[0], in[6], in[8], in[1], in[5], in[7]}, []Finding{in[2], in[3], in[4]}},
		{"then the second of a file", 4, []Finding{in[0], in[6], in[8], in[2], in[1], in[5], in[7]},
			[]Finding{in[3], in[4]}},
		{"all", 10, []Finding{in[0], in[6], in[8], in[2], in[3], in[4], in[1], in[5], in[7]}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			shown, hidden := Rank(in, tt.perType)
			if !slices.Equal(shown, tt.shown) || !slices.Equal(hidden, tt.hidden) {
				t.Errorf("shown  %v\nhidden %v", shown, hidden)
			}
		})
	}
}
