package prepare

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// maxLinkText is the size of the largest file that may be the text of a link or a Git LFS
// pointer, in bytes. A pointer has less than 1024, and longer links do not occur in
// practice.
const maxLinkText = 1024

// lfsVersions are the first lines of a Git LFS pointer:
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
var lfsVersions = []string{"version https://git-lfs.github.com/spec/v1", "version https://hawser.github.com/spec/v1"}

// IsLFSPointer reports whether data is a Git LFS pointer. Git checks one out instead of a
// file that it did not fetch.
func IsLFSPointer(data []byte) bool {
	version, rest, _ := bytes.Cut(data, []byte("\n"))
	return len(data) <= maxLinkText && slices.Contains(lfsVersions, strings.TrimSpace(string(version))) &&
		bytes.Contains(rest, []byte("oid sha256:")) && bytes.Contains(rest, []byte("\nsize "))
}

// LFSFinding returns the finding that file is a Git LFS pointer. What says what the file
// is, such as "the manifest".
func LFSFinding(file, what string) diag.Finding {
	return diag.GitLFS.At(file, 1, 1, what+" is a Git LFS pointer: the file itself was not fetched",
		"give actions/checkout the input lfs: true, or run git lfs pull before this step")
}

// inspect reports a file that only refers to another one. It returns false if the bundle
// must not have its bytes.
func (f *finder) inspect(role, name string) (ok bool) {
	data, ok := f.files.small(name)
	if !ok { // it is larger; or its reader will report the error
		return true
	}
	if role != "pointer" && IsLFSPointer(data) { // a pointer never has the bytes
		f.findings = append(f.findings, LFSFinding(name, fmt.Sprintf("the %s of agent %q", role, f.entry.Agent)))
		return false
	}
	f.linkText(role, name, data)
	return true
}

// linkText warns if data, the whole content of the file name, is the relative path of
// another file. If core.symlinks is false, git writes a symbolic link as such a file.
func (f *finder) linkText(role, name string, data []byte) {
	text := strings.TrimSuffix(string(data), "\n")
	target := path.Join(path.Dir(name), text)
	switch {
	case text == "" || strings.ContainsAny(text, "\n\r\x00") || path.IsAbs(text):
		return
	case target == "." || target == name || strings.HasPrefix(name, target+"/"):
		return
	}
	exists := f.tree.IsFile(target) || f.tree.IsDir(target)
	if !exists && !pathAlone().MatchString(text) {
		return
	}
	found := LinkFinding(name, fmt.Sprintf("the %s of agent %q", role, f.entry.Agent), text)
	found.Hint += fmt.Sprintf(", or name %q in the manifest", target)
	if !exists {
		found.Message += ", and that file does not exist"
		found.Hint = "replace it with the file itself, or correct the path"
	}
	if !slices.Contains(f.findings, found) {
		f.findings = append(f.findings, found)
	}
}

// pathAlone matches a text that is only a relative path with a directory and an
// extension.
var pathAlone = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[\w.@+-]+/)+[\w.@+-]*\w\.[A-Za-z][A-Za-z0-9]{0,7}$`)
})

// LinkFinding returns the finding that file is only the text of a symbolic link. What
// says what the file is, such as "the manifest".
func LinkFinding(file, what, text string) diag.Finding {
	return diag.LinkAsText.At(file, 1, 1,
		fmt.Sprintf("%s is only the path %q: a symbolic link that was checked out as text", what, text),
		"check out with git's core.symlinks set to true")
}

// LinkText returns the path in data if data, the whole content of a file, is the text of
// a symbolic link. Otherwise it returns "".
func LinkText(data []byte) string {
	text := strings.TrimSuffix(string(data), "\n")
	if len(data) > maxLinkText || !pathAlone().MatchString(text) {
		return ""
	}
	return text
}

// linkedParent warns if name does not exist because a directory above it is the text of a
// link.
func (f *finder) linkedParent(role, name string, err error) {
	if !errors.Is(err, syscall.ENOTDIR) {
		return
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if data, ok := f.files.small(dir); ok {
			f.linkText(role, dir, data)
			return
		}
	}
}
