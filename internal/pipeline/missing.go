package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// missingManifest reports a missing manifest with the most likely reason.
func (o ProjectOptions) missingManifest(tree *checkout.Tree, file string) diag.Finding {
	report := func(message, hint string) diag.Finding { return diag.Unreadable.At(file, 0, 0, message, hint) }
	if found := misnamed(tree, file); found != "" {
		return report(fmt.Sprintf("there is no such file; found %q", found), fmt.Sprintf("rename it to %s", file))
	}
	if o.Env.Actions && isEmpty(tree) {
		return report("there is no such file, and the checkout is empty",
			"check the repository out in a step before this one: - uses: actions/checkout@v7")
	}
	if root := manifestAbove(tree.Dir(), file, o.Env.Workspace); root != "" {
		return report(fmt.Sprintf("there is no such file here; the repository's manifest is %s",
			filepath.Join(root, file)),
			fmt.Sprintf("run this in %s, or give --target %[1]s", root))
	}
	return report("there is no such file", "run `action init` to write one, or name the manifest with --schedule")
}

// maxSiblings is how many file names of a directory are searched for the manifest.
const maxSiblings = 200

// SecondManifest returns an error if the tree gets a second manifest with the default one:
// beside a manifest with another name, or below one in a directory above. The workspace is
// "" on a plain terminal.
func SecondManifest(tree *checkout.Tree, workspace string) error {
	const file = schedule.DefaultPath
	if tree.IsFile(file) {
		return nil
	}
	if found := misnamed(tree, file); found != "" && looksLikeManifest(tree, found) {
		return advice.New("rename it to "+file+", or rename it to something else, then run init again",
			"%q is probably the manifest", found)
	}
	if above := manifestAbove(tree.Dir(), file, workspace); above != "" {
		return advice.New("add the agents of this directory to it, or run init in "+above,
			"the repository has a manifest already, %s", filepath.Join(above, file))
	}
	return nil
}

// looksLikeManifest reports whether a file may be a manifest. Inside .kaizen every file
// may; elsewhere it has to contain a word of a manifest.
func looksLikeManifest(tree *checkout.Tree, name string) bool {
	if path.Dir(name) == path.Dir(schedule.DefaultPath) {
		return true
	}
	data, err := tree.ReadFile(name, schedule.MaxSize)
	return err == nil && slices.ContainsFunc([]string{"agents", "schedules"}, func(key string) bool {
		return bytes.Contains(data, []byte(key+":"))
	})
}

// misnamed returns a file that is probably the manifest: its name differs in case or ends
// in .yaml, or it is at the root. It returns "" if there is none.
func misnamed(tree *checkout.Tree, file string) string {
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

// isEmpty reports whether the checkout has only files that this program or the runner may
// have created.
func isEmpty(tree *checkout.Tree) bool {
	names, err := tree.ReadDir(".", maxSiblings)
	return err == nil && (len(names) == 0 || len(names) == 1 && names[0] == ".kaizen")
}

// manifestAbove returns the directory above dir that has the manifest, or "". It searches
// up to the repository's root and never leaves the workspace, which is "" on a plain
// terminal.
func manifestAbove(dir, file, workspace string) string {
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

// Unreadable returns the finding for a file that cannot be read.
func Unreadable(file string, err error) diag.Finding {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return diag.Unreadable.At(file, 0, 0, "there is no such file",
			"correct the path, which is relative to the working directory")
	case errors.Is(err, checkout.ErrNotRegular):
		return diag.Unreadable.At(file, 0, 0, "is not a regular file",
			"replace it with a file, or name the manifest with --schedule")
	case errors.Is(err, checkout.ErrEscapes):
		return diag.Unreadable.At(file, 0, 0, "lies outside the checkout", "name a file inside it with --schedule")
	case errors.Is(err, checkout.ErrTooLarge):
		return diag.TooLarge.At(file, 0, 0, fmt.Sprintf("is larger than %d KiB", schedule.MaxSize>>10),
			"a manifest lists agents only: keep prompts and data in files of their own")
	case errors.Is(err, fs.ErrPermission):
		return diag.Unreadable.At(file, 0, 0, "may not be read by this process", "give it read permission")
	}
	return diag.Unreadable.At(file, 0, 0, "can't be read: "+RootCause(err).Error(), "check the file")
}

// RootCause returns the innermost error, without calls and paths around it.
func RootCause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
