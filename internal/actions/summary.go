package actions

import (
	"fmt"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// maxCell is the longest text of a cell, title or verdict, in characters.
const maxCell = 2000

// Summary is the report about a run for people. All text in it may be untrusted.
type Summary struct {
	Verdict  string // one line at the top
	Sections []Section
}

// Section is one part of a summary. Empty fields are left out.
type Section struct {
	Title, Text string // Text may have several lines
	Table       *Table
	Details     []Details
}

// Table is a table. Rows may have fewer cells than the header.
type Table struct {
	Header []string
	Rows   [][]Cell
}

// Cell is one cell. The text may link to an http or https URL; any other URL is left out.
type Cell struct {
	Text, URL string
	Code      bool
}

// Details is a folded section with literal text.
type Details struct{ Title, Language, Body string }

// part is a piece of rendered Markdown, which is kept or left out as a whole.
type part struct {
	text   string
	folded bool // set for Details, which are left out first
}

// Markdown renders s in less than limit bytes. It always keeps the verdict. Parts that do
// not fit are left out, folded ones first, and a note says so.
func (s Summary) Markdown(limit int) string {
	verdict := "## " + markdownLine(s.Verdict) + "\n\n"
	var parts []part
	for _, section := range s.Sections {
		parts = append(parts, section.parts()...)
	}
	full := verdict + join(parts)
	if len(full) < limit {
		return full
	}
	note := fmt.Sprintf("\n> Shortened: the whole summary has %d bytes, and the platform shows less than %d.\n\n",
		len(full), limit)
	return verdict + join(fit(parts, limit-1-len(verdict)-len(note))) + note
}

// fit returns the parts that fit into room bytes, in their order. It first chooses
// unfolded parts, up to the first that is too long. Only if all of them fit, it adds
// folded ones.
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
				room = 0 // leaving out a row or section in the middle would mislead
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
		parts = append(parts, part{text: "### " + markdownLine(s.Title) + "\n\n"})
	}
	if text := strings.TrimSpace(safetext.Visible(s.Text)); text != "" {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			lines[i] = escapeMarkdown(line)
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

// row renders a row with as many cells as the header.
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
