package diag

import (
	"bytes"
	"unicode/utf8"
)

// Position returns the 1-based line and column of the byte at offset in data. A column
// counts code points; a byte order mark at the start of data counts as none.
func Position(data []byte, offset int) (line, column int) { return Positions(data)(offset) }

// Positions returns a function that is Position for data. It reads data only once if its
// offsets ascend, also where one line has thousands of them.
func Positions(data []byte) func(offset int) (line, column int) {
	begin := len(data) - len(bytes.TrimPrefix(data, []byte("\ufeff")))
	at, line, column := begin, 1, 1
	return func(offset int) (int, int) {
		offset = max(offset, begin)
		if offset < at {
			at, line, column = begin, 1, 1
		}
		passed := data[at:offset]
		at = offset
		if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
			line += bytes.Count(passed, []byte("\n"))
			column, passed = 1, passed[i+1:]
		}
		column += utf8.RuneCount(passed)
		return line, column
	}
}
