package checkout

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTracked compares with git in each version of the index.
func TestTracked(t *testing.T) {
	t.Parallel()
	names := []string{"a", "dir/" + strings.Repeat("long", 40) + ".md", "dir/memory.md",
		".kaizen/agents/coach/memory.md", "untracked", "dir"}
	want := []bool{true, true, true, true, false, false}
	for _, c := range []struct {
		version string
		before  []string // a git command that changes the index
		known   bool
	}{
		{"2", nil, true},
		{"3", []string{"add", "--intent-to-add", "later"}, true}, // needs extended flags
		{"4", nil, true},
		{"2", []string{"update-index", "--split-index"}, false},
		{"2", []string{"rm", "--cached", "-q", "a"}, true},
	} {
		tree, dir := newTree(t, map[string]string{names[0]: "a", names[1]: "b", names[2]: "c", names[3]: "d",
			names[4]: "e",
			"later":  "l", ".git/config": "", ".gitignore": ".kaizen/\n"})
		git(t, dir, "init", "-q")
		git(t, dir, append([]string{"add", "--force"}, names[:4]...)...)
		git(t, dir, "update-index", "--index-version", c.version)
		if c.before != nil {
			git(t, dir, c.before...)
		}
		tree.Close()
		tree, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tree.Close() })
		expected := slices.Clone(want)
		expected[0] = !slices.Contains(c.before, "rm")
		tracked, known := tree.Tracked(names...)
		if known != c.known || known && !slices.Equal(tracked, expected) {
			t.Errorf("version %s, %q: %v, %v; want %v, %v", c.version, c.before, tracked, known, expected, c.known)
		}
	}
}

// TestTrackedUnknown checks checkouts whose index is missing or cannot be read.
func TestTrackedUnknown(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"no repository": {"a": "a"},
		"no index":      {".git/HEAD": "ref: refs/heads/main\n"},
		"another file":  {".git/HEAD": "ref: refs/heads/main\n", ".git/index": strings.Repeat("x", 100)},
		"cut short": {".git/HEAD": "ref: refs/heads/main\n",
			".git/index": "DIRC\x00\x00\x00\x02\x00\x00\x00\x01" + strings.Repeat("x", 40)},
	} {
		tree, _ := newTree(t, files)
		if tracked, known := tree.Tracked("a"); known {
			t.Errorf("%s: %v", name, tracked)
		}
	}
}

// FuzzReadIndex looks for panics.
func FuzzReadIndex(f *testing.F) {
	if data, err := os.ReadFile(filepath.Join("..", "..", ".git", "index")); err == nil {
		f.Add(data)
	}
	const index = "DIRC\x00\x00\x00\x04\x00\x00\x00\x01"
	f.Add([]byte(index + strings.Repeat("\x00", 100)))
	for cut := range indexFixed + indexTrailer { // before and inside an entry
		f.Add([]byte(index + strings.Repeat("\x00", cut)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries := 0
		if readIndex(data, func([]byte) { entries++ }); entries > len(data)/indexFixed+1 {
			t.Errorf("%d entries in %d bytes", entries, len(data))
		}
	})
}
