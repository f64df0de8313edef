package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// Probe leaves nothing, whether the store exists or not.
func TestProbe(t *testing.T) {
	t.Parallel()
	for _, out := range []string{".kaizen/prepared", ".", "ABS/a/b", "ABS"} {
		workspace := fixture.TempDir(t)
		for _, exists := range []bool{false, true} {
			path := out
			if rest, ok := strings.CutPrefix(out, "ABS"); ok {
				path = filepath.Join(filepath.Dir(workspace), "outside", rest)
			}
			d, err := OpenDirectory(DirectoryOptions{Workspace: workspace, Out: path})
			fixture.Must(t, err)
			if exists {
				_, err := d.PutBundle(t.Context(), bundleName, files)
				fixture.Must(t, err)
			}
			before := listAll(t, filepath.Dir(workspace))
			if err := d.Probe(); err != nil {
				t.Errorf("%s, exists %t: %v", out, exists, err)
			}
			if after := listAll(t, filepath.Dir(workspace)); after != before {
				t.Errorf("%s, exists %t: was\n%s\nis\n%s", out, exists, before, after)
			}
		}
	}
}

// listAll lists the paths below dir.
func listAll(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	fixture.Must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}))
	return strings.Join(all, "\n")
}

func TestProbeFails(t *testing.T) {
	t.Parallel()
	workspace := fixture.TempDir(t)
	d, err := OpenDirectory(DirectoryOptions{Workspace: workspace, Out: ".kaizen/prepared"})
	fixture.Must(t, err)
	fixture.Must(t, os.WriteFile(filepath.Join(workspace, ".kaizen"), nil, 0o644))
	if err := d.Probe(); !errors.Is(err, checkout.ErrNotDirectory) || !strings.Contains(err.Error(), "choose another") {
		t.Errorf("below a file: %v", err)
	}
	if _, err := os.Stat("/sys/kernel"); err != nil {
		return // only Linux has a directory in which even root may not create files
	}
	d, err = OpenDirectory(DirectoryOptions{Workspace: workspace, Out: "/sys/kernel/kaizen"})
	fixture.Must(t, err)
	if err := d.Probe(); err == nil || !strings.Contains(err.Error(), "make the directory writable") {
		t.Errorf("in /sys: %v", err)
	}
}

// The advice fits the cause, also among the errors of closing and removing a file.
func TestFileHint(t *testing.T) {
	t.Parallel()
	d := &Directory{out: "x"}
	for cause, want := range map[error]string{
		syscall.ENOSPC: "free some space", syscall.EDQUOT: "free some space",
		syscall.EACCES: "make the directory writable", syscall.EPERM: "make the directory writable",
		syscall.EROFS:   "make the directory writable",
		syscall.ENOTDIR: "choose another directory", syscall.EIO: "choose another directory",
	} {
		err := errors.Join(nil, &fs.PathError{Op: "write", Path: "/secret/.tmp-x", Err: cause},
			fmt.Errorf("close: %w", cause))
		message, hint := advice.Split(d.failed("writing a file", err))
		if !strings.HasPrefix(hint, want) || message != `writing a file in "x": `+cause.Error() {
			t.Errorf("%v: %q and %q", cause, message, hint)
		}
	}
}
