package checkout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	sha1   = strings.Repeat("0123456789", 4)
	sha256 = strings.Repeat("01234567", 8)
)

func TestCommit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no repository", map[string]string{"README.md": ""}, ""},
		{"loose ref", map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": sha1 + "\n"}, sha1},
		{"loose ref wins over a packed one", map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": sha1 + "\n",
			".git/packed-refs": strings.Repeat("f", 40) + " refs/heads/main\n"}, sha1},
		{"detached", map[string]string{".git/HEAD": sha1 + "\n"}, sha1},
		{"sha256", map[string]string{".git/HEAD": sha256 + "\n"}, sha256},
		{"packed", map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/packed-refs": "# pack-refs with: peeled fully-peeled sorted\n" +
			strings.Repeat("a", 40) + " refs/heads/main-2\n" + sha1 + " refs/heads/main\n^" + strings.Repeat("b", 40) + "\n"}, sha1},
		{"symbolic ref to a symbolic ref", map[string]string{".git/HEAD": "ref: refs/a", ".git/refs/a": "ref: refs/b", ".git/refs/b": sha1}, sha1},
		{"ref loop", map[string]string{".git/HEAD": "ref: refs/a", ".git/refs/a": "ref: refs/a"}, ""},
		{"unborn branch", map[string]string{".git/HEAD": "ref: refs/heads/main\n"}, ""},
		{"reftable", map[string]string{".git/HEAD": "ref: refs/heads/.invalid\n", ".git/reftable/tables.list": ""}, ""},
		{"ref out of .git", map[string]string{".git/HEAD": "ref: refs/../../leak", "leak": sha1}, ""},
		{"ref out of the tree", map[string]string{".git/HEAD": "ref: ../../leak"}, ""},
		{"git file inside", map[string]string{".git": "gitdir: .store\n", ".store/HEAD": sha1}, sha1},
		{"worktree", map[string]string{".git": "gitdir: /srv/repo/.git/worktrees/x\n"}, ""},
		{"submodule", map[string]string{".git": "gitdir: ../.git/modules/x\n"}, ""},
		{"garbage file", map[string]string{".git": "\x00\xff"}, ""},
		{"garbage HEAD", map[string]string{".git/HEAD": "\x00\xff"}, ""},
		{"garbage packed", map[string]string{".git/HEAD": "ref: refs/x", ".git/packed-refs": "\x00 \xff\nrefs/x\n x refs/x\n"}, ""},
		{"oversized HEAD", map[string]string{".git/HEAD": sha1 + strings.Repeat("\n", maxRef)}, ""},
		{"oversized line in packed", map[string]string{".git/HEAD": "ref: refs/x", ".git/packed-refs": strings.Repeat("x", 1<<17) + "\n" + sha1 + " refs/x\n"}, ""},
		{"abbreviated", map[string]string{".git/HEAD": sha1[:39]}, ""},
		{"capitals", map[string]string{".git/HEAD": strings.Repeat("A", 40)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, tt.files)
			tree, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			if got := tree.Commit(); got != tt.want {
				t.Errorf("Commit() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCommitLinkOutside(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	write(t, base, map[string]string{"other/HEAD": sha1, "repo/README.md": ""})
	if err := os.Symlink("../other", filepath.Join(base, "repo", ".git")); err != nil {
		t.Fatal(err)
	}
	tree, err := Open(filepath.Join(base, "repo"))
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if got := tree.Commit(); got != "" {
		t.Errorf("Commit() = %q, read outside the tree", got)
	}
}
