package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/kaizen-agentic/schedule-action/"

// layers is the order of the packages: a package imports only packages before it.
var layers = []string{
	"internal/safetext", "internal/advice", "internal/trigger", "internal/diag", "internal/secrets", "internal/metrics",
	"internal/checkout", "internal/yamlnode", "internal/cron", "internal/spec", "internal/suggest",
	"internal/option", "internal/bundleid", "internal/target", "internal/transfer", "internal/gh/pace", "internal/gh",
	"internal/schedule",
	"internal/workflow", "internal/scaffold", "internal/prepare", "internal/event", "internal/results", "internal/store",
	"internal/emit", "internal/actions", "internal/pipeline",
	"internal/doctor", "internal/check", "internal/render",
	"internal/receive", "internal/worker", "internal/fleet", "internal/discover", "internal/report/ical",
	"internal/report/page", "internal/report", "internal/watchdog", "cmd/action",
}

// testOnly packages are for tests: no file of the program imports them.
var testOnly = []string{"internal/fixture", "internal/ghtest", "internal/ghtest/graphql", "internal/ghtest/issues"}

// yamlFile is the only file that imports the YAML library. The library is archived, so a
// replacement should change one file only.
const yamlFile = "internal/yamlnode/yaml.go"

// unsafeMethods lists methods of go-githubactions that write command files with a fixed
// delimiter, which a value can contain
// (https://github.com/sethvargo/go-githubactions/blob/v1.3.2/actions.go).
var unsafeMethods = []string{"SetOutput", "SetEnv", "SaveState"}

// sourceFile is a parsed Go file of the module, its path slash-separated and relative to
// the module's root.
type sourceFile struct {
	path string
	*ast.File
}

func (f sourceFile) pkg() string  { return filepath.ToSlash(filepath.Dir(f.path)) }
func (f sourceFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f sourceFile) imports() []string {
	var paths []string
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // the parser has checked the literal
		paths = append(paths, path)
	}
	return paths
}

func parseFile(t *testing.T, path string, src any) sourceFile {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return sourceFile{path: path, File: file}
}

// parseModule parses every Go file of the program's module; tests/ is a module of its
// own.
func parseModule(t *testing.T) []sourceFile {
	t.Helper()
	const root = "../.."
	var files []sourceFile
	for _, dir := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			file := parseFile(t, path, nil)
			rel, err := filepath.Rel(root, path)
			file.path = filepath.ToSlash(rel)
			files = append(files, file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// faults returns the violations of these rules in f.
func faults(f sourceFile) []string {
	var out []string
	layer := slices.Index(layers, f.pkg())
	if layer < 0 && !slices.Contains(testOnly, f.pkg()) {
		out = append(out, "package "+f.pkg()+" has no place in layers")
	}
	for _, path := range f.imports() {
		if path == "gopkg.in/yaml.v3" && f.path != yamlFile && !f.isTest() {
			out = append(out, "imports "+path+": only "+yamlFile+" may")
		}
		name, ours := strings.CutPrefix(path, modulePath)
		if !ours || f.isTest() || slices.Contains(testOnly, f.pkg()) {
			continue
		}
		if at := slices.Index(layers, name); at < 0 || at >= layer {
			out = append(out, "imports "+name+", which is not before  "+f.pkg())
		}
	}
	if slices.Contains(f.imports(), "github.com/sethvargo/go-githubactions") {
		ast.Inspect(f.File, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(unsafeMethods, sel.Sel.Name) {
				out = append(out, "uses "+sel.Sel.Name+" of go-githubactions, whose delimiter is fixed")
			}
			return true
		})
	}
	if !f.isTest() && !slices.Contains(testOnly, f.pkg()) {
		out = append(out, bannedUses(f)...)
	}
	return out
}

func TestImportOrder(t *testing.T) {
	t.Parallel()
	files := parseModule(t)
	if len(files) < len(layers) {
		t.Fatalf("found only %d Go files", len(files))
	}
	for _, f := range files {
		for _, fault := range faults(f) {
			t.Errorf("%s: %s", f.path, fault)
		}
	}
}

// TestFaults proves that the rules can fail.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, src string
		want            int
	}{
		{"before", "internal/prepare/x.go", `package prepare; import _ "` + modulePath + `internal/schedule"`, 0},
		{"after", "internal/schedule/x.go", `package schedule; import _ "` + modulePath + `internal/prepare"`, 1},
		{"itself", "internal/gh/x.go", `package gh; import _ "` + modulePath + `internal/gh"`, 1},
		{"test may look ahead", "internal/gh/x_test.go", `package gh; import _ "` + modulePath + `internal/ghtest"`, 0},
		{"program imports test code", "cmd/action/x.go", `package main; import _ "` + modulePath + `internal/ghtest"`,
			1},
		{"unknown package", "internal/utils/x.go", `package utils`, 1},
		{"yaml elsewhere", "internal/fleet/x.go", `package fleet; import _ "gopkg.in/yaml.v3"`, 1},
		{"yaml at home", yamlFile, `package yamlnode; import _ "gopkg.in/yaml.v3"`, 0},
		{"banned call", "internal/emit/x.go",
			`package emit; import ga "github.com/sethvargo/go-githubactions"; func f(a *ga.Action) { ` +
				`a.SetOutput("k", "v") }`, 1},
		{"banned method value", "internal/emit/x.go",
			`package emit; import ga "github.com/sethvargo/go-githubactions"; var f = ga.New().SetEnv`, 1},
		{"own method of that name", "internal/emit/x.go",
			`package emit; func f(a interface{ SetOutput(k, v string) }) { a.SetOutput("k", "v") }`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := faults(parseFile(t, tt.path, tt.src)); len(got) != tt.want {
				t.Errorf("got %q, want %d faults", got, tt.want)
			}
		})
	}
}
