package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/render"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// comparison is what a pull request changes in the roster.
type comparison struct {
	schedule.Diff
	// note is a sentence about a problem with the base version, or "".
	note string
	// none means that there was no base version to compare with; note gives the reason.
	none bool
}

// checkBase returns an error for a base version that cannot be compared.
func (v *validation) checkBase() error {
	switch base := v.base; {
	case base == "":
	case len(v.files) > 1:
		return usagef("base needs exactly one manifest: check one file at a time")
	case base == "-" && slices.Contains(v.files, "-"):
		return usagef("base and the manifest are both standard input: name a file for one of them")
	default:
		if _, err := os.Stat(base); err != nil && base != "-" {
			return usagef("reading the base version: %w", err)
		}
	}
	return nil
}

// compare compares the manifest with its base version: that of --base, or on a pull
// request that of the base commit. A base version that GitHub does not return fails no
// check, because the token of a fork may see less.
func (v *validation) compare(ctx context.Context) error {
	var data []byte
	var err error
	switch sha := v.env.Webhook.PullRequest.Base.SHA; {
	case v.base != "":
		if data, err = checkout.ReadArgument(v.base, v.stdin, schedule.MaxSize); err != nil {
			return usagef("reading the base version: %w", err)
		}
	case len(v.files) > 0 || !actions.IsCommit(sha) || v.foreign:
		return nil
	default:
		if data, err = v.fetchBase(ctx, sha); err != nil {
			v.diff = &comparison{none: true,
				note: fmt.Sprintf("The base version could not be read, so there is no comparison: %v.", err)}
			v.runner.Logf("warning: %s", v.diff.note)
			return nil
		}
	}
	c := comparison{}
	base := v.loadBase(data)
	switch {
	case len(data) == 0:
		c.note = "There is no base version: the manifest is new."
	case base == nil:
		c.note = "The base version is not a valid manifest, so every entry counts as added."
	}
	c.Diff = schedule.Compare(base, v.manifest, v.now)
	v.diff = &c
	return nil
}

// loadBase returns nil for a base version that is missing or invalid. Both compare as an
// empty manifest.
func (v *validation) loadBase(data []byte) *schedule.Manifest {
	if len(data) == 0 {
		return nil
	}
	m, _ := schedule.Load(v.manifest.File, data, schedule.Options{Repo: v.manifest.Repo})
	return m
}

// fetchBase returns the manifest at the pull request's base commit, nil when there was
// none.
func (v *validation) fetchBase(ctx context.Context, sha string) ([]byte, error) {
	client, err := v.clients.For(v.token)
	if err != nil {
		return nil, err
	}
	file := v.located([]diag.Finding{{File: v.manifest.File}})[0].File
	data, err := client.File(ctx, v.env.Repository, file, sha, schedule.MaxSize)
	if ghErr, ok := errors.AsType[*gh.Error](err); ok && ghErr.Kind == gh.NotFound {
		// GitHub answers 404 for a hidden repository too. The manifest is new only if the
		// token can see the repository.
		_, err := client.Repository(ctx, v.env.Repository)
		return nil, err
	}
	return data, err
}

// section returns the comparison as a section of the summary.
func (c *comparison) section() actions.Section {
	s := actions.Section{Title: "What changes", Text: c.verdict()}
	if c.none {
		return s
	}
	s.Table = &actions.Table{Header: []string{"Agent", "Change", "After the merge", "Runs a month", "Next five slots"}}
	for _, e := range c.Entries {
		s.Table.Rows = append(s.Table.Rows, []actions.Cell{
			{Text: e.Agent, Code: true}, {Text: changes(e)}, {Text: effect(e)}, {Text: rates(e.Before, e.After)},
			{Text: render.Instants(e.Next)},
		})
	}
	return s
}

func (c *comparison) verdict() string {
	if c.none {
		return c.note
	}
	text := fmt.Sprintf("Runs a month: %s.", rates(c.Before, c.After))
	switch {
	case c.note != "":
		text = c.note + " " + text
	case !c.Changed():
		text = "The roster does not change. " + text
	}
	if c.Repo != "" {
		text += fmt.Sprintf(" The slug changes (%s), so every entry becomes due again.", c.Repo)
	}
	return text
}

// effect describes what the change does at the next tick.
func effect(e schedule.EntryDiff) string {
	switch {
	case e.Effect != "":
		return e.Effect
	case e.Next == nil:
		return "no more runs"
	case !e.Enabled:
		return "no runs while disabled"
	}
	return "as before"
}

func changes(e schedule.EntryDiff) string {
	if len(e.Changes) == 0 {
		return "as before"
	}
	out := make([]string, len(e.Changes))
	for i, c := range e.Changes {
		out[i] = string(c.Kind)
		if c.Detail != "" {
			out[i] += ": " + c.Detail
		}
	}
	return strings.Join(out, "; ")
}

func rates(before, after schedule.Rate) string {
	if before == after {
		return after.String()
	}
	return before.String() + " → " + after.String()
}

// writeText writes the comparison for a terminal.
func (c *comparison) writeText(b *bytes.Buffer) {
	fmt.Fprintln(b, c.verdict())
	if c.none {
		return
	}
	table := [][]string{{"AGENT", "CHANGE", "AFTER THE MERGE", "RUNS A MONTH", "NEXT FIVE SLOTS"}}
	for _, e := range c.Entries {
		table = append(table, []string{e.Agent, changes(e), effect(e), rates(e.Before, e.After), render.Instants(e.Next)})
	}
	b.Write(render.Table(table))
}
