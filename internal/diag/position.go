package diag

import (
	"bytes"
	"unicode/utf8"
)

// Position returns the 1-based line and column of the byte at offset in data. A column
// counts code points; a byte order mark at the start of data counts as none.
func Position(data []byte, offset int) (line, column int) {
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	text := before[start:]
	if start == 0 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(text) + 1
}
