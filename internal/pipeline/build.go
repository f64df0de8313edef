package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Builder builds bundles and events. It is safe for concurrent use.
type Builder struct {
	Files    *prepare.Files
	Manifest *schedule.Manifest
	Now      time.Time
	Commit   string         // of the checkout, "" when unknown
	Format   prepare.Format // Markdown when empty
	Secrets  prepare.Policy
	// Given is a bundle from another program, to use instead of one from the checkout.
	// GivenFindings are about it; if Given is nil, they stop the entry.
	Given         *prepare.Bundle
	GivenFindings []diag.Finding
	// Repository is the prefix of event ids: owner/name, or the slug if there is no
	// repository.
	Repository string
	// Root is the checkout's path on the runner's host, for the event.
	Root string
	// Artifacts identifies the job artifacts that will hold the bundles, or is nil if
	// none are stored.
	Artifacts *event.ArtifactHome
}

// NewBuilder returns a builder for an open project with a valid manifest. It logs a
// warning if the commit of the checkout is unknown.
func (s Services) NewBuilder(p *Project, now time.Time) Builder {
	commit, err := CommitOf(p.Tree, s.Env)
	if err != nil {
		s.Log("warning: the bundles name no commit, because that of the checkout is unknown: %v", err)
	}
	b := Builder{
		Files: p.Files, Manifest: p.Manifest, Now: now, Commit: commit, Root: p.Root, Repository: s.Env.Repository,
	}
	if b.Repository == "" && p.Manifest != nil {
		b.Repository = p.Manifest.Repo
	}
	return b
}

// ArtifactHome returns where a run stores job artifacts, or nil without a valid
// repository name.
func ArtifactHome(env *actions.Environment) *event.ArtifactHome {
	if !event.IsRepository(env.Repository) {
		return nil
	}
	return &event.ArtifactHome{Repository: env.Repository, ServerURL: env.ServerURL}
}

// Built is the result of the second stage for an entry.
type Built struct {
	// Bundle is nil if Findings contain an error, or if the event is invalid.
	Bundle   *prepare.Bundle
	Findings []diag.Finding
	// Size is the largest size in bytes that the event can have, and InputsSize that of the
	// inputs of a workflow that is started with it, in characters.
	Size, InputsSize int

	event event.Event
}

// Build builds the bundle of an entry and its event. Findings are problems of the
// repository; the error is a problem of the machine or the end of ctx.
func (b *Builder) Build(ctx context.Context, p *Planned) (*Built, error) {
	built := &Built{Bundle: b.Given}
	if b.Given == nil && b.GivenFindings == nil {
		var err error
		if built.Bundle, built.Findings, err = prepare.Prepare(ctx, b.Files, b.input(p)); err != nil {
			return built, fmt.Errorf("preparing %s: %w", p.Entry.Agent, err)
		}
	} else {
		built.Findings = b.GivenFindings
	}
	built.Findings = b.Manifest.Unsilenced(built.Findings)
	if built.Bundle == nil {
		return built, nil
	}
	id := p.ID.EventID(b.Repository)
	built.event = event.New(built.Bundle, event.Context{ID: id, Root: b.Root, OccurredAt: b.Now})
	line, err := built.event.Longest(b.Artifacts, p.ID.Name())
	if err != nil {
		built.Bundle = nil
		built.Findings = append(built.Findings, refusedEvent(b.Manifest.File, p.Entry, err))
	}
	built.Size, built.InputsSize = len(line), gh.InputsSize(line)
	return built, nil
}

// input returns the input of the entry's bundle.
func (b *Builder) input(p *Planned) prepare.Input {
	return prepare.Input{
		Repo: b.Manifest.Repo, Entry: *p.Entry, Period: p.ID.Period, Commit: b.Commit, Format: b.Format,
		Secrets: b.Secrets,
		File:    b.Manifest.File,
	}
}

// payload encodes the event with the artifact of its bundle, or without one if it is nil.
func (b *Built) payload(artifact *event.Artifact) (*event.Event, json.RawMessage, error) {
	e := b.event
	e.Bundle.Artifact = artifact
	line, err := e.Marshal()
	return &e, line, err
}

// refusedEvent reports an invalid event. The position is that of the entry's commands,
// because nothing else in an event is unlimited.
func refusedEvent(manifest string, e *schedule.Entry, err error) diag.Finding {
	pos := e.Pos("session_close")
	return diag.SessionClose.At(manifest, pos.Line, pos.Column, err.Error(), "")
}
