package yamlnode

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
// characters, and line breaks that YAML knows and git does not. The latter hide a line
// from a reviewer, perhaps behind a comment. Each kind is reported once.
func checkText(data []byte) []Problem {
	if name := otherEncoding(data); name != "" {
		return []Problem{{diag.Encoding, Pos{1, 1}, "the file is " + name, "save it as UTF-8"}}
	}
	if len(data) > 0 && len(bytes.Trim(data, "\x00")) == 0 {
		return []Problem{{diag.Encoding, Pos{1, 1}, "the file holds nothing but NUL bytes",
			"restore it from git, or write it again"}}
	}
	oneLine := bytes.IndexByte(data, '\n') < 0
	var kinds places
	pos := Pos{1, 1}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if kind := badRune(data, i, r, size); kind != "" && !kinds.count(kind) {
			message, hint := explainRune(data[i], r, oneLine)
			kinds.add(kind, Problem{diag.Encoding, pos, message, hint})
		}
		i += size
		pos.Column++
		if r == '\n' {
			pos = Pos{pos.Line + 1, 1}
		}
	}
	if len(kinds.all) > maxEncodingFindings || kinds.has(invalidBytes) && kinds.has(nulBytes) {
		return []Problem{{diag.Encoding, kinds.all[0].Pos, "the file is binary, not text",
			"name a YAML file, or write this one again as UTF-8 text"}}
	}
	return kinds.problems()
}

// otherEncoding names the encoding of a file that is not UTF-8, or is "". It looks at the
// byte order mark and at the NUL bytes: YAML's punctuation is ASCII, which has NUL bytes
// at fixed places in UTF-16 and UTF-32.
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

// Two kinds of bad characters that checkText looks for.
const (
	invalidBytes = "invalid"
	nulBytes     = "U+0000"
)

// badRune is the kind of bad character that r, at data[i:i+size], is, or "" if it is
// allowed.
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

// windows1252 are the characters of the bytes 0x80 to 0x9f; U+FFFD marks a byte without
// one.
var windows1252 = []rune("€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ")

// inWindows1252 says what the byte c means in the most common of the older encodings,
// which equals Latin-1 from 0xa0 on.
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

// places collects problems by kind: the first of each, and the number of others.
type places struct {
	kinds []string
	all   []Problem
	more  []int
}

func (s *places) has(kind string) bool { return slices.Contains(s.kinds, kind) }

// count counts another problem of a known kind, and reports whether the kind is known.
func (s *places) count(kind string) bool {
	i := slices.Index(s.kinds, kind)
	if i >= 0 {
		s.more[i]++
	}
	return i >= 0
}

// add adds p as the first problem of a new kind.
func (s *places) add(kind string, p Problem) {
	s.kinds, s.all, s.more = append(s.kinds, kind), append(s.all, p), append(s.more, 0)
}

// problems are the first of each kind, each with the number of the others.
func (s *places) problems() []Problem {
	for i, n := range s.more {
		switch {
		case n == 1:
			s.all[i].Message += ", here and in one more place"
		case n > 1:
			s.all[i].Message += fmt.Sprintf(", here and in %d more places", n)
		}
	}
	return s.all
}
