package store

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// bannedInNames are the characters that the platform refuses in artifact names (platform-facts, "Job artifacts").
const bannedInNames = "\":<>|*?\r\n\\/"

// maxName is what file systems commonly take, in bytes.
const maxName = 255

// checkName reports why name can be neither one file's nor one artifact's; nil when it can.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("name %q is empty or a directory: use letters, digits and . _ -", name)
	case len(name) > maxName:
		return fmt.Errorf("name %.40q… has %d bytes, %d are allowed: shorten it", name, len(name), maxName)
	case strings.HasPrefix(name, temporary):
		return fmt.Errorf("name %q starts with %q, which is kept for unfinished files: choose another", name, temporary)
	case !utf8.ValidString(name) || strings.ContainsAny(name, bannedInNames) ||
		strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return fmt.Errorf(`name %q holds one of " : < > | * ? \ / or a control character: leave it out`, name)
	}
	return nil
}

// checkFiles reports why files can't be a bundle; nil when they can.
func checkFiles(files []File) error {
	if len(files) == 0 {
		return errors.New("a bundle has at least one file")
	}
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if err := checkName(f.Name); err != nil {
			return fmt.Errorf("file %w", err)
		}
		if seen[f.Name] {
			return fmt.Errorf("file name %q stands twice in one bundle", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// The fixed parts of every entry: a Unix regular file, readable by all, of 1 January 1980, the first day DOS times know.
const (
	zipMode     = 0o100644 << 16 // upper half of the external attributes
	zipCreator  = 3<<8 | 20      // Unix, version 2.0
	zipVersion  = 20
	zipEpoch    = 1<<5 | 1
	zipUTF8Name = 0x800
)

// Zip packs files into bytes that depend on nothing but the files: sorted, no times, no compression that a Go release could change.
// Sizes stand before the data, so that readers of a stream can follow. Errors: a name that is no file name, or stands twice.
func Zip(files []File) ([]byte, error) {
	if err := checkFiles(files); err != nil {
		return nil, fmt.Errorf("zip: %w", err)
	}
	sorted := slices.SortedFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range sorted {
		h := &zip.FileHeader{
			Name:           f.Name,
			CreatorVersion: zipCreator,
			ReaderVersion:  zipVersion,
			Method:         zip.Store,
			//lint:ignore SA1019 CreateRaw writes this field as it is, and takes no notice of Modified.
			ModifiedDate:       zipEpoch,
			CRC32:              crc32.ChecksumIEEE(f.Data),
			CompressedSize64:   uint64(len(f.Data)),
			UncompressedSize64: uint64(len(f.Data)),
			ExternalAttrs:      zipMode,
		}
		if strings.ContainsFunc(f.Name, func(r rune) bool { return r >= utf8.RuneSelf }) {
			h.Flags = zipUTF8Name
		}
		entry, err := w.CreateRaw(h)
		if err != nil {
			return nil, fmt.Errorf("zip: %q: %w", f.Name, err)
		}
		if _, err := entry.Write(f.Data); err != nil {
			return nil, fmt.Errorf("zip: %q: %w", f.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("zip: %w", err)
	}
	return buf.Bytes(), nil
}

// unzipOnly returns the content of the single file name that data, an untrusted zip, must consist of.
// What the zip says about sizes is not believed: at most limit bytes are unpacked.
func unzipOnly(data []byte, name string, limit int64) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("is not a readable zip: %w", err)
	}
	if len(r.File) != 1 || r.File[0].Name != name {
		return nil, fmt.Errorf("does not hold exactly one file %s", name)
	}
	f, err := r.File[0].Open()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be unpacked: %w", name, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be unpacked: %w", name, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s unpacks to more than %d bytes", name, limit)
	}
	return content, nil
}
