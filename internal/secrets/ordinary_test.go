package secrets

import (
	"bytes"
	"cmp"
	"encoding/json"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// The ordinary files of this repository have no secret.
func TestOwnFiles(t *testing.T) {
	t.Parallel()
	files := 0
	for _, dir := range []string{"../../cmd", "../../internal", "../../docs", "../../schema", "../../.github"} {
		for _, path := range ordinaryFiles(t, dir) {
			if strings.HasSuffix(path, "docs/rules.md") {
				continue // its example of a secret is one
			}
			files++
			for _, s := range FindUnmarked([]byte(fixture.Read(t, path))) {
				t.Errorf("%s at byte %d of %s", s.Kind, s.Start, path)
			}
		}
	}
	if files < 200 {
		t.Errorf("%d files", files)
	}
}

// Ordinary files of public modules have no secret, except those in testdata/examples.txt:
// examples that look like a real one. The modules are in testdata/modules.txt.
func TestOrdinaryFiles(t *testing.T) {
	t.Parallel()
	if !*full {
		return
	}
	const perModule = 60
	examples := fixture.Read(t, "testdata/examples.txt")
	modules := strings.Fields(fixture.Read(t, "testdata/modules.txt"))
	files, size := 0, 0
	for _, module := range modules {
		dir := moduleDir(t, module)
		paths := ordinaryFiles(t, dir)
		slices.SortFunc(paths, func(a, b string) int { return cmp.Compare(hash(a[len(dir):]), hash(b[len(dir):])) })
		for _, path := range paths[:min(len(paths), perModule)] {
			data := []byte(fixture.Read(t, path))
			files, size = files+1, size+len(data)
			name := module + path[len(dir):]
			for _, s := range Find(data) {
				if !strings.Contains(examples, name+" "+s.Kind+" ") {
					t.Errorf("%s %s %q", name, s.Kind, data[max(0, s.Start-30):min(len(data), s.Start+20)])
				}
			}
		}
	}
	t.Logf("%d files, %d bytes of %d modules", files, size, len(modules))
	if files < 2000 || len(modules) < 50 {
		t.Errorf("%d files of %d modules", files, len(modules))
	}
}

// moduleDir returns the directory of a module, which it downloads if necessary.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	var m struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", module, err, out)
	}
	return m.Dir
}

var (
	ordinaryName = regexp.MustCompile(
		`\.(?:go|md|ya?ml|json|toml|txt|sh|ini|cfg|conf|mod|sum)$|(?:^|/)(?:Makefile|Dockerfile|LICENSE)$`)
	testDirs = []string{"testdata", "test_data", "test", "fixtures"}
)

// ordinaryFiles returns the texts below dir, without tests and what they read.
func ordinaryFiles(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if path != dir && slices.Contains(testDirs, d.Name()) {
				return filepath.SkipDir
			}
			return err
		}
		info, err := d.Info()
		name := filepath.Base(path)
		if err == nil && d.Type().IsRegular() && info.Size() <= 256<<10 && ordinaryName.MatchString(path) &&
			!strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "test_data") && !hasZero(path) {
			paths = append(paths, path)
		}
		return err
	})
	fixture.Must(t, err)
	return paths
}

func hasZero(path string) bool {
	data, err := os.ReadFile(path)
	return err != nil || bytes.IndexByte(data, 0) >= 0
}

func hash(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}
