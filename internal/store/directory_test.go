//go:build unix

package store

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
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

var (
	jsonFiles  = []File{{JSONFile, []byte("{}\n")}, {SourcesFile, []byte("[]\n")}}
	otherFiles = []File{{MarkdownFile, []byte("# other\n")}, {SourcesFile, []byte("{\"other\":1}\n")}}
)

// openDirectory opens the store at out of a new workspace.
func openDirectory(t *testing.T, out string) (d *Directory, workspace string, log *fixture.Log) {
	t.Helper()
	workspace, log = fixture.TempDir(t), &fixture.Log{}
	return reopen(t, workspace, out, log), workspace, log
}

func reopen(t *testing.T, workspace, out string, log *fixture.Log) *Directory {
	t.Helper()
	d, err := OpenDirectory(DirectoryOptions{Workspace: workspace, Out: out, Repository: repository, Log: log.Printf})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t *testing.T, d *Directory, files []File) {
	t.Helper()
	artifact, err := d.PutBundle(t.Context(), bundleName, files)
	if err != nil || artifact != nil {
		t.Fatalf("got %+v, %v", artifact, err)
	}
}

func TestDirectoryRoundTrip(t *testing.T) {
	t.Parallel()
	d, workspace, log := openDirectory(t, ".kaizen/prepared")
	if rec, err := look(t, d, bundleName); err != nil || rec.Delivered || rec.Prepared || rec.Earlier != nil {
		t.Errorf("got %+v, %v", rec, err)
	}
	if _, err := os.Stat(filepath.Join(workspace, ".kaizen")); err == nil {
		t.Error("a lookup creates the store")
	}
	put(t, d, files)
	fixture.Must(t, d.PutEvent(t.Context(), bundleName, []byte("{}")))
	if rec, err := look(t, d, bundleName); err != nil || rec.Delivered || !rec.Prepared {
		t.Errorf("got %+v, %v", rec, err)
	}
	fixture.Must(t, d.PutReceipt(t.Context(), receiptOf(t, bundleName)))
	fixture.Must(t, d.PutReceipt(t.Context(), receiptOf(t, "kaizen.web.coach.2026-W47")))
	fixture.Must(t, d.PutReceipt(t.Context(), receiptOf(t, "kaizen.web.coach.2026-W46")))
	fixture.Must(t, d.PutReceipt(t.Context(), receiptOf(t, "kaizen.web.coach.2026-W46.run-3")))
	rec, err := look(t, d, bundleName)
	fixture.Must(t, err)
	if !rec.Delivered || !rec.Prepared {
		t.Errorf("got %+v", rec)
	}
	if r, err := d.Receipt(t.Context(), bundleName); err != nil || r == nil || r.ID != "acme/web/"+bundleName {
		t.Errorf("the receipt: got %+v, %v", r, err)
	}
	if r, err := d.Receipt(t.Context(), "kaizen.web.other.2026-W48"); err != nil || r != nil {
		t.Errorf("a receipt that is not there: got %+v, %v", r, err)
	}
	if want := []string{"kaizen.web.coach.2026-W46", "kaizen.web.coach.2026-W47"}; !slices.Equal(rec.Earlier, want) {
		t.Errorf("earlier: %v", rec.Earlier)
	}
	got := fixture.Tree(t, filepath.Join(workspace, d.Path(bundleName)))
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names,
		[]string{MarkdownFile, EventFile, ReceiptFile, SourcesFile}) {
		t.Errorf("files: %v", names)
	}
	if log.Text() != "" {
		t.Errorf("log: %s", log.Text())
	}
}

// A lookup does not read all of a store that is years old.
func TestEarlierInAnOldDirectory(t *testing.T) {
	t.Parallel()
	d, _, _ := openDirectory(t, ".kaizen/prepared")
	for year := range 2 {
		for week := range 40 {
			fixture.Must(t, d.PutReceipt(t.Context(),
				receiptOf(t, fmt.Sprintf("kaizen.web.coach.%d-W%02d", 2025+year, week+1))))
		}
	}
	fixture.Must(t, d.PutReceipt(t.Context(), receiptOf(t, "kaizen.web.coach.2026-11.run-7"))) // a forced run
	rec, err := look(t, d, bundleName)
	fixture.Must(t, err)
	if n := len(rec.Earlier); n != maxEarlier || rec.Earlier[0] != "kaizen.web.coach.2025-W31" ||
		rec.Earlier[n-1] != "kaizen.web.coach.2026-W40" {
		t.Errorf("%d earlier: %v", n, rec.Earlier)
	}
}

func TestPutBundleAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		first, second []File
		wantEvent     bool
	}{
		{"same", files, files, true},
		{"other content", files, otherFiles, false},
		{"other format", files, jsonFiles, false},
		{"and back", jsonFiles, files, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, workspace, _ := openDirectory(t, "out")
			put(t, d, test.first)
			fixture.Must(t, d.PutEvent(t.Context(), bundleName, []byte("{}")))
			fixture.Must(t, d.PutReceipt(t.Context(), receiptOf(t, bundleName)))
			dir := filepath.Join(workspace, "out", bundleName)
			fixture.Must(t, os.WriteFile(filepath.Join(dir, ".tmp-left"), nil, 0o600))
			before, err := os.Stat(filepath.Join(dir, test.first[0].Name))
			fixture.Must(t, err)
			put(t, d, test.second)
			want := []string{ReceiptFile}
			for _, f := range test.second {
				want = append(want, f.Name)
			}
			if test.wantEvent {
				want = append(want, EventFile)
				if after, err := os.Stat(filepath.Join(dir, test.first[0].Name)); err != nil ||
					!os.SameFile(before, after) {
					t.Errorf("the same content is written again: %v", err)
				}
			}
			slices.Sort(want)
			got := fixture.Tree(t, dir)
			if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
				t.Errorf("files: %v, want %v", names, want)
			}
			for _, f := range test.second {
				if got[f.Name] != string(f.Data) {
					t.Errorf("%s holds %q", f.Name, got[f.Name])
				}
			}
		})
	}
}

// killed is the panic that ends a run of the program in the middle.
type killed struct{}

// run does what a run of the program does to the store. It is killed before its nth
// change to the file system, and done if there are fewer.
func run(t *testing.T, d *Directory, files []File, n int) (done bool) {
	t.Helper()
	left := n
	d.files.Before = func(string) {
		if left--; left < 0 {
			panic(killed{})
		}
	}
	defer func() {
		d.files.Before = func(string) {}
		if r := recover(); r != nil && r != (killed{}) {
			panic(r)
		}
	}()
	put(t, d, files)
	fixture.Must(t, d.PutEvent(t.Context(), bundleName, []byte(`{"event":1}`)))
	fixture.Must(t, d.PutReceipt(t.Context(), receiptOf(t, bundleName)))
	return true
}

// TestCrashes kills a run before every single change to the file system. It checks what a
// reader finds then, and after a complete run.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		first []File // of an earlier run, nil for none
	}{
		{"fresh", nil},
		{"same", files},
		{"other content", otherFiles},
		{"other format", jsonFiles},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kills := 0
			for done := false; !done; kills++ {
				d, workspace, log := openDirectory(t, ".kaizen/prepared")
				if test.first != nil && !run(t, d, test.first, 1000) {
					t.Fatal("the first run did not end")
				}
				dir := filepath.Join(workspace, d.Path(bundleName))
				done = run(t, d, files, kills)
				checkWhole(t, kills, fixture.Tree(t, dir), test.first, files)
				rec, err := look(t, reopen(t, workspace, ".kaizen/prepared", log), bundleName)
				if err != nil || test.first != nil && !rec.Delivered {
					t.Errorf("killed before change %d: the receipt is lost: %v", kills, err)
				}
				if _, receipt := fixture.Tree(t, dir)[ReceiptFile]; receipt != rec.Delivered {
					t.Errorf("killed before change %d: a broken receipt", kills)
				}
				if !run(t, reopen(t, workspace, ".kaizen/prepared", log), files, 1000) {
					t.Fatal("the clean run did not end")
				}
				if got := fixture.Tree(t, workspace); len(got) != 4 {
					t.Errorf("killed before change %d: the clean run leaves %v", kills, slices.Sorted(maps.Keys(got)))
				}
				checkWhole(t, kills, fixture.Tree(t, dir), files)
			}
			if kills < 10 {
				t.Errorf("a run has %d changes only: does the hook still see them?", kills)
			}
		})
	}
}

// checkWhole checks that a reader who finds a bundle file finds one of the complete sets,
// with its event or none.
func checkWhole(t *testing.T, kills int, got map[string]string, sets ...[]File) {
	t.Helper()
	_, markdown := got[MarkdownFile]
	_, json := got[JSONFile]
	if !markdown && !json {
		if _, event := got[EventFile]; event {
			t.Errorf("killed before change %d: an event without its bundle", kills)
		}
		return
	}
	for _, set := range sets {
		whole := set != nil && !(markdown && json)
		for _, f := range set {
			content, ok := got[f.Name]
			whole = whole && ok && content == string(f.Data)
		}
		if whole {
			return
		}
	}
	t.Errorf("killed before change %d: a half-written set: %v", kills, got)
}

func TestOutStaysInTheWorkspace(t *testing.T) {
	t.Parallel()
	outside := fixture.TempDir(t)
	for _, test := range []struct {
		name, out string
		prepare   func(workspace string) error
		wantErr   string
	}{
		{"inside", "a/b", nil, ""},
		{"workspace itself", ".", nil, ""},
		{"absolute inside", "/a", nil, ""},
		{"empty", "", nil, "set --out"},
		{"parent", "../out", nil, "leaves the workspace"},
		{"hidden parent", "a/../../out", nil, "leaves the workspace"},
		{"link inside", "link", func(w string) error {
			return errors.Join(os.Mkdir(w+"/real", 0o755),
				os.Symlink("real", w+"/link"))
		}, "is a link"},
		{"link outside", "link", func(w string) error { return os.Symlink(outside, w+"/link") }, "is a link"},
		{"link above, outside", "link/out", func(w string) error { return os.Symlink(outside, w+"/link") }, "is a link"},
		{"dangling link outside", "link", func(w string) error { return os.Symlink(outside+"/none", w+"/link") },
			"is a link"},
		{"file", "file", func(w string) error { return os.WriteFile(w+"/file", nil, 0o600) }, "not a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			workspace := fixture.TempDir(t)
			if test.prepare != nil {
				fixture.Must(t, test.prepare(workspace))
			}
			out := test.out
			if strings.HasPrefix(out, "/") {
				out = workspace + out
			}
			d, err := OpenDirectory(DirectoryOptions{Workspace: workspace, Out: out, Repository: repository})
			if err == nil {
				_, err = d.PutBundle(t.Context(), bundleName, files)
			}
			if (err == nil) != (test.wantErr == "") || err != nil && !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("error: %v", err)
			}
			if left := fixture.Tree(t, outside); len(left) > 0 {
				t.Errorf("written outside: %v", left)
			}
			if err == nil && filepath.IsAbs(d.Path("x")) {
				t.Errorf("path is %s", d.Path("x"))
			}
		})
	}
}

func TestAbsoluteOutOutside(t *testing.T) {
	t.Parallel()
	out := filepath.Join(fixture.TempDir(t), "a", "b")
	d, _, _ := openDirectory(t, out)
	put(t, d, files)
	if got, want := d.Path(bundleName), filepath.ToSlash(filepath.Join(out, bundleName)); got != want {
		t.Errorf("path is %s, want %s", got, want)
	}
	if got := fixture.Tree(t, d.Path(bundleName)); len(got) != 2 {
		t.Errorf("files: %v", got)
	}
}

func TestNoWorkspace(t *testing.T) {
	t.Parallel()
	_, err := OpenDirectory(DirectoryOptions{Workspace: filepath.Join(fixture.TempDir(t), "none"), Out: "out"})
	if err == nil || !strings.Contains(err.Error(), "workspace") {
		t.Errorf("error: %v", err)
	}
}

// TestHostileStore fills the store with what a repository may commit there.
func TestHostileStore(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(fixture.TempDir(t), "secret")
	fixture.Write(t, filepath.Dir(secret), map[string]string{"secret": "KZCANARY7"})
	receipt := string(encode(t, receiptOf(t, bundleName)))
	for _, test := range []struct {
		name    string
		prepare func(out, dir string) error // out exists, dir in it does not
		log     string
		wantErr string // of PutBundle
	}{
		{"bundle is a link outside", func(_, dir string) error { return os.Symlink(filepath.Dir(secret), dir) }, "",
			"is not a directory"},
		{"bundle is a link inside", func(out, dir string) error {
			return errors.Join(os.Mkdir(out+"/other", 0o755), os.WriteFile(out+"/other/receipt.json", nil, 0o600),
				os.Symlink("other", dir))
		}, "", "is not a directory"},
		{"bundle is a file", func(_, dir string) error { return os.WriteFile(dir, nil, 0o600) }, "",
			"is not a directory"},
		{"files are links", func(_, dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755), os.Symlink(secret, dir+"/receipt.json"),
				os.Symlink(secret, dir+"/bundle.md"),
				os.Symlink(secret, dir+"/sources.json"))
		}, "is not a regular file", ""},
		{"receipt is a FIFO", func(_, dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755), syscall.Mkfifo(dir+"/receipt.json", 0o600))
		}, "is not a regular file", ""},
		{"receipt is large", func(_, dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755),
				os.WriteFile(dir+"/receipt.json", make([]byte, maxReceipt+1), 0o600))
		}, "is not a regular file of the expected size", ""},
		{"receipt of another", func(_, dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755),
				os.WriteFile(dir+"/receipt.json", []byte(strings.ReplaceAll(receipt, "acme/web", "evil/web")), 0o600))
		}, "has the event id", ""},
		{"receipt is cut", func(_, dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(dir+"/receipt.json", []byte(receipt[:99]), 0o600))
		}, "is not a receipt", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, workspace, log := openDirectory(t, "out")
			out := filepath.Join(workspace, "out")
			fixture.Must(t, os.Mkdir(out, 0o755))
			fixture.Must(t, test.prepare(out, filepath.Join(out, bundleName)))
			rec, err := look(t, d, bundleName)
			if test.wantErr == "" && (err != nil || rec.Delivered || rec.Prepared) {
				t.Errorf("got %+v, %v", rec, err)
			}
			if !strings.Contains(log.Text(), test.log) {
				t.Errorf("log: %s", log.Text())
			}
			if rec.Delivered {
				t.Error("such a receipt is trusted")
			}
			_, err = d.PutBundle(t.Context(), bundleName, files)
			if (err == nil) != (test.wantErr == "") || err != nil && !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("error: %v", err)
			}
			if data, err := os.ReadFile(secret); err != nil || string(data) != "KZCANARY7" {
				t.Errorf("a file outside now holds %q, %v", data, err)
			}
		})
	}
}

func TestModesDespiteUmask(t *testing.T) {
	d, workspace, _ := openDirectory(t, "a/b")
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	put(t, d, files)
	for name, want := range map[string]fs.FileMode{"a": 0o755, "a/b": 0o755, d.Path(bundleName): 0o755,
		d.Path(bundleName) + "/bundle.md": 0o644} {
		info, err := os.Stat(filepath.Join(workspace, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestOwner checks that everything new gets the workspace's owner, and that a refusal is
// only logged.
func TestOwner(t *testing.T) {
	t.Parallel()
	d, workspace, log := openDirectory(t, "a/b")
	d.files.Owner = checkout.Owner{UID: 1234, GID: 5678, Differs: true}
	put(t, d, files)
	for _, name := range []string{"a", "a/b", d.Path(bundleName), d.Path(bundleName) + "/bundle.md"} {
		info, err := os.Stat(filepath.Join(workspace, name))
		fixture.Must(t, err)
		st, ok := info.Sys().(*syscall.Stat_t)
		given := ok && st.Uid == 1234 && st.Gid == 5678
		logged := strings.Contains(log.Text(), "cannot be given to user 1234")
		if given == logged {
			t.Errorf("%s: given %t, logged %t", name, given, logged)
		}
	}
}

// The next step fits the error of the file system.
func TestFileHints(t *testing.T) {
	t.Parallel()
	d, _, _ := openDirectory(t, "out")
	for cause, want := range map[error]string{
		syscall.ENOSPC: "free some space",
		syscall.EDQUOT: "free some space",
		syscall.EACCES: "make the directory writable",
		syscall.EROFS:  "make the directory writable",
		syscall.EIO:    "choose another directory",
	} {
		err := d.failed("storing x", &fs.PathError{Op: "write", Path: "/secret", Err: cause})
		message, hint := advice.Split(err)
		if !errors.Is(err, cause) || !strings.HasPrefix(hint, want) || message != `storing x in "out": `+cause.Error() {
			t.Errorf("%v: got %q and %q", cause, message, hint)
		}
	}
}

// The error of a rename names neither the call nor its paths.
func TestReceiptThatCannotBeReplaced(t *testing.T) {
	t.Parallel()
	d, workspace, _ := openDirectory(t, "out")
	fixture.Write(t, workspace, map[string]string{"out/" + bundleName + "/receipt.json/x": ""})
	err := d.PutReceipt(t.Context(), receiptOf(t, bundleName))
	if err == nil || strings.Contains(err.Error(), "rename") {
		t.Errorf("got %v", err)
	}
}
