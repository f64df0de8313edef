package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// A file that does not fit into the budget is not read, and smaller ones still are.
func TestBudget(t *testing.T) {
	t.Parallel()
	tree, dir := newTree(t, map[string]string{"ten": "0123456789", "five": "01234", "six": "012345", "one": "0"})
	tree.Limit(16)
	for _, tt := range []struct {
		file string
		fits bool
	}{{"ten", true}, {"ten", true}, {"six", true}, {"five", false}, {"one", false}} {
		data, err := tree.ReadFile(tt.file, 100)
		if _, exceeded := errors.AsType[*BudgetError](err); exceeded == tt.fits || tt.fits != (len(data) > 0) {
			t.Errorf("%s: %q, %v", tt.file, data, err)
		}
	}
	const want = `the budget of this run is 16 bytes, and "five" exceeds it`
	message, hint := advice.Split(tree.Exceeded())
	if message != want || hint == "" {
		t.Errorf("the first that exceeds the budget: %q, %q; want %q", message, hint, want)
	}
	beside, err := tree.Beside(filepath.Join(dir, "."))
	fixture.Must(t, err)
	defer beside.Close()
	if _, err := beside.ReadFile("one", 100); err == nil {
		t.Error("a tree of the same run has a budget of its own")
	}
}

// What a file grows by counts, too, and so do parts.
func TestBudgetOfAFileThatGrows(t *testing.T) {
	t.Parallel()
	tree, dir := newTree(t, map[string]string{"log": "0123"})
	tree.Limit(10)
	f, err := tree.Open("log")
	fixture.Must(t, err)
	defer f.Close()
	if _, err := f.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadAt(make([]byte, 4), 0); err != nil {
		t.Fatal(err)
	}
	fixture.Must(t, os.WriteFile(filepath.Join(dir, "log"), []byte(strings.Repeat("x", 100)), 0o600))
	_, err = io.ReadAll(f)
	if _, ok := errors.AsType[*BudgetError](err); !ok {
		t.Errorf("error %v, want that of the budget", err)
	}
}

// Every access ends with the run.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	_, dir := newTree(t, map[string]string{".git/HEAD": strings.Repeat("a", 40), ".git/index": "DIRC", ".gitignore": "x\n"})
	ctx, end := context.WithCancel(t.Context())
	tree, err := OpenContext(ctx, dir)
	fixture.Must(t, err)
	defer tree.Close()
	f, err := tree.Open("README.md")
	fixture.Must(t, err)
	defer f.Close()
	beside, err := tree.Beside(dir)
	fixture.Must(t, err)
	defer beside.Close()
	end()
	_, read := f.Read(make([]byte, 1))
	_, readAt := f.ReadAt(make([]byte, 1), 0)
	_, open := tree.Open("README.md")
	_, file := tree.ReadFile("README.md", 100)
	_, other := beside.ReadFile("README.md", 100)
	_, stat := tree.Stat("README.md")
	_, entries := tree.Entries(".", 100)
	_, stored := LimitFS(ctx, os.DirFS(dir), NewBudget(100)).Open("README.md")
	fixture.Must(t, stored)
	_, argument := ReadArgument(ctx, filepath.Join(dir, "README.md"), nil, 100)
	for name, err := range map[string]error{"Read": read, "ReadAt": readAt, "Open": open, "ReadFile": file,
		"Beside": other, "Stat": stat, "Entries": entries, "ReadArgument": argument} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, known := tree.Tracked("README.md"); known {
		t.Error("the index is read")
	}
	if tree.IsFile("README.md") || tree.OriginAddress() != "" {
		t.Error("the tree is read")
	}
}

// A standard input that never has data does not hold up the end of a run.
func TestSilentStandardInput(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	go func() {
		fmt.Fprint(w, "some")
		end()
	}()
	if data, err := ReadArgument(ctx, "-", r, 100); !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", data, err)
	}
}

// A directory is listed once, with each limit.
func TestListedOnce(t *testing.T) {
	t.Parallel()
	tree, dir := newTree(t, map[string]string{"docs/a": "", "docs/b": ""})
	for _, limit := range []int{10, 1} {
		first, before := tree.ReadDir("docs", limit)
		fixture.Write(t, dir, map[string]string{fmt.Sprint("docs/c", limit): ""})
		second, after := tree.ReadDir("docs", limit)
		if fmt.Sprint(first, before) != fmt.Sprint(second, after) || (limit == 1) != errors.Is(after, ErrTooLarge) {
			t.Errorf("limit %d: %q, %v; then %q, %v", limit, first, before, second, after)
		}
	}
}

// Many listings do not stay in memory.
func TestListingsAreForgotten(t *testing.T) {
	t.Parallel()
	var l listings
	for i := range 10 {
		l.known = nil
		l.kept = maxKept - i
		l.list(listingKey{"docs", 1}, func() (entries []os.DirEntry, err error) { return make([]os.DirEntry, 5), nil })
		if kept := len(l.known) == 1; kept != (i >= 6) {
			t.Errorf("with room for %d entries: kept %t", i, kept)
		}
	}
}
