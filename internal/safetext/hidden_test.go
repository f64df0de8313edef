package safetext

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFindHidden(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string // "<characters before it> U+<code point>"
	}{
		{"plain", "Plain text,\ttabs\r\nand ünïcödé 日本語 русский.\f\n", nil},
		{"byte order mark first", "\ufefftext", nil},
		{"byte order mark later", "te\ufeffxt", []string{"2 U+FEFF"}},
		{"bidi", "ok\na\u202eb\u202c", []string{"4 U+202E", "6 U+202C"}},
		{"isolate", "\u2066x\u2069", []string{"0 U+2066", "2 U+2069"}},
		{"zero width space", "ab\u200bcd", []string{"2 U+200B"}},
		{"joiner between letters", "ab\u200dcd", []string{"2 U+200D"}},
		{"soft hyphen", "ab\u00adcd", []string{"2 U+00AD"}},
		{"tags", "hi\U000e0049\U000e0067\U000e006e", []string{"2 U+E0049"}},
		{"Scotland", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", nil},
		{"a flag that goes on", "🏴" + strings.Repeat("\U000e0067", 30) + "\U000e007f", []string{"1 U+E0067"}},
		{"emoji", "👩\u200d💻 👨\u200d👩\u200d👧\u200d👦 ❤️\u200d🔥 🏳️\u200d🌈 👋🏽 1️⃣ ☑️ 🤷🏽\u200d♀️", nil},
		{"Persian", "می\u200cخواهم", nil},
		{"Persian suffix of a Latin word", "API\u200cها", nil},
		{"Persian before a bracket", "(خانه\u200c)", nil},
		{"non-joiners in a row", "API\u200c\u200cها ها\u200c\u200cx", []string{"3 U+200C", "10 U+200C"}},
		{"non-joiner between Latin letters", "AP\u200cI", []string{"2 U+200C"}},
		{"non-joiner behind an emoji", "😀\u200ca", []string{"1 U+200C"}},
		{"joiner behind a Latin letter", "API\u200dها", []string{"3 U+200D"}},
		{"Hindi", "क्\u200dष", nil},
		{"smuggled selectors", "a\ufe00\ufe01", []string{"1 U+FE00", "2 U+FE01"}},
		{"selectors after an emoji", "😀\ufe0f\U000e0150\U000e0151", []string{"2 U+E0150", "3 U+E0151"}},
		{"escape sequence", "\x1b[31mred", []string{"0 U+001B"}},
		{"invalid UTF-8 is another rule's", "a\xff\xfeb", nil},
	}
	for _, tt := range tests {
		var got []string
		for _, h := range FindHidden([]byte(tt.text)) {
			got = append(got, fmt.Sprintf("%d U+%04X", utf8.RuneCountInString(tt.text[:h.Offset]), h.Rune))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
