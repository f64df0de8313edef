package prepare

import (
	"strings"
	"testing"
)

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

// Two values of wrong types are two findings, in their order.
func TestSummaryFindings(t *testing.T) {
	t.Parallel()
	summary := "{\n  \"execution_count\": -1,\n  \"trend\": {\"success_rate\": 1}\n}\n"
	tree := newTree(t, map[string]string{"agents/coach.md": "p", ".kaizen/metrics/coach/summary.json": summary})
	b, findings := must(t, tree, coach(JSON))
	want := `bad-metrics: execution_count in the metrics of agent "coach" is not a whole number` + "\n" +
		`bad-metrics: success_rate in the metrics of agent "coach" is not a string`
	if got := strings.Join(texts(findings), "\n"); got != want {
		t.Fatalf("findings %q, want %q", got, want)
	}
	if findings[0].Line != 2 || findings[1].Line != 3 || findings[1].Column != 29 {
		t.Errorf("findings %+v", findings)
	}
	if content, err := extract(b, "metrics"); err != nil || string(content) != summary {
		t.Errorf("the summary is carried as %q, %v", content, err)
	}
}
