// Package event builds, checks and parses the payload kaizen.schedule.prepared, version
// 1. See schema/kaizen.schedule.prepared.v1.schema.json.
package event

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// Type is the name of the event. It is also the NATS subject and the type of the
// repository_dispatch.
const Type = "kaizen.schedule.prepared"

// Version is the version of the payload's schema.
const Version = "1"

// Event is the payload. It has the ten top-level fields of the contract. No field can be
// added, because GitHub accepts at most ten in a client_payload.
type Event struct {
	Event          string   `json:"event"`           // always Type
	Version        string   `json:"version"`         // always Version
	OccurredAt     string   `json:"occurred_at"`     // RFC 3339, UTC, whole seconds
	Repo           string   `json:"repo"`            // State Hub slug
	Root           string   `json:"root"`            // absolute checkout path on the runner's host
	Agent          string   `json:"agent"`           // the agent's name in the manifest
	Cadence        string   `json:"cadence"`         // daily, weekly or monthly
	PrepareCommand string   `json:"prepare_command"` // reproduces the bundle; quoted for a POSIX shell
	Bundle         Bundle   `json:"bundle"`
	SessionClose   []string `json:"session_close"` // suggested commands; receivers must not run them unread
}

// Bundle describes the prepared bundle.
type Bundle struct {
	Format           string   `json:"format"` // markdown or json
	AgentPromptFound bool     `json:"agent_prompt_found"`
	HasMemory        bool     `json:"has_memory"`
	HasMetrics       bool     `json:"has_metrics"`
	Pointers         []string `json:"pointers"` // labels
	Bytes            int      `json:"bytes"`    // size of the rendered bundle
	// ID is the event id, by which consumers drop a repeat; Period is what the agent is
	// prepared for once. Other programs may leave both out.
	ID     string `json:"id,omitempty"`
	Period string `json:"period,omitempty"`
	// Artifact is set if the bundle is stored as a job artifact.
	Artifact *Artifact `json:"artifact,omitempty"`
}

// Artifact says where a receiver can fetch the bundle.
type Artifact struct {
	Repository string `json:"repository"` // owner/name
	RunID      int64  `json:"run_id"`
	Name       string `json:"name"`
	ID         int64  `json:"id"`
	Digest     string `json:"digest"` // sha256:<hex> of the zip
	URL        string `json:"url"`
}

// Context has what an event needs besides the bundle.
type Context struct {
	// ID is the event id.
	ID string
	// Root is the checkout's absolute path on the runner's host.
	Root string
	// OccurredAt is when the bundle was rendered.
	OccurredAt time.Time
	// Artifact is nil if the bundle is not stored as a job artifact.
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
			ID:               c.ID,
			Period:           b.Period,
			Artifact:         c.Artifact,
		},
		SessionClose: append([]string{}, b.SessionClose...),
	}
}

// PrepareCommand returns the command line that reproduces the bundle of agent from the
// checkout at root. This program accepts the same arguments. The command names the format
// unless it is the default, because the contract requires a command that reproduces the
// bundle exactly. Without a root it names none, and runs in the working directory.
func PrepareCommand(agent, root string, format prepare.Format) string {
	line := "kaizen-agentic schedule prepare " + ShellQuote(agent)
	if root != "" {
		line += " --target " + ShellQuote(root)
	}
	if format == prepare.JSON {
		line += " --format json"
	}
	return line
}

// ShellQuote quotes s for a POSIX shell. A plain word stays unquoted, as in the
// contract's example.
func ShellQuote(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@%+=,"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// ArtifactHome identifies the job artifacts of a repository's runs.
type ArtifactHome struct {
	Repository string // owner/name
	ServerURL  string // such as https://github.com, without a trailing slash
}

// longest returns an artifact with this name whose other fields are as long as they can
// be.
func (h *ArtifactHome) longest(name string) *Artifact {
	return &Artifact{
		Repository: h.Repository, RunID: math.MaxInt64, Name: name, ID: math.MaxInt64,
		Digest: "sha256:" + strings.Repeat("0", 64),
		URL: fmt.Sprintf("%s/%s/actions/runs/%d/artifacts/%d", h.ServerURL, h.Repository, math.MaxInt64,
			math.MaxInt64),
	}
}

// Longest returns the longest encoding that the event can have after its bundle is stored
// under name. Home is nil if no job artifact is stored. The error is that of Marshal.
func (e Event) Longest(home *ArtifactHome, name string) ([]byte, error) {
	line, err := e.Marshal()
	if err != nil || home == nil {
		return line, err
	}
	e.Bundle.Artifact = home.longest(name)
	return e.Marshal()
}
