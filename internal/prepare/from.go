package prepare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// MaxFrom is the largest JSON that AgentOf and FromJSON read, in bytes: a bundle of three
// full files in the worst escaping.
const MaxFrom = 8 << 20

// given is what `kaizen-agentic schedule prepare --format json` is relied upon to say;
// further keys are left alone.
type given struct {
	Agent            *string         `json:"agent"`
	AgentPromptFound *bool           `json:"agent_prompt_found"`
	HasMemory        *bool           `json:"has_memory"`
	HasMetrics       *bool           `json:"has_metrics"`
	Pointers         json.RawMessage `json:"pointers"`
}

var errEmpty = errors.New("the JSON names no agent")

// AgentOf is the agent that a bundle's JSON names.
func AgentOf(data []byte) (string, error) {
	g, err := parseGiven(data)
	if err != nil {
		return "", err
	}
	if g.Agent == nil || *g.Agent == "" {
		return "", errEmpty
	}
	if !schedule.IsAgent(*g.Agent) {
		return "", fmt.Errorf("the JSON names the agent %q, "+
			"which is not 1 to 64 letters, digits, hyphens and underscores", *g.Agent)
	}
	return *g.Agent, nil
}

// FromJSON makes the bundle of in from what `kaizen-agentic schedule prepare <agent>
// --format json` wrote. The content is data as it is. The agent must be that of in, and
// of the JSON where it names one. The findings, sorted, name file and the string's place
// in it; with an error among them the bundle is nil. A secret is an error under
// SecretsRedact too, because given bytes are not rewritten.
func FromJSON(file string, data []byte, in Input) (*Bundle, []diag.Finding, error) {
	g, err := parseGiven(data)
	if err != nil {
		return nil, nil, err
	}
	if g.Agent != nil && *g.Agent != in.Entry.Agent {
		return nil, nil, fmt.Errorf("the JSON is the bundle of %q, not of %q", *g.Agent, in.Entry.Agent)
	}
	if g.AgentPromptFound == nil || g.HasMemory == nil || g.HasMetrics == nil {
		return nil, nil, errors.New("the JSON lacks one of the flags agent_prompt_found, has_memory and has_metrics: " +
			"write it with kaizen-agentic schedule prepare --format json")
	}
	pointers, err := givenPointers(g.Pointers)
	if err != nil {
		return nil, nil, err
	}
	c := collector{finder: finder{file: in.File, entry: &in.Entry}, policy: in.Secrets}
	closing := sessionClose(&in.Entry)
	c.scanSessionClose(closing)
	c.checkJSON(file, data)
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
		return nil, fmt.Errorf("the JSON has %d bytes, more than %d", len(data), MaxFrom)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("the JSON is not UTF-8")
	}
	var g given
	if err := json.Unmarshal(data, &g); err != nil {
		return nil, fmt.Errorf("the bundle is not the JSON of schedule prepare: %w", err)
	}
	if first := bytes.TrimSpace(data)[0]; first != '{' {
		return nil, errors.New("the bundle is not a JSON object")
	}
	return &g, nil
}

// givenPointers reads the labels, written as a list, as a list of objects with a label,
// or as the keys of an object.
func givenPointers(raw json.RawMessage) ([]Pointer, error) {
	var labels []string
	var keys map[string]json.RawMessage
	pointers := []Pointer{}
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, errors.New(`the JSON lacks "pointers", the list of labels`)
	case json.Unmarshal(raw, &labels) == nil:
		pointers = labelsOnly(labels)
	case json.Unmarshal(raw, &keys) == nil:
		pointers = labelsOnly(slices.Sorted(maps.Keys(keys)))
	default:
		if err := json.Unmarshal(raw, &pointers); err != nil {
			return nil, errors.New(`"pointers" in the JSON is not a list of labels`)
		}
	}
	for _, p := range pointers {
		if !schedule.IsAgent(p.Label) {
			return nil, fmt.Errorf(`"pointers" in the JSON holds %q, which is not a label`, p.Label)
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

// checkJSON checks every string of valid JSON, keys included, after its escapes are
// undone, and the text as a whole, because a key may give away the value beside it. A
// finding's place is where the string begins; the text as a whole is only checked for
// strings that have no secret yet.
func (c *collector) checkJSON(file string, data []byte) {
	var whole []secrets.Span
	if c.policy != SecretsOff {
		whole = secrets.Find(data)
	}
	reported, hidden := 0, 0
	report := func(rule string, offset int) {
		if reported++; reported <= maxSecrets {
			line, column := diag.Position(data, offset)
			c.findings = append(c.findings, c.secretFinding(file, secretAt{rule, line, column}))
		}
	}
	for dec := json.NewDecoder(bytes.NewReader(data)); ; {
		before := int(dec.InputOffset())
		token, err := dec.Token()
		if err != nil { // io.EOF: the JSON is valid
			break
		}
		text, ok := token.(string)
		if !ok {
			continue
		}
		start, end := before+bytes.IndexByte(data[before:], '"'), int(dec.InputOffset())
		told := false
		if c.policy != SecretsOff && reported < maxSecrets {
			for _, s := range secrets.Find([]byte(text)) {
				report(s.Kind, start)
				told = true
			}
		}
		for ; len(whole) > 0 && whole[0].Start < end; whole = whole[1:] {
			if whole[0].Start < start {
				report(whole[0].Kind, whole[0].Start)
			} else if !told {
				report(whole[0].Kind, start)
				told = true
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
