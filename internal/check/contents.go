package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// maxContents is how many entries have the contents of their files checked. It exceeds the
// size of real manifests, and bounds the time of a pull request whose entries all name the
// same large file.
const maxContents = 100

func (c *checker) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// contents builds the bundle and the event of every entry to find problems in them:
// secrets, hidden characters, sizes, metrics, an event that exceeds the platform's limit.
func (c *checker) contents(ctx context.Context, m *schedule.Manifest, files *prepare.Files) ([]diag.Finding, error) {
	entries := m.Entries
	if len(entries) > maxContents {
		c.warn("the files of the first %d entries are checked; prepare checks those of all", maxContents)
		entries = entries[:maxContents]
	}
	builder := pipeline.Builder{
		Files: files, Manifest: m, Now: c.Now, Secrets: c.Secrets, Root: c.root(files.Tree()),
		Artifacts: pipeline.ArtifactHome(c.Env), Repository: cmp.Or(c.Env.Repository, m.Repo),
	}
	planner := pipeline.Planner{Manifest: m, Now: c.Now}
	found, errs := make([][]diag.Finding, len(entries)), make([]error, len(entries))
	pipeline.Each(len(entries), func(i int) {
		var built *pipeline.Built
		built, errs[i] = builder.Build(ctx, planner.Entry(&entries[i]))
		found[i] = built.Findings
	})
	if err := cmp.Or(ctx.Err(), errors.Join(errs...)); err != nil {
		return nil, err
	}
	// prepare.Check reports missing prompts, because it knows the other entries.
	return slices.DeleteFunc(slices.Concat(found...), func(f diag.Finding) bool { return f.Rule == diag.NoPrompt.ID }),
		nil
}

// root returns the checkout's path on the runner's host, or a placeholder if no event can
// contain that path. prepare reports such a path itself.
func (c *checker) root(tree *checkout.Tree) string {
	root := c.Env.HostPath(tree.Dir())
	if !event.IsRoot(root) {
		return "/"
	}
	return root
}
