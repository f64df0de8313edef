package ical

import (
	"strings"
	"testing"
	"time"
)

func TestWriter(t *testing.T) {
	t.Parallel()
	w := &Writer{}
	w.Line("DTSTART", Instant(time.Date(2026, 11, 23, 9, 0, 0, 0, time.FixedZone("", 3600))))
	w.Text("SUMMARY", `a\b; c, d`+"\ne")
	w.Text("DESCRIPTION", strings.Repeat("é", 40))
	want := "DTSTART:20261123T080000Z\r\n" + `SUMMARY:a\\b\; c\, d\ne` + "\r\n" +
		"DESCRIPTION:" + strings.Repeat("é", 31) + "\r\n " + strings.Repeat("é", 9) + "\r\n"
	if got := w.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
