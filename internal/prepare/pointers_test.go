package prepare

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// show returns a pointer on one line: label, path, files and the number of others.
func show(p Pointer) string {
	text := p.Label + " " + p.Path
	if p.Files == nil {
		return text
	}
	text += ":"
	for _, f := range p.Files {
		text += fmt.Sprintf(" %s(%d)", strings.TrimPrefix(f.Path, p.Path+"/"), f.Size)
	}
	if p.More > 0 {
		text += fmt.Sprintf(" +%d", p.More)
	}
	return text
}

// addAll makes links, FIFOs (target "|") and sparse files (target "0123": that many
// bytes) in dir.
func addAll(t *testing.T, dir string, special map[string]string) {
	t.Helper()
	for name, target := range special {
		full := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		var size int64
		switch n, scanErr := fmt.Sscan(target, &size); {
		case target == "|":
			err = errors.Join(err, syscall.Mkfifo(full, 0o644))
		case n == 1 && scanErr == nil:
			err = errors.Join(err, os.WriteFile(full, nil, 0o644), os.Truncate(full, size))
		default:
			err = errors.Join(err, os.Symlink(target, full))
		}
		fixture.Must(t, err)
	}
}

func TestDirectoryPointers(t *testing.T) {
	t.Parallel()
	weeks := make(map[string]string)
	for i := range 25 {
		weeks[fmt.Sprintf("workplans/w%02d.md", i)] = "w"
	}
	const skipped = `unreadable: pointer "workplans" of agent "coach" skips this file: `
	tests := []struct {
		name    string
		files   map[string]string
		special map[string]string // see addAll
		named   []schedule.Pointer
		want    []string // see show
		found   []string
		stops   bool
	}{
		{name: "no directory"},
		{name: "descending names, own files only",
			files: map[string]string{"workplans/2026-47.md": "old", "workplans/2026-48.md": "new!",
				"workplans/archive/2025.md": "x", "workplans/.gitkeep": "x"},
			want: []string{"workplans workplans: 2026-48.md(4) 2026-47.md(3)"}},
		{name: "between todo and further labels",
			files: map[string]string{"workplans/a": "a", "TODO.md": "t", "SCOPE.md": "s", "plan.md": "p"},
			named: []schedule.Pointer{{Label: "plan", Path: "plan.md"}},
			want:  []string{"scope SCOPE.md", "todo TODO.md", "workplans workplans: a(1)", "plan plan.md"}},
		{name: "at most twenty", files: weeks, want: []string{
			"workplans workplans: w24.md(1) w23.md(1) w22.md(1) w21.md(1) w20.md(1) w19.md(1) w18.md(1) w17.md(1) w16.md(1) " +
				"w15.md(1) w14.md(1) w13.md(1) w12.md(1) w11.md(1) w10.md(1) w09.md(1) w08.md(1) " +
				"w07.md(1) w06.md(1) w05.md(1) +5"}},
		{name: "nothing to list", files: map[string]string{"workplans/.gitkeep": "x"},
			want: []string{"workplans workplans:"}},
		{name: "a file of the name", files: map[string]string{"workplans": "text"}},
		{name: "named elsewhere, and a file",
			files: map[string]string{"docs/plans/a.md": "a", "workplans/b.md": "b", "notes.md": "n", "more/c": "c"},
			named: []schedule.Pointer{{Label: "more", Path: "more"}, {Label: "workplans", Path: "docs/plans"},
				{Label: "todo", Path: "notes.md"}},
			want: []string{"todo notes.md", "workplans docs/plans: a.md(1)", "more more: c(1)"}},
		{name: "a file in its place", files: map[string]string{"plan.md": "p"},
			named: []schedule.Pointer{{Label: "workplans", Path: "plan.md"}},
			want:  []string{"workplans plan.md"}},
		{name: "named and missing", named: []schedule.Pointer{{Label: "workplans", Path: "plans"}}, stops: true,
			found: []string{"missing-file: pointers.workplans names a file that cannot be read: " +
				`"plans": no such file or directory`}},
		{name: "a link inside", files: map[string]string{"docs/a.md": "a"}, special: map[string]string{"workplans": "docs"},
			want: []string{"workplans workplans: a.md(1)"}},
		{name: "a link out", special: map[string]string{"workplans": "/etc"}, stops: true,
			found: []string{`unreadable: the pointer of agent "coach" cannot be read: "workplans": leaves the checkout`}},
		{name: "a link into git", files: map[string]string{".git/config": "x"},
			special: map[string]string{"workplans": ".git"}, stops: true,
			found: []string{`unreadable: the pointer of agent "coach" cannot be read: "workplans": leaves the checkout`}},
		{name: "a FIFO", special: map[string]string{"workplans": "|"}, stops: true,
			found: []string{`unreadable: the pointer of agent "coach" cannot be read: "workplans": is not a regular file`}},
		{name: "hostile entries",
			files: map[string]string{"workplans/a": "a", "workplans/b\u202e.md": "x", "workplans/c\xff": "x"},
			special: map[string]string{"workplans/fifo": "|", "workplans/in": "a", "workplans/up": "..",
				"workplans/out": "/etc/passwd"},
			want: []string{"workplans workplans: in(1) a(1)"},
			found: []string{skipped + "its name has bytes that are not UTF-8, or hidden characters",
				skipped + "its name has bytes that are not UTF-8, or hidden characters",
				skipped + "is not a regular file", skipped + "leaves the checkout", skipped + "is not a regular file"}},
		{name: "a secret in a name", files: map[string]string{"workplans/" + githubToken: "a"}, stops: true,
			found: []string{`secret: secret of kind github-token in what agent "coach" reads`}},
		{name: "a budget for digests", special: map[string]string{"workplans/b": "50000000", "workplans/a": "50000000"},
			want: []string{"workplans workplans: b(50000000) a(50000000)"}},
	}
	schema := compile(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tree := newTree(t, with(tt.files, map[string]string{"agents/coach.md": "p"}))
			addAll(t, tree.Dir(), tt.special)
			in := coach(JSON)
			in.Entry.Pointers = tt.named
			b, findings, err := Prepare(t.Context(), NewFiles(tree, nil), in)
			if err != nil || (b == nil) != tt.stops || !slices.Equal(texts(findings), tt.found) {
				t.Fatalf("bundle %v, %q, %v; want %q", b != nil, texts(findings), err, tt.found)
			}
			if tt.stops {
				return
			}
			var got []string
			for _, p := range b.Pointers {
				got = append(got, show(p))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("pointers %q, want %q", got, tt.want)
			}
			validate(t, schema, b.Content)
			checkStored(t, tree, b)
		})
	}
}

// checkStored verifies the bundle against the tree from which it was built.
func checkStored(t *testing.T, tree *checkout.Tree, b *Bundle) {
	t.Helper()
	stored := newTree(t, map[string]string{b.ContentName(): string(b.Content), SourcesName: string(b.Sources)})
	if findings, err := verify(t.Context(), os.DirFS(stored.Dir()), NewFiles(tree, nil)); err != nil || len(findings) > 0 {
		t.Errorf("Verify = %v, %v", findings, err)
	}
}

func TestLargeDirectory(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"agents/coach.md": "p", "workplans/first": ""})
	for i := range maxEntries {
		link := filepath.Join(tree.Dir(), "workplans", fmt.Sprint(i))
		fixture.Must(t, os.Link(filepath.Join(tree.Dir(), "workplans/first"), link))
	}
	b, findings := must(t, tree, coach(JSON))
	want := []string{`large-file: the directory of pointer "workplans" of agent "coach" ` +
		"has more than 10000 entries: the bundle does not list its files"}
	if got := texts(findings); !slices.Equal(got, want) || show(b.Pointers[0]) != "workplans workplans:" {
		t.Errorf("pointer %q, findings %q", show(b.Pointers[0]), got)
	}
}

func TestDirectoryInMarkdown(t *testing.T) {
	t.Parallel()
	files := map[string]string{"agents/coach.md": "p", "SCOPE.md": "s", "empty/.keep": ""}
	for i := range maxListed + 2 {
		files[fmt.Sprintf("workplans/`%02d`.md", i)] = "the plan"
	}
	in := coach(Markdown)
	in.Entry.Pointers = []schedule.Pointer{{Label: "empty", Path: "empty"}}
	b, _ := must(t, newTree(t, files), in)
	for _, want := range []string{
		"- `workplans`: the directory `workplans`, last names first\n" +
			"  - `\"workplans/\\x6021\\x60.md\"`, 8 bytes, sha256 `",
		"\n  - and 2 more\n", "- `empty`: the directory `empty`, last names first\n  - none listed\n",
	} {
		if !strings.Contains(string(b.Content), want) {
			t.Errorf("lacks %q:\n%s", want, b.Content)
		}
	}
	if strings.Contains(string(b.Content), "the plan") {
		t.Error("the bundle has the content of a pointer's file")
	}
}
