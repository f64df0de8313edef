package metrics

import (
	"encoding/json"
	"math"
	"time"
)

// Summary summarises runs under the names of kaizen-agentic's summary.json, with the
// number of broken lines beside them. It has no text from the file. A value is nil if no
// run has it.
type Summary struct {
	Executions  int      `json:"execution_count"`
	SuccessRate *float64 `json:"success_rate"`         // 0 to 1
	Quality     *float64 `json:"avg_quality_score"`    // 0 to 1
	Time        *float64 `json:"avg_execution_time_s"` // seconds
	Last        *string  `json:"last_execution"`       // RFC 3339, UTC
	Trend       Trend    `json:"trend"`
	BrokenLines int      `json:"broken_lines"`
}

// Trend compares the later half of the runs with the earlier half: improving, stable or
// declining. It is nil for fewer than two runs.
type Trend struct {
	SuccessRate  *string `json:"success_rate"`
	QualityScore *string `json:"quality_score"`
}

// summarise computes the summary, and drops the measurements.
func (r *Runs) summarise() {
	s := Summary{
		Executions:  r.runs,
		SuccessRate: mean(r.successes.sum(), len(r.successes)),
		Quality:     mean(r.quality.sum(), len(r.quality)),
		Time:        mean(r.time, r.timed),
		Trend:       Trend{r.successes.trend(), r.quality.trend()},
	}
	if !r.last.IsZero() {
		last := r.last.Format(time.RFC3339)
		s.Last = &last
	}
	r.summary, r.successes, r.quality = s, nil, nil
}

// Summary summarises the runs. Numbers have four decimal places.
func (r *Runs) Summary() Summary {
	s := r.summary
	s.BrokenLines = r.broken
	return s
}

// JSON returns the summary as indented JSON with a final line feed.
func (s Summary) JSON() []byte {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("summary of executions: " + err.Error()) // numbers and strings always marshal
	}
	return append(data, '\n')
}

// series is one measurement of all runs, in the order of the file's lines.
type series[T int8 | float32] []T

func (s series[T]) sum() (total float64) {
	for _, v := range s {
		total += float64(v)
	}
	return total
}

func (s series[T]) average() float64 { return round(s.sum() / float64(len(s))) }

// steady is the largest difference between the halves of a stable trend.
const steady = 0.05

// trend ignores the run in the middle of an odd number.
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

func mean(total float64, n int) *float64 {
	if n == 0 {
		return nil
	}
	m := round(total / float64(n))
	return &m
}

// round keeps four decimal places, so that the last bit of a sum does not show.
func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }
