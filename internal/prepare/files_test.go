package prepare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// sharing is a manifest of n entries that all name the same files.
func sharing(t *testing.T, n int) *schedule.Manifest {
	t.Helper()
	body := "agents:\n"
	for i := range n {
		body += fmt.Sprintf("  agent%d:\n    cadence: daily\n    prompt: prompt.md\n    memory: memory.md\n"+
			"    metrics: executions.jsonl\n    pointers: { scope: scope.md, data: data }\n", i)
	}
	return load(t, body)
}

// shared returns the files that the entries of sharing name, and their total size.
func shared() (files map[string]string, size int64) {
	run := `{"agent":"agent%d","timestamp":"2026-11-02T05:00:00Z","success":true}` + "\n"
	files = map[string]string{
		"prompt.md":        strings.Repeat("A line of the prompt.\n", 100),
		"memory.md":        strings.Repeat("- A line of the memory.\n", 2*MaxFile/24), // truncated
		"executions.jsonl": fmt.Sprintf(strings.Repeat(run, 4), 0, 1, 2, 0) + "\n{\n",
		"scope.md":         strings.Repeat("A line of the scope.\n", 100), "data/one.txt": "1", "data/two.txt": "22",
	}
	for _, content := range files {
		size += int64(len(content))
	}
	return files, size
}

// Each file is read once, however many entries name it: the budget has room for no more.
// The bundles are those of a run for one entry alone.
func TestFilesAreReadOnce(t *testing.T) {
	t.Parallel()
	contents, size := shared()
	tree := newTree(t, contents)
	tree.Limit(size)
	m := sharing(t, 40)
	files := NewFiles(tree, m.Entries)
	var group sync.WaitGroup
	for i := range m.Entries {
		group.Go(func() {
			in := Input{Repo: "web", Entry: m.Entries[i], Period: "2026-W48"}
			b, findings, err := Prepare(t.Context(), files, in)
			if err != nil {
				t.Error(err)
				return
			}
			alone, want, err := Prepare(t.Context(), NewFiles(openTree(t, tree.Dir()), nil), in)
			if err != nil || !reflect.DeepEqual(b, alone) || !reflect.DeepEqual(findings, want) {
				t.Errorf("%s: %v, %v; alone %v", in.Entry.Agent, findings, err, want)
			}
		})
	}
	group.Wait()
	if findings, err := Check(t.Context(), m, files); err != nil {
		t.Errorf("Check: %v, %v", findings, err)
	}
	if err := tree.Exceeded(); err != nil {
		t.Error(err)
	}
	// The test can fail: one byte less is too little.
	less := openTree(t, tree.Dir())
	less.Limit(size - 1)
	Prepare(t.Context(), NewFiles(less, nil), Input{Entry: m.Entries[0]})
	if less.Exceeded() == nil {
		t.Error("a run reads less than its files have")
	}
}

// The budget stops the entries whose files do not fit, and names the budget, the file and
// the next step.
func TestBudgetStopsAnEntry(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"memory.md":        "memory: memory.md",
		"executions.jsonl": "metrics: executions.jsonl",
		"large.md":         "pointers: { scope: large.md }",
		"data/large.md":    "pointers: { data: data }",
	} {
		tree := newTree(t, map[string]string{"agents/coach.md": "A prompt.", name: strings.Repeat("x", 2000)})
		tree.Limit(1000)
		m := load(t, "agents:\n  coach:\n    cadence: daily\n    "+body+"\n")
		b, findings, err := Prepare(t.Context(), NewFiles(tree, m.Entries), Input{Entry: m.Entries[0]})
		i := indexOf(findings, diag.Unreadable, name)
		if b != nil || err != nil || i < 0 {
			t.Errorf("%s: bundle %t, %v, %v", name, b != nil, findings, err)
			continue
		}
		if f := findings[i]; f.Severity != diag.Error || !strings.Contains(f.Message, "budget of this run is 1000 bytes") ||
			!strings.HasPrefix(f.Hint, "shorten the largest files") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func indexOf(findings []diag.Finding, rule diag.Rule, file string) int {
	for i, f := range findings {
		if f.Rule == rule.ID && f.File == file {
			return i
		}
	}
	return -1
}

// A run that ends gives an error, never findings about files that were not read.
func TestPrepareEnds(t *testing.T) {
	t.Parallel()
	contents, _ := shared()
	dir := newTree(t, contents).Dir()
	m := sharing(t, 3)
	ctx, end := context.WithCancel(t.Context())
	tree, err := checkout.OpenContext(ctx, dir)
	fixture.Must(t, err)
	defer tree.Close()
	end()
	files := NewFiles(tree, m.Entries)
	b, findings, err := Prepare(ctx, files, Input{Entry: m.Entries[0]})
	if b != nil || findings != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("Prepare: %v, %v", findings, err)
	}
	if findings, err := Check(ctx, m, files); findings != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("Check: %v, %v", findings, err)
	}
	given := `{"agent_prompt_found":true,"has_memory":false,"has_metrics":false,"pointers":[]}`
	if b, findings, err := FromJSON(ctx, "given.json", []byte(given), coach(JSON)); b != nil || findings != nil ||
		!errors.Is(err, context.Canceled) {
		t.Errorf("FromJSON: %v, %v", findings, err)
	}
}

// The ends of a file are the same in one pass as in a buffer, whatever the parts in which it
// is read.
func TestEndsOfAFile(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, window - 1, window, window + 1, 2*window + 3, 3 * window, 5*window + 7} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7 % 251)
		}
		for _, part := range []int{32 << 10, window, 2*window + 1, 10 * window} {
			c := &content{hash: discardHash{}}
			for rest := data; len(rest) > 0; {
				n := min(part, len(rest))
				c.Write(rest[:n])
				rest = rest[n:]
			}
			if !bytes.Equal(c.head, data[:min(window, size)]) || !bytes.Equal(c.last(), data[max(0, size-window):]) ||
				c.lines != bytes.Count(data, []byte("\n")) {
				t.Errorf("%d bytes in parts of %d: wrong ends", size, part)
			}
		}
	}
}

type discardHash struct{ io.Writer }

func (discardHash) Write(p []byte) (int, error) { return len(p), nil }
func (discardHash) Sum([]byte) []byte           { return nil }
func (discardHash) Reset()                      {}
func (discardHash) Size() int                   { return 0 }
func (discardHash) BlockSize() int              { return 1 }

// Texts beyond the limit are read again, and only then.
func TestTextsAreForgotten(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"a.md": strings.Repeat("a", 3000), "b.md": strings.Repeat("b", 3000)})
	files := NewFiles(tree, nil)
	files.kept = maxKept - 4000
	for range 3 {
		for _, name := range []string{"a.md", "b.md"} {
			text, err := files.content(name)
			fixture.Must(t, err)
			if len(text.head) != 3000 {
				t.Errorf("%s has %d bytes", name, len(text.head))
			}
		}
		fixture.Must(t, os.WriteFile(tree.Dir()+"/a.md", nil, 0o600)) // it is not read again
	}
}

// The bundles of a directory share what is known of the checkout's files.
func TestSourcesAreReadOnce(t *testing.T) {
	t.Parallel()
	contents, size := shared()
	tree := newTree(t, contents)
	m := sharing(t, 1)
	b, _ := must(t, tree, Input{Entry: m.Entries[0]})
	dir := newTree(t, map[string]string{b.ContentName(): string(b.Content), SourcesName: string(b.Sources)}).Dir()
	tree.Limit(size)
	files := NewFiles(tree, nil)
	for range 10 {
		if findings, err := verify(t.Context(), os.DirFS(dir), files); err != nil || len(findings) > 0 {
			t.Fatalf("%v, %v", findings, err)
		}
	}
}
