// Package prepare turns a manifest entry and a checkout into a bundle: the agent's
// prompt, its memory, its metrics and pointers into the repository. The same commit,
// manifest and period give the same bytes on any machine.
package prepare

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Limits on what goes into a bundle.
const (
	MaxFile   = 256 << 10 // bytes of one file; of a larger one a part is carried at most
	MaxBundle = 1 << 20   // bytes of a rendered bundle; a larger one is warned about
	MaxPrompt = 30_000    // characters of a prompt; a longer one is warned about
)

// Format is how a bundle is rendered.
type Format string

// The formats of the contract's bundle.format.
const (
	Markdown Format = "markdown"
	JSON     Format = "json"
)

// Policy is what happens when a bundle's files or commands hold a secret. The zero value
// means SecretsFail.
type Policy string

// The policies of the input `secrets`.
const (
	SecretsFail   Policy = "fail"   // an error: the agent is not prepared
	SecretsRedact Policy = "redact" // a warning: the bundle holds [redacted:<detector>] in its place
	SecretsOff    Policy = "off"    // nothing is searched
)

// Input is everything a bundle is made of beside the checkout's files.
type Input struct {
	Repo   string // State Hub slug
	Entry  schedule.Entry
	Period string
	Commit string // "" when unknown
	Format Format // Markdown when empty
	// Secrets is what happens to secrets; SecretsFail when empty.
	Secrets Policy
	// File is the manifest's path as findings name it; schedule.DefaultPath when empty.
	File string
}

// Pointer is a reference to a file or a directory of the repository; content is never
// part of a bundle.
type Pointer struct {
	Label  string `json:"label"`
	Path   string `json:"path"`
	Size   int64  `json:"size"`   // bytes, of a directory those of Files
	SHA256 string `json:"sha256"` // lower-case hex; "" for a file of more than 64 MiB and for a directory
	// Files are the files of a directory, the last name first, which is the newest where names
	// begin with a date; nil for a file. More is how many further files the directory has.
	Files []PointerFile `json:"files,omitzero"`
	More  int           `json:"more,omitempty"`
}

// PointerFile is a file of a directory that a pointer names.
type PointerFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hex; "" where the directory has more than 64 MiB
}

// Bundle is one prepared bundle.
type Bundle struct {
	Repo    string
	Agent   string
	Cadence schedule.Cadence
	Period  string
	Format  Format
	// Content is the rendered bundle, and Sources the sources.json beside it: the two files
	// of the artifact.
	Content []byte
	Sources []byte

	PromptFound, HasMemory, HasMetrics bool
	Pointers                           []Pointer
	SessionClose                       []string
	// Memory is what the summary says about the memory's health; nil without a memory.
	Memory *MemoryInfo
}

// MemoryInfo describes an agent's memory file.
type MemoryInfo struct {
	Path    string
	Size    int64  // bytes
	Lines   int    // of what the bundle carries
	LeftOut int64  // bytes at the start that the bundle does not carry
	SHA256  string // lower-case hex; "" for a file of more than 64 MiB
}

// ContentName is the file name of Content: bundle.md or bundle.json.
func (b *Bundle) ContentName() string { return contentName(b.Format) }

func contentName(f Format) string {
	if f == JSON {
		return "bundle.json"
	}
	return "bundle.md"
}

// SourcesName is the file name of Bundle.Sources.
const SourcesName = "sources.json"

// Prepare builds the bundle of one entry. Findings with an error mean that the bundle is
// nil and must not leave the machine. The findings are sorted; the caller drops those
// that the manifest silences. The error is for what the machine did, not for what the
// repository holds. Prepare is safe for concurrent use on one tree.
func Prepare(tree *checkout.Tree, in Input) (*Bundle, []diag.Finding, error) {
	if in.Format == "" {
		in.Format = Markdown
	}
	c := collector{finder: finder{tree: tree, file: in.File, entry: &in.Entry}, policy: in.Secrets}
	doc := c.collect(&in)
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

// sessionClose is the entry's session_close, by default the contract's line.
func sessionClose(e *schedule.Entry) []string {
	if e.SessionClose != nil {
		return append([]string{}, e.SessionClose...)
	}
	return []string{"kaizen-agentic metrics record " + e.Agent + " --success --time <s> --quality <0-1>"}
}
