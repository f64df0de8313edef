package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// The same commit, manifest and period give the same bytes and the same zip, independent
// of path, time zone, locale, umask, and of the order and times of the files. These
// belong to a process, so the test runs the program as one.
func TestReproducibleAnywhere(t *testing.T) {
	t.Parallel()
	sample := sampleFiles(t)
	var first string
	for i, env := range [][]string{
		{"TZ=UTC", "LANG=C", "LC_ALL=C"},
		{"TZ=Pacific/Kiritimati", "LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8"},
		{"TZ=America/St_Johns", "LANG=de_DE.UTF-8", "LC_ALL=", "GOMAXPROCS=1"},
	} {
		for _, umask := range []string{"022", "077", "000"} {
			dir := filepath.Join(fixture.TempDir(t), strings.Repeat("deeper/", i), "checkout")
			writeShuffled(t, dir, sample, uint64(i))
			script := fmt.Sprintf("umask %s && exec action prepare --agents all --target . --now %s", umask, tuesday)
			for _, format := range []string{"markdown", "json"} {
				cmd := exec.CommandContext(t.Context(), "sh", "-c", script+" --format "+format+" --out ../"+format)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			got := fingerprint(t, filepath.Dir(dir))
			if first == "" {
				first = got
			}
			if got != first {
				t.Errorf("umask %s, %v: other bundles:\n%s\nwant:\n%s", umask, env, got, first)
			}
		}
	}
	if n := strings.Count(first, "\n"); n != 4 {
		t.Errorf("%d bundles, want two agents in two formats:\n%s", n, first)
	}
}

// sampleFiles are the files of the sample checkout, as a fresh clone has them.
func sampleFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	root := os.DirFS("../../testdata/kaizen")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = fs.ReadFile(root, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files[".git/HEAD"] = []byte(strings.Repeat("c0", 20) + "\n")
	return files
}

// writeShuffled writes files in an order that seed decides.
func writeShuffled(t *testing.T, dir string, files map[string][]byte, seed uint64) {
	t.Helper()
	var names []string
	for name := range files {
		if !strings.HasPrefix(name, ".kaizen/prepared/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fingerprint is a line for each bundle below dir: its name and the digest of the zip
// that would be its artifact.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, format := range []string{"markdown", "json"} {
		content := map[string]string{"markdown": "bundle.md", "json": "bundle.json"}[format]
		bundles, err := filepath.Glob(filepath.Join(dir, format, "kaizen.*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, bundle := range bundles {
			var files []store.File
			for _, name := range []string{content, store.SourcesFile} {
				data, err := os.ReadFile(filepath.Join(bundle, name))
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, store.File{Name: name, Data: data})
			}
			archive, err := store.Zip(files)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s %x\n", format, filepath.Base(bundle), sha256.Sum256(archive))
		}
	}
	return b.String()
}
