package checkout

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestAppendLine appends to a file whose last line a process that died has cut off. Lines of
// several writers are whole.
func TestAppendLine(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	dir, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	name := filepath.Join(path, "index.jsonl")
	if err := (&DirWriter{}).AppendLine(dir, "index.jsonl", []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("first\nsec"), 0o644); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if err := (&DirWriter{Sync: true}).AppendLine(dir, "index.jsonl", []byte("line")); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(data))
	if len(lines) != 22 || lines[0] != "first" || lines[1] != "sec" || lines[21] != "line" ||
		!strings.HasSuffix(string(data), "\n") {
		t.Errorf("got %q", data)
	}
}

// TestAppendLineToOtherFiles follows no link, and does not wait for the reader of a pipe.
func TestAppendLineToOtherFiles(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	dir, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	err = errors.Join(os.WriteFile(filepath.Join(path, "target"), nil, 0o644),
		os.Symlink("target", filepath.Join(path, "link")), syscall.Mkfifo(filepath.Join(path, "pipe"), 0o644),
		os.Mkdir(filepath.Join(path, "dir"), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "pipe", "dir"} {
		if err := (&DirWriter{}).AppendLine(dir, name, []byte("x")); !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if data, err := os.ReadFile(filepath.Join(path, "target")); err != nil || len(data) > 0 {
		t.Errorf("the link's target has %q (%v)", data, err)
	}
}
