package yamlnode

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// lookalikes are characters that look like a space, or like nothing. To YAML they are
// text: it knows only the space and the tab.
var lookalikes = map[rune]string{
	0x00a0: "NO-BREAK SPACE",
	0x00ad: "SOFT HYPHEN",
	0x1680: "OGHAM SPACE MARK",
	0x180e: "MONGOLIAN VOWEL SEPARATOR",
	0x2000: "EN QUAD",
	0x2001: "EM QUAD",
	0x2002: "EN SPACE",
	0x2003: "EM SPACE",
	0x2004: "THREE-PER-EM SPACE",
	0x2005: "FOUR-PER-EM SPACE",
	0x2006: "SIX-PER-EM SPACE",
	0x2007: "FIGURE SPACE",
	0x2008: "PUNCTUATION SPACE",
	0x2009: "THIN SPACE",
	0x200a: "HAIR SPACE",
	0x200b: "ZERO WIDTH SPACE",
	0x200c: "ZERO WIDTH NON-JOINER",
	0x200d: "ZERO WIDTH JOINER",
	0x200e: "LEFT-TO-RIGHT MARK",
	0x200f: "RIGHT-TO-LEFT MARK",
	0x202f: "NARROW NO-BREAK SPACE",
	0x205f: "MEDIUM MATHEMATICAL SPACE",
	0x2060: "WORD JOINER",
	0x2800: "BRAILLE PATTERN BLANK",
	0x3000: "IDEOGRAPHIC SPACE",
	0x3164: "HANGUL FILLER",
	0xfeff: "ZERO WIDTH NO-BREAK SPACE (byte order mark)",
	0xffa0: "HALFWIDTH HANGUL FILLER",
}

func isLookalike(r rune) bool {
	return r >= 0xa0 && lookalikes[r] != ""
}

// isZeroWidth reports whether a lookalike takes no room, so that it can be removed.
func isZeroWidth(r rune) bool { return unicode.Is(unicode.Cf, r) }

func isSpace(r rune) bool { return r == ' ' || r == '\t' }

// lookalike is a character that looks like a space where a space would have a meaning.
type lookalike struct {
	pos   Pos
	r     rune
	where string
}

// explainLookalikes returns one problem for each character, at its first place.
func explainLookalikes(found []lookalike) []Problem {
	var kinds places
	for i, l := range found {
		follows := i > 0 && found[i-1].r == l.r && found[i-1].pos == Pos{l.pos.Line, l.pos.Column - 1}
		kind := string(l.r)
		if follows || kinds.count(kind) {
			continue
		}
		message := fmt.Sprintf("U+%04X %s %s, which YAML takes for text", l.r, lookalikes[l.r], l.where)
		hint := "replace it with a plain space"
		if isZeroWidth(l.r) {
			hint = "remove it"
		}
		if strings.HasSuffix(l.where, "value") {
			hint += ", or quote the whole value if it belongs to the text"
		}
		kinds.add(kind, Problem{diag.Encoding, l.pos, message, hint})
	}
	return kinds.problems()
}

// withSpaces is the file with a space in place of each lookalike, so that all positions
// stay the same.
func withSpaces(lines []string, found []lookalike) []byte {
	byLine := make(map[int][]int)
	for _, l := range found {
		byLine[l.pos.Line] = append(byLine[l.pos.Line], l.pos.Column)
	}
	var b strings.Builder
	for i, line := range lines {
		columns, column := byLine[i+1], 0
		if columns == nil {
			b.WriteString(line)
			continue
		}
		for _, r := range line {
			if column++; len(columns) > 0 && columns[0] == column {
				r, columns = ' ', columns[1:]
			}
			b.WriteRune(r)
		}
	}
	return []byte(b.String())
}

// outside returns the lookalikes that are not in a quoted or a block scalar of the tree.
func outside(found []lookalike, lines []string, root *Node) []lookalike {
	mask := newMask(lines, root)
	return slices.DeleteFunc(found, func(l lookalike) bool { return mask.covers(l.pos) })
}

// notInBlock is less than the indentation of any block scalar.
const notInBlock = -2

// spaceScanner finds lookalikes that YAML's structure depends on. It knows just enough of
// YAML for that, and reads malformed text as its author meant it: where there are
// lookalikes, there is often no tree.
type spaceScanner struct {
	found []lookalike
	quote rune // that of the string that is open, 0 if none is
	depth int  // of flow brackets
	block int  // the indentation that the lines of a block scalar exceed

	// line and the fields below describe the current line.
	line   int
	text   []rune
	at     int
	fresh  bool // a key or a value may start here
	quoted bool // the text before is a complete quoted string or collection
	keyed  bool // the line has a key, and so no second one outside brackets
	word   int  // where the key or value started
	parent int  // the column of the innermost key or hyphen
}

// findLookalikes finds the lookalikes outside quoted strings, block scalars and comments,
// except those between the words of a plain value.
func findLookalikes(lines []string) []lookalike {
	s := spaceScanner{block: notInBlock}
	for i, line := range lines {
		s.line, s.text, s.at = i+1, []rune(strings.TrimRight(line, "\r\n")), 0
		if s.inBlock() {
			continue
		}
		s.fresh, s.quoted, s.keyed, s.word, s.parent = true, false, false, 0, -1
		for s.at < len(s.text) {
			s.step()
		}
	}
	slices.SortStableFunc(s.found, func(a, b lookalike) int {
		return cmp.Or(cmp.Compare(a.pos.Line, b.pos.Line), cmp.Compare(a.pos.Column, b.pos.Column))
	})
	return s.found
}

// inBlock reports whether the line belongs to the block scalar that is open, if any, and
// closes it otherwise.
func (s *spaceScanner) inBlock() bool {
	indent := 0
	for indent < len(s.text) && s.text[indent] == ' ' {
		indent++
	}
	if s.block != notInBlock && indent < len(s.text) && indent <= s.block {
		s.block = notInBlock
	}
	return s.block != notInBlock
}

// next is the character n places ahead, or a line feed at the end of the line.
func (s *spaceScanner) next(n int) rune {
	if s.at+n >= len(s.text) {
		return '\n'
	}
	return s.text[s.at+n]
}

// ends reports whether the character r makes an indicator of the one before it. Before a
// word, that is part of the word.
func (s *spaceScanner) ends(r rune) bool {
	return isSpace(r) || r == '\n' || s.depth > 0 && strings.ContainsRune(",[]{}", r)
}

// step reads the next token, or character of a word.
func (s *spaceScanner) step() {
	r := s.text[s.at]
	switch {
	case s.quote != 0:
		s.inQuotes(r)
	case isSpace(r) || isLookalike(r):
		s.blanks()
	case r == '#' && (s.at == 0 || isSpace(s.text[s.at-1])):
		s.at = len(s.text)
	case r == ':' && s.isColon():
		s.key()
	case strings.ContainsRune("[]{},", r) && (s.fresh || s.depth > 0):
		s.bracket(r)
	case s.fresh:
		s.start(r)
	default:
		s.at++
	}
}

// inQuotes reads a character of a quoted string.
func (s *spaceScanner) inQuotes(r rune) {
	s.at++
	switch {
	case r == '\\' && s.quote == '"', r == '\'' && s.quote == '\'' && s.next(0) == '\'':
		s.at++
	case r == s.quote:
		s.quote, s.quoted, s.fresh = 0, true, false
	}
}

// blanks reads spaces and lookalikes. The characters on both sides decide whether YAML
// needs spaces here.
func (s *spaceScanner) blanks() {
	first := s.at
	for s.at < len(s.text) && (isSpace(s.text[s.at]) || isLookalike(s.text[s.at])) {
		s.at++
	}
	where := ""
	switch r := s.next(0); {
	case first == 0:
		where = "in the indentation"
	case r == '#':
		where = "before a comment"
	case s.fresh:
		where = "before a value"
	case r == ':' && s.ends(s.next(1)):
		where = "before a colon"
	case s.quoted, s.ends(r):
		where = "after a value"
	default:
		return
	}
	s.report(first, s.at, where)
	if s.next(0) == '#' {
		s.at = len(s.text)
	}
}

// report notes the lookalikes in text[from:to].
func (s *spaceScanner) report(from, to int, where string) {
	for i := from; i < to; i++ {
		if r := s.text[i]; isLookalike(r) {
			s.found = append(s.found, lookalike{Pos{s.line, i + 1}, r, where})
		}
	}
}

// isColon reports whether the colon here ends a key. A colon before a lookalike does so
// after a single word.
func (s *spaceScanner) isColon() bool {
	r := s.next(1)
	if s.ends(r) || s.quoted && s.depth > 0 {
		return true
	}
	if !isLookalike(r) || s.fresh || s.keyed && s.depth == 0 {
		return false
	}
	isWordRune := func(r rune) bool { return r == '-' || r < 0x80 && isWord(byte(r)) }
	key := s.text[s.word:s.at]
	return s.quoted || !slices.ContainsFunc(key, func(r rune) bool { return !isWordRune(r) })
}

// key reads the colon that ends a key. A lookalike in a key is never meant.
func (s *spaceScanner) key() {
	if !s.quoted && !s.fresh {
		end := s.at
		for end > s.word && (isSpace(s.text[end-1]) || isLookalike(s.text[end-1])) {
			end-- // reported already
		}
		s.report(s.word, end, "in a key")
	}
	if !s.fresh {
		s.parent = s.word
	}
	s.at++
	s.fresh, s.quoted, s.keyed = true, false, true
}

// bracket reads what opens, separates or closes collections in a line.
func (s *spaceScanner) bracket(r rune) {
	s.at++
	switch r {
	case '[', '{':
		s.depth++
	case ']', '}':
		s.depth = max(s.depth-1, 0)
	}
	closes := r == ']' || r == '}'
	s.fresh, s.quoted = !closes, closes
	s.word = s.at
}

// start reads the start of a key or a value.
func (s *spaceScanner) start(r rune) {
	follows := s.next(1)
	hyphen := (r == '-' || r == '?') && s.depth == 0 && (s.ends(follows) || isLookalike(follows))
	marker := s.at == 0 && (strings.HasPrefix(string(s.text), "---") || strings.HasPrefix(string(s.text), "...")) &&
		(s.ends(s.next(3)) || isLookalike(s.next(3)))
	switch {
	case hyphen:
		s.parent = s.at
		s.at++
	case marker:
		s.at += 3
	case r == '&' || r == '!':
		for s.at < len(s.text) && !s.ends(s.text[s.at]) && !isLookalike(s.text[s.at]) {
			s.at++
		}
	case (r == '|' || r == '>') && s.depth == 0:
		s.block, s.fresh, s.quoted = s.parent, false, true
		s.at++
	default:
		s.word, s.fresh = s.at, false
		if r == '"' || r == '\'' {
			s.quote = r
		}
		s.at++
	}
}
