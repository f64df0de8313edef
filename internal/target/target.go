// Package target is the grammar of dispatch-to: the places to which events are sent.
//
//	acme/core                                     gets a repository_dispatch
//	acme/core/.github/workflows/react.yml@main    is started by workflow_dispatch
package target

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// Target is a repository, or a workflow in it at a branch or tag.
type Target struct {
	Repository string // owner/name
	Workflow   string // path of the workflow's file; "" for a repository_dispatch
	Ref        string // branch or tag, as written; "" for a repository_dispatch
}

// IsWorkflow reports whether the target is a workflow.
func (t Target) IsWorkflow() bool { return t.Workflow != "" }

// Equal reports whether t and u are the same target. The platforms ignore the case of the
// names of repositories.
func (t Target) Equal(u Target) bool {
	return strings.EqualFold(t.Repository, u.Repository) && t.Workflow == u.Workflow && t.Ref == u.Ref
}

// File is the name of the workflow's file, by which the API knows the workflow.
func (t Target) File() string { return path.Base(t.Workflow) }

// String returns the target as Parse reads it.
func (t Target) String() string {
	if !t.IsWorkflow() {
		return t.Repository
	}
	return t.Repository + "/" + t.Workflow + "@" + t.Ref
}

// The directories in which a platform looks for workflows. None of them looks into their
// subdirectories under one name.
const (
	GitHubDir  = ".github/workflows"
	giteaDir   = ".gitea/workflows"
	forgejoDir = ".forgejo/workflows"
)

var dirs = []string{GitHubDir, giteaDir, forgejoDir}

// Limits of the parts, in bytes. Git's own limit of a name is that of the file system.
const (
	maxFile = 100
	maxRef  = 250
)

const (
	writeRepository = "write owner/repo"
	theWorkflow     = "owner/repo/" + GitHubDir + "/FILE.yml@BRANCH"
)

// Parse reads one target. The error has a hint with what to write.
func Parse(s string) (Target, error) {
	owner, rest, _ := strings.Cut(s, "/")
	name, file, deeper := strings.Cut(rest, "/")
	branch, hasBranch := "", false
	if !deeper {
		name, branch, hasBranch = strings.Cut(name, "@")
	}
	t := Target{Repository: owner + "/" + name}
	switch {
	case !bundleid.IsRepository(t.Repository):
		return Target{}, advice.New(writeRepository+", one per line or separated by commas",
			"%q is not a repository", s)
	case hasBranch:
		return Target{}, advice.New(fmt.Sprintf("write %s, or name a workflow: %[1]s/%s/FILE.yml@%s", t.Repository,
			GitHubDir, orBranch(branch)), "%q names a branch, but no workflow", s)
	case !deeper:
		return t, nil
	}
	t.Workflow, t.Ref, _ = strings.Cut(file, "@")
	return t.check(s)
}

// check checks the workflow and its ref.
func (t Target) check(s string) (Target, error) {
	dir, name := path.Split(t.Workflow)
	known := slices.Contains(dirs, strings.TrimSuffix(dir, "/"))
	switch {
	case !isFile(name):
		return Target{}, advice.New(writeRepository+", or for a workflow "+theWorkflow,
			"%q names no workflow, which is a file that ends in .yml or .yaml", s)
	case !known:
		return Target{}, advice.New(
			fmt.Sprintf("write %s/%s/%s@%s", t.Repository, GitHubDir, name, orBranch(t.Ref)),
			"%q names no file directly below %s", s, strings.Join(dirs, ", "))
	case t.Ref == "":
		return Target{}, advice.New(fmt.Sprintf("write %s/%s@ and the branch, such as main", t.Repository, t.Workflow),
			"%q does not say on which branch or tag the workflow starts", s)
	case isCommit(t.Ref):
		return Target{}, advice.New("name a branch or a tag behind the @",
			"%q names a commit, on which the platform starts no workflow", s)
	case !isRef(t.Ref):
		return Target{}, advice.New("write "+theWorkflow, "%q: %q is not the name of a branch or tag", s, t.Ref)
	}
	return t, nil
}

// orBranch is the ref that a hint repeats, or a placeholder.
func orBranch(ref string) string {
	if isRef(ref) {
		return ref
	}
	return "BRANCH"
}

// isFile reports whether s can be the name of a workflow's file, and needs no escaping in
// the path of a request.
func isFile(s string) bool {
	base, ok := strings.CutSuffix(s, ".yml")
	if !ok {
		base, ok = strings.CutSuffix(s, ".yaml")
	}
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return ok && base != "" && len(s) <= maxFile && strings.Trim(s, plain) == "" && !strings.Contains(s, "..")
}

// isCommit reports whether s is the full name of a commit.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// isRef reports whether s can be the name of a branch or tag, also in full (refs/heads/…),
// by the rules of https://git-scm.com/docs/git-check-ref-format. Invisible characters are
// refused, too.
func isRef(s string) bool {
	if s == "" || s == "@" || len(s) > maxRef || strings.HasPrefix(s, "-") || strings.HasSuffix(s, ".") {
		return false
	}
	if strings.Contains(s, "..") || strings.Contains(s, "@{") || strings.ToValidUTF8(s, "") != s {
		return false
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || strings.ContainsRune(`~^:?*[\`+"\u00a0", r) || safetext.IsInvisible(r)
	}) {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// ParseList reads targets separated by commas or line ends. A target named twice counts
// once.
func ParseList(s string) ([]Target, error) {
	var targets []Target
	seen := make(map[Target]bool)
	for _, text := range Split(s) {
		t, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("dispatch-to: %w", err)
		}
		key := Target{strings.ToLower(t.Repository), t.Workflow, t.Ref}
		if !seen[key] {
			seen[key] = true
			targets = append(targets, t)
		}
	}
	return targets, nil
}

// Split returns the texts of a list of targets. A comment reaches from a # at the start of
// a line, or after white space, to the line's end.
func Split(s string) []string {
	var texts []string
	for line := range strings.SplitSeq(safetext.LineEnds.Replace(s), "\n") {
		for text := range strings.SplitSeq(withoutComment(line), ",") {
			if text = strings.TrimSpace(text); text != "" {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || strings.ContainsRune(" \t,", rune(line[i-1]))) {
			return line[:i]
		}
	}
	return line
}
