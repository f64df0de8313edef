package yamlnode

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

func TestParseYAMLAliases(t *testing.T) {
	t.Parallel()
	root, problems := Parse([]byte("a: &x {b: 1}\nc: *x\nd: &loop [*loop]\n"), testLimits)
	if problems != nil {
		t.Fatal(problems)
	}
	if b := root.Get("c").Get("b"); b == nil || b.Value != "1" {
		t.Errorf("through the alias: %v", b)
	}
	if alias := root.Get("d").Items[0]; alias.Kind != Alias || alias.Resolve() != nil {
		t.Errorf("an alias within its anchor: %+v", alias)
	}
	if n := root.Get("e").Get("f"); n != nil {
		t.Errorf("a missing key: %v", n)
	}
}

func TestScalarTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want ScalarType
	}{
		{"a", TypeString}, {`"1"`, TypeString}, {"'true'", TypeString}, {"05:00", TypeString}, {"yes", TypeString},
		{"2026-01-01", TypeString}, {"1_000", TypeString}, {"0b1", TypeString}, {".", TypeString},
		{"~", TypeNull}, {"Null", TypeNull}, {"nULL", TypeString},
		{"true", TypeBool}, {"FALSE", TypeBool}, {"tRUE", TypeString},
		{"1", TypeInt}, {"-1", TypeInt}, {"+01", TypeInt}, {"0x1F", TypeInt}, {"0o17", TypeInt}, {"0o8", TypeString},
		{"1.", TypeFloat}, {".5", TypeFloat}, {"1e3", TypeFloat}, {"-.inf", TypeFloat}, {".NaN", TypeFloat},
	} {
		root, problems := Parse([]byte(c.text), testLimits)
		if problems != nil {
			t.Fatalf("%s: %v", c.text, problems)
		}
		if got := root.Type(); got != c.want {
			t.Errorf("%s: type %d, want %d", c.text, got, c.want)
		}
	}
}

// TestSyntaxPlaces checks the places of syntax errors, of which the library reports a
// line at best.
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
		_, problems := Parse([]byte(c.data), testLimits)
		if len(problems) != 1 || problems[0].Pos != c.want {
			t.Errorf("%s: got %v, want %v", diag.Quote(c.data), problems, c.want)
		}
	}
}

// TestCursor walks back and forth: the answer never depends on the last position.
func TestCursor(t *testing.T) {
	t.Parallel()
	lines := splitLines([]byte("añ日c\n\nxy"))
	c := &cursor{lines: lines}
	for _, step := range []struct {
		pos  Pos
		want string
	}{
		{Pos{1, 3}, "日c\n"}, {Pos{1, 4}, "c\n"}, {Pos{1, 2}, "ñ日c\n"}, {Pos{1, 1}, "añ日c\n"}, {Pos{1, 5}, "\n"},
		{Pos{1, 9}, ""}, {Pos{1, 3}, "日c\n"},
		{Pos{3, 2}, "y"}, {Pos{3, 3}, ""}, {Pos{3, 1}, "xy"}, {Pos{2, 1}, "\n"}, {Pos{4, 1}, ""}, {Pos{}, ""},
		{Pos{1, 0}, ""}, {Pos{1, 2}, "ñ日c\n"},
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

// TestEncodings checks that a file in another encoding gives one finding, which names the
// encoding.
func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = "version: \"1\"\nrepo: web # 日本語のコメント\n"
	const cr = "the lines end with a carriage return alone (old Mac), so the file is a single line"
	for _, c := range []struct{ name, data, want string }{
		{"UTF-16LE", utf16(binary.LittleEndian, text), "1:1: the file is UTF-16 (little-endian, without a byte order mark)"},
		{"UTF-16BE", utf16(binary.BigEndian, text), "1:1: the file is UTF-16 (big-endian, without a byte order mark)"},
		{"UTF-16LE, ideographic spaces", utf16(binary.LittleEndian, "a: 1 # \u3000\u3000"),
			"1:1: the file is UTF-16 (little-endian, without a byte order mark)"},
		{"UTF-16LE, cut in a character", utf16(binary.LittleEndian, text)[:21],
			"1:1: the file is UTF-16 (little-endian, without a byte order mark)"},
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
		{"Latin-1", "# caf\xe9 na\xefve\nrepo: \xfc\n",
			`1:6: byte 0xE9 is not valid UTF-8 (in Windows-1252 it is 'é'), here and in 2 more places`},
		{"Windows-1252", "a: \x93x\x94\n",
			`1:4: byte 0x93 is not valid UTF-8 (in Windows-1252 it is '“'), here and in one more place`},
		{"not in Windows-1252", "a: \x81\n", "1:4: byte 0x81 is not valid UTF-8"},
		{"a PNG", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "1:1: the file is binary, not text"},
		{"an ELF", "\x7fELF\x02\x01\x01\x03\x04\x05\x06\x07\x08\x0e\x0f\x10", "1:1: the file is binary, not text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, problems := Parse([]byte(c.data), testLimits)
			if len(problems) != 1 || problems[0].Rule != diag.Encoding {
				t.Fatalf("got %v, want one about the encoding", problems)
			}
			if got := fmt.Sprintf("%d:%d: %s", problems[0].Pos.Line, problems[0].Pos.Column,
				problems[0].Message); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
