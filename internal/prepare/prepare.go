// Package prepare builds a bundle from a manifest entry and a checkout: the agent's
// prompt, its memory, its metrics and pointers into the repository. The same commit,
// manifest and period give the same bytes on any machine.
package prepare

import (
	"context"
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Limits on what goes into a bundle.
const (
	MaxFile   = 256 << 10 // bytes of one file; a larger one is truncated or omitted
	MaxBundle = 1 << 20   // bytes of a rendered bundle; a larger one gets a warning
	MaxPrompt = 30_000    // characters of a prompt; a longer one gets a warning
)

// Format is how a bundle is rendered.
type Format string

// The formats of the contract's bundle.format.
const (
	Markdown Format = "markdown"
	JSON     Format = "json"
)

// Policy says what happens if a bundle's files or commands have a secret. The zero value
// means SecretsFail.
type Policy string

// The policies of the input `secrets`.
const (
	SecretsFail   Policy = "fail"   // an error; the agent is not prepared
	SecretsRedact Policy = "redact" // a warning; the bundle has [redacted:<kind>] instead
	SecretsOff    Policy = "off"    // no search
)

// Input is everything that a bundle is built from, besides the checkout's files.
type Input struct {
	Repo   string // State Hub slug
	Entry  schedule.Entry
	Period string
	Commit string // "" if unknown
	Format Format // default: Markdown
	// Secrets defaults to SecretsFail.
	Secrets Policy
	// File is the manifest's path for findings. The default is schedule.DefaultPath.
	File string
}

// Pointer refers to a file or a directory of the repository. A bundle never has its
// content.
type Pointer struct {
	Label  string `json:"label"`
	Path   string `json:"path"`
	Size   int64  `json:"size"`   // bytes; for a directory the sum of Files
	SHA256 string `json:"sha256"` // lower-case hex; "" for a file of more than 64 MiB and for a directory
	// Files are the files of a directory by descending name, so that the newest comes first
	// if names begin with a date. It is nil for a file. More is the number of files that are
	// not in Files.
	Files []PointerFile `json:"files,omitzero"`
	More  int           `json:"more,omitempty"`
}

// PointerFile is a file in a pointer's directory.
type PointerFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hex; "" beyond 64 MiB of listed files
}

// Bundle is one prepared bundle.
type Bundle struct {
	Repo    string
	Agent   string
	Cadence schedule.Cadence
	Period  string
	Format  Format
	// Content is the rendered bundle, and Sources the sources.json beside it. These two
	// files are the artifact.
	Content []byte
	Sources []byte

	PromptFound, HasMemory, HasMetrics bool
	Pointers                           []Pointer
	SessionClose                       []string
	// Memory describes the memory for the run's summary; nil without a memory.
	Memory *MemoryInfo
}

// MemoryInfo describes an agent's memory file.
type MemoryInfo struct {
	Path    string
	Size    int64  // bytes
	Lines   int    // of the content in the bundle
	LeftOut int64  // bytes at the start of the file that the bundle omits
	SHA256  string // lower-case hex; "" for a file of more than 64 MiB
}

// ContentName returns the file name of Content: bundle.md or bundle.json.
func (b *Bundle) ContentName() string { return contentName(b.Format) }

func contentName(f Format) string {
	if f == JSON {
		return "bundle.json"
	}
	return "bundle.md"
}

// SourcesName is the file name of Bundle.Sources.
const SourcesName = "sources.json"

// Prepare builds the bundle of one entry. If one of the findings is an error, the bundle
// is nil. The findings are sorted; the caller drops those that the manifest silences. The
// error reports a failure of the machine or the end of ctx, never a problem in the
// repository. Prepare is safe for concurrent use.
func Prepare(ctx context.Context, files *Files, in Input) (*Bundle, []diag.Finding, error) {
	if in.Format == "" {
		in.Format = Markdown
	}
	c := collector{finder: files.finder(in.File, &in.Entry), ctx: ctx, policy: in.Secrets}
	doc := c.collect(&in)
	if err := ctx.Err(); err != nil {
		return nil, nil, err // the findings may be about files that were not read
	}
	var bundle *Bundle
	if errs, _ := diag.Count(c.findings); errs == 0 {
		var err error
		if bundle, err = doc.bundle(); err != nil {
			return nil, nil, fmt.Errorf("rendering the bundle of agent %q: %w", in.Entry.Agent, err)
		}
		if n := len(bundle.Content); n > MaxBundle {
			c.report(diag.LargeBundle, "agent",
				fmt.Sprintf("the bundle of agent %q has %d bytes, more than %d", in.Entry.Agent, n, MaxBundle),
				"shorten the prompt or the memory")
		}
	}
	diag.Sort(c.findings)
	return bundle, c.findings, nil
}

// sessionClose returns a copy of the entry's session_close, or the default command.
func sessionClose(e *schedule.Entry) []string {
	if e.SessionClose != nil {
		return append([]string{}, e.SessionClose...)
	}
	return []string{"kaizen-agentic metrics record " + e.Agent + " --success --time <s> --quality <0-1>"}
}
