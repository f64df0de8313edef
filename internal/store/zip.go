package store

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// bannedInNames are the characters that the platform refuses in artifact names.
// https://github.com/actions/toolkit/blob/main/packages/artifact/src/internal/upload/path-and-artifact-name-validation.ts
const bannedInNames = "\":<>|*?\r\n\\/"

// maxName is the longest name that common file systems take, in bytes.
const maxName = 255

// checkName returns why name can't be the name of a file and of an artifact; nil when it
// can.
func checkName(name string) error {
	invalid := func(hint, format string, args ...any) error {
		return &advice.Error{Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	switch {
	case name == "" || name == "." || name == "..":
		return invalid("use letters, digits and . _ -", "name %q is empty or a directory", name)
	case len(name) > maxName:
		return invalid("shorten it", "name %.40q… has %d bytes, %d are allowed", name, len(name), maxName)
	case strings.HasPrefix(name, checkout.TempPrefix):
		return invalid("choose another", "name %q starts with %q, which marks unfinished files", name,
			checkout.TempPrefix)
	case !utf8.ValidString(name) || strings.ContainsAny(name, bannedInNames) ||
		strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return invalid("leave it out", `name %q holds one of " : < > | * ? \ / or a control character`, name)
	}
	return nil
}

// checkFiles returns why files can't be a bundle; nil when they can.
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
			return fmt.Errorf("file name %q appears twice in one bundle", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// The fixed parts of every entry: a regular Unix file, readable by all, of 1 January
// 1980, the first day of DOS times.
const (
	zipMode     = 0o100644 << 16 // upper half of the external attributes
	zipCreator  = 3<<8 | 20      // Unix, version 2.0
	zipVersion  = 20
	zipEpoch    = 1<<5 | 1
	zipUTF8Name = 0x800
)

// Zip packs files into bytes that depend on the files only: sorted, without times, and
// without compression, which a Go release could change. Sizes come before the data, for
// readers of a stream. It refuses a bad file name, and one that appears twice.
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
			//lint:ignore SA1019 CreateRaw writes this field as it is, and ignores Modified.
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

// unzipOnly returns the content of the file name, which must be the only one in data, an
// untrusted zip. It unpacks at most limit bytes, whatever sizes the zip claims.
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
	content, err := transfer.ReadAll(f, limit)
	if _, tooLarge := err.(*transfer.TooLarge); tooLarge {
		return nil, fmt.Errorf("%s unpacks to more than %d bytes", name, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be unpacked: %w", name, err)
	}
	return content, nil
}
