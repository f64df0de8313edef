//go:build unix

package checkout

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// newWriter returns a writer into a checkout beside a directory with a secret file, and
// the directory above both.
func newWriter(t *testing.T, files map[string]string) (w *Writer, base string) {
	t.Helper()
	tree, dir := newTree(t, files)
	w, err := tree.Writer(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w, filepath.Dir(dir)
}

// listing is everything below dir with its content, its target or its type.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	fixture.Must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		fixture.Must(t, err)
		switch e.Type() {
		case 0:
			found[name] = fixture.Read(t, path)
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			fixture.Must(t, err)
			found[name] = "-> " + target
		default:
			found[name] = e.Type().String()
		}
		return nil
	}))
	return found
}

// changed is what differs between two listings.
func changed(before, after map[string]string) []string {
	var names []string
	for name, content := range after {
		if old, ok := before[name]; !ok || old != content {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, "removed "+name)
		}
	}
	slices.Sort(names)
	return names
}

func link(target, name string) func(dir string) error {
	return func(dir string) error { return os.Symlink(target, filepath.Join(dir, name)) }
}

// TestWriter writes into hostile clones. Only the named file, and the directories above
// it, may change.
func TestWriter(t *testing.T) {
	t.Parallel()
	const workflow = ".github/workflows/x.yml"
	tests := []struct {
		name           string
		plant          func(dir string) error // what the clone has beside README.md, docs/guide.md and .git/config
		path           string
		create, append error
	}{
		{"new file", nil, "x.yml", nil, fs.ErrNotExist},
		{"new directories", nil, workflow, nil, fs.ErrNotExist},
		{"directories that exist", nil, "docs/x.yml", nil, fs.ErrNotExist},
		{"existing file", nil, "README.md", fs.ErrExist, nil},
		{"existing file below", nil, "docs/guide.md", fs.ErrExist, nil},
		{"directory", nil, "docs", fs.ErrExist, ErrNotRegular},
		{"below a file", nil, "README.md/x", ErrNotDirectory, ErrNotDirectory},
		{"FIFO", func(dir string) error { return syscall.Mkfifo(dir+"/x.yml", 0o644) }, "x.yml",
			fs.ErrExist, ErrNotRegular},
		{"below a FIFO", func(dir string) error { return syscall.Mkfifo(dir+"/x", 0o644) }, "x/x.yml", ErrNotDirectory,
			ErrNotDirectory},

		{"link to a file inside", link("README.md", "x.yml"), "x.yml", fs.ErrExist, ErrNotRegular},
		{"link to a file outside", link("../outside/secret", "x.yml"), "x.yml", fs.ErrExist, ErrNotRegular},
		{"link into .git", link(".git/config", "x.yml"), "x.yml", fs.ErrExist, ErrNotRegular},
		{"dangling link", link("nowhere", "x.yml"), "x.yml", fs.ErrExist, ErrNotRegular},
		{"dangling link outside", link("../outside/new", "x.yml"), "x.yml", fs.ErrExist, ErrNotRegular},
		{"dangling link into .git", link(".git/hooks/pre-commit", "x.yml"), "x.yml", fs.ErrExist, ErrNotRegular},
		{"first part is a link inside", link("docs", ".github"), workflow, ErrNotDirectory, ErrNotDirectory},
		{"first part is a link outside", link("../outside", ".github"), workflow, ErrNotDirectory, ErrNotDirectory},
		{"first part is a link into .git", link(".git", ".github"), workflow, ErrNotDirectory, ErrNotDirectory},
		{"first part is a dangling link", link("nowhere", ".github"), workflow, ErrNotDirectory, ErrNotDirectory},
		{"first part is a link to itself", link(".github", ".github"), workflow, ErrNotDirectory, ErrNotDirectory},
		{"first part is an absolute link", link("/tmp", ".github"), workflow, ErrNotDirectory, ErrNotDirectory},
		{"second part is a link into .git", func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/.github", 0o755), os.Symlink("../.git", dir+"/.github/workflows"))
		}, workflow, ErrNotDirectory, ErrNotDirectory},
		{"second part is a link outside", func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/.github", 0o755), os.Symlink("../../outside", dir+"/.github/workflows"))
		}, workflow, ErrNotDirectory, ErrNotDirectory},
		{"links at guessable temporary names", func(dir string) error {
			return errors.Join(link(".git/config", "README.md.tmp")(dir), link(".git/config", ".tmp-README.md")(dir),
				link(".git/config", "README.md~")(dir))
		}, "README.md", fs.ErrExist, nil},
		{"hard link of .git/config", func(dir string) error { return os.Link(dir+"/.git/config", dir+"/x") }, "x",
			fs.ErrExist, nil},

		{".git", nil, ".git", ErrEscapes, ErrEscapes},
		{"in .git", nil, ".git/config", ErrEscapes, ErrEscapes},
		{"new in .git", nil, ".git/hooks/pre-commit", ErrEscapes, ErrEscapes},
		{".GIT", nil, ".GIT/config", ErrEscapes, ErrEscapes},
		{".git of a directory", nil, "docs/.Git/config", ErrEscapes, ErrEscapes},
		{".git by another name", func(dir string) error { return os.Rename(dir+"/.git", dir+"/git~1") }, "git~1/config",
			ErrEscapes, ErrEscapes},
		{".git is a link", func(dir string) error {
			return errors.Join(os.Rename(dir+"/.git", dir+"/store"), os.Symlink("store", dir+"/.git"))
		}, "store/config", ErrEscapes, ErrEscapes},
		{".git is a file", func(dir string) error {
			return errors.Join(os.Rename(dir+"/.git", dir+"/store"),
				os.WriteFile(dir+"/.git", []byte("gitdir: store\n"), 0o644))
		}, "store/hooks/x", ErrEscapes, ErrEscapes},

		{"parent", nil, "../x", ErrEscapes, ErrEscapes},
		{"absolute", nil, "/tmp/x", ErrEscapes, ErrEscapes},
		{"parent inside", nil, "docs/../x", fs.ErrInvalid, fs.ErrInvalid},
		{"parent on the way out", nil, "docs/../../outside/x", ErrEscapes, ErrEscapes},
		{"not clean", nil, "./x", fs.ErrInvalid, fs.ErrInvalid},
		{"slash at the end", nil, "docs/", fs.ErrInvalid, fs.ErrInvalid},
		{"root", nil, ".", fs.ErrInvalid, fs.ErrInvalid},
		{"empty", nil, "", fs.ErrInvalid, fs.ErrInvalid},
		{"NUL", nil, "x\x00", fs.ErrInvalid, fs.ErrInvalid},
	}
	for _, tt := range tests {
		for op, want := range map[string]error{"create": tt.create, "append": tt.append} {
			t.Run(op+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				w, base := newWriter(t, map[string]string{"docs/guide.md": "guide"})
				dir := filepath.Join(base, "repo")
				if tt.plant != nil {
					fixture.Must(t, tt.plant(dir))
				}
				reopened, err := Open(dir) // a .git that was planted is seen at the start
				fixture.Must(t, err)
				if !strings.HasPrefix(tt.path, "git~1") {
					w.tree = reopened
				}
				defer reopened.Close()
				before := listing(t, base)
				checked := w.Check(tt.path)
				if names := changed(before, listing(t, base)); len(names) > 0 {
					t.Errorf("Check changes %q", names)
				}
				write := map[string]func(string, []byte) error{"create": w.Create, "append": w.Append}[op]
				err = write(tt.path, []byte("new\n"))
				if !errors.Is(err, want) {
					t.Fatalf("error %v, want %v", err, want)
				}
				if refused := tt.append != nil && tt.append != fs.ErrNotExist; (checked != nil) != refused {
					t.Errorf("Check = %v", checked)
				}
				if err != nil && strings.Contains(err.Error(), base) {
					t.Errorf("error names the machine's path: %v", err)
				}
				checkWritten(t, before, listing(t, base), tt.path, err == nil)
				if err == nil {
					fixture.Plant(t, filepath.Join(dir, tt.path)) // the hard link has the content of .git/config
				}
			})
		}
	}
}

// checkWritten checks that only the file at path and its directories are new.
func checkWritten(t *testing.T, before, after map[string]string, path string, written bool) {
	t.Helper()
	file := filepath.Join("repo", path)
	for _, name := range changed(before, after) {
		isAbove := after[name] == fs.ModeDir.String() && strings.HasPrefix(file, name+"/")
		if !written || name != file && !isAbove {
			t.Errorf("changed %s: %q", name, after[name])
		}
	}
	if content := after[file]; written && !strings.HasSuffix(content, "new\n") {
		t.Errorf("wrote %q", content)
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{"": "x\n", "a": "a\nx\n", "a\n": "a\nx\n", "a\r\n": "a\r\nx\n"} {
		w, base := newWriter(t, map[string]string{"list": before})
		file := filepath.Join(base, "repo", "list")
		fixture.Must(t, os.Chmod(file, 0o666))
		fixture.Must(t, w.Append("list", []byte("x\n")))
		info, err := os.Stat(file)
		fixture.Must(t, err)
		if got := fixture.Read(t, file); got != want || info.Mode() != 0o666 {
			t.Errorf("%q becomes %q with mode %v, want %q with 0666", before, got, info.Mode(), want)
		}
	}
	w, _ := newWriter(t, map[string]string{"large": strings.Repeat("x", maxAppended+1)})
	if err := w.Append("large", nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large file: %v", err)
	}
}

// TestWriterInGit checks that a tree inside .git cannot be written to, by whatever name it
// was opened.
func TestWriterInGit(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	fixture.Must(t, os.MkdirAll(filepath.Join(dir, ".Git", "hooks"), 0o755))
	fixture.Must(t, os.Symlink(filepath.Join(dir, ".Git"), filepath.Join(dir, "project")))
	for _, name := range []string{".Git", ".Git/hooks", "project", "project/hooks"} {
		tree, err := Open(filepath.Join(dir, name))
		fixture.Must(t, err)
		_, err = tree.Writer(nil)
		tree.Close()
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		message, hint := advice.Split(err)
		if !strings.HasSuffix(message, "lies inside .Git") || hint != "name a checkout with --target" {
			t.Errorf("%s: message %q, hint %q", name, message, hint)
		}
	}
}

// TestNewFiles checks the modes and owners of new files and directories.
func TestNewFiles(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	w, base := newWriter(t, nil)
	var log fixture.Log
	w.files.Log, w.files.Owner = log.Printf, Owner{UID: 1234, GID: 5678, Differs: true}
	fixture.Must(t, w.Create("a/b/x", nil))
	for name, want := range map[string]fs.FileMode{"a": fs.ModeDir | 0o755, "a/b": fs.ModeDir | 0o755, "a/b/x": 0o644} {
		info, err := os.Stat(filepath.Join(base, "repo", name))
		fixture.Must(t, err)
		if info.Mode() != want {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		given := ok && st.Uid == 1234 && st.Gid == 5678
		logged := strings.Contains(log.Text(), fmt.Sprintf("%q cannot be given to user 1234", filepath.Base(name)))
		if given == logged {
			t.Errorf("%s: given %t, logged %t", name, given, logged)
		}
	}
}

// TestOwnerOf checks that only root gives its new files away, and not to itself.
func TestOwnerOf(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(fixture.TempDir(t))
	fixture.Must(t, err)
	if o := OwnerOf(info); o.Differs || o.UID != os.Geteuid() {
		t.Errorf("owner of an own directory: %+v", o)
	}
	if os.Geteuid() != 0 {
		return
	}
	dir := fixture.TempDir(t)
	fixture.Must(t, os.Chown(dir, 1234, 5678))
	tree, err := Open(dir)
	fixture.Must(t, err)
	defer tree.Close()
	w, err := tree.Writer(nil)
	fixture.Must(t, err)
	if want := (Owner{1234, 5678, true}); w.files.Owner != want {
		t.Errorf("owner %+v, want %+v", w.files.Owner, want)
	}
}

// TestCreateOnce checks that one of several writers creates a file, and that all others
// learn that it exists.
func TestCreateOnce(t *testing.T) {
	t.Parallel()
	w, base := newWriter(t, nil)
	const writers = 8
	results := make(chan error, writers)
	for range writers {
		go func() { results <- w.Create("dir/x", []byte("x")) }()
	}
	created := 0
	for range writers {
		switch err := <-results; {
		case err == nil:
			created++
		case !errors.Is(err, fs.ErrExist):
			t.Error(err)
		}
	}
	names := slices.Sorted(maps.Keys(listing(t, filepath.Join(base, "repo", "dir"))))
	if created != 1 || !slices.Equal(names, []string{".", "x"}) {
		t.Errorf("%d writers created the file; the directory has %q", created, names)
	}
}

// TestWriterRace checks that a process that swaps names during a write never redirects it.
func TestWriterRace(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"../outside", ".git"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			w, base := newWriter(t, map[string]string{"d/x": "x"})
			w.files.Sync = false
			dir := filepath.Join(base, "repo")
			planted := filepath.Join(dir, "link")
			fixture.Must(t, os.Symlink(target, planted))
			stop := swapNames(filepath.Join(dir, "d"), planted)
			for i := range 500 {
				w.Create(fmt.Sprintf("d/new%d", i), []byte("new")) // it may fail
				w.Append("d/x", []byte("y"))
			}
			stop()
			for _, place := range []string{"outside", "repo/.git"} {
				found := listing(t, filepath.Join(base, place))
				if delete(found, "."); len(found) != 1 {
					t.Errorf("%s has %q", place, slices.Sorted(maps.Keys(found)))
				}
			}
		})
	}
}

// TestLinkAppears plants a link in the middle of Create, at each of its changes.
func TestLinkAppears(t *testing.T) {
	t.Parallel()
	swap := func(dir string) error {
		return errors.Join(os.Rename(dir+"/d", dir+"/moved"), os.Symlink(".git", dir+"/d"))
	}
	for change, tt := range map[string]struct {
		plant func(dir string) error
		want  error
	}{
		"mkdir d":   {link(".git", "d"), ErrNotDirectory},
		"create":    {swap, nil},
		"write new": {swap, nil},
		"sync new":  {swap, nil},
		"rename":    {link("../.git/config", "d/new"), fs.ErrExist},
	} {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			w, base := newWriter(t, nil)
			dir := filepath.Join(base, "repo")
			planted := false
			w.files.Before = func(next string) {
				if strings.HasPrefix(next, change) && !planted {
					planted = true
					fixture.Must(t, tt.plant(dir))
				}
			}
			if err := w.Create("d/new", []byte("new")); !errors.Is(err, tt.want) || !planted {
				t.Errorf("error %v, want %v; planted: %t", err, tt.want, planted)
			}
			want := map[string]string{".": fs.ModeDir.String(), "config": token}
			if got := listing(t, dir+"/.git"); !maps.Equal(got, want) {
				t.Errorf(".git has %q", got)
			}
		})
	}
}
