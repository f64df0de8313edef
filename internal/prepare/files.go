package prepare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"slices"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// maxKept is how many bytes of texts stay in memory. Those of further files are read again
// for each entry that has them.
const maxKept = 16 << 20

// maxKnown is how many files are remembered. A sources.json may name one file in many ways.
const maxKnown = 100_000

// Files are the files of a checkout for all bundles of one run. It reads, hashes and
// searches each file once, however many entries name it. It is safe for concurrent use.
type Files struct {
	tree    *checkout.Tree
	isAgent map[string]bool // by name, for files that several agents share

	commit func() (string, error) // of the tree

	mu    sync.Mutex
	known map[string]*file
	kept  int
}

// NewFiles returns the files of a tree for the entries of a manifest.
func NewFiles(tree *checkout.Tree, entries []schedule.Entry) *Files {
	f := &Files{tree: tree, isAgent: make(map[string]bool, len(entries)), known: make(map[string]*file),
		commit: sync.OnceValues(tree.Commit)}
	for i := range entries {
		f.isAgent[entries[i].Agent] = true
	}
	return f
}

// Tree returns the tree of the files.
func (f *Files) Tree() *checkout.Tree { return f.tree }

// finder returns a finder for an entry of the manifest file.
func (f *Files) finder(file string, entry *schedule.Entry) finder {
	return finder{files: f, tree: f.tree, file: file, entry: entry}
}

// file is what the run knows about one file.
type file struct {
	mu     sync.Mutex // held while the file is read or searched
	digest *digest
	text   *text // nil if it is not read yet or not kept
	// spans has the secrets in what a bundle has of the file: with true the end of a large
	// file, with false its beginning.
	spans      map[bool][]secrets.Span
	executions *executions
}

// digest describes the content of a file.
type digest struct {
	size   int64
	sha256 string // "" if the file is too large to read
}

// text is the part of a file that a bundle may have.
type text struct {
	digest
	head, tail []byte // the first and the last window bytes
	lines      int    // line feeds in the file, -1 if it is too large to read
}

// window is the largest number of bytes that is needed of each end of a file.
const window = MaxFile + overlap

// get returns the file at path, locked.
func (f *Files) get(path string) *file {
	f.mu.Lock()
	known := f.known[path]
	if known == nil {
		known = &file{}
		if len(f.known) < maxKnown {
			f.known[path] = known
		}
	}
	f.mu.Unlock()
	known.mu.Lock()
	return known
}

// hasRoom reports whether so many more bytes may stay in memory, and then counts them.
func (f *Files) hasRoom(bytes int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if bytes > maxKept-f.kept {
		return false
	}
	f.kept += bytes
	return true
}

// digest returns the digest of a file of at most limit bytes, and of a larger one only the
// size.
func (f *Files) digest(path string, limit int64) (digest, error) {
	known := f.get(path)
	defer known.mu.Unlock()
	if known.digest == nil {
		t, err := f.read(path, limit, nil)
		if err != nil {
			return digest{}, err
		}
		if t.sha256 == "" && t.size <= maxDigest {
			return t.digest, nil // larger than this limit only
		}
		known.digest = &t.digest
		if t.size <= maxLinkText && f.hasRoom(len(t.head)) {
			known.text = t
		}
	}
	d := *known.digest
	if d.size > limit {
		d.sha256 = ""
	}
	return d, nil
}

// content returns the ends of a file.
func (f *Files) content(path string) (*text, error) {
	known := f.get(path)
	defer known.mu.Unlock()
	if known.text != nil {
		return known.text, nil
	}
	t, err := f.read(path, maxDigest, readEnds)
	if err != nil {
		return nil, err
	}
	known.digest = &t.digest
	if f.hasRoom(int(min(t.size, 2*window))) {
		known.text = t
	}
	return t, nil
}

// small returns the content of a file of at most maxLinkText bytes. It does not read a
// larger one.
func (f *Files) small(path string) (data []byte, ok bool) {
	known := f.get(path)
	d, t := known.digest, known.text
	known.mu.Unlock()
	if d == nil {
		info, err := f.tree.Stat(path)
		if err != nil || info.Size() > maxLinkText {
			return nil, false
		}
	} else if d.size > maxLinkText {
		return nil, false
	}
	if t == nil {
		var err error
		if t, err = f.content(path); err != nil || t.size > maxLinkText {
			return nil, false
		}
	}
	return t.head, true
}

// secretsIn returns the secrets in what a bundle has of the file at path: its end or its
// beginning.
func (f *Files) secretsIn(ctx context.Context, path string, fromEnd bool, find func() []secrets.Span) []secrets.Span {
	known := f.get(path)
	defer known.mu.Unlock()
	if spans, ok := known.spans[fromEnd]; ok {
		return slices.Clone(spans)
	}
	spans := find()
	const size = 40 // bytes of a span
	if ctx.Err() == nil && f.hasRoom(size*len(spans)) {
		if known.spans == nil {
			known.spans = make(map[bool][]secrets.Span)
		}
		known.spans[fromEnd] = slices.Clone(spans)
	}
	return spans
}

// read reads a file. Of one with more than limit bytes it returns the size, and what ends
// reads of it, if that is not nil.
func (f *Files) read(path string, limit int64, ends func(r io.ReaderAt, size int64) (*text, error)) (*text, error) {
	opened, err := f.tree.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	info, err := opened.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Size() > limit && ends != nil:
		return ends(opened, info.Size())
	case info.Size() > limit:
		return &text{digest: digest{size: info.Size()}}, nil
	}
	c := &content{hash: sha256.New()}
	// The file may have changed since Stat, so the size is that of the bytes read.
	size, err := io.Copy(c, io.LimitReader(opened, limit))
	if err != nil {
		return nil, err
	}
	t := &text{head: c.head, tail: c.last(), lines: c.lines}
	t.digest = digest{size, hex.EncodeToString(c.hash.Sum(nil))}
	return t, nil
}

// readEnds reads the ends of a file that is too large to read.
func readEnds(r io.ReaderAt, size int64) (*text, error) {
	t := &text{digest: digest{size: size}, lines: -1}
	t.head, t.tail = make([]byte, min(window, size)), make([]byte, min(window, size))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, window), t.head); err != nil {
		return nil, err
	}
	_, err := io.ReadFull(io.NewSectionReader(r, size-int64(len(t.tail)), window), t.tail)
	return t, err
}

// content hashes what is written to it, counts the lines and keeps both ends.
type content struct {
	hash       hash.Hash
	lines      int
	head, tail []byte // tail has up to two windows
}

// Write implements io.Writer.
func (c *content) Write(data []byte) (int, error) {
	c.hash.Write(data)
	c.lines += bytes.Count(data, []byte("\n"))
	n := min(len(data), window-len(c.head))
	c.head = append(c.head, data[:n]...)
	for rest := data[n:]; len(rest) > 0; {
		if len(c.tail) == 2*window {
			c.tail = append(c.tail[:0], c.tail[window:]...)
		}
		n := min(len(rest), 2*window-len(c.tail))
		c.tail, rest = append(c.tail, rest[:n]...), rest[n:]
	}
	return len(data), nil
}

// last returns the last window bytes of all.
func (c *content) last() []byte {
	if len(c.tail) == 0 {
		return c.head
	}
	if missing := window - len(c.tail); missing > 0 {
		return slices.Concat(c.head[len(c.head)-missing:], c.tail)
	}
	return slices.Clone(c.tail[len(c.tail)-window:])
}
