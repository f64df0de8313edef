package schedule

import (
	"strings"
	"testing"
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
