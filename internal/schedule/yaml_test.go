package schedule

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

func TestParseYAMLAliases(t *testing.T) {
	t.Parallel()
	root, problems := parseYAML([]byte("a: &x {b: 1}\nc: *x\nd: &loop [*loop]\n"), manifestLimits)
	if problems != nil {
		t.Fatal(problems)
	}
	if b := root.get("c").get("b"); b == nil || b.value != "1" {
		t.Errorf("through the alias: %v", b)
	}
	if alias := root.get("d").items[0]; alias.kind != aliasNode || alias.resolve() != nil {
		t.Errorf("an alias within its anchor: %+v", alias)
	}
	if n := root.get("e").get("f"); n != nil {
		t.Errorf("a missing key: %v", n)
	}
}

func TestScalarTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want scalarType
	}{
		{"a", typeString}, {`"1"`, typeString}, {"'true'", typeString}, {"05:00", typeString}, {"yes", typeString}, {"2026-01-01", typeString}, {"1_000", typeString}, {"0b1", typeString}, {".", typeString},
		{"~", typeNull}, {"Null", typeNull}, {"nULL", typeString},
		{"true", typeBool}, {"FALSE", typeBool}, {"tRUE", typeString},
		{"1", typeInt}, {"-1", typeInt}, {"+01", typeInt}, {"0x1F", typeInt}, {"0o17", typeInt}, {"0o8", typeString},
		{"1.", typeFloat}, {".5", typeFloat}, {"1e3", typeFloat}, {"-.inf", typeFloat}, {".NaN", typeFloat},
	} {
		root, problems := parseYAML([]byte(c.text), manifestLimits)
		if problems != nil {
			t.Fatalf("%s: %v", c.text, problems)
		}
		if got := root.typ(); got != c.want {
			t.Errorf("%s: type %d, want %d", c.text, got, c.want)
		}
	}
}

// TestSyntaxPlaces holds the places of syntax errors, of which the library gives a line at best.
func TestSyntaxPlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data string
		want Pos
	}{
		{"a: 1\n\tb: 2\n", Pos{2, 1}},
		{"a: 1\n b: 2\n", Pos{2, 2}},
		{"a:\n  b: 1\n c: 2\n", Pos{3, 2}},
		{"a: 'it's'\nb: 1\n", Pos{1, 8}},
		{"a: \"x\nb: 1\nc: 2\n", Pos{1, 4}},
		{"k: \"v\"\na: [1, 2\nb: 1\n", Pos{2, 4}},
		{"é: @x\n", Pos{1, 4}},
		{"日本: b: c\n", Pos{1, 6}},
		{"a: - b\n", Pos{1, 4}},
		{"- a\nb: c\n", Pos{2, 1}},
		{"a: 1\nb\nc: 1\n", Pos{2, 1}},
		{"a: \"é\\q\"\n", Pos{1, 6}},
		{"a: \"" + strings.Repeat("x y ", 40_000) + "\\q\"\n", Pos{1, 160_005}},
		{"a: \"\\t\"\nb: !%zz c\n", Pos{2, 5}},
		{"b: !%zz c\n", Pos{1, 5}},
		{"a: |x\n  y\n", Pos{1, 5}},
		{"a: ]\r\n", Pos{1, 4}},
		{"a: 1\r\nb: &\r\n", Pos{2, 4}},
		{"a: 1\n<<<<<<< HEAD\nb: 1\n", Pos{2, 1}},
		{"# \U0001f600\n\U0001f600: `x`\n", Pos{2, 4}},
		{strings.Repeat("k: v # c\n", 3000) + "a: @x\n", Pos{3001, 4}},
		{"l: [\n  a@b,\n  @c\n]\n", Pos{3, 3}},
		{"m: {\n  'it @ %': \"@\", t: @x }\n", Pos{2, 21}},
		{"m: { t: %x }\r\n", Pos{1, 9}},
		{"l:\n  - \"a\n    b\" c\n", Pos{3, 8}},
		{"l: 'it''s\n    b' # c\n  d: 'e\n    f' g: 1\n", Pos{3, 3}},
		{"a: \"05:00\nb: \"06:00\"\n", Pos{1, 4}},
		{"a: '1\nb: 'c'\nd: \"e\"\n", Pos{1, 4}},
		{"- {b: it's, c: \"d\", e: \"05 }\n- {e: \"06\"}\n", Pos{1, 24}},
		{"- [b, \"c\nd: 1\n", Pos{1, 7}},
	} {
		_, problems := parseYAML([]byte(c.data), manifestLimits)
		if len(problems) != 1 || problems[0].pos != c.want {
			t.Errorf("%s: got %v, want %v", quote(c.data), problems, c.want)
		}
	}
}

// TestCursor walks to and fro: the answer never depends on where the cursor was before.
func TestCursor(t *testing.T) {
	t.Parallel()
	lines := splitLines([]byte("añ日c\n\nxy"))
	c := &cursor{lines: lines}
	for _, step := range []struct {
		pos  Pos
		want string
	}{
		{Pos{1, 3}, "日c\n"}, {Pos{1, 4}, "c\n"}, {Pos{1, 2}, "ñ日c\n"}, {Pos{1, 1}, "añ日c\n"}, {Pos{1, 5}, "\n"}, {Pos{1, 9}, ""}, {Pos{1, 3}, "日c\n"},
		{Pos{3, 2}, "y"}, {Pos{3, 3}, ""}, {Pos{3, 1}, "xy"}, {Pos{2, 1}, "\n"}, {Pos{4, 1}, ""}, {Pos{}, ""}, {Pos{1, 0}, ""}, {Pos{1, 2}, "ñ日c\n"},
	} {
		if got := c.from(step.pos); got != step.want {
			t.Errorf("from(%v) = %q, want %q", step.pos, got, step.want)
		}
	}
}

// utf16 is text, all of it in the first 65,536 characters, in UTF-16; utf32 likewise.
func utf16(order binary.ByteOrder, text string) string {
	var b []byte
	for _, r := range text {
		b = append(b, 0, 0)
		order.PutUint16(b[len(b)-2:], uint16(r))
	}
	return string(b)
}

func utf32(order binary.ByteOrder, text string) string {
	var b []byte
	for _, r := range text {
		b = append(b, 0, 0, 0, 0)
		order.PutUint32(b[len(b)-4:], uint32(r))
	}
	return string(b)
}

// TestEncodings holds that a file in another encoding is one finding, which names the encoding.
func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = "version: \"1\"\nrepo: web # 日本語のコメント\n"
	const cr = "the lines end with a carriage return alone (old Mac), so the file is a single line"
	for _, c := range []struct{ name, data, want string }{
		{"UTF-16LE", utf16(binary.LittleEndian, text), "1:1: the file is UTF-16 (little-endian, without a byte order mark)"},
		{"UTF-16BE", utf16(binary.BigEndian, text), "1:1: the file is UTF-16 (big-endian, without a byte order mark)"},
		{"UTF-16LE, ideographic spaces", utf16(binary.LittleEndian, "a: 1 # \u3000\u3000"), "1:1: the file is UTF-16 (little-endian, without a byte order mark)"},
		{"UTF-16LE, cut in a character", utf16(binary.LittleEndian, text)[:21], "1:1: the file is UTF-16 (little-endian, without a byte order mark)"},
		{"UTF-32LE", utf32(binary.LittleEndian, text), "1:1: the file is UTF-32 (little-endian, without a byte order mark)"},
		{"UTF-32BE", utf32(binary.BigEndian, text), "1:1: the file is UTF-32 (big-endian, without a byte order mark)"},
		{"UTF-16LE with a mark", utf16(binary.LittleEndian, "\ufeff"+text), "1:1: the file is UTF-16"},
		{"UTF-16BE with a mark", utf16(binary.BigEndian, "\ufeff"+text), "1:1: the file is UTF-16"},
		{"UTF-32LE with a mark", utf32(binary.LittleEndian, "\ufeff"+text), "1:1: the file is UTF-32"},
		{"UTF-32BE with a mark", utf32(binary.BigEndian, "\ufeff"+text), "1:1: the file is UTF-32"},
		{"NUL bytes only", strings.Repeat("\x00", 512), "1:1: the file holds nothing but NUL bytes"},
		{"old Mac", "version: \"1\"\rrepo: web\r", "1:13: " + cr + ", here and in one more place"},
		{"old Mac, one line", "version: \"1\"\r", "1:13: " + cr},
		{"lone CR among LF", "a: 1\rb: 2\rc: 3\n", "1:5: a carriage return without a line feed, here and in one more place"},
		{"Latin-1", "# caf\xe9 na\xefve\nrepo: \xfc\n", `1:6: byte 0xE9 is not valid UTF-8 (in Windows-1252 it is 'é'), here and in 2 more places`},
		{"Windows-1252", "a: \x93x\x94\n", `1:4: byte 0x93 is not valid UTF-8 (in Windows-1252 it is '“'), here and in one more place`},
		{"not in Windows-1252", "a: \x81\n", "1:4: byte 0x81 is not valid UTF-8"},
		{"a PNG", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "1:1: the file is binary, not text"},
		{"an ELF", "\x7fELF\x02\x01\x01\x03\x04\x05\x06\x07\x08\x0e\x0f\x10", "1:1: the file is binary, not text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, problems := parseYAML([]byte(c.data), manifestLimits)
			if len(problems) != 1 || problems[0].rule != diag.Encoding {
				t.Fatalf("got %v, want one about the encoding", problems)
			}
			if got := fmt.Sprintf("%d:%d: %s", problems[0].pos.Line, problems[0].pos.Column, problems[0].message); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
