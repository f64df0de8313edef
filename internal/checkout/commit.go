package checkout

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	gitDir = ".git"
	// maxRef bounds HEAD and a loose ref, maxPackedRefs the file of all others: about 200,000 refs.
	maxRef        = 4 << 10
	maxPackedRefs = 16 << 20
	// maxSymbolic is how many refs may point to one another; git itself stops at five.
	maxSymbolic = 5
)

// Commit reads the checked-out commit (40 or 64 hex digits) from the tree's own .git without running git; "" when there is none.
// The .git of a worktree or submodule is a file that names a directory elsewhere: one outside the tree is not followed.
func (t *Tree) Commit() string {
	git, err := t.openGit()
	if err != nil {
		return ""
	}
	defer git.Close()
	name := "HEAD"
	for range maxSymbolic {
		value := readRef(git, name)
		if isCommit(value) {
			return value
		}
		target, symbolic := strings.CutPrefix(value, "ref:")
		if !symbolic {
			return packedRef(git, name)
		}
		name = strings.TrimSpace(target)
		if !strings.HasPrefix(name, "refs/") || !filepath.IsLocal(filepath.FromSlash(name)) {
			return ""
		}
	}
	return ""
}

// openGit opens the repository's .git; os.Root keeps a link or a gitdir line from leading out of the tree.
func (t *Tree) openGit() (*os.Root, error) {
	info, err := t.root.Stat(gitDir)
	if err != nil || info.IsDir() {
		if err != nil {
			return nil, err
		}
		return t.root.OpenRoot(gitDir)
	}
	dir, _ := strings.CutPrefix(readRef(t.root, gitDir), "gitdir:")
	return t.root.OpenRoot(filepath.FromSlash(strings.TrimSpace(dir)))
}

// readRef is the small text file name without the white space around it; "" when it cannot be read.
func readRef(root *os.Root, name string) string {
	f := openRegular(root, name)
	if f == nil {
		return ""
	}
	defer f.Close()
	data, err := readAll(f, maxRef)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// packedRef looks ref up in packed-refs, whose lines are "<commit> <ref>", comments and peeled tags ("^<commit>").
func packedRef(git *os.Root, ref string) string {
	f := openRegular(git, "packed-refs")
	if f == nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxPackedRefs))
	for lines.Scan() {
		commit, name, _ := strings.Cut(lines.Text(), " ")
		if name == ref && isCommit(commit) {
			return commit
		}
	}
	return ""
}

func openRegular(root *os.Root, name string) *os.File {
	info, err := root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := openSame(root, name, info)
	if err != nil {
		return nil
	}
	return f
}

// isCommit tells a SHA-1 or SHA-256 object name.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
