package checkout

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

var (
	sha1   = strings.Repeat("0123456789", 4)
	sha256 = strings.Repeat("01234567", 8)
)

var commitTests = []struct {
	name  string
	files map[string]string
	want  string
	why   string // part of the error
}{
	{"no repository", map[string]string{"README.md": ""}, "", "there is no .git"},
	{"loose ref", map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": sha1 + "\n"},
		sha1, ""},
	{"loose ref wins over a packed one",
		map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": sha1 + "\n",
			".git/packed-refs": strings.Repeat("f", 40) + " refs/heads/main\n"}, sha1, ""},
	{"detached", map[string]string{".git/HEAD": sha1 + "\n"}, sha1, ""},
	{"sha256", map[string]string{".git/HEAD": sha256 + "\n"}, sha256, ""},
	{"packed", map[string]string{".git/HEAD": "ref: refs/heads/main\n",
		".git/packed-refs": "# pack-refs with: peeled fully-peeled sorted\n" +
			strings.Repeat("a", 40) + " refs/heads/main-2\n" + sha1 + " refs/heads/main\n^" +
			strings.Repeat("b", 40) +
			"\n"}, sha1, ""},
	{"symbolic ref to a symbolic ref",
		map[string]string{".git/HEAD": "ref: refs/a", ".git/refs/a": "ref: refs/b", ".git/refs/b": sha1}, sha1, ""},
	{"ref loop", map[string]string{".git/HEAD": "ref: refs/a", ".git/refs/a": "ref: refs/a"}, "",
		`too many symbolic refs`},
	{"unborn branch", map[string]string{".git/HEAD": "ref: refs/heads/main\n"}, "",
		`no commit for "refs/heads/main"`},
	{"reftable", map[string]string{".git/HEAD": "ref: refs/heads/.invalid\n", ".git/reftable/tables.list": ""}, "",
		`reftable format`},
	{"ref out of .git", map[string]string{".git/HEAD": "ref: refs/../../leak", "leak": sha1}, "",
		`leads to "refs/../../leak"`},
	{"ref out of the tree", map[string]string{".git/HEAD": "ref: ../../leak"}, "", `leads to "../../leak"`},
	{"git file inside", map[string]string{".git": "gitdir: .store\n", ".store/HEAD": sha1}, sha1, ""},
	{"worktree", map[string]string{".git": "gitdir: /srv/repo/.git/worktrees/x\n"}, "", `outside the checkout`},
	{"submodule", map[string]string{".git": "gitdir: ../.git/modules/x\n"}, "", `outside the checkout`},
	{"separate directory inside", map[string]string{".git": "gitdir: {dir}/.store\n", ".store/HEAD": sha1}, sha1,
		""},
	{"worktree inside",
		map[string]string{".git": "gitdir: .store/worktrees/x\n", ".store/worktrees/x/HEAD": "ref: refs/heads/x\n",
			".store/worktrees/x/commondir": "../..\n", ".store/HEAD": "ref: refs/heads/main",
			".store/refs/heads/x": sha1}, sha1, ""},
	{"worktree inside, packed",
		map[string]string{".git": "gitdir: .store/worktrees/x\n", ".store/worktrees/x/HEAD": "ref: refs/heads/x\n",
			".store/worktrees/x/commondir": "../..\n", ".store/packed-refs": sha1 + " refs/heads/x\n"}, sha1, ""},
	{"worktree inside, its refs outside",
		map[string]string{".git": "gitdir: .store\n", ".store/HEAD": "ref: refs/heads/x\n",
			".store/commondir": "../../outside\n"}, "", "outside the checkout"},
	{"worktree inside, its refs in reftable", map[string]string{".git": "gitdir: .store/worktrees/x\n",
		".store/worktrees/x/HEAD":      "ref: refs/heads/.invalid\n",
		".store/worktrees/x/commondir": "../..\n", ".store/reftable/tables.list": ""}, "", "reftable format"},
	{"directory of .git is missing", map[string]string{".git": "gitdir: .store\n"}, "",
		"cannot be read: no such file"},
	{"empty .git", map[string]string{".git/keep": ""}, "", "no HEAD"},
	{"garbage file", map[string]string{".git": "\x00\xff"}, "", `names no directory`},
	{"garbage HEAD", map[string]string{".git/HEAD": "\x00\xff"}, "", `no HEAD`},
	{"garbage packed", map[string]string{".git/HEAD": "ref: refs/x",
		".git/packed-refs": "\x00 \xff\nrefs/x\n x refs/x\n"}, "", `no commit for "refs/x"`},
	{"oversized HEAD", map[string]string{".git/HEAD": sha1 + strings.Repeat("\n", maxRef)}, "", `no HEAD`},
	{"oversized line in packed", map[string]string{".git/HEAD": "ref: refs/x",
		".git/packed-refs": strings.Repeat("x", 1<<17) + "\n" + sha1 + " refs/x\n"}, "", `no commit for "refs/x"`},
	{"abbreviated", map[string]string{".git/HEAD": sha1[:39]}, "", `no HEAD`},
	{"capitals", map[string]string{".git/HEAD": strings.Repeat("A", 40)}, "", `no HEAD`},
}

func TestCommit(t *testing.T) {
	t.Parallel()
	for _, tt := range commitTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			files := map[string]string{}
			for name, content := range tt.files {
				files[name] = strings.ReplaceAll(content, "{dir}", dir)
			}
			fixture.Write(t, dir, files)
			tree, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			got, err := tree.Commit()
			if got != tt.want || (err == nil) != (tt.why == "") || err != nil &&
				!strings.Contains(err.Error(), tt.why) {
				t.Errorf("Commit() = %q, %v; want %q, %q", got, err, tt.want, tt.why)
			}
			if errors.Is(err, ErrNoRepository) != (tt.name == "no repository") {
				t.Errorf("ErrNoRepository: %v", err)
			}
		})
	}
}

func TestCommitLinkOutside(t *testing.T) {
	t.Parallel()
	base := fixture.TempDir(t)
	fixture.Write(t, base, map[string]string{"other/HEAD": sha1, "repo/README.md": ""})
	if err := os.Symlink("../other", filepath.Join(base, "repo", ".git")); err != nil {
		t.Fatal(err)
	}
	tree, err := Open(filepath.Join(base, "repo"))
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if got, err := tree.Commit(); got != "" || err == nil || errors.Is(err, ErrNoRepository) {
		t.Errorf("Commit() = %q, %v, read outside the tree", got, err)
	}
}

// TestCommitOfGit compares with the commits that git reports for repositories that git
// made.
func TestCommitOfGit(t *testing.T) {
	t.Parallel()
	base := fixture.TempDir(t)
	fixture.Write(t, base, map[string]string{"main/README.md": ""})
	git(t, base, "init", "--quiet", "--initial-branch=main", "main")
	git(t, base, "-C", "main", "commit", "--quiet", "--allow-empty", "--message=one")
	git(t, base, "-C", "main", "worktree", "add", "--quiet", "../linked")
	git(t, base, "init", "--quiet", "--separate-git-dir=store", "separate")
	git(t, base, "-C", "separate", "commit", "--quiet", "--allow-empty", "--message=two")
	git(t, base, "init", "--quiet", "within")
	git(t, base, "-C", "within", "init", "--quiet", "--separate-git-dir=.store")
	git(t, base, "-C", "within", "commit", "--quiet", "--allow-empty", "--message=three")
	git(t, base, "clone", "--quiet", "main", "super")
	git(t, base, "-C", "super", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../main", "sub")
	git(t, base, "clone", "--quiet", "main", "packed")
	git(t, base, "-C", "packed", "pack-refs", "--all")
	for dir, readable := range map[string]bool{"main": true, "packed": true, "super": true, "within": true,
		"linked": false, "separate": false, "super/sub": false} {
		tree, err := Open(filepath.Join(base, dir))
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		want := ""
		if readable {
			want = git(t, base, "-C", dir, "rev-parse", "HEAD")
		}
		got, err := tree.Commit()
		if got != want || (err == nil) != readable || errors.Is(err, ErrNoRepository) {
			t.Errorf("%s: Commit() = %q, %v; want %q", dir, got, err, want)
		}
	}
}

// git runs git without the user's configuration, and returns its output.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git to compare with")
	}
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a",
		"GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
