package actions

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func TestOutputs(t *testing.T) {
	t.Parallel()
	var out Outputs
	out.SetResult(true, 0, 2)
	out.SetJSON("list", []string{"<a> & b", "x ##[error]y"})
	out.SetInt("errors", 1)
	out.Set("valid", "false")
	r, _, _, dir := newTestRunner(t)
	if err := r.WriteOutputs(out); err != nil {
		t.Fatal(err)
	}
	file := fixture.Read(t, filepath.Join(dir, "output"))
	got, err := fixture.ParseOutputs(file)
	want := []fixture.Output{{Name: "valid", Value: "false"}, {Name: "errors", Value: "1"},
		{Name: "warnings", Value: "2"}, {Name: "list", Value: `["<a> & b","x #\u0023[error]y"]`}}
	if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("the runner read %q (%v), want %q", got, err, want)
	}
	const perOutput = len("<<") + 3 // line ends
	if size := out.Size(); size > len(file) || size < len(file)-perOutput*len(want) {
		t.Errorf("the size is %d, the file has %d bytes", size, len(file))
	}
	if out.Value("errors") != "1" || out.Value("other") != "" {
		t.Errorf("got %q and %q", out.Value("errors"), out.Value("other"))
	}
}

// If one output is too large, the others are still written.
func TestOutputTooLarge(t *testing.T) {
	t.Parallel()
	var out Outputs
	out.Set("payload", strings.Repeat("x", MaxOutputs+1))
	out.SetInt("count", 1)
	r, _, _, dir := newTestRunner(t)
	err := r.WriteOutputs(out)
	got := fixture.Outputs(t, fixture.Read(t, filepath.Join(dir, "output")))
	if err == nil || !strings.Contains(err.Error(), `output "payload" has`) || len(got) != 1 || got["count"] != "1" {
		t.Errorf("%v, written %q", err, got)
	}
}
