package yamlnode

import (
	"bytes"
	"strings"
)

// Comment is a comment from its # to the end of the line.
type Comment struct {
	Pos  Pos
	Text string
}

// Comments finds the comments of a file from its text and tree: the library keeps
// comments, but not their positions. A # starts a comment at the start of a line or after
// a blank, outside quoted and block scalars.
func Comments(data []byte, root *Node) []Comment {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	lines := splitLines(data)
	var found []Comment
	mask := newMask(lines, root)
	for i, line := range lines {
		text := strings.TrimRight(line, "\r\n")
		column := 0
		previous := ' '
		for offset, r := range text {
			column++
			if r == '#' && (previous == ' ' || previous == '\t') && !mask.covers(Pos{i + 1, column}) {
				found = append(found, Comment{Pos{i + 1, column}, text[offset:]})
				break
			}
			previous = r
		}
	}
	return found
}

// span is the text of a scalar in which a # starts no comment: [start, end).
type span struct{ start, end Pos }

// mask is the spans of a file in order.
type mask struct{ spans []span }

// covers reports whether pos lies in a span. It must be called with positions in order.
func (m *mask) covers(pos Pos) bool {
	for len(m.spans) > 0 && !before(pos, m.spans[0].end) {
		m.spans = m.spans[1:]
	}
	return len(m.spans) > 0 && !before(pos, m.spans[0].start)
}

func before(a, b Pos) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
}

func newMask(lines []string, root *Node) *mask {
	m := &mask{}
	m.add(&cursor{lines: lines}, root)
	return m
}

func (m *mask) add(text *cursor, n *Node) {
	switch {
	case n.Kind == Scalar && n.Style == Quoted:
		m.spans = append(m.spans, span{n.Pos, text.endOfQuoted(n.Pos)})
	case n.Kind == Scalar && n.Style == Block:
		m.spans = append(m.spans, span{Pos{n.Pos.Line + 1, 1}, endOfBlock(text.lines, n)})
	}
	for _, item := range n.Items {
		m.add(text, item)
	}
	for _, p := range n.Pairs {
		m.add(text, p.Key)
		m.add(text, p.Value)
	}
}

// endOfQuoted is the place after the closing quote of the scalar at start. An anchor or a
// tag may precede the opening quote.
func (c *cursor) endOfQuoted(start Pos) Pos {
	var quote, previous rune
	for pos := start; pos.Line <= len(c.lines); pos = (Pos{pos.Line + 1, 1}) {
		for _, r := range c.from(pos) {
			switch {
			case quote == 0 && (r == '"' || r == '\''):
				quote, r = r, 0
			case previous == '\\' && quote == '"':
				r = 0 // escaped, and so is no escape itself
			case previous == '\'' && quote == '\'':
				if r != '\'' {
					return pos
				}
				r = 0 // a doubled quote
			case r == '"' && quote == '"':
				return Pos{pos.Line, pos.Column + 1}
			}
			previous = r
			pos.Column++
		}
	}
	return Pos{len(c.lines) + 1, 1}
}

// endOfBlock is the start of the first line after a block scalar: the first line that is
// not blank and is indented less than its content.
func endOfBlock(lines []string, n *Node) Pos {
	first := n.Pos.Line + 1
	if strings.TrimSpace(n.Value) == "" {
		return Pos{first, 1}
	}
	indent := -1
	for at := first; at <= len(lines); at++ {
		line := lines[at-1]
		if strings.TrimSpace(line) == "" {
			continue
		}
		own := leadingBlanks(line)
		if indent < 0 { // with an explicit indentation, as in |2, the first line's own may be deeper
			indent = own - leadingBlanks(strings.TrimLeft(n.Value, "\n"))
		}
		if own < indent {
			return Pos{at, 1}
		}
	}
	return Pos{len(lines) + 1, 1}
}

func leadingBlanks(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
