package prepare

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// maxLine is the longest line of an executions.jsonl that is read as a run, in bytes; a
// longer one counts as broken.
const maxLine = 1 << 20

// The names under which kaizen-agentic and its like record a run, the first one present
// counting. A name that ends in ms holds milliseconds, the other times are seconds.
var (
	successNames = []string{"success", "succeeded", "ok"}
	timeNames    = []string{
		"execution_time_s", "execution_time", "time", "time_s", "time_seconds",
		"duration", "duration_s", "duration_seconds", "seconds",
	}
	milliNames   = []string{"execution_time_ms", "time_ms", "duration_ms"}
	qualityNames = []string{"quality_score", "quality"}
	whenNames    = []string{
		"timestamp", "recorded_at", "finished_at", "completed_at", "ended_at", "started_at", "date", "time",
	}
)

// executions summarises an executions.jsonl while it is read: one JSON object a line.
type executions struct {
	path    string
	agent   string
	secrets bool // look for secrets

	runs, broken, firstBroken int
	reasons                   map[string]int  // of the broken lines
	successes                 series[int8]    // 1 or 0 of each run that says whether it succeeded
	quality                   series[float32] // of each run that is rated
	time                      float64         // the sum of timed runs
	timed                     int
	last                      time.Time
	found                     []secretAt
}

// series is what the runs of a file measured, in the order of its lines.
type series[T int8 | float32] []T

// sum adds up the values.
func (s series[T]) sum() (total float64) {
	for _, v := range s {
		total += float64(v)
	}
	return total
}

// average is rounded as decimal rounds.
func (s series[T]) average() float64 { return round(s.sum() / float64(len(s))) }

// trend compares the mean of the later half with that of the earlier; a run in the middle
// is in neither. It is stable when they are no more than steady apart, and null below two
// runs.
func (s series[T]) trend() *string {
	half := len(s) / 2
	if half == 0 {
		return nil
	}
	word := "stable"
	switch change := round(s[len(s)-half:].average() - s[:half].average()); {
	case change > steady:
		word = "improving"
	case change < -steady:
		word = "declining"
	}
	return &word
}

// steady is how far the halves of a stable trend may be apart.
const steady = 0.05

// read is the consumer of the file's bytes.
func (x *executions) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, long, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if x.secrets {
			x.scan(line, number)
		}
		x.line(line, long, number)
		if err != nil {
			return nil
		}
	}
}

// readLine reads a line of any length, of which it keeps maxLine bytes.
func readLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		chunk, err := r.ReadSlice('\n')
		if room := maxLine - len(line); len(chunk) > room {
			chunk, long = chunk[:room], true
		}
		line = append(line, chunk...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

func (x *executions) scan(line []byte, number int) {
	for _, s := range secrets.Find(line) {
		if len(x.found) == maxSecrets {
			return
		}
		_, column := diag.Position(line, s.Start)
		x.found = append(x.found, secretAt{s.Kind, number, column})
	}
}

// line adds one run. A line that is not a record of a run is counted and left out.
func (x *executions) line(line []byte, long bool, number int) {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
	if len(line) == 0 {
		return
	}
	var run map[string]any
	reason := notObject
	if !long && json.Unmarshal(line, &run) == nil && run != nil {
		reason = x.flaw(run)
	}
	if reason != "" {
		if x.broken++; x.broken == 1 {
			x.firstBroken, x.reasons = number, make(map[string]int)
		}
		x.reasons[reason]++
		return
	}
	x.runs++
	ok, _ := succeeded(run)
	x.successes = append(x.successes, map[bool]int8{true: 1}[ok])
	if seconds, ok := duration(run); ok {
		x.time += seconds
		x.timed++
	}
	if q, ok := number64(run, qualityNames); ok && q <= 1 {
		x.quality = append(x.quality, float32(q))
	}
	if at, ok := when(run); ok && at.After(x.last) {
		x.last = at
	}
}

// Why a line is left out of the summary.
const (
	notObject   = "no JSON object"
	noTimestamp = "no timestamp"
	noAgent     = "no agent"
	otherAgent  = "another agent"
	noSuccess   = "no success of true or false"
	badQuality  = "a quality outside of 0 to 1"
	badTime     = "a negative time"
)

// flaw is what keeps an object from being a record of one of the agent's runs, "" if
// nothing does.
func (x *executions) flaw(run map[string]any) string {
	agent, isText := run["agent"].(string)
	_, told := succeeded(run)
	_, dated := when(run)
	outside := func(names []string, low, high float64) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			v, isNumber := run[name].(float64)
			return isNumber && (v < low || v > high)
		})
	}
	switch {
	case !dated:
		return noTimestamp
	case !isText || agent == "":
		return noAgent
	case agent != x.agent:
		return otherAgent
	case !told:
		return noSuccess
	case outside(qualityNames, 0, 1):
		return badQuality
	case outside(timeNames, 0, math.Inf(1)) || outside(milliNames, 0, math.Inf(1)):
		return badTime
	}
	return ""
}

func succeeded(run map[string]any) (ok, told bool) {
	for _, name := range successNames {
		if v, is := run[name].(bool); is {
			return v, true
		}
	}
	switch run["status"] {
	case "success", "succeeded", "ok", "passed":
		return true, true
	case "failure", "failed", "error":
		return false, true
	}
	return false, false
}

func duration(run map[string]any) (seconds float64, ok bool) {
	if seconds, ok = number64(run, timeNames); ok {
		return seconds, true
	}
	millis, ok := number64(run, milliNames)
	return millis / 1000, ok
}

// number64 is the first of the names that holds a number from 0 to 1e12, beyond which
// nothing is a measurement.
func number64(run map[string]any, names []string) (float64, bool) {
	for _, name := range names {
		if v, ok := run[name].(float64); ok && v >= 0 && v <= 1e12 {
			return v, true
		}
	}
	return 0, false
}

func when(run map[string]any) (time.Time, bool) {
	for _, name := range whenNames {
		text, _ := run[name].(string)
		// Python's isoformat() writes no zone; such a time is taken as UTC.
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
			if at, err := time.Parse(layout, text); err == nil {
				return at.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

// summary renders the runs as JSON, under the names of a summary.json and with
// broken_lines beside them. Nothing in it is text from the file.
func (x *executions) summary() []byte {
	type trend struct {
		SuccessRate  *string `json:"success_rate"`
		QualityScore *string `json:"quality_score"`
	}
	out := struct {
		Executions  int             `json:"execution_count"`
		SuccessRate json.RawMessage `json:"success_rate"`
		Quality     json.RawMessage `json:"avg_quality_score"`
		Time        json.RawMessage `json:"avg_execution_time_s"`
		Last        *string         `json:"last_execution"`
		Trend       trend           `json:"trend"`
		BrokenLines int             `json:"broken_lines"`
	}{Executions: x.runs, BrokenLines: x.broken}
	out.SuccessRate = mean(x.successes.sum(), len(x.successes))
	out.Quality = mean(x.quality.sum(), len(x.quality))
	out.Time = mean(x.time, x.timed)
	out.Trend = trend{x.successes.trend(), x.quality.trend()}
	if !x.last.IsZero() {
		last := x.last.Format(time.RFC3339)
		out.Last = &last
	}
	data, err := marshal(out)
	if err != nil {
		panic("summary of executions: " + err.Error()) // numbers and a time always marshal
	}
	return data
}

// mean is null where nothing was measured.
func mean(total float64, n int) json.RawMessage {
	if n == 0 {
		return json.RawMessage("null")
	}
	return json.RawMessage(strconv.FormatFloat(round(total/float64(n)), 'f', -1, 64))
}

// round keeps four places, so that the last bit of a sum does not show.
func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// whyBroken counts the broken lines by their reasons, the most frequent one first.
func (x *executions) whyBroken() string {
	reasons := slices.SortedFunc(maps.Keys(x.reasons), func(a, b string) int {
		return cmp.Or(x.reasons[b]-x.reasons[a], cmp.Compare(a, b))
	})
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%d with %s", x.reasons[reason], reason)
	}
	return strings.Join(reasons, ", ")
}

// reportExecutions reports the broken lines and secrets of an executions.jsonl. A secret
// there stops the agent like any other, though no text of the file gets into the summary:
// under redact nothing needs to be replaced.
func (c *collector) reportExecutions(x *executions) {
	if x.broken > 0 {
		c.findings = append(c.findings, diag.BadMetrics.At(x.path, x.firstBroken, 1,
			fmt.Sprintf("%d of %d lines are left out of the summary: %s", x.broken, x.broken+x.runs, x.whyBroken()),
			"write them again with kaizen-agentic metrics record, or remove them"))
	}
	for _, s := range x.found {
		c.secret(x.path, s)
	}
}
