package worker

import (
	"slices"
	"strings"
	"testing"
)

func TestOutput(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name   string
		writes []string
		want   []string
	}{
		{"lines in pieces", []string{"a\nb", "c\n", "\n", "d"}, []string{"a", "bc", "", "d"}},
		{"nothing", nil, nil},
		{"long line", []string{long + "yz\n"}, []string{long, "yz"}},
		{"exactly full", []string{long, "\n"}, []string{long, ""}},
	}
	for _, tt := range tests {
		var got []string
		o := &output{log: func(line string) { got = append(got, line) }}
		for _, text := range tt.writes {
			if n, err := o.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%s: wrote %d bytes (%v)", tt.name, n, err)
			}
		}
		o.end()
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A program that writes without end costs the log and the memory a bounded amount.
func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	total, last := 0, ""
	o := &output{log: func(line string) { total, last = total+len(line), line }}
	const written = 100 << 20
	chunk := []byte(strings.Repeat("0123456789abcdef", 4096))
	for n := 0; n < written; n += len(chunk) {
		_, _ = o.Write(chunk)
	}
	o.end()
	if total > maxOutput+100 || cap(o.line) > 2*maxLine {
		t.Errorf("%d bytes were logged, %d are kept", total, cap(o.line))
	}
	if !strings.Contains(last, "more bytes of output are not shown") {
		t.Errorf("the last line is %q", last)
	}
}
