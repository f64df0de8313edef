package diag

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteText writes findings for people: place, message and rule, then the source line
// with a caret under the column, then the hint. If a file has a secret, none of its lines
// are shown. Source returns the content of a file, or nil. Color enables ANSI colors.
// Control characters in findings and files are escaped.
func WriteText(w io.Writer, findings []Finding, source func(file string) []byte, color bool) error {
	p := printer{w: bufio.NewWriter(w), color: color}
	lines := make(map[string][][]byte) // by file, so that each is split once
	for _, f := range findings {
		if f.Rule == Secret.ID {
			lines[f.File] = nil // no finding may repeat the secret's line
		}
	}
	for _, f := range findings {
		if _, ok := lines[f.File]; !ok {
			lines[f.File] = splitLines(source(f.File))
		}
		p.finding(f, lines[f.File])
	}
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return nil
}

// The ANSI styles of the text form.
const (
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	green  = "\x1b[32m"
	reset  = "\x1b[0m"
)

type printer struct {
	w     *bufio.Writer
	color bool
	seen  cursor
}

// cursor is the place of the last snippet. Findings on one line are sorted by column, so
// the next search starts there and a long line is scanned once.
type cursor struct {
	file                 string
	line, column, offset int // 1-based, 1-based, bytes of the line before it
}

// offsetOf returns the byte offset of column in line, which is the line of finding f.
func (c *cursor) offsetOf(f Finding, line []byte, column int) int {
	if c.file != f.File || c.line != f.Line || c.column > column {
		*c = cursor{f.File, f.Line, 1, 0}
	}
	for ; c.column < column && c.offset < len(line); c.column++ {
		_, size := utf8.DecodeRune(line[c.offset:])
		c.offset += size
	}
	return c.offset
}

// style writes s with an ANSI style. The caller must have cleaned s.
func (p *printer) style(code, s string) {
	if p.color {
		s = code + s + reset
	}
	p.w.WriteString(s) // Flush returns the error
}

func (p *printer) finding(f Finding, lines [][]byte) {
	place := clean(f.File)
	if f.Line > 0 {
		place += fmt.Sprintf(":%d:%d", f.Line, f.Column)
	}
	severity := yellow
	if f.Severity == Error {
		severity = red
	}
	p.style(bold, place+":")
	p.w.WriteByte(' ')
	p.style(severity, string(f.Severity)+":")
	p.w.WriteString(" " + clean(f.Message) + " ")
	p.style(faint, "["+f.Rule+"]")
	p.w.WriteByte('\n')
	if f.Line > 0 && f.Line <= len(lines) {
		p.snippet(f, lines[f.Line-1])
	}
	if f.Hint != "" {
		p.style(green, "  hint:")
		p.w.WriteString(" " + clean(f.Hint) + "\n")
	}
}

// snippet writes the source line with its number, and the caret below it.
func (p *printer) snippet(f Finding, line []byte) {
	first := max(f.Column-windowBefore, 1)
	text, caret := window(line[p.seen.offsetOf(f, line, first):], first, f.Column)
	number := strconv.Itoa(f.Line)
	gutter := strings.Repeat(" ", len(number))
	p.style(faint, " "+number+" |")
	p.w.WriteString(" " + text + "\n")
	p.style(faint, " "+gutter+" |")
	p.w.WriteString(" " + caret)
	p.style(green, "^")
	p.w.WriteByte('\n')
}

// Of a long source line, this many code points are shown before and after the column.
const (
	windowBefore = 60
	windowAfter  = 60
)

// window renders the part of a line around column, and the white space before the caret.
// Rest is the line from the column first on.
func window(rest []byte, first, column int) (text, caret string) {
	var b, pad strings.Builder
	for at := first; len(rest) > 0; at++ {
		r, size := utf8.DecodeRune(rest)
		shown := cleanRune(r, rest[:size], true)
		cut := at == column+windowAfter
		if cut || at == first && first > 1 {
			shown = "…"
		}
		b.WriteString(shown)
		if at < column {
			pad.WriteString(blank(shown))
		}
		if cut {
			break
		}
		rest = rest[size:]
	}
	return b.String(), pad.String()
}

// blank returns white space that is as wide as s on a terminal. A tab stays a tab,
// because its width depends on the terminal.
func blank(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case unicode.In(r, unicode.Mn, unicode.Me):
		case unicode.Is(wide, r):
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// wide lists the characters that take two cells on a terminal: W and F in Unicode
// Standard Annex #11, https://www.unicode.org/reports/tr11/. It includes unassigned code
// points between them.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x25fd, 0x25fe, 1}, {0x2614, 0x2615, 1},
		{0x2648, 0x2653, 1},
		{0x26a1, 0x26a1, 1}, {0x26bd, 0x26be, 1}, {0x2705, 0x2705, 1}, {0x270a, 0x270b, 1}, {0x2728, 0x2728, 1},
		{0x274c, 0x274e, 2},
		{0x2753, 0x2755, 1}, {0x2757, 0x2757, 1}, {0x2795, 0x2797, 1}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b55, 5},
		{0x2e80, 0x303e, 1},
		{0x3041, 0xa4cf, 1}, {0xa960, 0xa97f, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1},
		{0xff00, 0xff60, 1},
		{0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{
		{0x16fe0, 0x18aff, 1}, {0x1b000, 0x1b2ff, 1}, {0x1f18e, 0x1f19a, 1}, {0x1f200, 0x1f320, 1},
		{0x1f32d, 0x1f64f, 1},
		{0x1f680, 0x1f6ff, 1}, {0x1f7e0, 0x1f7eb, 1}, {0x1f90c, 0x1f9ff, 1}, {0x1fa70, 0x1faff, 1},
		{0x20000, 0x3fffd, 1},
	},
}

// clean returns untrusted text as one printable line. Control characters, direction
// changes, invisible characters and invalid UTF-8 become Go escapes.
func clean(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(cleanRune(r, []byte(s[i:i+size]), false))
		i += size
	}
	return b.String()
}

func cleanRune(r rune, raw []byte, tabs bool) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case unicode.IsPrint(r) || r == '\t' && tabs:
		return string(r)
	case r == '\n' || r == '\r' || r == '\t' || r >= utf8.RuneSelf:
		return strings.Trim(strconv.QuoteRuneToASCII(r), "'")
	default: // \x07 is clearer than \a
		return fmt.Sprintf(`\x%02x`, r)
	}
}

// splitLines splits data at line feeds, as the numbers of lines are counted. A byte order
// mark does not count as a column.
func splitLines(data []byte) [][]byte {
	lines := bytes.Split(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimSuffix(line, []byte("\r"))
	}
	return lines
}
