package discover

import (
	"fmt"
	"io"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// String describes the progress in one line.
func (p Progress) String() string {
	total := ""
	if p.Total > 0 {
		total = fmt.Sprintf(" of %d", p.Total)
	}
	return fmt.Sprintf("%s: page %d with %s, %d%s seen, %d scheduled", p.Owner, p.Page,
		advice.Count(p.Size, "repository"), p.Seen, total, p.Scheduled)
}

// barWidth is the width of a progress bar, in characters.
const barWidth = 30

// Bar draws the progress on a terminal, on one line that ends when the owner is listed.
// Write errors are ignored.
func Bar(w io.Writer, p Progress) {
	filled := barWidth
	if p.Total > 0 && !p.Done {
		filled = min(barWidth*p.Seen/p.Total, barWidth)
	}
	end := ""
	if p.Done {
		end = "\n"
	}
	// The escape sequence clears the rest of the line.
	_, _ = fmt.Fprintf(w, "\r%s [%s%s] %d/%d, %d scheduled\x1b[K%s", p.Owner, strings.Repeat("#", filled),
		strings.Repeat(".", barWidth-filled), p.Seen, max(p.Total, p.Seen), p.Scheduled, end)
}
