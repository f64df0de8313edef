package store

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

func TestZipIsReproducible(t *testing.T) {
	t.Parallel()
	a := zipOf(t, File{"sources.json", []byte("{}\n")}, File{"bundle.md", []byte("# coach\n")})
	b := zipOf(t, File{"bundle.md", []byte("# coach\n")}, File{"sources.json", []byte("{}\n")})
	if !bytes.Equal(a, b) {
		t.Error("the order of the files changes the zip")
	}
	// Consumers compare digests across runs and releases: a change here is a change of
	// every bundle.
	const want = "sha256:9d4181e2e15811dc8aec90c7235144e6c385d1cdd7dcc12dfea9cc7f6d8116f5"
	if got := digestOf(a); got != want {
		t.Errorf("digest is %s, want %s", got, want)
	}
}

func TestZipIsPlain(t *testing.T) {
	t.Parallel()
	data := zipOf(t, File{"bundle.md", []byte("# coach\n")}, File{"größe.md", nil})
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if f.Method != zip.Store || len(f.Extra) > 0 || f.Comment != "" || f.Flags&8 != 0 || f.NonUTF8 {
			t.Errorf("%s: method %d, extra %x, comment %q, flags %x", f.Name, f.Method, f.Extra, f.Comment, f.Flags)
		}
		if got := f.Mode().String(); got != "-rw-r--r--" {
			t.Errorf("%s: mode is %s", f.Name, got)
		}
		if got := f.Modified.Format("2006-01-02 15:04:05"); got != "1980-01-01 00:00:00" {
			t.Errorf("%s: time is %s", f.Name, got)
		}
	}
	f, err := r.Open("bundle.md")
	if err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(f); err != nil || string(content) != "# coach\n" {
		t.Errorf("bundle.md holds %q, %v", content, err)
	}
	if !bytes.HasPrefix(data, []byte("PK\x03\x04")) || binary.LittleEndian.Uint32(data[18:]) != 8 {
		t.Error("the size does not come before the data")
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	for name, files := range map[string][]File{
		"none":      nil,
		"empty":     {{"", nil}},
		"parent":    {{"..", nil}},
		"slash":     {{"a/b", nil}},
		"backslash": {{`a\b`, nil}},
		"newline":   {{"a\nb", nil}},
		"nul":       {{"a\x00", nil}},
		"not UTF-8": {{"a\xff", nil}},
		"too long":  {{strings.Repeat("a", 256), nil}},
		"temporary": {{".tmp-a", nil}},
		"twice":     {{"a", nil}, {"b", nil}, {"a", nil}},
	} {
		if _, err := Zip(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUnzipOnly(t *testing.T) {
	t.Parallel()
	good := zipOf(t, File{ReceiptFile, []byte("content")})
	lying := bytes.Clone(good) // says that it unpacks to 3 bytes
	for _, at := range []int{22, bytes.Index(good, []byte("PK\x01\x02")) + 24} {
		binary.LittleEndian.PutUint32(lying[at:], 3)
	}
	for _, test := range []struct {
		name string
		data []byte
		want string // the content, or a part of the error
	}{
		{"good", good, "content"},
		{"nothing", nil, "not a readable zip"},
		{"text", []byte("<html>"), "not a readable zip"},
		{"cut", good[:len(good)-5], "not a readable zip"},
		{"changed", bytes.Replace(good, []byte("content"), []byte("c0ntent"), 1), "cannot be unpacked"},
		{"lying", lying, "cannot be unpacked"},
		{"empty", emptyZip(t), "exactly one file"},
		{"other name", zipOf(t, File{"receipt.txt", nil}), "exactly one file"},
		{"two", zipOf(t, File{ReceiptFile, nil}, File{"b", nil}), "exactly one file"},
		{"twice", deflated(t, File{ReceiptFile, nil}, File{ReceiptFile, nil}), "exactly one file"},
		{"folder", deflated(t, File{"a/" + ReceiptFile, nil}), "exactly one file"},
		{"deflated", deflated(t, File{ReceiptFile, []byte("content")}), "content"},
		{"bomb", deflated(t, File{ReceiptFile, make([]byte, 4<<20)}), "more than 1000 bytes"},
	} {
		got, err := unzipOnly(test.data, ReceiptFile, 1000)
		if err != nil {
			got = []byte(err.Error())
		}
		if !strings.Contains(string(got), test.want) || (err == nil) != (test.want == "content") {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func emptyZip(t *testing.T) []byte { return deflated(t) }

// deflated packs files as other programs do.
func deflated(t testing.TB, files ...File) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		e, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write(f.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
