package prepare

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// maxStored is the largest bundle and sources.json that Verify reads, in bytes; see
// MaxFrom.
const maxStored = MaxFrom

// maxExtra is how many files beside the bundle are looked at.
const maxExtra = 20

// Verify checks the stored bundle in the directory bundle (os.Root's FS keeps it from being
// left) against its sources.json, and the files of the checkout tree too unless tree is
// nil. The findings are sorted, and name files of the bundle's directory and of the
// checkout. An error means that there is no bundle to check: sources.json cannot be read.
func Verify(bundle fs.FS, tree *checkout.Tree) ([]diag.Finding, error) {
	data, err := readStored(bundle, SourcesName, maxStored)
	if err != nil {
		return nil, fmt.Errorf("the directory holds no bundle: %s: %w", SourcesName, withoutPath(err))
	}
	var s sourcesFile
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s is not what prepare wrote: %w", SourcesName, err)
	}
	if !slices.Contains([]string{contentName(Markdown), contentName(JSON)}, s.Bundle.Name) {
		return nil, fmt.Errorf("%s names the bundle %q, not bundle.md or bundle.json", SourcesName, s.Bundle.Name)
	}
	findings := append(verifyContent(bundle, s.Bundle), extraFiles(bundle, s.Bundle.Name)...)
	if tree != nil {
		findings = append(findings, verifyTree(tree, &s)...)
	}
	diag.Sort(findings)
	return findings, nil
}

// extraFiles reports files beside the bundle that do not belong to it: a reader could
// take one for a part. The event and the receipt are what the directory store adds.
func extraFiles(bundle fs.FS, content string) []diag.Finding {
	var names []string
	dir, err := bundle.Open(".")
	if err == nil {
		defer dir.Close()
		if d, ok := dir.(fs.ReadDirFile); ok {
			entries, _ := d.ReadDir(maxExtra) // what cannot be listed cannot be taken for a part either
			for _, e := range entries {
				names = append(names, e.Name())
			}
		}
	}
	var findings []diag.Finding
	for _, name := range names {
		if !slices.Contains([]string{content, SourcesName, "event.json", "receipt.json"}, name) {
			findings = append(findings, diag.Changed.At(name, 0, 0,
				"stands beside the bundle, but sources.json does not know it",
				"remove it, or fetch the bundle again"))
		}
	}
	return findings
}

// verifyTree compares the commit and every file that the bundle was made of.
func verifyTree(tree *checkout.Tree, s *sourcesFile) []diag.Finding {
	var findings []diag.Finding
	if commit, _ := tree.Commit(); commit != "" && s.Commit != "" && commit != s.Commit {
		findings = append(findings, diag.Changed.At(SourcesName, 0, 0,
			fmt.Sprintf("the bundle is of commit %q, the checkout of %q", s.Commit, commit),
			"check out the bundle's commit"))
	}
	for _, want := range s.Files {
		findings = append(findings, verifySource(tree, want)...)
	}
	return findings
}

// reason drops the system call and the path from err: what is said names the path already.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// readStored reads a regular file of at most limit bytes.
func readStored(dir fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular(): // opening a FIFO would block
		return nil, checkout.ErrNotRegular
	case info.Size() > limit:
		return nil, checkout.ErrTooLarge
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

func verifyContent(bundle fs.FS, want bundleFile) []diag.Finding {
	content, err := readStored(bundle, want.Name, maxStored)
	switch {
	case err != nil:
		return []diag.Finding{diag.Changed.At(want.Name, 0, 0,
			fmt.Sprintf("the bundle cannot be read: %v", withoutPath(err)), "fetch the bundle again")}
	case digestOf(content) != want.SHA256 || int64(len(content)) != want.Size:
		return []diag.Finding{diag.Changed.At(want.Name, 0, 0,
			"the bundle is not the one that sources.json describes", "fetch the bundle again")}
	}
	return nil
}

// verifySource compares one file of the checkout; without a digest the size must do.
func verifySource(tree *checkout.Tree, want source) []diag.Finding {
	c := collector{finder: finder{tree: tree}}
	got, err := c.readSource(want.Role, want.Path, maxDigest, discard)
	var message string
	switch {
	case errors.Is(err, checkout.ErrEscapes):
		message = "leads out of the checkout"
	case err != nil:
		message = fmt.Sprintf("cannot be read: %v", withoutPath(err))
	case got.Size != want.Size || want.SHA256 != "" && got.SHA256 != want.SHA256:
		message = fmt.Sprintf("differs: it has %d bytes (sha256 %s), the bundle was made of %d (sha256 %s)",
			got.Size, shortDigest(got.SHA256), want.Size, shortDigest(want.SHA256))
	default:
		return nil
	}
	return []diag.Finding{diag.Changed.At(want.Path, 0, 0,
		fmt.Sprintf("the %s of the bundle %s", want.Role, message), "prepare the bundle again")}
}

// brief is the start of a digest, enough to see which one it is.
func shortDigest(sum string) string {
	switch {
	case sum == "":
		return "not taken"
	case len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "": // sources.json may say anything
		return strconv.Quote(sum)
	}
	return sum[:12] + "…"
}
