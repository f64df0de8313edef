package prepare

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// The sample checkouts give the golden bundles on any machine.
func TestSamples(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, sample := range []string{"kaizen", "claude"} {
		dir := filepath.Join("..", "..", "testdata", sample)
		data := fixture.Read(t, filepath.Join(dir, schedule.DefaultPath))
		m, findings := schedule.Load(schedule.DefaultPath, []byte(data), schedule.Options{})
		if m == nil || len(findings) > 0 {
			t.Fatalf("%s: %v", sample, findings)
		}
		tree := openTree(t, dir)
		if findings := check(t, m, tree); len(findings) > 0 {
			t.Errorf("%s: Check = %v", sample, findings)
		}
		for _, e := range m.Entries {
			for _, format := range []Format{Markdown, JSON} {
				in := Input{
					Repo: m.Repo, Entry: e, Period: e.Current(now).Period,
					Commit: "0123456789012345678901234567890123456789", Format: format,
				}
				b, findings := must(t, tree, in)
				if len(findings) > 0 {
					t.Errorf("%s: Prepare(%s) finds %v", sample, e.Agent, findings)
				}
				stored := filepath.Join("testdata", "kaizen."+b.Repo+"."+b.Agent+"."+b.Period)
				fixture.Golden(t, filepath.Join(stored, b.ContentName()), b.Content)
				fixture.Golden(t, filepath.Join(stored, "sources."+b.ContentName()+".json"), b.Sources)
				if format == JSON {
					validate(t, schema, b.Content)
				}
			}
		}
	}
}

// Every state and encoding of a part satisfies the schema.
func TestSchema(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	const prompt, memory = "agents/coach.md", ".kaizen/agents/coach/memory.md"
	const summary, runs = ".kaizen/metrics/coach.json", ".kaizen/metrics/coach/executions.jsonl"
	tests := []struct {
		name   string
		files  map[string]string
		part   string // the part that is in this state and encoding
		state  State
		coding string
	}{
		{"verbatim", map[string]string{prompt: "p"}, "prompt", Verbatim, "utf-8"},
		{"base64", map[string]string{prompt: "r\xf4le"}, "prompt", Verbatim, "base64"},
		{"redacted", map[string]string{memory: "use " + githubToken}, "memory", Redacted, "utf-8"},
		{"redacted base64", map[string]string{memory: "r\xf4le " + githubToken}, "memory", Redacted, "base64"},
		{"truncated", map[string]string{prompt: "p", memory: strings.Repeat("x", MaxFile+1)}, "memory", Truncated, "utf-8"},
		{"truncated prompt", map[string]string{prompt: strings.Repeat("x", MaxFile+1)}, "prompt", Truncated, "utf-8"},
		{"truncated and redacted", map[string]string{memory: strings.Repeat("x\n", MaxFile) + githubToken},
			"memory", Redacted, "utf-8"},
		{"omitted", map[string]string{summary: strings.Repeat(" ", MaxFile) + "{}"}, "metrics", Omitted, "utf-8"},
		{"summary", map[string]string{summary: "{}"}, "metrics", Verbatim, "utf-8"},
		{"summarized", map[string]string{runs: "{}\n"}, "metrics", Summarized, "utf-8"},
	}
	for _, tt := range tests {
		in := coach(JSON)
		in.Secrets = SecretsRedact
		b, _ := must(t, newTree(t, tt.files), in)
		validate(t, schema, b.Content)
		var doc map[string]json.RawMessage
		fixture.Must(t, json.Unmarshal(b.Content, &doc))
		var p partJSON
		if err := json.Unmarshal(doc[tt.part], &p); err != nil || p.State != tt.state || p.Encoding != tt.coding {
			t.Errorf("%s: the %s is %s, %s; want %s, %s (%v)", tt.name, tt.part, p.State, p.Encoding, tt.state, tt.coding, err)
		}
	}
	b, _ := must(t, newTree(t, nil), coach(JSON)) // only the flags
	validate(t, schema, b.Content)
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "schema", "bundle.schema.json"))
	fixture.Must(t, err)
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, data []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	fixture.Must(t, err)
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
}
