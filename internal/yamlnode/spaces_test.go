package yamlnode

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// TestLookalikes puts a character that looks like a space into every place of YAML's
// structure. It is written ␣ in the text, and found at the first ␣ or nowhere.
func TestLookalikes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, where string }{
		{"a: 1\n␣b: 2\n", "in the indentation"},
		{"a:\n ␣b: 2\n", "in the indentation"},
		{"a:\n␣␣b: 2\n␣␣c: 3\n", "in the indentation"},
		{"a:\n␣␣- b\n", "in the indentation"},
		{"a: 1\n␣\nb: 2\n", "in the indentation"},
		{"a: 1\n␣# comment\n", "in the indentation"},
		{"␣a: 1\r\nb: 2\r\n", "in the indentation"},
		{"日本: 1\n␣b: 2\n", "in the indentation"},
		{"-␣a\n", "before a value"},
		{"- ␣a\n", "before a value"},
		{"- b: 1\n-␣c: 2\n", "before a value"},
		{"?␣a\n", "before a value"},
		{"a:␣b\n", "before a value"},
		{"a: ␣b\n", "before a value"},
		{"a:␣\n  b: 1\n", "before a value"},
		{"a:␣'b'\n", "before a value"},
		{"a:␣\"b\"\n", "before a value"},
		{"a:␣|\n  b\n", "before a value"},
		{"'a':␣b\n", "before a value"},
		{"- a:␣b\n", "before a value"},
		{"a: [b,␣c]\n", "before a value"},
		{"a: [␣b]\n", "before a value"},
		{"a: {b:␣c}\n", "before a value"},
		{"a: {\"b\":␣c}\n", "before a value"},
		{"---␣\na: 1\n", "before a value"},
		{"a␣: b\n", "before a colon"},
		{"a: b␣\n", "after a value"},
		{"a: b ␣ \n", "after a value"},
		{"a: 'b'␣\n", "after a value"},
		{"a: \"b\\\"\"␣\n", "after a value"},
		{"a: 'it''s'␣\n", "after a value"},
		{"a: [b␣]\n", "after a value"},
		{"a: [b␣, c]\n", "after a value"},
		{"a: {b: c␣}\n", "after a value"},
		{"a: [b]␣\n", "after a value"},
		{"a: |␣\n  b\n", "after a value"},
		{"a: >-␣\n  b\n", "after a value"},
		{"a: b␣# comment\n", "before a comment"},
		{"a:␣# comment\n  b: 1\n", "before a comment"},
		{"a␣b: c\n", "in a key"},
		{"- a␣b: c\n", "in a key"},
		{"a: |\n  x\n␣␣y\n", "in the indentation"},
		{"- a: |\n    x\n  b: c␣\n", "after a value"},

		{"a: b␣c\n", "none"},
		{"a: b c: d␣e\n", "none"},
		{"a: b ␣c\n", "none"},
		{"a: foo:␣b\n", "none"},
		{"- see foo:␣b\n", "none"},
		{"a: «␣b␣»\n", "none"},
		{"a: 'b␣'\n", "none"},
		{"a: '␣it''s␣'\n", "none"},
		{"a: \"␣b\\\"␣\"\n", "none"},
		{"a: \"b\n  ␣c␣\"\n", "none"},
		{"\"a␣\": b\n", "none"},
		{"a: ['␣', \"␣\"]\n", "none"},
		{"a: b # c␣\n", "none"},
		{"#␣c\na: b\n", "none"},
		{"# c\n#␣\na: b # ␣'c\n", "none"},
		{"a: |\n  ␣b␣\n\n  c␣\n", "none"},
		{"- |\n ␣b\n", "none"},
		{"- a: >-\n    ␣b\n  c: d\n", "none"},
		{"a: |2\n   ␣b\n", "none"},
		{"a: it's␣b\n", "none"},
		{"a: b\n  'c␣d'\n", "none"},
		{"a: b\n  'c\nd: 'x␣'\n", "none"},
	} {
		for _, r := range []rune{0xa0, 0x3000, 0x200b, 0xfeff} {
			if r == 0xfeff && strings.HasPrefix(c.text, "␣") {
				continue // a byte order mark
			}
			text := strings.ReplaceAll(c.text, "␣", string(r))
			_, problems := Parse([]byte(text), testLimits)
			if c.where == "none" {
				for _, p := range problems {
					if p.Rule == diag.Encoding {
						t.Errorf("%+q: %v", text, p)
					}
				}
				continue
			}
			want := PosAt([]byte(c.text), strings.Index(c.text, "␣"))
			name := fmt.Sprintf("U+%04X %s %s", r, lookalikes[r], c.where)
			if len(problems) != 1 || problems[0].Pos != want || !strings.HasPrefix(problems[0].Message, name) {
				t.Errorf("%+q: %v\nwant %v %s", text, problems, want, name)
			}
		}
	}
}

// TestLookalikePlaces checks how several lookalikes are reported, and that the rest of
// the file is still checked.
func TestLookalikePlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"a:\u00a0\u00a0b\nc:\u00a0d\n\u3000e: 1\nf: g\u00a0\n",
			"1:3: U+00A0 NO-BREAK SPACE before a value, which YAML takes for text, here and in 2 more places\n" +
				"3:1: U+3000 IDEOGRAPHIC SPACE in the indentation, which YAML takes for text\n"},
		{"a\u00a0b\u00a0: c\n", "1:2: U+00A0 NO-BREAK SPACE in a key, which YAML takes for text, here and in one more " +
			"place\n"},
		{"a: |\n  x\u00a0y\nb:\u00a0c\n", "3:3: U+00A0 NO-BREAK SPACE before a value, which YAML takes for text\n"},
		{"a:\u00a0*x\nb: *y\n", "1:3: U+00A0 NO-BREAK SPACE before a value, which YAML takes for text\n" +
			"1:4: an undefined name: unknown anchor 'x' referenced\n" +
			"2:4: an undefined name: unknown anchor 'y' referenced\n"},
		{"a: 1\n\u3000b: @x\n", "2:1: U+3000 IDEOGRAPHIC SPACE in the indentation, which YAML takes for text\n"},
	} {
		_, problems := Parse([]byte(c.text), testLimits)
		var got strings.Builder
		for _, p := range problems {
			fmt.Fprintf(&got, "%d:%d: %s\n", p.Pos.Line, p.Pos.Column, p.Message)
		}
		if got.String() != c.want {
			t.Errorf("%+q:\n%swant\n%s", c.text, got.String(), c.want)
		}
	}
}

// TestEveryLookalike checks that each character is found, and read as the space that it
// looks like.
func TestEveryLookalike(t *testing.T) {
	t.Parallel()
	for r, name := range lookalikes {
		root, problems := Parse([]byte("a:"+string(r)+"b"+string(r)+"\n"), testLimits)
		if len(problems) != 1 || !strings.Contains(problems[0].Message, name) {
			t.Errorf("U+%04X: %v", r, problems)
		}
		if b := root.Get("a"); b == nil || b.Value != "b" || b.Pos != (Pos{1, 4}) {
			t.Errorf("U+%04X: read as %+v", r, b)
		}
	}
}

// TestTypographicQuotes checks that typographic quotes are plain text to YAML, at their
// own place.
func TestTypographicQuotes(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"“05:00”", "‘05:00’", "„05:00“", "«05:00»", "«\u00a005:00\u00a0»", "“# 1”"} {
		root, problems := Parse([]byte("é: {t: "+value+", u: "+value+"}\n"), testLimits)
		if problems != nil {
			t.Errorf("%s: %v", value, problems)
			continue
		}
		second := Pos{1, 13 + len([]rune(value))}
		if u := root.Get("é").Get("u"); u.Value != value || u.Style != Plain || u.Pos != second {
			t.Errorf("%s: %+v, want it at %v", value, u, second)
		}
	}
}

// TestLookalikesInWorkflows checks that lookalikes pass where spaces are not checked.
func TestLookalikesInWorkflows(t *testing.T) {
	t.Parallel()
	if _, problems := Parse([]byte("name: x\u00a0\n"), lenient); problems != nil {
		t.Error(problems)
	}
}

// FuzzLookalikes checks that only lookalikes are found, and that replacing them keeps the
// length.
func FuzzLookalikes(f *testing.F) {
	f.Add([]byte("a:\u00a0b\n- |\n  \u3000\n\u200bc: 'd\u00a0'\u00a0# \ufeff\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.ToValidUTF8(data, nil)
		lines := splitLines(data)
		found := findLookalikes(lines)
		for i, l := range found {
			if i > 0 && !before(found[i-1].pos, l.pos) {
				t.Fatalf("%v is not behind %v", l, found[i-1])
			}
			at := offsetOf(data, l.pos)
			if !bytes.HasPrefix(data[at:], []byte(string(l.r))) || !isLookalike(l.r) {
				t.Fatalf("%+q: no lookalike at %v", data, l)
			}
		}
		if got, want := len([]rune(string(withSpaces(lines, found)))), len([]rune(string(data))); got != want {
			t.Fatalf("%d characters, not %d", got, want)
		}
	})
}
