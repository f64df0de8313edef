package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// missingManifest reports a manifest that is not there, with the nearest reason.
func (o ProjectOptions) missingManifest(tree *checkout.Tree, file string) diag.Finding {
	report := func(message, hint string) diag.Finding { return diag.Unreadable.At(file, 0, 0, message, hint) }
	if found := Misnamed(tree, file); found != "" {
		return report(fmt.Sprintf("there is no such file; found %q", found), fmt.Sprintf("rename it to %s", file))
	}
	if o.Actions && isEmpty(tree) {
		return report("there is no such file, and the checkout is empty",
			"check the repository out in a step before this one: - uses: actions/checkout@v7")
	}
	if root := ManifestAbove(tree.Dir(), file, o.Workspace); root != "" {
		return report(fmt.Sprintf("there is no such file here; the repository's manifest is %s", filepath.Join(root, file)),
			fmt.Sprintf("run this in %s, or give --target %[1]s", root))
	}
	return report("there is no such file", "run `action init` to write one, or name the manifest with --schedule")
}

// maxSiblings is how many names of a directory are read in search of the manifest.
const maxSiblings = 200

// Misnamed is a file that was probably meant to be the manifest: its name differs in case, or ends in .yaml, or it
// stands at the root. It is "" if there is none.
func Misnamed(tree *checkout.Tree, file string) string {
	stem := strings.ToLower(strings.TrimSuffix(path.Base(file), path.Ext(file)))
	for _, dir := range []string{path.Dir(file), "."} {
		names, err := tree.ReadDir(dir, maxSiblings)
		if err != nil {
			continue
		}
		for _, name := range names {
			ext := strings.ToLower(path.Ext(name))
			full := path.Join(dir, name)
			same := strings.ToLower(name[:len(name)-len(ext)]) == stem && (ext == ".yml" || ext == ".yaml")
			if same && full != file && tree.IsFile(full) {
				return full
			}
		}
	}
	return ""
}

// isEmpty reports whether the checkout has nothing but what this program or the runner may have put there.
func isEmpty(tree *checkout.Tree) bool {
	names, err := tree.ReadDir(".", maxSiblings)
	return err == nil && (len(names) == 0 || len(names) == 1 && names[0] == ".kaizen")
}

// ManifestAbove is the directory above dir, up to the repository's root, that has the manifest; "" if none has. It
// does not leave the workspace, which is "" outside of a container.
func ManifestAbove(dir, file, workspace string) string {
	for !isRoot(dir) && dir != filepath.Dir(dir) {
		if workspace != "" && dir == filepath.Clean(workspace) {
			return ""
		}
		dir = filepath.Dir(dir)
		if info, err := os.Lstat(filepath.Join(dir, file)); err == nil && info.Mode().IsRegular() {
			return dir
		}
	}
	return ""
}

// isRoot reports whether dir is the root of a repository.
func isRoot(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, ".git"))
	return err == nil
}

// Unreadable says in one sentence why file can't be read.
func Unreadable(file string, err error) diag.Finding {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return diag.Unreadable.At(file, 0, 0, "there is no such file", "correct the path, which is relative to the working directory")
	case errors.Is(err, checkout.ErrNotRegular):
		return diag.Unreadable.At(file, 0, 0, "is not a regular file", "replace it with a file, or name the manifest with --schedule")
	case errors.Is(err, checkout.ErrEscapes):
		return diag.Unreadable.At(file, 0, 0, "lies outside the checkout", "name a file inside it with --schedule")
	case errors.Is(err, checkout.ErrTooLarge):
		return diag.TooLarge.At(file, 0, 0, fmt.Sprintf("is larger than %d KiB", schedule.MaxSize>>10), "a manifest lists agents only: keep prompts and data in files of their own")
	case errors.Is(err, fs.ErrPermission):
		return diag.Unreadable.At(file, 0, 0, "may not be read by this process", "give it read permission")
	}
	return diag.Unreadable.At(file, 0, 0, "can't be read: "+RootCause(err).Error(), "check the file")
}

// RootCause is the innermost reason, without the calls and the paths around it.
func RootCause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
