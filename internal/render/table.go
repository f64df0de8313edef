package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Table aligns the columns of rows for a terminal and trims trailing spaces.
func Table(rows [][]string) []byte {
	var aligned bytes.Buffer
	w := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush() // a bytes.Buffer never fails
	var trimmed bytes.Buffer
	for line := range strings.Lines(aligned.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.Bytes()
}

// Instants returns slots for a cell of a table: each date once, with the times of its
// slots.
func Instants(slots []schedule.Slot) string {
	var b strings.Builder
	date := ""
	for i, s := range slots {
		if i > 0 {
			b.WriteString(", ")
		}
		if day := s.At.Format(time.DateOnly); day != date {
			b.WriteString(day + " ")
			date = day
		}
		b.WriteString(s.At.Format("15:04"))
	}
	return b.String()
}

// indentedJSON encodes v, which must consist of plain structs, without HTML escapes.
func indentedJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}
