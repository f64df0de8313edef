package safetext

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// Hidden is a character that can hide text from a reviewer.
type Hidden struct {
	Rune   rune
	Offset int // bytes
}

// FindHidden returns the characters of data that can hide text from a reviewer: controls,
// invisible characters, and those that change the direction of text. It accepts a byte
// order mark at the start, joiners inside emoji and inside words of scripts that need
// them, variation selectors after a symbol, and flags spelled in tag characters. A run of
// tag characters is one result. Bytes that are not UTF-8 are not hidden.
func FindHidden(data []byte) []Hidden {
	var found []Hidden
	var before rune // the last visible character
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		rest := data[i+size:]
		if isTag(r) {
			n := tagRun(data[i:])
			if !isFlag(before, data[i:i+n]) {
				found = append(found, Hidden{r, i})
			}
			i += n
			continue
		}
		if isHidden(r) && !(r == '\ufeff' && i == 0) && !inPlace(r, before, rest) {
			found = append(found, Hidden{r, i})
		}
		if !isSelector(r) && !isJoiner(r) {
			before = r
		} else if isSelector(r) {
			before = selected(before)
		}
		i += size
	}
	return found
}

// selected replaces the character before a variation selector, so that no second selector
// may follow.
func selected(before rune) rune {
	if unicode.Is(unicode.So, before) || unicode.Is(unicode.Sk, before) {
		return unicode.MaxRune // an emoji that has its selector may still be joined to another
	}
	return 0
}

var hiddenTable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0000, 0x0008, 1}, {0x000b, 0x000b, 1}, {0x000e, 0x001f, 1}, {0x007f, 0x009f, 1}, // controls but \t \n \f \r
		{0x00ad, 0x00ad, 1}, {0x034f, 0x034f, 1}, {0x061c, 0x061c, 1}, {0x115f, 0x1160, 1},
		{0x17b4, 0x17b5, 1}, {0x180b, 0x180f, 1},
		{0x200b, 0x200f, 1}, {0x2028, 0x202e, 1}, {0x2060, 0x206f, 1}, {0x3164, 0x3164, 1},
		{0xfe00, 0xfe0f, 1}, {0xfeff, 0xfeff, 1},
		{0xffa0, 0xffa0, 1}, {0xfff9, 0xfffb, 1},
	},
	R32: []unicode.Range32{
		{0x1bca0, 0x1bca3, 1}, {0x1d173, 0x1d17a, 1}, {0xe0000, 0xe0fff, 1},
	},
}

func isHidden(r rune) bool   { return unicode.Is(hiddenTable, r) }
func isJoiner(r rune) bool   { return r == 0x200c || r == 0x200d }
func isSelector(r rune) bool { return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef }
func isTag(r rune) bool      { return r >= 0xe0000 && r <= 0xe007f }

// inPlace reports whether r is a joiner or selector that belongs between its neighbours.
func inPlace(r, before rune, rest []byte) bool {
	next, _ := utf8.DecodeRune(rest)
	switch {
	case r == 0x200c && !isHidden(next) && (shapes(before) || shapes(next)):
		// One neighbour is enough, because Persian joins suffixes to Latin words.
		return true
	case isJoiner(r):
		return joins(before) && joins(next)
	case r >= 0xe0100: // ideographic variation
		return unicode.Is(unicode.Han, before)
	case isSelector(r):
		return before == '#' || before == '*' || before >= '0' && before <= '9' ||
			before > 0x7f && before != unicode.MaxRune && unicode.IsGraphic(before)
	}
	return false
}

// joins reports whether a joiner may be next to r: next to emoji, and to letters and
// marks of the scripts that shape their words.
func joins(r rune) bool {
	return r == unicode.MaxRune || unicode.In(r, unicode.So, unicode.Sk) || shapes(r)
}

// shapes reports whether r is a letter or mark of a script that shapes its words.
func shapes(r rune) bool {
	return r > 0x300 &&
		unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko,
			unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
			unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam,
			unicode.Sinhala, unicode.Khmer, unicode.Myanmar)
}

// tagRun returns the length in bytes of the tag characters at the start of data.
func tagRun(data []byte) int {
	n := 0
	for n < len(data) {
		r, size := utf8.DecodeRune(data[n:])
		if !isTag(r) {
			break
		}
		n += size
	}
	return n
}

// isFlag reports whether before and tags are the flag of a subdivision, such as
// Scotland's: a black flag, up to six letters and the cancel tag.
func isFlag(before rune, tags []byte) bool {
	runes := bytes.Runes(tags)
	return before == 0x1f3f4 && len(runes) >= 4 && len(runes) <= 7 &&
		runes[len(runes)-1] == 0xe007f && !slices.Contains(runes[:len(runes)-1], 0xe007f)
}
