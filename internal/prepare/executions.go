package prepare

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// maxLine is the longest line of an executions.jsonl that is read as a run, in bytes; a longer one counts as broken.
const maxLine = 1 << 20

// The names under which kaizen-agentic and its like record a run, the first one present counting. A name that ends in ms holds
// milliseconds, the other times are seconds.
var (
	successNames = []string{"success", "succeeded", "ok"}
	timeNames    = []string{"execution_time_s", "execution_time", "time", "time_s", "time_seconds", "duration", "duration_s", "duration_seconds", "seconds"}
	milliNames   = []string{"execution_time_ms", "time_ms", "duration_ms"}
	qualityNames = []string{"quality_score", "quality"}
	whenNames    = []string{"timestamp", "recorded_at", "finished_at", "completed_at", "ended_at", "started_at", "date", "time"}
)

// executions summarises an executions.jsonl while it is read: one JSON object a line.
type executions struct {
	path    string
	secrets bool // look for secrets

	runs, broken, firstBroken int
	known, successes          int // runs that tell whether they succeeded
	times                     []float64
	quality                   float64
	rated                     int
	last                      time.Time
	found                     []secretAt
}

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
	for _, s := range findSecrets(line) {
		if len(x.found) == maxSecrets {
			return
		}
		_, column := position(line, s.start)
		x.found = append(x.found, secretAt{s.rule, number, column})
	}
}

// line adds one run. A line that is not a JSON object is counted and left out.
func (x *executions) line(line []byte, long bool, number int) {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
	if len(line) == 0 {
		return
	}
	var run map[string]any
	if long || json.Unmarshal(line, &run) != nil || run == nil {
		if x.broken++; x.broken == 1 {
			x.firstBroken = number
		}
		return
	}
	x.runs++
	if ok, told := succeeded(run); told {
		x.known++
		if ok {
			x.successes++
		}
	}
	if seconds, ok := duration(run); ok {
		x.times = append(x.times, seconds)
	}
	if q, ok := number64(run, qualityNames); ok && q <= 1 {
		x.quality += q
		x.rated++
	}
	if at, ok := when(run); ok && at.After(x.last) {
		x.last = at
	}
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

// number64 is the first of the names that holds a number from 0 to 1e12, beyond which nothing is a measurement.
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

// summary renders the runs as JSON. Nothing in it is text from the file.
func (x *executions) summary() []byte {
	out := struct {
		Runs        int             `json:"runs"`
		SuccessRate json.RawMessage `json:"success_rate"`
		MeanTime    json.RawMessage `json:"mean_time_s"`
		MedianTime  json.RawMessage `json:"median_time_s"`
		MeanQuality json.RawMessage `json:"mean_quality"`
		LastRun     *string         `json:"last_run"`
		BrokenLines int             `json:"broken_lines"`
	}{Runs: x.runs, BrokenLines: x.broken}
	out.SuccessRate = mean(float64(x.successes), x.known)
	out.MeanTime = mean(sum(x.times), len(x.times))
	out.MedianTime = median(x.times)
	out.MeanQuality = mean(x.quality, x.rated)
	if !x.last.IsZero() {
		last := x.last.Format(time.RFC3339)
		out.LastRun = &last
	}
	data, err := marshal(out)
	if err != nil {
		panic("summary of executions: " + err.Error()) // numbers and a time always marshal
	}
	return data
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

func mean(total float64, n int) json.RawMessage {
	if n == 0 {
		return json.RawMessage("null")
	}
	return decimal(total / float64(n))
}

func median(values []float64) json.RawMessage {
	if len(values) == 0 {
		return json.RawMessage("null")
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return decimal(sorted[middle])
	}
	return decimal((sorted[middle-1] + sorted[middle]) / 2)
}

// decimal has at most four places, so that the last bit of a sum does not show.
func decimal(v float64) json.RawMessage {
	return json.RawMessage(strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64))
}

// reportExecutions reports the broken lines and secrets of an executions.jsonl. A secret there stops the agent like any other, though
// no text of the file gets into the summary: under redact nothing needs to be replaced.
func (c *collector) reportExecutions(x *executions) {
	if x.broken > 0 {
		c.findings = append(c.findings, diag.BadMetrics.At(x.path, x.firstBroken, 1,
			fmt.Sprintf("%d of %d lines are not JSON objects and are left out", x.broken, x.broken+x.runs), "remove the broken lines"))
	}
	for _, s := range x.found {
		c.secret(x.path, s)
	}
}

// checkSummary warns about a summary.json that is not a JSON object; it is carried as it is.
func (c *collector) checkSummary(p *part) {
	data := bytes.TrimPrefix(p.content, []byte("\ufeff"))
	var object map[string]json.RawMessage
	err := json.Unmarshal(data, &object)
	if err == nil && object != nil {
		return
	}
	line, column := 1, 1
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line, column = position(data, max(0, int(syntax.Offset)-1))
	}
	c.findings = append(c.findings, diag.BadMetrics.At(p.Path, line, column, fmt.Sprintf("the metrics of agent %q are not a JSON object", c.entry.Agent),
		"write it anew with kaizen-agentic metrics"))
}
