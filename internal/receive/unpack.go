package receive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Limits of a bundle's zip, in bytes.
const (
	maxFile      = prepare.MaxFrom // of an unpacked file
	maxZip       = 2 * maxFile
	maxDirectory = 4 << 10 // of the list of files, which has two
)

// asPrepared is the hint for a zip that prepare did not make.
const asPrepared = "store the bundle with prepare, which packs two files"

// unpack returns the files of an untrusted zip: the bundle's content of this name, and
// sources.json. It reads no more than the limits, whatever the zip claims.
func unpack(data []byte, content string) ([]store.File, *Refusal) {
	if refusal := checkDirectory(data); refusal != nil {
		return nil, refusal
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, refuse("not-a-zip", asPrepared, "the bundle is not a readable zip: %v", err)
	}
	wanted := []string{content, store.SourcesFile}
	for i, f := range r.File {
		if refusal := checkEntry(f, wanted, r.File[:i]); refusal != nil {
			return nil, refusal
		}
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(r.File, func(f *zip.File) bool { return f.Name == name }) {
			return nil, refuse("missing-file", asPrepared, "the bundle's zip lacks the file %s", name)
		}
	}
	var files []store.File
	for _, f := range r.File {
		data, refusal := read(f)
		if refusal != nil {
			return nil, refusal
		}
		files = append(files, store.File{Name: f.Name, Data: data})
	}
	return files, nil
}

// The record that ends a zip, and the offsets of its fields.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.16
const (
	endLength    = 22
	endSignature = "PK\x05\x06"
)

// checkDirectory looks at the end of a zip before anything is allocated for its list of
// files, which may have millions. It refuses whatever could make two programs read different
// lists: several disks, a comment, and data between the list and its end.
func checkDirectory(data []byte) *Refusal {
	at := bytes.LastIndex(data, []byte(endSignature))
	if at < 0 || at > len(data)-endLength {
		return refuse("not-a-zip", asPrepared, "the bundle of %d bytes is not a zip", len(data))
	}
	end := data[at:]
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(end[at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(end[at:])) }
	count, size, offset := u16(10), u32(12), u32(16)
	switch {
	case u16(20) != 0:
		return refuse("not-a-zip", asPrepared, "the bundle's zip has a comment of %d bytes", u16(20))
	case len(end) > endLength:
		return refuse("not-a-zip", asPrepared, "the bundle's zip has %d bytes behind its end", len(end)-endLength)
	case u16(4) != 0 || u16(6) != 0 || u16(8) != count:
		return refuse("not-a-zip", asPrepared, "the bundle's zip has several parts")
	case size > maxDirectory:
		return refuse("too-many-files", asPrepared,
			"the bundle's zip has a list of files of %d bytes, at most %d are read",
			size, maxDirectory)
	case offset+size+endLength != int64(len(data)):
		return refuse("not-a-zip", asPrepared,
			"the bundle's zip of %d bytes has a list of %d bytes at %d, not at its end",
			len(data), size, offset)
	}
	return nil
}

// checkEntry refuses what is not one of the wanted files, each once and plain.
func checkEntry(f *zip.File, wanted []string, before []*zip.File) *Refusal {
	sameName := func(other *zip.File) bool { return strings.EqualFold(other.Name, f.Name) }
	isWanted := func(name string) bool { return strings.EqualFold(name, f.Name) }
	switch {
	case strings.ContainsAny(f.Name, "/\\\x00:"):
		return refuse("path-in-zip", asPrepared, "the bundle's zip has the path %q", f.Name)
	case slices.ContainsFunc(before, sameName):
		return refuse("duplicate-file", asPrepared, "the bundle's zip has the file %q twice", f.Name)
	case !slices.ContainsFunc(wanted, isWanted):
		return refuse("unexpected-file", asPrepared, "the bundle's zip has the file %q beside %s", f.Name,
			strings.Join(wanted, " and "))
	case !slices.Contains(wanted, f.Name):
		return refuse("unexpected-file", asPrepared, "the bundle's zip has the file %q in another case", f.Name)
	case f.Mode()&fs.ModeSymlink != 0:
		return refuse("link-in-zip", asPrepared, "the bundle's zip has the link %q", f.Name)
	case !f.Mode().IsRegular():
		return refuse("special-file", asPrepared, "the bundle's zip has %q, which is %s", f.Name, kindOf(f.Mode()))
	case f.Flags&1 != 0:
		return refuse("not-a-zip", asPrepared, "the bundle's zip has the encrypted file %q", f.Name)
	case f.UncompressedSize64 > maxFile:
		return refuse("too-large", "prepare a smaller bundle",
			"%s of the bundle unpacks to %d bytes, at most %d are unpacked", f.Name, f.UncompressedSize64, maxFile)
	}
	return nil
}

// kindOf names what a mode says, which is not of a regular file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}

// read unpacks one file.
func read(f *zip.File) ([]byte, *Refusal) {
	r, err := f.Open()
	if err != nil {
		return nil, refuse("not-a-zip", asPrepared, "%s of the bundle cannot be unpacked: %v", f.Name, err)
	}
	defer r.Close()
	data, err := transfer.ReadAll(r, int64(f.UncompressedSize64)) // at most maxFile
	_, over := errors.AsType[*transfer.TooLarge](err)
	switch {
	case over, errors.Is(err, zip.ErrFormat): // what it unpacks to has another size
		return nil, refuse("too-large", asPrepared,
			"%s of the bundle does not unpack to the %d bytes that its zip says",
			f.Name, f.UncompressedSize64)
	case err != nil:
		return nil, refuse("not-a-zip", asPrepared, "%s of the bundle cannot be unpacked: %v", f.Name, err)
	}
	return data, nil
}

// checkFiles holds the bundle against its sources.json, and its size against the event.
func checkFiles(data []byte, files []store.File, size int) *Refusal {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return refuse("not-a-zip", asPrepared, "the bundle is not a readable zip: %v", err)
	}
	stored, err := prepare.OpenStored(r)
	if err != nil {
		return refuse("wrong-content", prepareAgain, "the bundle cannot be checked: %v", err)
	}
	for _, f := range stored.Check() {
		return refuse("wrong-content", prepareAgain, "%s: %s", f.File, f.Message)
	}
	for _, f := range files {
		if f.Name != store.SourcesFile && len(f.Data) != size {
			return refuse("wrong-size", prepareAgain, "%s has %d bytes, the event says %d", f.Name, len(f.Data), size)
		}
	}
	return nil
}
