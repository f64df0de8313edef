package secrets

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// view is a text without some of what hides a secret in it.
type view struct {
	text []byte
	// offsets has the place in the original text of each byte of text, and one more for the
	// end. It is nil for the original text.
	offsets []int
	// contexts is false if the text has lines that do not belong together.
	contexts bool
}

// original returns the spans of the view as spans of the original text.
func (v view) original(spans []Span) []Span {
	for i, s := range spans {
		spans[i].Start, spans[i].End = v.offsets[s.Start], v.offsets[s.End]
	}
	return spans
}

// views returns the views of data that differ from it. Each builds on the one before.
func views(data []byte) []view {
	var all []view
	last := view{text: data}
	for _, step := range []struct {
		marks    string
		decode   func(text []byte) (out []byte, offsets []int)
		contexts bool
	}{
		{"\x00\\\xc2\xcd\xd8\xe1\xe2\xe3\xef\xf3", unwrap, true},
		{"\\\"'`", joinQuotes, true},
		{"%", unescapeURL, true},
		{"\n", joinLines, false},
	} {
		if !containsByte(last.text, step.marks) {
			continue
		}
		text, offsets := step.decode(last.text)
		if len(text) == len(last.text) {
			continue
		}
		if last.offsets != nil {
			for i, at := range offsets {
				offsets[i] = last.offsets[at]
			}
		}
		last = view{text, offsets, step.contexts}
		all = append(all, last)
	}
	return all
}

// containsByte reports whether text has one of the bytes of marks.
func containsByte(text []byte, marks string) bool {
	for i := range len(marks) {
		if bytes.IndexByte(text, marks[i]) >= 0 {
			return true
		}
	}
	return false
}

// unwrap drops zero bytes and invisible characters, and writes every line break as \n. It
// decodes the escapes of JSON strings, and those that Markdown editors put before an
// underscore and other punctuation.
func unwrap(data []byte) (text []byte, offsets []int) {
	text, offsets = make([]byte, 0, len(data)), make([]int, 0, len(data)+1)
	for i := 0; i < len(data); {
		c, size := data[i], 1
		switch {
		case c == '\\' && i+1 < len(data):
			c, size = escaped(data[i+1:])
		case c >= utf8.RuneSelf:
			var r rune
			switch r, size = utf8.DecodeRune(data[i:]); {
			case r == '\u2028' || r == '\u2029' || r == '\u0085': // other line breaks
				c = '\n'
			case safetext.IsInvisible(r):
				c = 0
			default:
				for range size - 1 {
					text, offsets = append(text, data[i]), append(offsets, i)
					i++
				}
				c, size = data[i], 1
			}
		}
		if c != 0 {
			text, offsets = append(text, c), append(offsets, i)
		}
		i += size
	}
	return text, append(offsets, len(data))
}

// escaped decodes the escape whose backslash is before data: to 0 if it stands for an
// invisible character. Size is the length of the escape including the backslash. Escapes
// of other characters beyond ASCII stay, because no pattern has any.
func escaped(data []byte) (c byte, size int) {
	zeros := 0 // between the bytes of UTF-16
	for zeros < len(data)-1 && data[zeros] == 0 {
		zeros++
	}
	data = data[zeros:]
	switch c := data[0]; c {
	case 'n', 'r':
		return '\n', zeros + 2
	case 't':
		return '\t', zeros + 2
	case '"', '/', '_', '-', '.', '~', '+', '=':
		return c, zeros + 2
	case '\\':
		if len(data) > 1 && data[1] == '_' { // Markdown's escape in a JSON string
			return '_', zeros + 3
		}
		return c, zeros + 2
	case 'u':
		if len(data) < 5 {
			break
		}
		v, err := strconv.ParseUint(string(data[1:5]), 16, 16)
		switch {
		case err != nil:
		case v < utf8.RuneSelf:
			return byte(v), zeros + 6
		case safetext.IsInvisible(rune(v)) || v>>8 == 0xdb: // or half of a tag character
			return 0, zeros + 6
		}
	}
	return '\\', 1
}

// joinQuotes joins the parts of a string that a program writes in several strings, or on
// several lines with a backslash at their ends.
func joinQuotes(data []byte) (text []byte, offsets []int) {
	return join(data, func(rest []byte) int {
		switch quote := rest[0]; quote {
		case '\\':
			return lineContinuation(rest)
		case '"', '\'', '`':
			return quoteGap(rest)
		}
		return 0
	})
}

// lineContinuation returns the length of a backslash at the end of a line and the
// indentation of the next line, or 0.
func lineContinuation(rest []byte) int {
	trimmed := bytes.TrimLeft(rest[1:], " \t\r")
	if len(trimmed) == 0 || trimmed[0] != '\n' {
		return 0
	}
	return len(rest) - len(bytes.TrimLeft(trimmed, " \t\r\n"))
}

// quoteGap returns the length of the text from the end of one string to the start of the
// next one of the same expression, or 0.
func quoteGap(rest []byte) int {
	const limit = 200 // of the white space around an operator
	i, glue := 1, false
	for ; i < min(len(rest), limit); i++ {
		switch c := rest[i]; c {
		case ' ', '\t', '\r':
		case '+', '.', '&', '\\', '\n', '~':
			glue = true
		case rest[0]:
			if i == 1 || glue {
				return i + 1
			}
			return 0
		default:
			return 0
		}
	}
	return 0
}

// maxBreak limits the bytes from a line break to the rest of a wrapped token, and those of
// the next line that are looked at. Without it, a text of line breaks would take a time that
// is quadratic in its length.
const maxBreak = 200

// joinLines removes line breaks inside what may be a token that is wrapped, and the
// indentation after them.
func joinLines(data []byte) (text []byte, offsets []int) {
	return join(data, func(rest []byte) int {
		if rest[0] != '\n' && rest[0] != '\r' && (rest[0] != '=' || len(rest) < 2 || rest[1] != '\n') {
			return 0
		}
		near := rest[:min(len(rest), maxBreak)]
		length := len(near) - len(bytes.TrimLeft(near, "=\r\n \t>"))
		if next := rest[length:]; isNewLine(next[:min(len(next), maxBreak)]) {
			return 0
		}
		return length
	})
}

// isNewLine reports whether line begins with a word, a name or an assignment, and so does
// not continue a token.
func isNewLine(line []byte) bool {
	end, letters := 0, true
	for ; end < len(line) && isToken(line[end]); end++ {
		if line[end] == '=' && end+1 < len(line) && line[end+1] != '=' && isToken(line[end+1]) {
			return true
		}
		letters = letters && (classOf(line[end]) == lowerCase || end == 0 && classOf(line[end]) == upperCase)
	}
	after := bytes.TrimLeft(line[end:], " \t")
	return letters && end < 12 || len(after) > 0 && (after[0] == '=' || after[0] == ':') ||
		isName(string(line[:end])) || isCamelCase(line[:end]) && noDigit([][]byte{line[:end]})
}

// join copies data without the gaps between two characters of a token. Gap returns the
// length of the gap at the start of the rest, or 0. Without gaps it returns data.
func join(data []byte, gap func(rest []byte) int) (text []byte, offsets []int) {
	length := func(i int) int {
		if !isToken(data[i-1]) {
			return 0
		}
		if n := gap(data[i:]); n > 0 && i+n < len(data) && isToken(data[i+n]) {
			return n
		}
		return 0
	}
	first := 1
	for first < len(data) && length(first) == 0 {
		first++
	}
	if first >= len(data) {
		return data, nil
	}
	text, offsets = make([]byte, 0, len(data)), make([]int, 0, len(data)+1)
	for i := 0; i < len(data); {
		if i >= first {
			if n := length(i); n > 0 {
				i += n
				continue
			}
		}
		text, offsets = append(text, data[i]), append(offsets, i)
		i++
	}
	return text, append(offsets, len(data))
}

// unescapeURL decodes %XX where it stands for printable ASCII.
func unescapeURL(data []byte) (text []byte, offsets []int) {
	text, offsets = make([]byte, 0, len(data)), make([]int, 0, len(data)+1)
	for i := 0; i < len(data); {
		c, size := data[i], 1
		if c == '%' && i+2 < len(data) {
			if v, err := strconv.ParseUint(string(data[i+1:i+3]), 16, 8); err == nil && ' ' <= v && v < 0x7f {
				c, size = byte(v), 3
			}
		}
		text, offsets = append(text, c), append(offsets, i)
		i += size
	}
	return text, append(offsets, len(data))
}
