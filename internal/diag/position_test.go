package diag

import "testing"

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
