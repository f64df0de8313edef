package checkout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

var token = "AUTHORIZATION: basic " + fixture.Canary("", "checkout")

// newTree returns a checkout beside a directory with a secret file.
func newTree(t *testing.T, files map[string]string) (*Tree, string) {
	t.Helper()
	base := fixture.TempDir(t)
	dir := filepath.Join(base, "repo")
	fixture.Write(t, filepath.Join(base, "outside"), map[string]string{"secret": token})
	fixture.Write(t, dir, map[string]string{"README.md": "hello\n", ".git/config": token})
	fixture.Write(t, dir, files)
	tree, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree, dir
}

var linkTests = []struct {
	name   string
	link   string // where to make a link; "" for none
	target string
	open   string
	want   error // nil if the content of README.md is expected
}{
	{"plain", "", "", "README.md", nil},
	{"dot segments inside", "", "", "./docs/../README.md", nil},
	{"link inside", "docs/readme", "../README.md", "docs/readme", nil},
	{"linked directory inside", "d", "docs", "d/../README.md", nil},
	{"link through a link", "docs/a", "../b", "docs/a/README.md", fs.ErrNotExist},
	{"empty", "", "", "", fs.ErrInvalid},
	{"NUL", "", "", "README.md\x00.txt", fs.ErrInvalid},
	{"absolute", "", "", "/etc/passwd", ErrEscapes},
	{"parent", "", "", "../outside/secret", ErrEscapes},
	{"parent after a directory", "", "", "docs/../../outside/secret", ErrEscapes},
	{"parent after a link", "docs/up", "..", "docs/up/../outside/secret", ErrEscapes},
	{"link to a file outside", "a.md", "../outside/secret", "a.md", ErrEscapes},
	{"link to a directory outside", "out", "../outside", "out/secret", ErrEscapes},
	{"absolute link", "a.md", "/etc/passwd", "a.md", ErrEscapes},
	{"link into proc", "a.md", "/proc/self/environ", "a.md", ErrEscapes},
	{"link to an open descriptor", "a.md", "/proc/self/fd/0", "a.md", ErrEscapes},
	{"link out and in again", "a.md", "../repo/README.md", "a.md", ErrEscapes},
	{"loop", "a.md", "a.md", "a.md", syscall.ELOOP},
	{"dangling", "a.md", "nowhere.md", "a.md", fs.ErrNotExist},
	{"git", "", "", ".git/config", ErrEscapes},
	{"git in capitals", "", "", ".GIT/config", ErrEscapes},
	{"git from below", "", "", "docs/../.Git/config", ErrEscapes},
	{"link into git", "a.md", ".git/config", "a.md", ErrEscapes},
	{"linked git directory", "g", ".git", "g/config", ErrEscapes},
	{"missing", "", "", "nowhere.md", fs.ErrNotExist},
	{"directory", "", "", "docs", ErrNotRegular},
	{"root", "", "", ".", ErrNotRegular},
	{"file as a directory", "", "", "README.md/x", syscall.ENOTDIR},
}

func TestLinksAndPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range linkTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tree, dir := newTree(t, map[string]string{"docs/guide.md": "guide\n"})
			if tt.link != "" {
				if err := os.Symlink(tt.target, filepath.Join(dir, tt.link)); err != nil {
					t.Fatal(err)
				}
			}
			data, err := tree.ReadFile(tt.open, 1<<10)
			if !errors.Is(err, tt.want) {
				t.Fatalf("ReadFile(%q) = %q, %v; want the error %v", tt.open, data, err, tt.want)
			}
			if ok := tree.IsFile(tt.open); ok != (tt.want == nil) {
				t.Errorf("IsFile(%q) = %v", tt.open, ok)
			}
			if tt.want == nil && string(data) != "hello\n" {
				t.Errorf("ReadFile(%q) = %q", tt.open, data)
			}
			if err != nil && strings.Contains(err.Error(), dir) {
				t.Errorf("error names the machine's path: %v", err)
			}
		})
	}
}

// A file system that folds case or ignores some characters has more names for .git than a
// list can hold. The tree recognises .git by its identity.
func TestGitUnderAnotherName(t *testing.T) {
	t.Parallel()
	tree, dir := newTree(t, nil)
	if err := os.Rename(filepath.Join(dir, ".git"), filepath.Join(dir, "git~1")); err != nil {
		t.Fatal(err)
	}
	if data, err := tree.ReadFile("git~1/config", 1<<10); !errors.Is(err, ErrEscapes) {
		t.Fatalf("ReadFile = %q, %v", data, err)
	}
}

// The repository of a checkout may be a directory in it to which a .git file leads.
func TestGitInAnotherDirectory(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{".git": "gitdir: .store\n", ".store/HEAD": "ref: refs/heads/main\n",
		".store/config": token})
	tree, err := Open(dir)
	fixture.Must(t, err)
	defer tree.Close()
	if data, err := tree.ReadFile(".store/config", 1<<10); !errors.Is(err, ErrEscapes) {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
}

func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	tree, dir := newTree(t, nil)
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := tree.ReadFile("fifo", 1<<10)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, ErrNotRegular) {
			t.Errorf("FIFO: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("reading a FIFO blocks")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	tree, dir := newTree(t, map[string]string{"ten": "0123456789"})
	sparse, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sparse.Truncate(2<<30), sparse.Close()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		limit int64
		want  error
	}{
		{"ten", 10, nil},
		{"ten", 9, ErrTooLarge},
		{"sparse", 256 << 10, ErrTooLarge},
	}
	for _, tt := range tests {
		if data, err := tree.ReadFile(tt.name, tt.limit); !errors.Is(err, tt.want) {
			t.Errorf("ReadFile(%s, %d) = %d bytes, %v; want %v", tt.name, tt.limit, len(data), err, tt.want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	tree, dir := newTree(t, map[string]string{"locked": "x"})
	if err := os.Chmod(filepath.Join(dir, "locked"), 0); err != nil {
		t.Fatal(err)
	}
	want := fs.ErrPermission
	if os.Geteuid() == 0 { // root ignores permissions
		want = nil
	}
	if _, err := tree.ReadFile("locked", 10); !errors.Is(err, want) {
		t.Errorf("ReadFile = %v, want %v", err, want)
	}
}

// swapNames exchanges the names of a directory and of a link all the time, until stop is
// called.
func swapNames(dir, link string) (stop func()) {
	spare := dir + ".spare"
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ended:
				return
			default:
				os.Rename(dir, spare)
				os.Rename(link, dir)
				os.Rename(dir, link)
				os.Rename(spare, dir)
			}
		}
	}()
	return func() {
		close(ended)
		<-stopped
	}
}

// TestRenameRace checks that the tree never reads a file outside the checkout, even
// while a process swaps names.
func TestRenameRace(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"../outside", ".git"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			_, dir := newTree(t, map[string]string{"d/secret": "fine", "d/config": "fine"})
			link := filepath.Join(dir, "link")
			fixture.Must(t, os.Symlink(target, link))
			stop := swapNames(filepath.Join(dir, "d"), link)
			defer stop()
			for range 500 {
				for _, name := range []string{"d/secret", "d/config"} {
					tree, err := Open(dir) // each time, because a tree remembers directories and files
					fixture.Must(t, err)
					if data, err := tree.ReadFile(name, 1<<10); err == nil && string(data) != "fine" {
						t.Errorf("%s revealed %q", name, data)
					}
					tree.Close()
				}
			}
		})
	}
}

func TestReadDir(t *testing.T) {
	t.Parallel()
	files := make(map[string]string)
	var want []string
	for i := range 200 {
		name := fmt.Sprintf("%03d.md", i)
		files["many/"+name] = ""
		want = append(want, name)
	}
	tree, _ := newTree(t, files)
	if got, err := tree.ReadDir("many", 200); err != nil || !slices.Equal(got, want) {
		t.Errorf("ReadDir = %v, %v", got, err)
	}
	for name, want := range map[string]error{"many": ErrTooLarge, "nowhere": fs.ErrNotExist,
		"README.md": syscall.ENOTDIR, "..": ErrEscapes, ".git": ErrEscapes} {
		if got, err := tree.ReadDir(name, 199); !errors.Is(err, want) {
			t.Errorf("ReadDir(%q) = %v, %v; want %v", name, got, err, want)
		}
	}
	if got, err := tree.ReadDir(".", 10); err != nil || !slices.Equal(got, []string{".git", "README.md", "many"}) {
		t.Errorf("ReadDir(.) = %v, %v", got, err)
	}
}

func TestOpenMissing(t *testing.T) {
	t.Parallel()
	if _, err := Open(filepath.Join(fixture.TempDir(t), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open = %v", err)
	}
}
