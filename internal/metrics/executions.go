// Package metrics reads what agents record about their runs. It summarises an
// executions.jsonl, and checks a summary.json.
package metrics

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
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// maxLine is the longest line of an executions.jsonl that is read as a run, in bytes. A
// longer line counts as broken.
const maxLine = 1 << 20

// The names under which kaizen-agentic and similar tools record a run. The first name with
// a value that can be used counts. A name that ends in ms has milliseconds, the other times
// are seconds.
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

// Runs are the runs of one agent in an executions.jsonl, and the lines that are broken for
// that agent.
type Runs struct {
	named                     int // lines that name the agent, broken ones included
	runs, broken, firstBroken int
	reasons                   map[string]int  // the number of broken lines by reason
	successes                 series[int8]    // 1 or 0 for each run
	quality                   series[float32] // of each run that has one
	time                      float64         // the sum of all times in seconds
	timed                     int             // the number of runs with a time
	last                      time.Time
	summary                   Summary // without the broken lines
}

// Executions is an executions.jsonl that was read.
type Executions struct {
	byAgent map[string]*Runs
	// reasons counts the lines that are broken for every agent, the first of which is
	// firstBroken.
	reasons     map[string]int
	firstBroken int
	// named is the number of lines that name an agent. first is the first of them, and
	// second the first that names another agent.
	named         int
	first, second namedLine
}

type namedLine struct {
	number int
	agent  string
}

// ReadExecutions reads an executions.jsonl, which has one JSON object per line. It keeps
// the runs of the agents that wanted accepts. It calls each with every line, of which it
// passes at most 1 MiB, and its 1-based number. The error is that of r or of each.
func ReadExecutions(r io.Reader, wanted func(agent string) bool, each func(line []byte, number int) error) (*Executions,
	error) {
	x := &Executions{byAgent: make(map[string]*Runs), reasons: make(map[string]int)}
	lines := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, long, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if err := each(line, number); err != nil {
			return nil, err
		}
		x.add(line, long, number, wanted)
		if err != nil {
			break
		}
	}
	for _, runs := range x.byAgent {
		runs.summarise()
	}
	return x, nil
}

// add adds the run on a line to its agent, or counts the line as broken. It ignores blank
// lines.
func (x *Executions) add(line []byte, long bool, number int, wanted func(agent string) bool) {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
	if len(line) == 0 {
		return
	}
	var run map[string]any
	reason := notObject
	if !long && json.Unmarshal(line, &run) == nil && run != nil {
		reason = unattributed(run)
	}
	if reason != "" {
		x.reasons[reason]++
		x.firstBroken = cmp.Or(x.firstBroken, number)
		return
	}
	agent := run["agent"].(string) // unattributed has checked it
	x.named++
	if x.first.number == 0 {
		x.first = namedLine{number, agent}
	} else if x.second.number == 0 && agent != x.first.agent {
		x.second = namedLine{number, agent}
	}
	runs := x.byAgent[agent]
	if runs == nil && wanted(agent) {
		runs = &Runs{reasons: make(map[string]int)}
		x.byAgent[agent] = runs
	}
	if runs != nil {
		runs.add(run, number)
	}
}

// Of returns the runs of an agent that was wanted. Lines that are not a record of one of
// its runs are broken.
func (x *Executions) Of(agent string) *Runs {
	r := &Runs{}
	if own := x.byAgent[agent]; own != nil {
		*r = *own
	} else {
		r.summarise()
	}
	r.reasons = maps.Clone(r.reasons)
	if r.reasons == nil {
		r.reasons = make(map[string]int)
	}
	for reason, n := range x.reasons {
		r.reasons[reason] += n
	}
	r.breakAt(x.firstBroken)
	if others := x.named - r.named; others > 0 {
		r.reasons[otherAgent] = others
		other := x.first
		if other.agent == agent {
			other = x.second
		}
		r.breakAt(other.number)
	}
	for _, n := range r.reasons {
		r.broken += n
	}
	return r
}

// readLine reads a line of any length and keeps maxLine bytes of it.
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

// add adds a run of the agent, or counts its line as broken.
func (r *Runs) add(run map[string]any, number int) {
	r.named++
	if reason := flaw(run); reason != "" {
		r.reasons[reason]++
		r.breakAt(number)
		return
	}
	r.runs++
	ok, _ := succeeded(run)
	r.successes = append(r.successes, map[bool]int8{true: 1}[ok])
	if seconds, ok := duration(run); ok {
		r.time += seconds
		r.timed++
	}
	if q, ok := number64(run, qualityNames); ok && q <= 1 {
		r.quality = append(r.quality, float32(q))
	}
	if at, ok := when(run); ok && at.After(r.last) {
		r.last = at
	}
}

// The reasons why a line is broken.
const (
	notObject   = "no JSON object"
	noTimestamp = "no timestamp"
	noAgent     = "no agent"
	otherAgent  = "another agent"
	noSuccess   = "no success of true or false"
	badQuality  = "a quality outside of 0 to 1"
	badTime     = "a negative time"
)

// breakAt records a broken line; 0 is none.
func (r *Runs) breakAt(number int) {
	if number != 0 && (r.firstBroken == 0 || number < r.firstBroken) {
		r.firstBroken = number
	}
}

// unattributed returns the reason why an object is not a record of any agent's run, or "".
func unattributed(run map[string]any) string {
	agent, isText := run["agent"].(string)
	if _, hasTimestamp := when(run); !hasTimestamp {
		return noTimestamp
	}
	if !isText || agent == "" {
		return noAgent
	}
	return ""
}

// flaw returns the reason why an object with a timestamp and an agent is not a record of a
// run, or "".
func flaw(run map[string]any) string {
	_, hasSuccess := succeeded(run)
	outside := func(names []string, low, high float64) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			v, isNumber := run[name].(float64)
			return isNumber && (v < low || v > high)
		})
	}
	switch {
	case !hasSuccess:
		return noSuccess
	case outside(qualityNames, 0, 1):
		return badQuality
	case outside(timeNames, 0, math.Inf(1)) || outside(milliNames, 0, math.Inf(1)):
		return badTime
	}
	return ""
}

// succeeded returns whether a run succeeded; known is false if the run does not record
// it.
func succeeded(run map[string]any) (ok, known bool) {
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

// number64 returns the value of the first name that has a number from 0 to 1e12; a larger
// one is not a measurement.
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

// Findings returns a finding at the first broken line of file, if there is one.
func (r *Runs) Findings(file string) []diag.Finding {
	if r.broken == 0 {
		return nil
	}
	reasons := slices.SortedFunc(maps.Keys(r.reasons), func(a, b string) int {
		return cmp.Or(r.reasons[b]-r.reasons[a], cmp.Compare(a, b))
	})
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%d with %s", r.reasons[reason], reason)
	}
	return []diag.Finding{diag.BadMetrics.At(file, r.firstBroken, 1,
		fmt.Sprintf("the summary omits %d of %d lines: %s",
			r.broken, r.broken+r.runs, strings.Join(reasons, ", ")),
		"record these runs again with kaizen-agentic metrics record, or remove the lines")}
}
