package yamlnode

import "testing"

// testLimits are as strict as those of a manifest; lenient accepts any spaces, as for a
// workflow.
var (
	testLimits = Limits{Size: 256 << 10, Depth: 32, Nodes: 10_000, StrictSpaces: true}
	lenient    = Limits{Size: 256 << 10, Depth: 32, Nodes: 10_000}
)

func TestComments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, data string
		want       []Comment
	}{
		{"own line and trailing", "# a\nk: v # b\n", []Comment{{Pos{1, 1}, "# a"}, {Pos{2, 6}, "# b"}}},
		{"after non-ASCII and a BOM", "\ufeffé: 日 # b\r\n", []Comment{{Pos{1, 6}, "# b"}}},
		{"within a word", "k: a#b\n", nil},
		{"double-quoted", `k: "a # \" # b" # c`, []Comment{{Pos{1, 17}, "# c"}}},
		{"single-quoted", "k: 'a # '' # b' # c", []Comment{{Pos{1, 17}, "# c"}}},
		{"quoted over lines", "k: \"a\n  # b\n  c\" # d\n", []Comment{{Pos{3, 6}, "# d"}}},
		{"empty quotes", "k: '' # a\nl: \"\" # b\n", []Comment{{Pos{1, 7}, "# a"}, {Pos{2, 7}, "# b"}}},
		{"block scalar", "k: | # a\n  # b\n\n  c # d\n# e\n", []Comment{{Pos{1, 6}, "# a"}, {Pos{5, 1}, "# e"}}},
		{"block scalar with its own indentation", "k: |1\n   a\n  # b\n# c\n", []Comment{{Pos{4, 1}, "# c"}}},
		{"empty block scalar", "k: |\n# a\nl: b\n", []Comment{{Pos{2, 1}, "# a"}}},
		{"flow", "k: [a, # b\n  \"#c\"] # d\n", []Comment{{Pos{1, 8}, "# b"}, {Pos{2, 9}, "# d"}}},
		{"quoted key", "\"a # b\": c # d\n", []Comment{{Pos{1, 12}, "# d"}}},
	} {
		root, problems := Parse([]byte(c.data), testLimits)
		if problems != nil {
			t.Fatalf("%s: %v", c.name, problems)
		}
		got := Comments([]byte(c.data), root)
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: got %v, want %v", c.name, got[i], c.want[i])
			}
		}
	}
}
