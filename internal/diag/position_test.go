package diag

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPosition(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, before string // what comes before the offset
		line, column int
	}{
		{"start", "", 1, 1},
		{"same line", "ab", 1, 3},
		{"code points", "日本\t", 1, 4},
		{"not UTF-8", "a\xff\xfe", 1, 4},
		{"next line", "a\nb", 2, 2},
		{"Windows", "a\r\n", 2, 1},
		{"byte order mark", "\ufeffab", 1, 3},
		{"byte order mark on another line", "\n\ufeffab", 2, 4},
	}
	for _, tt := range tests {
		line, column := Position([]byte(tt.before+"x\ny"), len(tt.before))
		if line != tt.line || column != tt.column {
			t.Errorf("%s: got %d:%d, want %d:%d", tt.name, line, column, tt.line, tt.column)
		}
	}
}

// TestPositions asks for places in order, and for one before the last.
func TestPositions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "abc", "a\nb\n\ncé日x\r\ny", "\ufeffa\nb", "\n\n\n"} {
		position := Positions([]byte(text))
		for _, step := range []int{1, 2, 5, -1} {
			for i := 0; i <= len(text); i += max(step, -step) {
				offset := i
				if step < 0 {
					offset = len(text) - i
				}
				if offset < len(text) && !utf8.RuneStart(text[offset]) {
					continue
				}
				line, column := position(offset)
				before := strings.TrimPrefix(text[:offset], "\ufeff")
				wantLine := strings.Count(before, "\n") + 1
				want := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
				if line != wantLine || column != want {
					t.Errorf("%q at %d: got %d:%d, want %d:%d", text, offset, line, column, wantLine, want)
				}
			}
		}
	}
}
