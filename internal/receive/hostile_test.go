package receive

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// refusals collects one line per case, which must all differ.
type refusals struct {
	t     *testing.T
	lines []string
	seen  map[string]string
}

func (r *refusals) add(name string, err error) {
	r.t.Helper()
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		r.t.Errorf("%s: got %v, want a refusal", name, err)
		return
	}
	if refusal.Code == "" || refusal.Hint == "" || strings.ContainsFunc(refusal.Message, func(c rune) bool {
		return c < ' ' || c == 0x7f
	}) {
		r.t.Errorf("%s: incomplete or unsafe: %+q", name, *refusal)
	}
	if other := r.seen[refusal.Message]; other != "" {
		r.t.Errorf("%s has the message of %s: %s", name, other, refusal.Message)
	}
	r.seen[refusal.Message] = name
	r.lines = append(r.lines, fmt.Sprintf("%s\n    %s: %s\n    %s\n", name, refusal.Code, refusal.Message,
		refusal.Hint))
}

// TestHostileEvents refuses every file of testdata/hostile with a message of its own. None
// causes a request or a file.
func TestHostileEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghtest.Options{})
	files, err := filepath.Glob("testdata/hostile/*.json")
	if err != nil || len(files) < 60 {
		t.Fatalf("only %d files (%v)", len(files), err)
	}
	got := refusals{t: t, seen: map[string]string{}}
	for _, file := range files {
		_, err := w.Check([]byte(fixture.Read(t, file)))
		got.add(strings.TrimSuffix(filepath.Base(file), ".json"), err)
	}
	fixture.Golden(t, "testdata/hostile-events.golden", strings.Join(got.lines, ""))
	if n := len(w.api.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
	if files := fixture.Tree(t, w.dir); len(files) > 0 {
		t.Errorf("files were written: %v", files)
	}
}

// file is a file of a zip that prepare would not make.
type file struct {
	name     string
	data     string
	mode     fs.FileMode
	flags    uint16
	size     uint64 // claimed, if not 0
	deflated []byte // in place of data
}

// pack makes a zip of any files.
func pack(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Store, Flags: f.flags, CRC32: crc32.ChecksumIEEE([]byte(f.data)),
			CompressedSize64: uint64(len(f.data)), UncompressedSize64: uint64(len(f.data))}
		h.SetMode(0o644 | f.mode)
		data := []byte(f.data)
		if f.deflated != nil {
			data, h.Method, h.CompressedSize64 = f.deflated, zip.Deflate, uint64(len(f.deflated))
		}
		if f.size != 0 {
			h.UncompressedSize64 = f.size
		}
		entry, err := w.CreateRaw(h)
		fixture.Must(t, err)
		_, err = entry.Write(data)
		fixture.Must(t, err)
	}
	fixture.Must(t, w.Close())
	return b.Bytes()
}

// good are the two files of a bundle.
func good() (content, sources file) {
	files := bundleFiles("hello, coach")
	return file{name: files[0].Name, data: string(files[0].Data)},
		file{name: files[1].Name, data: string(files[1].Data)}
}

// zeros is a deflated stream of size bytes.
func zeros(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	fixture.Must(t, err)
	_, err = io.CopyN(w, zeroReader{}, size)
	fixture.Must(t, err)
	fixture.Must(t, w.Close())
	return b.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// bomb is a stream that unpacks to about size bytes, without packing so many: the blocks of a
// shorter one, repeated. Its last block is missing, which only a reader of all of it notices.
func bomb(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	fixture.Must(t, err)
	const part = 10 << 20
	_, err = io.CopyN(w, zeroReader{}, part)
	fixture.Must(t, err)
	fixture.Must(t, w.Flush()) // ends at a byte
	return bytes.Repeat(b.Bytes(), int(size/part))
}

// patch replaces bytes of the record at a zip's end.
func patch(data []byte, at int, value ...byte) []byte {
	out := bytes.Clone(data)
	copy(out[len(out)-endLength+at:], value)
	return out
}

// hostileZips are zips that an event describes truly, digest included.
func hostileZips(t *testing.T) map[string][]byte {
	zips := hostileNames(t)
	maps.Copy(zips, hostileFiles(t))
	return zips
}

// hostileNames are zips whose ends or lists of files are wrong.
func hostileNames(t *testing.T) map[string][]byte {
	content, sources := good()
	plain := pack(t, content, sources)
	with := func(f file) []byte { return pack(t, content, sources, f) }
	many := []file{content, sources}
	for i := range 100 {
		many = append(many, file{name: fmt.Sprintf("file-%03d-of-many-with-a-long-name", i)})
	}
	return map[string][]byte{
		"empty":                   {},
		"not a zip":               []byte("#!/bin/sh\ntouch PWNED\n"),
		"only an end":             plain[len(plain)-endLength:],
		"behind a script":         append([]byte("#!/bin/sh\ntouch PWNED\n"), plain...),
		"before a script":         append(bytes.Clone(plain), "touch PWNED\n"...),
		"comment":                 append(patch(plain, 20, 4, 0), "note"...),
		"comment beyond the end":  patch(plain, 20, 9, 0),
		"several parts":           patch(plain, 4, 1, 0),
		"fewer files than listed": patch(patch(plain, 8, 9, 0), 10, 9, 0),
		"list at another place":   patch(plain, 16, 1, 0, 0, 0),
		"list of a gigabyte":      patch(plain, 12, 0, 0, 0, 0x40),
		"many files":              pack(t, many...),
		"zip slip":                with(file{name: "../../../../tmp/PWNED"}),
		"absolute path":           with(file{name: "/tmp/PWNED"}),
		"path of Windows":         with(file{name: `..\..\PWNED`}),
		"drive of Windows":        with(file{name: "C:PWNED"}),
		"directory":               with(file{name: "docs/"}),
		"NUL in a name":           with(file{name: "bundle.md\x00.txt"}),
		"git hook":                with(file{name: ".git/hooks/post-checkout"}),
		"third file":              with(file{name: "README.md"}),
		"event beside it":         with(file{name: "event.json"}),
		"shell text as a name":    with(file{name: "$(touch PWNED)"}),
		"command as a name":       with(file{name: "::error::PWNED"}),
		"escape in a name":        with(file{name: "\x1b[2Jx"}),
		"not UTF-8":               with(file{name: "b\xff.md"}),
		"the same name twice":     with(content),
		"sources twice":           with(sources),
		"another case":            pack(t, file{name: "BUNDLE.md", data: content.data}, sources),
		"another case beside it":  with(file{name: "Bundle.MD"}),
		"another format":          pack(t, file{name: "bundle.json", data: content.data}, sources),
		"only the bundle":         pack(t, content),
		"only the sources":        pack(t, sources),
	}
}

// hostileFiles are zips whose files are not what they should be.
func hostileFiles(t *testing.T) map[string][]byte {
	content, sources := good()
	instead := func(change func(*file)) []byte {
		f := content
		change(&f)
		return pack(t, f, sources)
	}
	return map[string][]byte{
		"file in a directory":     instead(func(f *file) { f.name = "docs/bundle.md" }),
		"link":                    instead(func(f *file) { f.mode, f.data = fs.ModeSymlink, "/etc/passwd" }),
		"device":                  instead(func(f *file) { f.mode = fs.ModeDevice | fs.ModeCharDevice }),
		"pipe":                    instead(func(f *file) { f.mode = fs.ModeNamedPipe }),
		"directory by mode":       instead(func(f *file) { f.mode = fs.ModeDir }),
		"encrypted":               instead(func(f *file) { f.flags = 1 }),
		"wrong checksum":          instead(func(f *file) { f.data, f.deflated = "other", zeros(t, 12); f.size = 12 }),
		"damaged":                 instead(func(f *file) { f.deflated, f.size = []byte("\xff\xff\xff"), 12 }),
		"bomb of 10 GB":           instead(func(f *file) { f.deflated, f.size = bomb(t, 10<<30), 10<<30 }),
		"bomb that claims 12":     instead(func(f *file) { f.deflated, f.size = bomb(t, 10<<30), 12 }),
		"bomb of a byte too many": instead(func(f *file) { f.deflated, f.size = zeros(t, maxFile+1), maxFile }),
		"bomb in the sources": pack(t, content, file{name: "sources.json", deflated: bomb(t, 10<<30),
			size: 3 << 30}),
		"other content": instead(func(f *file) { f.data = "hello, thief" }),
		"longer content": pack(t, file{name: "bundle.md", data: "hello, coaches"},
			bundleSources("hello, coaches")),
		"sources are no JSON": pack(t, content, file{name: "sources.json", data: "x"}),
		"sources of a path": pack(t, content, file{name: "sources.json",
			data: `{"bundle":{"name":"../../etc/passwd"}}`}),
		"sources without name": pack(t, content, file{name: "sources.json", data: `{}`}),
	}
}

func bundleSources(content string) file {
	files := bundleFiles(content)
	return file{name: files[1].Name, data: string(files[1].Data)}
}

// TestHostileZips refuses zips that an event describes truly, each with a message of its own.
// It writes nothing, and takes neither memory nor time.
func TestHostileZips(t *testing.T) {
	t.Parallel()
	zips := hostileZips(t)
	w := newWorld(t, ghtest.Options{})
	got := refusals{t: t, seen: map[string]string{}}
	names := make([]string, 0, len(zips))
	for name := range zips {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		_, err := w.receive(w.add(zips[name], nil))
		got.add(name, err)
	}
	fixture.Golden(t, "testdata/hostile-zips.golden", strings.Join(got.lines, ""))
	if files := fixture.Tree(t, w.dir); len(files) > 0 {
		t.Errorf("files were written: %v", files)
	}
	if _, err := os.Lstat("/tmp/PWNED"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was written outside")
	}
}

// Each field of the end by which a zip has several parts is checked.
func TestSeveralParts(t *testing.T) {
	t.Parallel()
	content, sources := good()
	plain := pack(t, content, sources)
	for field, at := range map[string]int{"this part": 4, "the part of the list": 6, "files of this part": 8} {
		_, refusal := unpack(patch(plain, at, 1, 0), "bundle.md")
		if refusal == nil || !strings.HasSuffix(refusal.Message, "has several parts") {
			t.Errorf("%s: got %v", field, refusal)
		}
	}
}

// TestBombIsCheap unpacks no more of 10 GB than the limit.
func TestBombIsCheap(t *testing.T) {
	t.Parallel()
	content, sources := good()
	content.deflated, content.size = bomb(t, 10<<30), 12
	data := pack(t, content, sources)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, refusal := unpack(data, "bundle.md")
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if refusal == nil {
		t.Fatal("accepted")
	}
	t.Logf("%d bytes of zip: %v, %d MB allocated", len(data), took, (after.TotalAlloc-before.TotalAlloc)>>20)
	if took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestHostileArtifacts refuses artifacts that are not what the event says. None but the one
// whose digest only a download shows is downloaded.
func TestHostileArtifacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghtest.Options{})
	good := zipped(t, bundleFiles("hello, coach"))
	tests := []struct {
		name   string
		change func(*ghtest.Artifact)
		event  func(*event.Event)
	}{
		{"expired", func(a *ghtest.Artifact) { a.Expired = true }, nil},
		{"another run", func(a *ghtest.Artifact) { a.RunID = 43 }, nil},
		{"another name", func(a *ghtest.Artifact) { a.Name = "other" }, nil},
		{"of a fork", func(a *ghtest.Artifact) { a.HeadRepositoryID = 99 }, nil},
		{"another digest", nil, func(e *event.Event) {
			e.Bundle.Artifact.Digest = "sha256:" + strings.Repeat("0", 64)
		}},
		{"another digest, not listed", func(a *ghtest.Artifact) { a.WithoutDigest = true },
			func(e *event.Event) { e.Bundle.Artifact.Digest = "sha256:" + strings.Repeat("1", 64) }},
		{"too large", func(a *ghtest.Artifact) { a.Zip, a.WithoutDigest = make([]byte, maxZip+1), true }, nil},
		{"another size", nil, func(e *event.Event) { e.Bundle.Bytes = 99 }},
	}
	got := refusals{t: t, seen: map[string]string{}}
	for _, tt := range tests {
		e := w.add(good, tt.change)
		if tt.event != nil {
			tt.event(e)
		}
		_, err := w.receive(e)
		got.add(tt.name, err)
	}
	fixture.Golden(t, "testdata/hostile-artifacts.golden", strings.Join(got.lines, ""))
	if n := w.downloads(); n != 2 {
		t.Errorf("%d downloads, want 2", n)
	}
	if files := fixture.Tree(t, w.dir); len(files) > 0 {
		t.Errorf("files were written: %v", files)
	}
}

// TestHostileDirectory fetches a good bundle into directories that another user has prepared.
func TestHostileDirectory(t *testing.T) {
	t.Parallel()
	const name = "kaizen.web-2bce8445062b30ed.coach.2026-W48"
	outside := t.TempDir()
	for what, prepare := range map[string]func(dir string) error{
		"a link as the bundle's directory": func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "received"), 0o755),
				os.Symlink(outside, filepath.Join(dir, "received", name)))
		},
		"a link as the bundle": func(dir string) error {
			at := filepath.Join(dir, "received", name)
			return errors.Join(os.MkdirAll(at, 0o755),
				os.Symlink(filepath.Join(outside, "x"), filepath.Join(at, "bundle.md")))
		},
	} {
		w := newWorld(t, ghtest.Options{})
		fixture.Must(t, prepare(w.dir))
		_, err := w.receive(w.add(zipped(t, bundleFiles("hello, coach")), nil))
		if files := fixture.Tree(t, outside); len(files) > 0 {
			t.Errorf("%s: files were written outside: %v (%v)", what, files, err)
		}
	}
}

// FuzzUnpack unpacks any bytes. What it accepts are two files of the right names and sizes.
func FuzzUnpack(f *testing.F) {
	files := bundleFiles("hello, coach")
	data, err := store.Zip(files)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[len(data)-endLength:])
	f.Fuzz(func(t *testing.T, data []byte) {
		files, refusal := unpack(data, "bundle.md")
		if refusal != nil {
			return
		}
		if len(files) != 2 || files[0].Name == files[1].Name {
			t.Fatalf("got %d files", len(files))
		}
		for _, file := range files {
			if file.Name != "bundle.md" && file.Name != "sources.json" || len(file.Data) > maxFile {
				t.Errorf("got %q of %d bytes", file.Name, len(file.Data))
			}
		}
		_ = checkFiles(data, files, 12)
	})
}

// FuzzCheck checks any bytes. What it accepts is an event of an allowed repository, in one
// line that is accepted again.
func FuzzCheck(f *testing.F) {
	names, err := filepath.Glob("testdata/hostile/*.json")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	r := Receiver{Policy: Policy{Allow: []string{"acme/*", "web"}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := r.Check(data)
		if err != nil {
			return
		}
		if !strings.HasPrefix(strings.ToLower(e.Origin), "acme/") && !strings.EqualFold(e.Origin, "web") {
			t.Errorf("accepted %q", e.Origin)
		}
		if name := e.Bundle.In(e.Origin).Name(); filepath.Base(name) != name || len(e.RecordName()) > maxName {
			t.Errorf("the directory is %q", name)
		}
		if len(e.JSON) > event.MaxSize { // written with escapes it may be longer
			return
		}
		again, err := r.Check(e.JSON)
		if err != nil || again.ID != e.ID || !bytes.Equal(again.JSON, e.JSON) {
			t.Errorf("%s is not accepted again: %v", e.JSON, err)
		}
	})
}
