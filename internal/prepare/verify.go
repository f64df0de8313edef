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

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// maxStored is the size of the largest bundle and sources.json that Verify reads, in
// bytes.
const maxStored = MaxFrom

// bundleHint is the hint for a directory without a valid bundle.
const bundleHint = "name the directory of a bundle, such as .kaizen/prepared/kaizen.web.coach.2026-W48"

// maxExtra is the largest number of files in a bundle's directory that Verify lists.
const maxExtra = 20

// Verify checks the stored bundle in a directory against its sources.json, and against
// the files in tree unless that is nil. The findings are sorted, and name files of the
// bundle's directory and of the checkout. The error reports that sources.json cannot be
// read. The caller confines bundle to its directory, as the FS of an os.Root does.
func Verify(bundle fs.FS, tree *checkout.Tree) ([]diag.Finding, error) {
	data, err := readStored(bundle, SourcesName, maxStored)
	if err != nil {
		return nil, advice.New(bundleHint, "the directory has no bundle: %s: %w", SourcesName, withoutPath(err))
	}
	var s sourcesFile
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, advice.New(bundleHint, "%s is not the output of prepare: %w", SourcesName, err)
	}
	if !slices.Contains([]string{contentName(Markdown), contentName(JSON)}, s.Bundle.Name) {
		return nil, advice.New(bundleHint, "%s names the bundle %q, not bundle.md or bundle.json", SourcesName, s.Bundle.Name)
	}
	findings := append(verifyContent(bundle, s.Bundle), extraFiles(bundle, s.Bundle.Name)...)
	if tree != nil {
		findings = append(findings, verifyTree(tree, &s)...)
	}
	diag.Sort(findings)
	return findings, nil
}

// extraFiles reports files that do not belong to the bundle, because a consumer could
// read one as a part of it. The directory store adds the event and the receipt.
func extraFiles(bundle fs.FS, content string) []diag.Finding {
	var names []string
	dir, err := bundle.Open(".")
	if err == nil {
		defer dir.Close()
		if d, ok := dir.(fs.ReadDirFile); ok {
			entries, _ := d.ReadDir(maxExtra) // a consumer cannot list them either
			for _, e := range entries {
				names = append(names, e.Name())
			}
		}
	}
	var findings []diag.Finding
	for _, name := range names {
		if !slices.Contains([]string{content, SourcesName, "event.json", "receipt.json"}, name) {
			findings = append(findings, diag.Changed.At(name, 0, 0,
				"is in the bundle's directory, but not in sources.json",
				"remove it, or fetch the bundle again"))
		}
	}
	return findings
}

// verifyTree compares the commit and every source file of the bundle with the checkout.
func verifyTree(tree *checkout.Tree, s *sourcesFile) []diag.Finding {
	var findings []diag.Finding
	if commit, _ := tree.Commit(); commit != "" && s.Commit != "" && commit != s.Commit {
		findings = append(findings, diag.Changed.At(SourcesName, 0, 0,
			fmt.Sprintf("the bundle is from commit %q, the checkout is at %q", s.Commit, commit),
			"check out the commit of the bundle"))
	}
	for _, want := range s.Files {
		findings = append(findings, verifySource(tree, want)...)
	}
	return findings
}

// withoutPath drops the system call and the path from err, because the message has the
// path already.
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
			"the bundle differs from its size or digest in sources.json", "fetch the bundle again")}
	}
	return nil
}

// verifySource compares one file of the checkout. Without a digest it compares the size.
func verifySource(tree *checkout.Tree, want source) []diag.Finding {
	c := collector{finder: finder{tree: tree}}
	got, err := c.readSource(want.Role, want.Path, maxDigest, discard)
	var message string
	switch {
	case errors.Is(err, checkout.ErrEscapes):
		message = "is outside the checkout"
	case err != nil:
		message = fmt.Sprintf("cannot be read: %v", withoutPath(err))
	case got.Size != want.Size || want.SHA256 != "" && got.SHA256 != want.SHA256:
		message = fmt.Sprintf("differs: it has %d bytes (sha256 %s), the bundle was built from %d (sha256 %s)",
			got.Size, shortDigest(got.SHA256), want.Size, shortDigest(want.SHA256))
	default:
		return nil
	}
	return []diag.Finding{diag.Changed.At(want.Path, 0, 0,
		fmt.Sprintf("the %s of the bundle %s", want.Role, message), "prepare the bundle again")}
}

// shortDigest returns the start of a digest, which is enough to recognise it.
func shortDigest(sum string) string {
	switch {
	case sum == "":
		return "unknown"
	case len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "": // sources.json is untrusted
		return strconv.Quote(sum)
	}
	return sum[:12] + "…"
}
