package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Comparison is what a pull request changes in the roster.
type Comparison struct {
	schedule.Diff
	// Note is a sentence about a problem with the base version, or "".
	Note string
	// None means that the base version could not be read; Note gives the reason.
	None bool
}

// ReadBase reads the file that Base names, to compare the one of files with it. Without
// Base it does nothing. An error is one of the options.
func (o *Options) ReadBase(ctx context.Context, files []string) error {
	switch {
	case o.Base == "":
		return nil
	case len(files) > 1:
		return errors.New("base needs exactly one manifest: check one file at a time")
	case o.Base == "-" && slices.Contains(files, "-"):
		return errors.New("base and the manifest are both standard input: name a file for one of them")
	}
	var err error
	if o.base, err = checkout.ReadArgument(ctx, o.Base, o.Stdin, schedule.MaxSize); errors.Is(err, fs.ErrNotExist) {
		return advice.New("correct the path; or if it is a git revision, run "+o.showBase(files),
			"reading the base version: there is no file %q", o.Base)
	} else if err != nil {
		return fmt.Errorf("reading the base version: %w", err)
	}
	return nil
}

// showBase returns the command that gives validate the manifest of a git revision. This
// program never runs git, because a repository's own settings may name programs that git
// runs.
func (o *Options) showBase(files []string) string {
	object, command := o.Base, "action validate"
	file := cmp.Or(o.File, schedule.DefaultPath)
	if len(files) > 0 {
		file, command = files[0], command+" "+event.ShellQuote(files[0])
	}
	if !strings.Contains(object, ":") {
		object += ":./" + filepath.ToSlash(file)
	}
	return "git show " + event.ShellQuote(object) + " | " + command + " --base -"
}

// compare compares a manifest with the text of its base version, which is empty if there
// was none. A base version with errors counts as a manifest without entries.
func (c *checker) compare(base []byte) {
	c.Comparison = &Comparison{}
	var old *schedule.Manifest
	if len(base) == 0 {
		c.Comparison.Note = "There is no base version: the manifest is new."
	} else if old, _ = schedule.Load(c.Manifest.File, base, schedule.Options{Repo: c.Manifest.Repo}); old == nil {
		c.Comparison.Note = "The base version is not a valid manifest, so every entry counts as added."
	}
	c.Comparison.Diff = schedule.Compare(old, c.Manifest, c.Now)
}

// comparePullRequest compares the manifest with its version at the base commit of a pull
// request of the workflow's repository. A version that cannot be read fails no check,
// because the token of a fork may not be able to read it.
func (c *checker) comparePullRequest(ctx context.Context, tree *checkout.Tree) {
	commit := c.Env.Webhook.PullRequest.Base.SHA
	if !checkout.IsCommit(commit) || !pipeline.IsWorkflows(tree, c.Env) {
		return
	}
	var base []byte
	client, err := c.Client()
	if err == nil {
		base, err = baseVersion(ctx, client, c.Env.Repository, c.inWorkspace(tree, c.Manifest.File), commit)
	}
	if err != nil {
		note := fmt.Sprintf("The base version could not be read, so there is no comparison: %v.", err)
		c.Comparison = &Comparison{None: true, Note: note}
		c.warn("%s", note)
		return
	}
	c.compare(base)
}

// inWorkspace returns the path in the workspace of a file of the tree.
func (c *checker) inWorkspace(tree *checkout.Tree, file string) string {
	rel, _ := c.Env.InWorkspace(tree.Dir())
	return path.Join(filepath.ToSlash(rel), file)
}

// baseVersion returns the text of a file at a commit of the repository owner/name. It is
// empty if there was none.
func baseVersion(ctx context.Context, client *gh.Client, repository, file, commit string) ([]byte, error) {
	data, err := client.File(ctx, repository, file, commit, schedule.MaxSize)
	if e, ok := errors.AsType[*gh.Error](err); ok && e.Kind == gh.NotFound {
		// GitHub also answers 404 for a repository that the token cannot see. The file is
		// missing only if the token can see the repository.
		_, err := client.Repository(ctx, repository)
		return nil, err
	}
	return data, err
}
