package actions

import (
	"fmt"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// maxCell is how many characters of one cell, title or verdict are shown.
const maxCell = 2000

// Summary is what a person reads about a run. All text in it may be untrusted.
type Summary struct {
	Verdict  string // one line, first
	Sections []Section
}

// Section is one part of a summary; empty fields are left out.
type Section struct {
	Title, Text string // Text may have several lines
	Table       *Table
	Details     []Details
}

// Table is a table; rows may be shorter than the header.
type Table struct {
	Header []string
	Rows   [][]Cell
}

// Cell is one cell: text, which may be code and may link to an http or https URL. Any
// other URL is left out.
type Cell struct {
	Text, URL string
	Code      bool
}

// Details is literal text, folded under a title.
type Details struct{ Title, Language, Body string }

// part is a piece of rendered Markdown. It is kept or left out as a whole.
type part struct {
	text   string
	folded bool // Details, which are left out first
}

// Markdown renders s in less than limit bytes. Parts that do not fit are left out, folded
// ones first, and the result says so; the verdict always stays.
func (s Summary) Markdown(limit int) string {
	verdict := "## " + prose(safetext.Shorten(safetext.OneLine(s.Verdict), maxCell)) + "\n\n"
	var parts []part
	for _, section := range s.Sections {
		parts = append(parts, section.parts()...)
	}
	full := verdict + join(parts)
	if len(full) < limit {
		return full
	}
	note := fmt.Sprintf("\n> Shortened: the platform shows a summary of less than %d bytes, this one would have "+
		"%d.\n\n",
		limit, len(full))
	return verdict + join(fit(parts, limit-1-len(verdict)-len(note))) + note
}

// fit returns the parts that fit into room, in order. Parts that are not folded come
// first, up to the first that is too long; folded ones follow only if all of those fit.
func fit(parts []part, room int) []part {
	keep := make([]bool, len(parts))
	for _, folded := range []bool{false, true} {
		for i, p := range parts {
			if p.folded != folded {
				continue
			}
			if len(p.text) <= room {
				keep[i], room = true, room-len(p.text)
			} else if !folded {
				room = 0 // a row or section missing in the middle would mislead
			}
		}
	}
	var kept []part
	for i, p := range parts {
		if keep[i] {
			kept = append(kept, p)
		}
	}
	return kept
}

func join(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text)
	}
	return b.String()
}

func (s Section) parts() []part {
	var parts []part
	if s.Title != "" {
		parts = append(parts, part{text: "### " + prose(safetext.Shorten(safetext.OneLine(s.Title), maxCell)) + "\n\n"})
	}
	if text := strings.TrimSpace(safetext.Visible(s.Text)); text != "" {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			lines[i] = prose(line)
		}
		parts = append(parts, part{text: strings.Join(lines, "<br>\n") + "\n\n"})
	}
	if s.Table != nil && len(s.Table.Header) > 0 {
		parts = append(parts, s.Table.parts()...)
	}
	for _, d := range s.Details {
		parts = append(parts, part{text: d.markdown(), folded: true})
	}
	return parts
}

func (t *Table) parts() []part {
	header := make([]Cell, len(t.Header))
	for i, title := range t.Header {
		header[i] = Cell{Text: title}
	}
	parts := []part{{text: t.row(header) + strings.Repeat("| --- ", len(header)) + "|\n"}}
	for _, row := range t.Rows {
		parts = append(parts, part{text: t.row(row)})
	}
	parts[len(parts)-1].text += "\n"
	return parts
}

// row renders as many cells as the header has.
func (t *Table) row(cells []Cell) string {
	var b strings.Builder
	for i := range t.Header {
		b.WriteString("| ")
		if i < len(cells) {
			b.WriteString(cells[i].markdown())
		}
		b.WriteString(" ")
	}
	b.WriteString("|\n")
	return b.String()
}
