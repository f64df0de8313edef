package safetext

import (
	"bytes"
	"unicode/utf8"
)

// Encoding is how a file encodes text.
type Encoding string

// The encodings that DetectEncoding distinguishes.
const (
	UTF8       Encoding = "UTF-8"
	BrokenUTF8 Encoding = "broken UTF-8" // text in which some bytes are not UTF-8
	UTF16      Encoding = "UTF-16"
	Binary     Encoding = "binary"
)

// DetectEncoding returns the encoding of data, and the offset of the first byte that
// shows it is not UTF-8: 0 for UTF-8 and UTF-16. UTF-16 has a byte order mark, or a NUL
// in every other byte of most characters. A binary file has a NUL and many bytes that
// text never has.
func DetectEncoding(data []byte) (e Encoding, offset int) {
	var nul [2]int
	strange := 0
	for i, b := range data {
		if b == 0 {
			nul[i%2]++
		}
		if b < 0x20 && !bytes.ContainsRune([]byte("\t\n\v\f\r\x1b"), rune(b)) {
			strange++
		}
	}
	invalid := firstInvalid(data)
	// A run of invalid bytes counts once.
	strange += bytes.Count(bytes.ToValidUTF8(data, []byte(replacement)), []byte(replacement))
	marked := bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff"))
	switch most := max(nul[0], nul[1]); {
	case marked, most > len(data)/4 && min(nul[0], nul[1]) < most/8:
		return UTF16, 0
	case most > 0 && strange > len(data)/8:
		return Binary, bytes.IndexByte(data, 0)
	case invalid >= 0:
		return BrokenUTF8, invalid
	}
	return UTF8, 0
}

// firstInvalid returns the offset of the first byte that is not UTF-8, or -1.
func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
