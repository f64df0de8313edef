package checkout

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	gitDir = ".git"
	// maxRef limits HEAD and a loose ref. maxPackedRefs limits packed-refs to about
	// 200,000 refs.
	maxRef        = 4 << 10
	maxPackedRefs = 16 << 20
	// maxSymbolic is the longest chain of symbolic refs. Git has the same limit.
	maxSymbolic = 5
)

// ErrNoRepository means that the tree has no .git of its own.
var ErrNoRepository = errors.New("there is no .git")

// Commit returns the checked-out commit of the tree's own .git, 40 or 64 hex digits,
// without running git. The error is ErrNoRepository if there is no .git. In a worktree or
// submodule, .git is a file that names another directory. A directory outside the tree is
// not read, which is an error.
func (t *Tree) Commit() (string, error) {
	git, err := t.openRepository()
	if err != nil {
		return "", err
	}
	defer git.close()
	name := "HEAD"
	for range maxSymbolic {
		value := git.ref(name)
		if IsCommit(value) {
			return value, nil
		}
		target, symbolic := strings.CutPrefix(value, "ref:")
		if !symbolic {
			return git.packed(name)
		}
		name = strings.TrimSpace(target)
		if !strings.HasPrefix(name, "refs/") || !filepath.IsLocal(filepath.FromSlash(name)) {
			return "", fmt.Errorf(".git: HEAD leads to %q, which is not a ref", name)
		}
	}
	return "", errors.New(".git: HEAD leads through too many symbolic refs")
}

// repository is an open .git: the directory with HEAD, and the directory with the refs,
// which linked worktrees share.
type repository struct {
	tree        *Tree
	own, common *os.Root
}

func (r repository) close() {
	r.own.Close()
	r.common.Close()
}

// openRepository opens the tree's .git and, if it is that of a worktree, the directory
// with the refs.
func (t *Tree) openRepository() (repository, error) {
	own, dir, err := t.openGit()
	if err != nil {
		return repository{}, err
	}
	common := readRef(own, "commondir")
	shared, err := t.openLinked(dir, common)
	if err != nil {
		own.Close()
		return repository{}, err
	}
	return repository{t, own, shared}, nil
}

// openGit opens the repository's .git and returns its path in the tree.
func (t *Tree) openGit() (git *os.Root, dir string, err error) {
	if t.git == nil {
		return nil, "", ErrNoRepository
	}
	info, err := t.root.Stat(gitDir)
	if err != nil {
		return nil, "", fmt.Errorf(".git cannot be read: %w", Reason(err))
	}
	if info.IsDir() {
		git, err = t.openLinked(gitDir, "")
		return git, gitDir, err
	}
	target, ok := strings.CutPrefix(readRef(t.root, gitDir), "gitdir:")
	if !ok {
		return nil, "", errors.New(".git is a file that names no directory")
	}
	target = strings.TrimSpace(target)
	git, err = t.openLinked("", target)
	return git, t.inside("", target), err
}

// openLinked opens target, which a .git or commondir file in dir names. A target outside
// the tree is an error.
func (t *Tree) openLinked(dir, target string) (*os.Root, error) {
	name := t.inside(dir, target)
	if !filepath.IsLocal(name) {
		return nil, errors.New(".git points outside the checkout, where no file is read " +
			"(a linked worktree, a submodule or a separate directory)")
	}
	git, err := t.root.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("the directory of .git cannot be read: %w", Reason(err))
	}
	return git, nil
}

// inside returns target, which is absolute or relative to dir, as a path relative to the
// tree. The path is not local if it is outside.
func (t *Tree) inside(dir, target string) string {
	target = filepath.FromSlash(target)
	if !filepath.IsAbs(target) {
		return filepath.Join(dir, target)
	}
	if rel, err := filepath.Rel(t.dir, target); err == nil {
		return rel
	}
	return target
}

// ref returns the text of a loose ref, or "" if there is none.
func (r repository) ref(name string) string {
	return cmp.Or(readRef(r.own, name), readRef(r.common, name))
}

// packed returns the commit of a ref that is not loose.
func (r repository) packed(name string) (string, error) {
	if commit := r.packedRef(name); commit != "" {
		return commit, nil
	}
	if _, err := r.common.Stat("reftable"); err == nil {
		return "", errors.New("the repository keeps its refs in the reftable format, which is not supported")
	}
	if name == "HEAD" {
		return "", errors.New(".git has no HEAD that can be read")
	}
	return "", fmt.Errorf(".git has no commit for %q", name)
}

// readRef returns the text of a small file without the white space around it, or "" if it
// cannot be read.
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

// packedRef looks ref up in packed-refs, whose lines are "<commit> <ref>", comments and
// peeled tags ("^<commit>").
func (r repository) packedRef(ref string) string {
	f := r.open(r.common, "packed-refs")
	if f == nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxPackedRefs))
	for lines.Scan() {
		commit, name, _ := strings.Cut(lines.Text(), " ")
		if name == ref && IsCommit(commit) {
			return commit
		}
	}
	return ""
}

// open opens a regular file of the repository with the limits of the run, or returns nil.
func (r repository) open(root *os.Root, name string) *File {
	f := openRegular(root, name)
	if f == nil {
		return nil
	}
	return r.tree.limited(gitDir+"/"+name, f)
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

// IsCommit reports whether s is the id of a commit: 40 or 64 lower-case hex digits.
func IsCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
