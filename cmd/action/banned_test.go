package main

import (
	"go/ast"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ban forbids names of a package in the program, except in one place. Each of them has a
// safe counterpart.
type ban struct {
	pkg   string
	names []string // none is the whole package
	// allowed are the only files that may use them, separated by spaces; empty is no file.
	allowed string
	instead string
}

func (b ban) files() []string { return strings.Fields(b.allowed) }

const (
	mainFile      = "cmd/action/main.go"
	transportFile = "internal/transfer/network.go"
	processFile   = "internal/worker/process.go"
	metricsFile   = "internal/worker/metrics.go"
	// clockFiles pass the clock down, have it as a default, or need it for deadlines of
	// connections, which the system compares with its own.
	clockFiles = mainFile + " internal/gh/gh.go internal/store/artifacts.go internal/emit/natsclient.go " +
		"internal/emit/natsdial.go"
)

// bans lists what the program may use in one place only. A path, a request or a line of
// output that does not pass there is not checked.
var bans = []ban{
	{"fmt", []string{"Print", "Printf", "Println"}, "", "write to the stream of the options"},
	{"os", []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv"}, mainFile,
		"use getenv of the options"},
	{"os", []string{"Args", "Exit", "Stdin", "Stdout", "Stderr"}, mainFile, "use the streams of the options"},
	{"os", []string{"WriteFile", "Create", "CreateTemp", "OpenFile", "Mkdir", "MkdirAll", "MkdirTemp", "Rename",
		"Link", "Symlink", "Chmod", "Chown", "Lchown", "Chtimes", "Truncate", "Remove", "RemoveAll", "CopyFS",
		"Chdir"}, "", "write with internal/checkout"},
	{"os", []string{"StartProcess", "TempDir"}, "", "the program starts no process and leaves nothing in /tmp"},
	{"os/exec", nil, processFile, "only the service starts processes"},
	{"syscall", []string{"Exec", "ForkExec", "StartProcess", "Open", "Rename", "Unlink", "Mkdir", "Symlink"}, "",
		"write with internal/checkout; the program starts no process"},
	{"plugin", nil, "", "the program loads no code"},
	{"unsafe", nil, "", "the program needs no unsafe memory"},
	{"io/ioutil", nil, "", "it is deprecated"},
	{"log", nil, metricsFile, "use Logf of internal/actions"}, // net/http takes no other log
	{"log/slog", nil, "", "use Logf of internal/actions"},
	{"math/rand", nil, "", "use crypto/rand or math/rand/v2"},
	{"time", []string{"Now", "Since", "Until"}, clockFiles, "use the clock of the options"},
	{"net/http", []string{"DefaultTransport"}, transportFile, "use transfer.NewTransport"},
	{"net/http", []string{"DefaultClient", "Get", "Head", "Post", "PostForm"}, "", "use internal/gh or transfer.Send"},
}

// bannedUses returns a fault for each use in f of a name of bans outside its one place.
func bannedUses(f sourceFile) []string {
	var out []string
	for name, pkg := range importNames(f) {
		for _, b := range bans {
			if b.pkg == pkg && b.names == nil && !slices.Contains(b.files(), f.path) {
				out = append(out, "imports "+pkg+": "+b.instead)
			}
		}
		if name == "." && slices.ContainsFunc(bans, func(b ban) bool { return b.pkg == pkg }) {
			out = append(out, "imports "+pkg+" with a dot, which hides what it uses")
		}
	}
	for _, use := range uses(f) {
		pkg, name, _ := cutLast(use, ".")
		for _, b := range bans {
			if b.pkg == pkg && slices.Contains(b.names, name) && !slices.Contains(b.files(), f.path) {
				out = append(out, "uses "+use+": "+b.instead)
			}
		}
	}
	return out
}

// importNames returns the import paths of f by the names that the file gives them.
func importNames(f sourceFile) map[string]string {
	names := map[string]string{}
	for _, spec := range f.Imports {
		full, _ := strconv.Unquote(spec.Path.Value) // the parser has checked the literal
		name := path.Base(full)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = full
	}
	return names
}

// uses returns each "path.Name" that f uses of a package it imports.
func uses(f sourceFile) []string {
	names := importNames(f)
	var out []string
	ast.Inspect(f.File, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && names[x.Name] != "" {
			out = append(out, names[x.Name]+"."+sel.Sel.Name)
		}
		return true
	})
	return out
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// TestBannedUses proves that each ban can fail, under any name of the import.
func TestBannedUses(t *testing.T) {
	t.Parallel()
	count := func(path, src string) int { return len(bannedUses(parseFile(t, path, src))) }
	for _, b := range bans {
		names := b.names
		if names == nil {
			names = []string{"Any"}
		}
		for _, name := range names {
			src := "package x; import p \"" + b.pkg + "\"; var _ = p." + name
			if got := count("internal/emit/x.go", src); got != 1 {
				t.Errorf("%s.%s: got %d faults, want 1", b.pkg, name, got)
			}
			for _, file := range b.files() {
				if got := count(file, src); got != 0 {
					t.Errorf("%s.%s in %s: got %d faults, want none", b.pkg, name, file, got)
				}
			}
		}
	}
	// These stay banned, whatever the list above says.
	for _, use := range []string{"fmt.Print", "fmt.Printf", "fmt.Println", "os.Getenv", "os.Stdout", "os.WriteFile",
		"os.Create", "os.OpenFile", "os.MkdirAll", "os.Rename", "os/exec.Command", "log.Printf",
		"net/http.DefaultClient", "net/http.DefaultTransport", "net/http.Get", "net/http.Post"} {
		pkg, name, _ := cutLast(use, ".")
		src := "package x; import p \"" + pkg + "\"; var _ = p." + name
		if got := count("internal/emit/x.go", src); got != 1 {
			t.Errorf("%s: got %d faults, want 1", use, got)
		}
	}
	tests := []struct {
		name, path, src string
		want            int
	}{
		{"method of that name", "internal/emit/x.go", `package x; func f(r interface{ Create() }) { r.Create() }`, 0},
		{"other name of the package", "internal/emit/x.go", `package x; import "os"; var _ = os.ErrNotExist`, 0},
		{"dot import", "internal/emit/x.go", `package x; import . "fmt"; func f() { Print() }`, 1},
		{"in the command", "cmd/action/report.go", `package main; import "os"; var _ = os.Create`, 1},
	}
	for _, tt := range tests {
		if got := count(tt.path, tt.src); got != tt.want {
			t.Errorf("%s: got %d faults, want %d", tt.name, got, tt.want)
		}
	}
	if got := len(faults(parseFile(t, "internal/emit/x_test.go", `package emit; import _ "os/exec"`))); got != 0 {
		t.Errorf("a test that starts a process: got %d faults, want none", got)
	}
	if got := len(faults(parseFile(t, "internal/emit/x.go", `package emit; import _ "os/exec"`))); got != 1 {
		t.Errorf("a program that starts a process: got %d faults, want 1", got)
	}
}

// TestBansAreNeeded fails when a file no longer has what it is allowed.
func TestBansAreNeeded(t *testing.T) {
	t.Parallel()
	used := map[string][]string{}
	for _, f := range parseModule(t) {
		used[filepath.ToSlash(f.path)] = uses(f)
	}
	for _, b := range bans {
		for _, file := range b.files() {
			if !slices.ContainsFunc(used[file], func(use string) bool {
				pkg, name, _ := cutLast(use, ".")
				return pkg == b.pkg && (b.names == nil || slices.Contains(b.names, name))
			}) {
				t.Errorf("%s uses none of %s %q: remove the exception", file, b.pkg, b.names)
			}
		}
	}
}
