package schedule

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// maxEncodingFindings is how many kinds of bad characters are reported. A file with more
// is binary.
const maxEncodingFindings = 10

// checkText reports what is not text: another encoding, bytes that are not UTF-8, control
// characters, and the line breaks that YAML knows and git does not. With the latter a
// reviewer sees one line (perhaps a comment) where YAML sees two. Each kind is reported
// once.
func checkText(data []byte) []problem {
	if name := otherEncoding(data); name != "" {
		return []problem{{diag.Encoding, Pos{1, 1}, "the file is " + name, "save it as UTF-8"}}
	}
	if len(data) > 0 && len(bytes.Trim(data, "\x00")) == 0 {
		return []problem{{diag.Encoding, Pos{1, 1}, "the file holds nothing but NUL bytes",
			"restore it from git, or write it again"}}
	}
	oneLine := bytes.IndexByte(data, '\n') < 0
	var kinds places
	pos := Pos{1, 1}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if kind := badRune(data, i, r, size); kind != "" && !kinds.count(kind) {
			message, hint := explainRune(data[i], r, oneLine)
			kinds.add(kind, problem{diag.Encoding, pos, message, hint})
		}
		i += size
		pos.Column++
		if r == '\n' {
			pos = Pos{pos.Line + 1, 1}
		}
	}
	if len(kinds.all) > maxEncodingFindings || kinds.has(invalidBytes) && kinds.has(nulBytes) {
		return []problem{{diag.Encoding, kinds.all[0].pos, "the file is binary, not text",
			"name a YAML file, or write this one again as UTF-8 text"}}
	}
	return kinds.problems()
}

// otherEncoding is the encoding of a file that is not UTF-8, as its byte order mark or
// the places of its NUL bytes show: ASCII, of which YAML's punctuation is made, has NUL
// in fixed places. It is "" otherwise.
func otherEncoding(data []byte) string {
	for _, mark := range []struct{ prefix, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		if bytes.HasPrefix(data, []byte(mark.prefix)) {
			return mark.name
		}
	}
	var nuls [4]int
	for i, c := range data {
		if c == 0 {
			nuls[i%4]++
		}
	}
	var often [4]bool // more than one in four
	for i, n := range nuls {
		often[i] = 4*n > len(data)/4
	}
	switch often {
	case [4]bool{false, true, false, true}:
		return "UTF-16 (little-endian, without a byte order mark)"
	case [4]bool{true, false, true, false}:
		return "UTF-16 (big-endian, without a byte order mark)"
	case [4]bool{false, true, true, true}, [4]bool{false, false, true, true}:
		return "UTF-32 (little-endian, without a byte order mark)"
	case [4]bool{true, true, true, false}, [4]bool{true, true, false, false}:
		return "UTF-32 (big-endian, without a byte order mark)"
	}
	return ""
}

// The kinds of bad characters that checkText asks for.
const (
	invalidBytes = "invalid"
	nulBytes     = "U+0000"
)

// badRune is the kind of bad character that r is, at data[i:i+size]; "" if it may be in a
// manifest.
func badRune(data []byte, i int, r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return invalidBytes
	case r == '\t', r == '\n', r == '\r' && bytes.HasPrefix(data[i+1:], []byte("\n")):
		return ""
	case r < 0x20 || r >= 0x7f && r < 0xa0, r == 0x2028 || r == 0x2029, r == 0xfffe || r == 0xffff:
		return fmt.Sprintf("U+%04X", r)
	}
	return ""
}

// explainRune says what is wrong with a bad character that starts with the byte first.
func explainRune(first byte, r rune, oneLine bool) (message, hint string) {
	switch {
	case r == utf8.RuneError:
		return fmt.Sprintf("byte 0x%02X is not valid UTF-8%s", first, inWindows1252(first)), "save the file as UTF-8"
	case r == '\r' && oneLine:
		return "the lines end with a carriage return alone (old Mac), so the file is a single line",
			"save it with LF or CRLF line ends"
	case r == '\r':
		return "a carriage return without a line feed", "end lines with LF or CRLF"
	case r == 0x85 || r == 0x2028 || r == 0x2029:
		return fmt.Sprintf("U+%04X breaks the line for YAML but not for git", r), "end lines with LF or CRLF"
	case r < 0xa0:
		return fmt.Sprintf("control character U+%04X", r),
			fmt.Sprintf(`remove it; in a double-quoted string write it as \x%02X`, r)
	}
	return fmt.Sprintf("U+%04X is not a character", r), "remove it"
}

// windows1252 are the characters of the bytes 0x80 to 0x9f; U+FFFD is none.
var windows1252 = []rune("€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ")

// inWindows1252 says what the byte c means in the most common of the older encodings,
// which is Latin-1 from 0xa0 on.
func inWindows1252(c byte) string {
	r := rune(c)
	if c < 0xa0 {
		r = windows1252[c-0x80]
	}
	if r == utf8.RuneError {
		return ""
	}
	return fmt.Sprintf(" (in Windows-1252 it is %q)", r)
}

// places collects problems by kind: the first of each, and how many more there are.
type places struct {
	kinds []string
	all   []problem
	more  []int
}

func (s *places) has(kind string) bool { return slices.Contains(s.kinds, kind) }

// count counts one more of a kind that has a problem, and reports whether it has.
func (s *places) count(kind string) bool {
	i := slices.Index(s.kinds, kind)
	if i >= 0 {
		s.more[i]++
	}
	return i >= 0
}

// add makes p the problem of a new kind.
func (s *places) add(kind string, p problem) {
	s.kinds, s.all, s.more = append(s.kinds, kind), append(s.all, p), append(s.more, 0)
}

// problems are the first of each kind, with the number of the others.
func (s *places) problems() []problem {
	for i, n := range s.more {
		switch {
		case n == 1:
			s.all[i].message += ", here and in one more place"
		case n > 1:
			s.all[i].message += fmt.Sprintf(", here and in %d more places", n)
		}
	}
	return s.all
}
