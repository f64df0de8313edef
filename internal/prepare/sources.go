package prepare

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// sourcesFile is sources.json: the files from which a bundle was built, and the digest of
// the bundle, with which `verify` detects a change.
type sourcesFile struct {
	Commit string     `json:"commit"` // "" if unknown
	Bundle bundleFile `json:"bundle"`
	Files  []source   `json:"files"` // prompt, memory, metrics, then the pointers in the bundle's order
}

type bundleFile struct {
	Name   string `json:"name"` // bundle.md or bundle.json
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// sources returns every file that was read.
func (d *document) sources() []source {
	files := []source{}
	for _, p := range []*part{d.prompt, d.memory, d.metrics} {
		if p != nil {
			files = append(files, p.source)
		}
	}
	for _, p := range d.pointers {
		if p.Files == nil {
			files = append(files, source{Path: p.Path, Role: "pointer", Size: p.Size, SHA256: p.SHA256})
		}
		for _, f := range p.Files {
			files = append(files, source{Path: f.Path, Role: "pointer", Size: f.Size, SHA256: f.SHA256})
		}
	}
	return files
}

func renderSources(commit string, b *Bundle, files []source) ([]byte, error) {
	return marshal(sourcesFile{
		Commit: commit,
		Bundle: bundleFile{Name: b.ContentName(), Size: int64(len(b.Content)), SHA256: digestOf(b.Content)},
		Files:  files,
	})
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// marshal returns v as indented JSON with a final line feed. It does not escape <, > and
// &.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return buf.Bytes(), err
}
