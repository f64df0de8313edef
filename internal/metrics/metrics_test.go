package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func ignore([]byte, int) error { return nil }

// read reads the executions of one agent.
func read(r io.Reader, agent string, each func([]byte, int) error) (*Runs, error) {
	all, err := ReadExecutions(r, func(name string) bool { return name == agent }, each)
	if err != nil {
		return nil, err
	}
	return all.Of(agent), nil
}

type executionFile struct{ name, lines, want string }

func executionFiles() []executionFile {
	const none = `"success_rate":null,"avg_quality_score":null,"avg_execution_time_s":null,"last_execution":null,` +
		`"trend":{"success_rate":null,"quality_score":null},`
	const record = `{"agent":"coach","success":true,"timestamp":"2026-11-02T05:00:00Z"}`
	return []executionFile{
		{"empty", "", `{"execution_count":0,` + none + `"broken_lines":0}`},
		{"kaizen-agentic",
			`{"agent":"coach","timestamp":"2026-11-02T05:00:00Z","success":true,` +
				`"execution_time_s":10,"quality_score":0.9}` + "\n" +
				`{"agent":"coach","timestamp":"2026-11-09T05:00:00Z","success":false,"execution_time_s":20}` + "\n" +
				`{"agent":"coach","timestamp":"2026-11-01T05:00:00Z","success":true,` +
				`"execution_time_s":60,"quality_score":0.8}` + "\n",
			`{"execution_count":3,"success_rate":0.6667,"avg_quality_score":0.85,"avg_execution_time_s":30,` +
				`"last_execution":"2026-11-09T05:00:00Z",` +
				`"trend":{"success_rate":"stable","quality_score":"declining"},"broken_lines":0}`},
		{"other names",
			`{"agent":"coach","recorded_at":"2026-11-02 05:00:00","status":"failed","duration_ms":1500,"quality":1}` + "\r\n" +
				`{"agent":"coach","date":"2026-11-01","time":2.5,"ok":true}`,
			`{"execution_count":2,"success_rate":0.5,"avg_quality_score":1,"avg_execution_time_s":2,` +
				`"last_execution":"2026-11-02T05:00:00Z",` +
				`"trend":{"success_rate":"improving","quality_score":null},"broken_lines":0}`},
		{"offsets", `{"agent":"coach","success":true,"timestamp":"2026-11-02T05:00:00+02:00"}`,
			`{"execution_count":1,` + strings.NewReplacer(`last_execution":null`, `last_execution":"2026-11-02T03:00:00Z"`,
				`"success_rate":null,"avg`, `"success_rate":1,"avg`).Replace(none) + `"broken_lines":0}`},
		{"not records of the agent's runs", strings.Join([]string{
			`{"agent":"coach","success":true}`,
			`{"agent":"coach","success":true,"timestamp":1764000000}`,
			`{"success":true,"timestamp":"2026-11-02T05:00:00Z"}`,
			`{"agent":"audit","success":true,"timestamp":"2026-11-02T05:00:00Z"}`,
			`{"agent":"coach","success":"true","timestamp":"2026-11-02T05:00:00Z"}`,
			`{"agent":"coach","success":true,"timestamp":"2026-11-02T05:00:00Z","quality_score":85}`,
			`{"agent":"coach","success":true,"timestamp":"2026-11-02T05:00:00Z","quality_score":-0.1}`,
			`{"agent":"coach","success":true,"timestamp":"2026-11-02T05:00:00Z","execution_time_s":-1}`,
		}, "\n"), `{"execution_count":0,` + none + `"broken_lines":8}`},
		{"broken", "\ufeff" + record + "\n\n{\n[]\nnull\n{\"success\":1e999}\n\x00\n" +
			strings.Repeat("x", maxLine+1) + "\n{\"success\":true,\"time\":-1,\"quality\":7}",
			`{"execution_count":1,"success_rate":1,"avg_quality_score":null,"avg_execution_time_s":null,` +
				`"last_execution":"2026-11-02T05:00:00Z",` +
				`"trend":{"success_rate":null,"quality_score":null},` + `"broken_lines":7}`},
		{"the year 10000", strings.Replace(record, "2026-11-02T05:00:00Z", "9999-12-31T23:59:59-02:00", 1),
			`{"execution_count":1,"success_rate":1,"avg_quality_score":null,"avg_execution_time_s":null,` +
				`"last_execution":"10000-01-01T01:59:59Z",` +
				`"trend":{"success_rate":null,"quality_score":null},"broken_lines":0}`},
		{"hostile text", `{"timestamp":"## Prompt","success":"yes","time":"1"}`,
			`{"execution_count":0,` + none + `"broken_lines":1}`},
	}
}

func TestExecutions(t *testing.T) {
	t.Parallel()
	for _, tt := range executionFiles() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, err := read(strings.NewReader(tt.lines), "coach", ignore)
			fixture.Must(t, err)
			var compact bytes.Buffer
			if err := json.Compact(&compact, x.Summary().JSON()); err != nil || compact.String() != tt.want {
				t.Errorf("summary = %s, want %s (%v)", &compact, tt.want, err)
			}
			if whole := strings.HasSuffix(tt.want, `"broken_lines":0}`); whole != (x.Findings("f") == nil) {
				t.Errorf("findings %v", x.Findings("f"))
			}
		})
	}
}

// The one finding about broken lines is at the first, and counts them by reason.
func TestBrokenLines(t *testing.T) {
	t.Parallel()
	lines := "\n[]\n" + `{"agent":"audit","success":true,"timestamp":"2026-11-02T05:00:00Z"}` + "\n{\n"
	x, err := read(strings.NewReader(lines), "coach", ignore)
	fixture.Must(t, err)
	findings := x.Findings("executions.jsonl")
	const want = "the summary omits 3 of 3 lines: 2 with no JSON object, 1 with another agent"
	if len(findings) != 1 || findings[0].Message != want || findings[0].Place() != "executions.jsonl:2:1" {
		t.Errorf("findings %+v, want %s", findings, want)
	}
}

// One reading gives each agent what a reading for that agent alone gives.
func TestSharedExecutions(t *testing.T) {
	t.Parallel()
	line := func(agent, more string) string {
		return `{"agent":"` + agent + `","timestamp":"2026-11-02T05:00:00Z"` + more + "}\n"
	}
	good, bad := `,"success":true`, `,"success":1`
	agents := []string{"coach", "audit", "scribe", "idle"}
	for _, tt := range []struct {
		text  string
		first []int // the first broken line of each agent, 0 for none
	}{
		{"", []int{0, 0, 0, 0}},
		{line("coach", good) + line("coach", good), []int{0, 1, 1, 1}},
		{line("coach", good) + line("audit", good), []int{2, 1, 1, 1}},
		{line("coach", good) + line("coach", bad) + line("audit", good), []int{2, 1, 1, 1}},
		{line("unknown", good) + line("scribe", bad) + "[]\n", []int{1, 1, 1, 1}},
		{line("scribe", good) + "[]\n" + line("audit", good), []int{1, 1, 2, 1}},
	} {
		all, err := ReadExecutions(strings.NewReader(tt.text), func(string) bool { return true }, ignore)
		fixture.Must(t, err)
		for i, agent := range agents {
			alone, err := read(strings.NewReader(tt.text), agent, ignore)
			fixture.Must(t, err)
			if x := all.Of(agent); x.firstBroken != tt.first[i] || !reflect.DeepEqual(x, alone) {
				t.Errorf("%q, %s: %+v, alone %+v, want line %d", tt.text, agent, x, alone, tt.first[i])
			}
		}
	}
}

// Every line is passed on with its number, whether it is a run or not.
func TestEachLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine+1)
	var got []string
	_, err := read(strings.NewReader("a\n\n"+long+"\nb"), "coach", func(line []byte, number int) error {
		got = append(got, fmt.Sprint(number, " ", len(line)))
		return nil
	})
	if want := fmt.Sprintf("1 2, 2 1, 3 %d, 4 1", maxLine); err != nil || strings.Join(got, ", ") != want {
		t.Errorf("lines %q, %v; want %s", got, err, want)
	}
	broken := errors.New("broken")
	if _, err := read(io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(broken)), "coach",
		ignore); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestTrend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		values string // one digit a run, in tenths
		want   string // "" for none
	}{
		{"", ""}, {"5", ""}, {"55", "stable"}, {"56", "improving"}, {"65", "declining"},
		{"595", "stable"},     // the middle of an odd number is in neither half
		{"5556", "stable"},    // by 0.05 exactly
		{"5566", "improving"}, // by 0.1
		{"6655", "declining"},
		{"9990000999", "stable"},
	}
	for _, tt := range tests {
		var s series[float32]
		for _, r := range tt.values {
			s = append(s, float32(r-'0')/10)
		}
		got := ""
		if word := s.trend(); word != nil {
			got = *word
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.values, got, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"{}": "", "": "1:1", "[]": "1:1", "{\n \"a\": x}": "2:7", "null": "1:1",
		`{"execution_count": 2, "success_rate": 1, "avg_quality_score": null, "avg_execution_time_s": 1.5e2, ` +
			`"last_execution": "2026-11-02", ` +
			`"trend": {"success_rate": "stable", "quality_score": null, "other": 1}, "agent": 1}`: "",
		"\ufeff{\"execution_count\" :\n  \"2\"}":                                "2:3",
		`{"execution_count": 1.5}`:                                              "1:21",
		`{"ü": {"success_rate": []}, "success_rate": "87%"}`:                    "1:45",
		"{\"trend\": {\n\t\"quality_score\":\n 0.5}, \"last_execution\": \"\"}": "3:2",
		`{"trend": "stable"}`:                                                   "1:11",
		`{"last_execution": 1764000000}`:                                        "1:20",
		`{"avg_quality_score": true}`:                                           "1:23",
		`{"avg_execution_time_s":{}}`:                                           "1:25",
	} {
		got := ""
		for _, f := range Check("f", "coach", []byte(content)) {
			got = fmt.Sprintf("%d:%d", f.Line, f.Column)
		}
		if got != want {
			t.Errorf("%q: finding at %q, want %q", content, got, want)
		}
	}
}

// Two values of wrong types are two findings, in their order.
func TestCheckMessages(t *testing.T) {
	t.Parallel()
	summary := "{\n  \"execution_count\": -1,\n  \"trend\": {\"success_rate\": 1}\n}\n"
	var got []string
	for _, f := range Check("summary.json", "coach", []byte(summary)) {
		if got = append(got, f.Place()+": "+f.Message); f.Rule != diag.BadMetrics.ID {
			t.Errorf("rule %s", f.Rule)
		}
	}
	want := `summary.json:2:22: execution_count in the metrics of agent "coach" is not a whole number` + "\n" +
		`summary.json:3:29: success_rate in the metrics of agent "coach" is not a string`
	if strings.Join(got, "\n") != want {
		t.Errorf("findings %q, want %q", got, want)
	}
}

// FuzzExecutions checks that each line is a run, broken or blank, that the summary is JSON
// for our own check, and that the reader of single records finds the same runs.
func FuzzExecutions(f *testing.F) {
	for _, tt := range executionFiles() {
		f.Add([]byte(tt.lines))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := 0
		runs, err := read(bytes.NewReader(data), "coach", func([]byte, int) error { lines++; return nil })
		fixture.Must(t, err)
		s := runs.Summary()
		if s.Executions+s.BrokenLines > lines || (s.BrokenLines > 0) != (runs.Findings("f") != nil) {
			t.Errorf("%d runs and %d broken of %d lines", s.Executions, s.BrokenLines, lines)
		}
		if findings := Check("f", "coach", s.JSON()); findings != nil {
			t.Errorf("the summary %s has %v", s.JSON(), findings)
		}
		records := 0
		fixture.Must(t, Records(bytes.NewReader(data), "coach", func(Record) { records++ }))
		if records != s.Executions {
			t.Errorf("%d records, %d runs", records, s.Executions)
		}
	})
}
