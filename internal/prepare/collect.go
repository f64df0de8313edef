package prepare

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/metrics"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// maxDigest is the size of the largest file that is read for its digest or its summary,
// in bytes.
const maxDigest = 64 << 20

// State says how the content of a file is in the bundle.
type State string

// The states of a part.
const (
	Verbatim   State = "verbatim"   // exactly the file's bytes
	Redacted   State = "redacted"   // [redacted:<kind>] replaces each secret
	Summarized State = "summarized" // the summary of an executions.jsonl
	Truncated  State = "truncated"  // the end of a large memory, or the beginning of a large prompt
	Omitted    State = "omitted"    // no content, because the file is too large
)

// source is a file that was read, in the form of sources.json.
type source struct {
	Path   string `json:"path"`
	Role   string `json:"role"` // prompt, memory, metrics or pointer
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // "" if the file is too large to read
}

// part is a file whose content is in the bundle.
type part struct {
	source
	state   State
	content []byte
	// leftOut is the number of bytes that content omits: the first ones of a memory, the
	// last ones of a prompt.
	leftOut int64
	// before and after are the omitted bytes next to the content; see part.secrets.
	before, after []byte
	// line is the number of lines before the content, or -1 if unknown.
	line int
}

// document is a bundle before it is rendered.
type document struct {
	in                      *Input
	prompt, memory, metrics *part
	pointers                []Pointer
	sessionClose            []string
}

// collector reads the files that the finder finds.
type collector struct {
	finder
	ctx         context.Context // of the call of Prepare or FromJSON
	policy      Policy
	listedBytes int64 // bytes read so far for the digests of files in pointers' directories
}

func (c *collector) collect(in *Input) *document {
	doc := &document{in: in, pointers: []Pointer{}}
	doc.prompt = c.load("prompt", c.finder.prompt().path)
	if doc.prompt != nil && doc.prompt.leftOut == 0 {
		c.checkPrompt(doc.prompt.Path, doc.prompt.content)
	}
	doc.memory = c.load("memory", c.finder.memory().path)
	doc.metrics = c.loadMetrics(c.finder.metrics().path)
	for _, found := range c.finder.pointers() {
		if p := c.pointer(found); p != nil {
			doc.pointers = append(doc.pointers, *p)
		}
	}
	for _, p := range []*part{doc.prompt, doc.memory, doc.metrics} {
		c.scan(p)
	}
	doc.sessionClose = sessionClose(&in.Entry)
	c.scanSessionClose(doc.sessionClose)
	return doc
}

// load reads the file at path. It truncates a file of more than MaxFile bytes.
func (c *collector) load(role, path string) *part {
	if path == "" || !c.inspect(role, path) {
		return nil
	}
	t, err := c.files.content(path)
	if err != nil {
		c.reportUnreadable(role, path, err, "make it a readable regular file")
		return nil
	}
	s := t.source(role, path)
	if t.size > MaxFile {
		return c.truncate(s, t)
	}
	return &part{source: *s, state: Verbatim, content: t.head}
}

// source returns a file as a source of a bundle.
func (d digest) source(role, path string) *source {
	return &source{Path: path, Role: role, Size: d.size, SHA256: d.sha256}
}

// loadMetrics reads a summary.json as it is, and summarises an executions.jsonl.
func (c *collector) loadMetrics(path string) *part {
	const role = "metrics"
	if !strings.HasSuffix(path, ".jsonl") {
		p := c.load(role, path)
		if p != nil && p.state == Verbatim {
			c.findings = append(c.findings, metrics.Check(path, c.entry.Agent, p.content)...)
		}
		return p
	}
	if !c.inspect(role, path) {
		return nil
	}
	x, err := c.files.executions(c.ctx, path, c.entry.Agent, c.policy != SecretsOff)
	if err != nil {
		c.reportUnreadable(role, path, err, "make it a readable regular file")
		return nil
	}
	s := x.source(role, path)
	if x.runs == nil {
		c.reportLarge(s, maxDigest, "the bundle has no summary of it")
		return &part{source: *s, state: Omitted}
	}
	// A secret there stops the agent like any other. Under SecretsRedact there is nothing
	// to redact, because the summary has no text of the file.
	for _, secret := range x.secrets {
		c.reportSecret(path, secret.kind, secret.line, secret.column)
	}
	runs := x.runs.Of(c.entry.Agent)
	c.findings = append(c.findings, runs.Findings(path)...)
	return &part{source: *s, state: Summarized, content: runs.Summary().JSON()}
}

// digest reads the file at path only for its size and digest.
func (c *collector) digest(role, path string) *source {
	if path == "" || !c.inspect(role, path) {
		return nil
	}
	d, err := c.files.digest(path, maxDigest)
	if err != nil {
		c.reportUnreadable(role, path, err, "make it a readable regular file")
		return nil
	}
	s := d.source(role, path)
	if s.Size > maxDigest {
		c.reportLarge(s, maxDigest, "the bundle has no digest of it")
	}
	return s
}

func (c *collector) reportLarge(s *source, limit int, consequence string) {
	c.findings = append(c.findings, diag.LargeFile.At(s.Path, 0, 0,
		fmt.Sprintf("the %s of agent %q has %d bytes, more than %d: %s", s.Role, c.entry.Agent, s.Size, limit,
			consequence),
		"shorten the file or split it"))
}

// bundle renders the document.
func (d *document) bundle() (*Bundle, error) {
	b := &Bundle{
		Repo: d.in.Repo, Agent: d.in.Entry.Agent,
		Cadence: d.in.Entry.Cadence, Period: d.in.Period, Format: d.in.Format,
		PromptFound: d.prompt != nil, HasMemory: d.memory != nil, HasMetrics: d.metrics != nil,
		Pointers: d.pointers, SessionClose: d.sessionClose, Memory: d.memory.info(),
	}
	var err error
	switch d.in.Format {
	case Markdown:
		b.Content = d.markdown()
	case JSON:
		b.Content, err = d.json()
	default:
		err = fmt.Errorf("unknown format %q", d.in.Format)
	}
	if err != nil {
		return nil, err
	}
	b.Sources, err = renderSources(d.in.Commit, b, d.sources())
	return b, err
}

func (p *part) info() *MemoryInfo {
	if p == nil {
		return nil
	}
	lines := bytes.Count(p.content, []byte("\n"))
	if len(p.content) > 0 && !bytes.HasSuffix(p.content, []byte("\n")) {
		lines++
	}
	return &MemoryInfo{Path: p.Path, Size: p.Size, Lines: lines, LeftOut: p.leftOut, SHA256: p.SHA256}
}

// encoded returns the content as text: as it is, or in base64 if it is not UTF-8.
func (p *part) encoded() (encoding, text string) {
	if utf8.Valid(p.content) {
		return "utf-8", string(p.content)
	}
	return "base64", base64.StdEncoding.EncodeToString(p.content)
}

// firstPath returns the first conventional path of a part.
func firstPath(p schedule.Part, agent string) string {
	return schedule.Expand(schedule.Conventions[p][0], agent)
}
