package prepare

import (
	"context"
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
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// maxStored is the size of the largest bundle and sources.json that is read, in bytes.
const maxStored = MaxFrom

// ErrNoBundle means that a directory has no sources.json.
var ErrNoBundle = errors.New("the directory has no bundle")

// Limits on what is reported about one bundle, and on the text that its sources.json gives.
const (
	maxExtra   = 20  // files that do not belong to it
	maxChanged = 100 // files of the checkout that differ
	maxText    = 300 // characters of a path, a commit or a digest
)

// again is the hint for a bundle that is not as it was stored.
const again = "fetch the bundle again"

// Stored is a stored bundle, as its sources.json describes it. All of it is untrusted.
type Stored struct {
	dir     fs.FS
	sources sourcesFile
	invalid []diag.Finding // why sources.json cannot be used
}

// OpenStored reads the sources.json of the bundle in a directory. The error is ErrNoBundle,
// or says why the file cannot be read. The caller confines dir to its directory, as the FS
// of an os.Root does.
func OpenStored(dir fs.FS) (*Stored, error) {
	s := &Stored{dir: dir}
	data, err := readStored(dir, SourcesName, maxStored)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s: %w", ErrNoBundle, SourcesName, withoutPath(err))
	case errors.Is(err, checkout.ErrNotRegular), errors.Is(err, checkout.ErrTooLarge):
		s.reject("%v", err)
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", SourcesName, withoutPath(err))
	}
	if err := json.Unmarshal(data, &s.sources); err != nil {
		s.reject("is not the output of prepare: %v", err)
		return s, nil
	}
	if name := s.sources.Bundle.Name; !slices.Contains([]string{contentName(Markdown), contentName(JSON)}, name) {
		s.reject("names the bundle %q, not bundle.md or bundle.json", safetext.Shorten(name, maxText))
	}
	return s, nil
}

func (s *Stored) reject(format string, args ...any) {
	s.invalid = []diag.Finding{diag.Changed.At(SourcesName, 0, 0, fmt.Sprintf(format, args...), again)}
}

// Check compares the bundle with its sources.json. The findings are sorted and name files
// of the bundle's directory.
func (s *Stored) Check() []diag.Finding {
	if s.invalid != nil {
		return s.invalid
	}
	findings := append(verifyContent(s.dir, s.sources.Bundle), extraFiles(s.dir, s.sources.Bundle.Name)...)
	diag.Sort(findings)
	return findings
}

// CheckSources compares the commit and every source of the bundle with the checkout, until
// it has 100 findings. They are sorted and name files of the checkout. The error is that of
// ctx.
func (s *Stored) CheckSources(ctx context.Context, files *Files) ([]diag.Finding, error) {
	if s.invalid != nil {
		return nil, nil
	}
	var findings []diag.Finding
	if commit, _ := files.commit(); commit != "" && s.sources.Commit != "" && commit != s.sources.Commit {
		findings = append(findings, diag.Changed.At(SourcesName, 0, 0,
			fmt.Sprintf("the bundle is from commit %q, the checkout is at %q",
				safetext.Shorten(s.sources.Commit, maxText), commit), "check out the commit of the bundle"))
	}
	for i, want := range s.sources.Files {
		if err := ctx.Err(); err != nil {
			return findings, err
		}
		if len(findings) >= maxChanged {
			findings = append(findings, diag.Changed.At(SourcesName, 0, 0,
				fmt.Sprintf("%d more files of the bundle are not compared, because so many differ",
					len(s.sources.Files)-i), "prepare the bundle again"))
			break
		}
		findings = append(findings, verifySource(files, want)...)
	}
	diag.Sort(findings)
	return findings, nil
}

// extraFiles reports files that do not belong to the bundle, because a consumer could
// read one as a part of it. The directory store adds the event and the records of its
// delivery.
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
		if !slices.Contains([]string{content, SourcesName, "event.json", "receipt.json", "partial.json"}, name) {
			findings = append(findings, diag.Changed.At(name, 0, 0,
				"is in the bundle's directory, but not in sources.json", "remove it, or "+again))
		}
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
			fmt.Sprintf("the bundle cannot be read: %v", withoutPath(err)), again)}
	case digestOf(content) != want.SHA256 || int64(len(content)) != want.Size:
		return []diag.Finding{diag.Changed.At(want.Name, 0, 0,
			"the bundle differs from its size or digest in sources.json", again)}
	}
	return nil
}

// verifySource compares one file of the checkout. Without a digest it compares the size.
func verifySource(files *Files, want source) []diag.Finding {
	got, err := files.digest(want.Path, maxDigest)
	var message string
	switch {
	case errors.Is(err, checkout.ErrEscapes):
		message = "is outside the checkout"
	case err != nil:
		message = fmt.Sprintf("cannot be read: %v", rootCause(err))
	case got.size != want.Size || want.SHA256 != "" && got.sha256 != want.SHA256:
		message = fmt.Sprintf("differs: it has %d bytes (sha256 %s), the bundle was built from %d (sha256 %s)",
			got.size, shortDigest(got.sha256), want.Size, shortDigest(want.SHA256))
	default:
		return nil
	}
	role := want.Role
	if !slices.Contains([]string{"prompt", "memory", "metrics", "pointer"}, role) {
		role = "file"
	}
	return []diag.Finding{diag.Changed.At(safetext.Shorten(want.Path, maxText), 0, 0,
		fmt.Sprintf("the %s of the bundle %s", role, message), "prepare the bundle again")}
}

// shortDigest returns the start of a digest, which is enough to recognise it.
func shortDigest(sum string) string {
	switch {
	case sum == "":
		return "unknown"
	case len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "": // sources.json is untrusted
		return strconv.Quote(safetext.Shorten(sum, maxText))
	}
	return sum[:12] + "…"
}
