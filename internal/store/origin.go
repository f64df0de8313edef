package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
)

// origin is where a receipt must come from: a run of this repository itself, on this
// branch. docs/exactly-once.md has the rule and the attacks that it answers.
type origin struct {
	repository int64
	branch     string
}

// readOrigin completes what the options say with a description of the repository.
func readOrigin(ctx context.Context, o ArtifactsOptions) (origin, error) {
	from := origin{max(o.RepositoryID, 0), o.LedgerBranch}
	if from.repository > 0 && from.branch != "" {
		return from, nil
	}
	r, err := o.API.Repository(ctx, o.Repository)
	if err != nil {
		return origin{}, err
	}
	from = origin{cmp.Or(from.repository, r.ID), cmp.Or(from.branch, r.DefaultBranch)}
	if from.repository <= 0 || from.branch == "" {
		message := "GitHub's API gives no id or no default branch of " + o.Repository
		return origin{}, &advice.Error{Message: message, Hint: "set input `ledger-branch`"}
	}
	return from, nil
}

// source is what is known about where an artifact comes from: from its listing, or from
// its run. A zero field is unknown.
type source struct {
	repository, headRepository int64
	branch                     string
	event, path                string // of the run only
}

func listedSource(a gh.Artifact) source {
	return source{repository: a.RepositoryID, headRepository: a.HeadRepositoryID, branch: a.HeadBranch}
}

func runSource(r gh.Run) source {
	return source{r.RepositoryID, r.HeadRepositoryID, r.HeadBranch, r.Event, r.Path}
}

// rejects returns why an artifact is not from a run of the repository itself on the
// trusted branch; nil if nothing that is known speaks against it.
func (from origin) rejects(s source) error {
	switch {
	case s.repository != 0 && s.repository != from.repository:
		return fmt.Errorf("belongs to the repository with id %d", s.repository)
	case s.headRepository != 0 && s.headRepository != from.repository:
		return fmt.Errorf("comes from a fork, the repository with id %d", s.headRepository)
	case strings.HasPrefix(s.event, "pull_request"):
		return fmt.Errorf("comes from a run for %s", s.event)
	case s.branch != "" && s.branch != from.branch:
		return fmt.Errorf("comes from branch %q, not %q", s.branch, from.branch)
	}
	// Gitea gives no branch for a run of a tag or of a pull request, and its full ref
	// behind the path. The ref of a workflow file in another repository may be there, too,
	// so it never makes a run trusted.
	for _, kind := range []string{"refs/tags/", "refs/pull/"} {
		if i := strings.Index(s.path, "@"+kind); i >= 0 && s.branch == "" {
			return fmt.Errorf("comes from %q, not from branch %q", s.path[i+1:], from.branch)
		}
	}
	return nil
}

// trusts reports whether all that is needed is known. Only a run for a pull request has
// another head repository, so its event is as good.
func (from origin) trusts(s source) bool {
	return s.repository == from.repository && s.branch == from.branch &&
		(s.headRepository == from.repository || s.event != "")
}

// and returns s with what only more knows.
func (s source) and(more source) source {
	return source{
		cmp.Or(s.repository, more.repository), cmp.Or(s.headRepository, more.headRepository),
		cmp.Or(s.branch, more.branch), cmp.Or(s.event, more.event), cmp.Or(s.path, more.path),
	}
}

// reject returns why an artifact is not trusted; nil if it is. It asks for the run only
// if the listing leaves it open. The error is an *UndecidedError, or says that the
// repository cannot be described.
func (l *ledger) reject(ctx context.Context, a gh.Artifact) (reason, err error) {
	from, err := l.origin.Do(ctx)
	if err != nil {
		return nil, err
	}
	listed := listedSource(a)
	if reason := from.rejects(listed); reason != nil || from.trusts(listed) {
		return reason, nil
	}
	if a.RunID == 0 {
		return nil, &UndecidedError{Why: fmt.Sprintf("the API does not name the run of artifact %d", a.ID)}
	}
	run, err := l.runs.Do(ctx, a.RunID)
	if err != nil {
		return nil, &UndecidedError{Why: fmt.Sprintf("run %d could not be read", a.RunID), Err: err}
	}
	asked := runSource(run)
	if reason := from.rejects(asked); reason != nil || from.trusts(listed.and(asked)) {
		return reason, nil
	}
	return nil, &UndecidedError{
		Why: fmt.Sprintf("the API does not say on which branch of which repository run %d ran", a.RunID),
	}
}

// Trust says which artifacts of a repository count for its ledger, and reads them.
type Trust struct{ ledger *ledger }

// NewTrust needs of the options API, Repository and Log, and takes a request less with
// RepositoryID and LedgerBranch.
func NewTrust(o ArtifactsOptions) Trust { return Trust{newLedger(o)} }

// Counts reports whether an artifact is from a run of the repository itself on its branch.
// It returns the page of the run where only the run tells, or the error why that is not known.
func (t Trust) Counts(ctx context.Context, a gh.Artifact) (counts bool, runURL string, err error) {
	reason, err := t.ledger.reject(ctx, a)
	if reason != nil || err != nil || isListed(a) {
		return reason == nil && err == nil, "", err
	}
	run, _ := t.ledger.runs.Do(ctx, a.RunID) // it was asked for before
	return true, run.URL, nil
}

// Receipt reads the receipt of the bundle name that an artifact holds.
func (t Trust) Receipt(ctx context.Context, a gh.Artifact, name string) (*Receipt, error) {
	data, err := t.ledger.content(ctx, &a, ReceiptFile, maxReceipt)
	if err != nil {
		return nil, err
	}
	return ParseReceipt(data, name)
}

// ParseReceipt reads an untrusted receipt of the bundle name from any ledger.
func ParseReceipt(data []byte, name string) (*Receipt, error) {
	return parseReceipt(data, home{}, name)
}
