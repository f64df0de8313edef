package safetext

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"
)

func TestDetectEncoding(t *testing.T) {
	t.Parallel()
	const text = "Help the team choose one improvement of their work, each week.\nCafé, 日本.\n"
	wide := func(order binary.AppendByteOrder, mark string) string {
		data := []byte(mark)
		for _, unit := range utf16.Encode([]rune(text)) {
			data = order.AppendUint16(data, unit)
		}
		return string(data)
	}
	tests := []struct {
		name, data string
		want       Encoding
		offset     int
	}{
		{"empty", "", UTF8, 0},
		{"text", text, UTF8, 0},
		{"a NUL in text", text + "\x00", UTF8, 0},
		{"escape sequences", "\x1b[31mred\x1b[0m", UTF8, 0},
		{"Latin-1", "r\xf4le", BrokenUTF8, 1},
		{"little endian", wide(binary.LittleEndian, "\xff\xfe"), UTF16, 0},
		{"big endian", wide(binary.BigEndian, "\xfe\xff"), UTF16, 0},
		{"little endian without a mark", wide(binary.LittleEndian, ""), UTF16, 0},
		{"big endian without a mark", wide(binary.BigEndian, ""), UTF16, 0},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" +
			"\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89",
			Binary, 8},
	}
	for _, tt := range tests {
		if got, offset := DetectEncoding([]byte(tt.data)); got != tt.want || offset != tt.offset {
			t.Errorf("%s: got %s at %d, want %s at %d", tt.name, got, offset, tt.want, tt.offset)
		}
	}
}
