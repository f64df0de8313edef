package prepare

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// MaxFrom is the size of the largest JSON that AgentOf and FromJSON accept, in bytes. It
// fits three files of MaxFile bytes in which JSON escapes every byte.
const MaxFrom = 8 << 20

// given has the keys that `kaizen-agentic schedule prepare --format json` must write.
// Other keys are ignored.
type given struct {
	Agent            *string         `json:"agent"`
	AgentPromptFound *bool           `json:"agent_prompt_found"`
	HasMemory        *bool           `json:"has_memory"`
	HasMetrics       *bool           `json:"has_metrics"`
	Pointers         json.RawMessage `json:"pointers"`
}

// rewriteHint is the hint for JSON that a different command wrote.
const rewriteHint = "write it with kaizen-agentic schedule prepare <agent> --format json"

// AgentOf returns the agent of a bundle in JSON.
func AgentOf(data []byte) (string, error) {
	g, err := parseGiven(data)
	if err != nil {
		return "", err
	}
	if g.Agent == nil || *g.Agent == "" {
		return "", advice.New(rewriteHint, "the JSON has no agent")
	}
	if !spec.IsAgent(*g.Agent) {
		return "", advice.New("a name has 1 to 64 letters, digits, hyphens and underscores",
			"the agent in the JSON has the invalid name %q", *g.Agent)
	}
	return *g.Agent, nil
}

// FromJSON builds the bundle of in from data, the output of `kaizen-agentic schedule
// prepare <agent> --format json`. The bundle's content is data, unchanged. If data names
// an agent, it must be the agent of in. The findings are sorted and have positions in
// file; if one is an error, the bundle is nil. A secret is an error under SecretsRedact
// too, because data is never changed. If ctx ends, the error is that of ctx.
func FromJSON(ctx context.Context, file string, data []byte, in Input) (*Bundle, []diag.Finding, error) {
	g, err := parseGiven(data)
	if err != nil {
		return nil, nil, err
	}
	if g.Agent != nil && *g.Agent != in.Entry.Agent {
		return nil, nil, advice.New("name that agent, or no agent",
			"the JSON is the bundle of %q, not of %q", *g.Agent, in.Entry.Agent)
	}
	if g.AgentPromptFound == nil || g.HasMemory == nil || g.HasMetrics == nil {
		return nil, nil, advice.New(rewriteHint,
			"the JSON lacks one of the flags agent_prompt_found, has_memory and has_metrics")
	}
	pointers, err := givenPointers(g.Pointers)
	if err != nil {
		return nil, nil, err
	}
	c := collector{finder: finder{file: in.File, entry: &in.Entry}, ctx: ctx, policy: in.Secrets}
	closing := sessionClose(&in.Entry)
	c.scanSessionClose(closing)
	c.scanJSON(file, data)
	if err := ctx.Err(); err != nil {
		return nil, nil, err // the search is not complete
	}
	diag.Sort(c.findings)
	if errs, _ := diag.Count(c.findings); errs > 0 {
		return nil, c.findings, nil
	}
	b := &Bundle{
		Repo: in.Repo, Agent: in.Entry.Agent,
		Cadence: in.Entry.Cadence, Period: in.Period, Format: JSON, Content: bytes.Clone(data),
		PromptFound: *g.AgentPromptFound, HasMemory: *g.HasMemory, HasMetrics: *g.HasMetrics,
		Pointers: pointers, SessionClose: closing,
	}
	b.Sources, err = renderSources(in.Commit, b, []source{})
	return b, c.findings, err
}

func parseGiven(data []byte) (*given, error) {
	if len(data) > MaxFrom {
		return nil, advice.New("shorten the prompt or the memory", "the JSON has %d bytes, more than %d", len(data),
			MaxFrom)
	}
	if !utf8.Valid(data) {
		return nil, advice.New(rewriteHint, "the JSON is not UTF-8")
	}
	var g given
	if err := json.Unmarshal(data, &g); err != nil {
		return nil, advice.New(rewriteHint, "the JSON is not a bundle: %w", err)
	}
	if first := bytes.TrimSpace(data)[0]; first != '{' {
		return nil, advice.New(rewriteHint, "the JSON is not an object")
	}
	return &g, nil
}

// givenPointers reads the labels from a list of strings, from a list of objects with a
// label, or from the keys of an object.
func givenPointers(raw json.RawMessage) ([]Pointer, error) {
	var labels []string
	var keys map[string]json.RawMessage
	pointers := []Pointer{}
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, advice.New(rewriteHint, `the JSON lacks "pointers", the list of labels`)
	case json.Unmarshal(raw, &labels) == nil:
		pointers = labelsOnly(labels)
	case json.Unmarshal(raw, &keys) == nil:
		pointers = labelsOnly(slices.Sorted(maps.Keys(keys)))
	default:
		if err := json.Unmarshal(raw, &pointers); err != nil {
			return nil, advice.New(rewriteHint, `"pointers" in the JSON is not a list of labels`)
		}
	}
	for _, p := range pointers {
		if !spec.IsAgent(p.Label) {
			return nil, advice.New("a label has 1 to 64 letters, digits, hyphens and underscores",
				`"pointers" in the JSON has the invalid label %q`, p.Label)
		}
	}
	return pointers, nil
}

func labelsOnly(labels []string) []Pointer {
	pointers := make([]Pointer, 0, len(labels))
	for _, label := range labels {
		pointers = append(pointers, Pointer{Label: label})
	}
	return pointers
}

// scanJSON scans valid JSON twice: every string, including keys, without its escapes, and
// the text as a whole, because a key may reveal that its value is a secret. A secret that
// only the whole text reveals is reported at its string, unless that has one already. The
// position of a finding is the beginning of the string.
func (c *collector) scanJSON(file string, data []byte) {
	var whole []secrets.Span
	if c.policy != SecretsOff {
		whole = secrets.FindContext(c.ctx, data)
	}
	reported, hidden := 0, 0
	report := func(kind string, offset int) {
		if reported++; reported <= maxSecrets {
			line, column := diag.Position(data, offset)
			c.findings = append(c.findings, c.secretFinding(file, kind, line, column))
		}
	}
	for dec := json.NewDecoder(bytes.NewReader(data)); ; {
		before := int(dec.InputOffset())
		token, err := dec.Token()
		if err != nil || c.ctx.Err() != nil { // io.EOF: the JSON is valid
			break
		}
		text, ok := token.(string)
		if !ok {
			continue
		}
		start, end := before+bytes.IndexByte(data[before:], '"'), int(dec.InputOffset())
		hasSecret := false
		if c.policy != SecretsOff && reported < maxSecrets {
			for _, s := range secrets.FindContext(c.ctx, []byte(text)) {
				report(s.Kind, start)
				hasSecret = true
			}
		}
		for ; len(whole) > 0 && whole[0].Start < end; whole = whole[1:] {
			if whole[0].Start < start {
				report(whole[0].Kind, whole[0].Start)
			} else if !hasSecret {
				report(whole[0].Kind, start)
				hasSecret = true
			}
		}
		if found := safetext.FindHidden([]byte(text)); len(found) > 0 && hidden < maxHidden {
			hidden++
			line, column := diag.Position(data, start)
			c.findings = append(c.findings, hiddenFinding(file, line, column, found[0].Rune, len(found)-1))
		}
	}
	for _, s := range whole {
		report(s.Kind, s.Start)
	}
}
