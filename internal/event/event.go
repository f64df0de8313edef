// Package event is the payload kaizen.schedule.prepared, version 1, exactly as its contract says.
package event

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// Type is the contract's event name, the NATS subject and the repository_dispatch type.
const Type = "kaizen.schedule.prepared"

// Version is the contract's payload schema version.
const Version = "1"

// Event is the payload. Its ten top-level fields are the contract's and also GitHub's limit for a client_payload: it can't grow.
type Event struct {
	Event          string   `json:"event"`           // always Type
	Version        string   `json:"version"`         // always Version
	OccurredAt     string   `json:"occurred_at"`     // RFC 3339, UTC, whole seconds
	Repo           string   `json:"repo"`            // State Hub slug
	Root           string   `json:"root"`            // absolute checkout path on the runner's host
	Agent          string   `json:"agent"`           // the manifest's name of the agent
	Cadence        string   `json:"cadence"`         // daily, weekly or monthly
	PrepareCommand string   `json:"prepare_command"` // the CLI call that reproduces the bundle, quoted for a POSIX shell
	Bundle         Bundle   `json:"bundle"`
	SessionClose   []string `json:"session_close"` // suggested close commands; data, never to be run unseen
}

// Bundle describes the prepared bundle.
type Bundle struct {
	Format           string   `json:"format"` // markdown or json
	AgentPromptFound bool     `json:"agent_prompt_found"`
	HasMemory        bool     `json:"has_memory"`
	HasMetrics       bool     `json:"has_metrics"`
	Pointers         []string `json:"pointers"` // labels
	Bytes            int      `json:"bytes"`    // size of the rendered bundle
	// Artifact is set when the bundle was stored as a job artifact (design §6).
	Artifact *Artifact `json:"artifact,omitempty"`
}

// Artifact is where a consumer fetches the bundle.
type Artifact struct {
	Repository string `json:"repository"` // owner/name
	RunID      int64  `json:"run_id"`
	Name       string `json:"name"`
	ID         int64  `json:"id"`
	Digest     string `json:"digest"` // sha256:<hex> of the zip
	URL        string `json:"url"`
}

// Context is what an event says beside its bundle.
type Context struct {
	// Root is the checkout's absolute path on the runner's host.
	Root string
	// OccurredAt is when the bundle was assembled.
	OccurredAt time.Time
	// Artifact is nil when the bundle was not stored as a job artifact.
	Artifact *Artifact
}

// New builds the event of a bundle.
func New(b *prepare.Bundle, c Context) Event {
	labels := make([]string, 0, len(b.Pointers))
	for _, p := range b.Pointers {
		labels = append(labels, p.Label)
	}
	return Event{
		Event:          Type,
		Version:        Version,
		OccurredAt:     c.OccurredAt.UTC().Format(timeLayout),
		Repo:           b.Repo,
		Root:           c.Root,
		Agent:          b.Agent,
		Cadence:        string(b.Cadence),
		PrepareCommand: PrepareCommand(b.Agent, c.Root, b.Format),
		Bundle: Bundle{
			Format:           string(b.Format),
			AgentPromptFound: b.PromptFound,
			HasMemory:        b.HasMemory,
			HasMetrics:       b.HasMetrics,
			Pointers:         labels,
			Bytes:            len(b.Content),
			Artifact:         c.Artifact,
		},
		SessionClose: append([]string{}, b.SessionClose...),
	}
}

// PrepareCommand is the command line that produces the bundle of agent from the checkout at root; this program takes the same words.
// The contract asks for the exact command, so a format other than the default is part of it.
func PrepareCommand(agent, root string, format prepare.Format) string {
	line := "kaizen-agentic schedule prepare " + ShellQuote(agent) + " --target " + ShellQuote(root)
	if format == prepare.JSON {
		line += " --format json"
	}
	return line
}

// ShellQuote leaves a plain word as it is, as the contract's example has it, and puts anything else in single quotes.
func ShellQuote(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@%+=,"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// ArtifactHome is where the job artifacts of a repository's runs are.
type ArtifactHome struct {
	Repository string // owner/name
	ServerURL  string // such as https://github.com, without a trailing slash
}

// longest is an artifact that is as long as one of the name can be.
func (h *ArtifactHome) longest(name string) *Artifact {
	return &Artifact{
		Repository: h.Repository, RunID: math.MaxInt64, Name: name, ID: math.MaxInt64,
		Digest: "sha256:" + strings.Repeat("0", 64),
		URL:    fmt.Sprintf("%s/%s/actions/runs/%d/artifacts/%d", h.ServerURL, h.Repository, math.MaxInt64, math.MaxInt64),
	}
}

// WorstSize is the most bytes that the event can have once its bundle is stored under a name, in a job artifact of home, or
// in none if home is nil. The error says why the event can be made in neither way, and is that of Marshal.
func (e Event) WorstSize(home *ArtifactHome, name string) (int, error) {
	line, err := e.Marshal()
	if err != nil || home == nil {
		return len(line), err
	}
	e.Bundle.Artifact = home.longest(name)
	line, err = e.Marshal()
	return len(line), err
}
