package main

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

const threatModel = "../../docs/threat-model.md"

// reference is an identifier in the threat model, such as `internal/checkout.Tree.Open`.
var reference = regexp.MustCompile("`((?:cmd|internal|tests)/[a-z/]+)\\.([A-Za-z][A-Za-z0-9.]*)`")

func isTestName(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")
}

// declarations returns the names at the top level of each package directory: functions,
// "Type.Method", types, constants and variables; and whether each is in a test file.
func declarations(files []sourceFile) map[string]bool {
	names := map[string]bool{}
	for _, f := range files {
		for _, d := range f.Decls {
			for _, name := range declared(d) {
				names[f.pkg()+"."+name] = f.isTest()
			}
		}
	}
	return names
}

func declared(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if id, ok := receiver.(*ast.Ident); ok {
			return []string{id.Name + "." + d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					names = append(names, id.Name)
				}
			}
		}
		return names
	}
	return nil
}

// threatFaults returns what is wrong with a threat model: a name that is not declared, a
// test that is not in a test file, and a threat without a test.
func threatFaults(page string, names map[string]bool) []string {
	var out []string
	proofs := false
	for line := range strings.Lines(page) {
		for _, m := range reference.FindAllStringSubmatch(line, -1) {
			inTest, ok := names[m[1]+"."+m[2]]
			if !ok || inTest != isTestName(m[2]) {
				out = append(out, m[0]+" does not exist")
			}
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			proofs = false
		case strings.TrimSpace(cells[len(cells)-1]) == "proof":
			proofs = true
		case proofs && !strings.HasPrefix(line, "|---"):
			if !slices.ContainsFunc(reference.FindAllStringSubmatch(cells[len(cells)-1], -1), func(m []string) bool {
				return isTestName(m[2])
			}) {
				out = append(out, "no test proves: "+strings.TrimSpace(cells[0]))
			}
		}
	}
	return out
}

// testsModule parses the packages of tests/ that are directly below it.
func testsModule(t *testing.T) []sourceFile {
	t.Helper()
	paths, err := filepath.Glob("../../tests/*/*.go")
	fixture.Must(t, err)
	var files []sourceFile
	for _, p := range paths {
		file := parseFile(t, p, nil)
		file.path = path.Clean(strings.TrimPrefix(filepath.ToSlash(p), "../../"))
		files = append(files, file)
	}
	return files
}

// TestThreatModel checks that every defence and every test that the threat model names
// exists, and that every threat names a test.
func TestThreatModel(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(threatModel)
	fixture.Must(t, err)
	if n := len(reference.FindAll(page, -1)); n < 100 {
		t.Errorf("the threat model has only %d references", n)
	}
	for _, fault := range threatFaults(string(page), declarations(append(parseModule(t), testsModule(t)...))) {
		t.Error(fault)
	}
}

// TestThreatFaults proves that the check can fail.
func TestThreatFaults(t *testing.T) {
	t.Parallel()
	const head = "| threat | defence | proof |\n|---|---|---|\n"
	names := declarations([]sourceFile{
		parseFile(t, "internal/gh/x.go", "package gh; type T struct{}; func (*T) Do() {}; const C = 1"),
		parseFile(t, "internal/gh/x_test.go", "package gh; func TestA() {}"),
	})
	tests := []struct {
		name, page string
		want       int
	}{
		{"good", head + "| a | `internal/gh.T.Do`, `internal/gh.C` | `internal/gh.TestA` |\n", 0},
		{"no such test", head + "| a | b | `internal/gh.TestA`, `internal/gh.TestB` |\n", 1},
		{"no such method", head + "| a | `internal/gh.T.Undo` | `internal/gh.TestA` |\n", 1},
		{"no test", head + "| a | b | a review |\n", 1},
		{"a function is no test", head + "| a | b | `internal/gh.C` |\n", 1},
		{"a table of another kind", "| who | can write |\n|---|---|\n| a | b |\n", 0},
	}
	for _, tt := range tests {
		if got := threatFaults(tt.page, names); len(got) != tt.want {
			t.Errorf("%s: got %q, want %d faults", tt.name, got, tt.want)
		}
	}
}
