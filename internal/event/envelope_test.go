package event

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	envelopeSchemaFile = "../../schema/activity-core.envelope.schema.json"
	eventTypes         = "../../event-types"
)

func envelopeSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	// The envelope refers to the payload by its public address.
	for _, file := range []string{contracts[0].schema, contracts[1].schema, envelopeSchemaFile} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(document.(map[string]any)["$id"].(string), document); err != nil {
			t.Fatal(err)
		}
	}
	const id = "https://raw.githubusercontent.com/kaizen-agentic/schedule-action/v1/schema/activity-core.envelope.schema.json"
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every valid event survives the envelope unchanged, and its envelope fulfils the schema.
func TestEncloseAndOpen(t *testing.T) {
	t.Parallel()
	schema := envelopeSchema(t)
	for i, kind := range []string{Type, ReceivedType} {
		for _, c := range conformanceCases(t, contracts[i].cases) {
			if !c.Valid {
				continue
			}
			data, err := os.ReadFile(filepath.Join(contracts[i].cases, c.File))
			if err != nil {
				t.Fatal(err)
			}
			e, err := contracts[i].parse(data)
			if err != nil {
				t.Fatal(err)
			}
			payload, err := e.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			enclosed, err := Enclose("acme/web/kaizen.web.coach.2026-W48", kind, "2026-11-23T05:00:12Z", payload)
			if err != nil {
				t.Fatal(err)
			}
			if err := validateBySchema(schema, enclosed); err != nil {
				t.Errorf("%s: the schema refuses %s: %v", c.File, enclosed, err)
			}
			if got, err := Open(kind, enclosed); err != nil || !bytes.Equal(got, payload) {
				t.Errorf("%s: opened %s (%v), want %s", c.File, got, err, payload)
			}
		}
	}
}

func TestEncloseIsSafeInALog(t *testing.T) {
	t.Parallel()
	got, err := Enclose("a##[b\n\u202e", Type, "2026-11-23T05:00:12Z", []byte(`{"a":"<s>"}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"a##\u005bb\n\u202e","type":"kaizen.schedule.prepared","version":"1.0",` +
		`"timestamp":"2026-11-23T05:00:12Z","publisher":"kaizen-agentic","attributes":{"a":"<s>"}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	const valid = `{"id":"a","type":"kaizen.schedule.prepared","version":"1.0","timestamp":"2026-11-23T05:00:12Z",` +
		`"publisher":"kaizen-agentic","attributes":{}}`
	if _, err := Open(Type, []byte(valid)); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, with, want string }{
		{"no id", `"id":"a",`, ``, `lacks the field "id"`},
		{"another type", `"kaizen.schedule.prepared"`, `"kaizen.metrics.recorded"`, `type "kaizen.metrics.recorded"`},
		{"another version", `"1.0"`, `"2.0"`, `version "2.0"`},
		{"number for a version", `"1.0"`, `1.0`, `is not activity-core's JSON`},
		{"no time", `"2026-11-23T05:00:12Z"`, `"yesterday"`, `timestamp "yesterday"`},
		{"no attributes", `,"attributes":{}`, ``, `lacks the field "attributes"`},
		{"null attributes", `"attributes":{}`, `"attributes":null`, `"attributes" is null`},
		{"twice", `"id":"a"`, `"id":"a","ID":"b"`, `the field "ID" twice`},
		{"a list", valid, `[]`, `not a JSON object`},
		{"more data", `"attributes":{}}`, `"attributes":{}}{}`, `is followed by more data`},
		{"not UTF-8", `"id":"a"`, "\"id\":\"\xff\"", `not valid UTF-8`},
		{"too large", `"attributes":{}`, `"attributes":"` + strings.Repeat("a", maxEnvelope) + `"`, "more than the"},
	}
	for _, tt := range tests {
		_, err := Open(Type, []byte(strings.Replace(valid, tt.old, tt.with, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// The documents for activity-core's registry name every field of a payload, and their examples
// fulfil the schema.
func TestEventTypeDocuments(t *testing.T) {
	t.Parallel()
	prepared := slices.DeleteFunc(slices.Clone(topFields), func(field string) bool { return field == "bundle" })
	for _, field := range slices.Concat(bundleFields, []string{"id", "period", "artifact"}) {
		prepared = append(prepared, "bundle."+field)
	}
	schema := envelopeSchema(t)
	for _, tt := range []struct {
		kind   string
		fields []string
		parse  func([]byte) error
	}{
		{Type, prepared, func(data []byte) error { _, err := Parse(data); return err }},
		{ReceivedType, receivedFields, func(data []byte) error { _, err := ParseReceived(data); return err }},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(eventTypes, tt.kind+".md"))
			if err != nil {
				t.Fatal(err)
			}
			page := string(data)
			for _, line := range []string{"type_id: " + tt.kind, `version: "` + envelopeVersion + `"`,
				"publisher: " + publisher, "governance: publisher-declared", "status: active"} {
				if !strings.Contains(page, line+"\n") {
					t.Errorf("the front matter lacks %s", line)
				}
			}
			var got []string
			for _, row := range regexp.MustCompile(`(?m)^\| ([a-z_.]+) \|`).FindAllStringSubmatch(page, -1) {
				got = append(got, row[1])
			}
			if want := slices.Sorted(slices.Values(tt.fields)); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
				t.Errorf("the table has %v, want %v", got, want)
			}
			_, example, _ := strings.Cut(page, "```json\n")
			example, _, _ = strings.Cut(example, "```")
			if err := validateBySchema(schema, []byte(example)); err != nil {
				t.Error(err)
			}
			payload, err := Open(tt.kind, []byte(example))
			if err == nil {
				err = tt.parse(payload)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"id":"a","type":"kaizen.schedule.prepared","version":"1.0","timestamp":"2026-11-23T05:00:12Z",` +
		`"publisher":"p","attributes":{}}`))
	f.Add([]byte(`{"id":"a","ID":"b"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		payload, err := Open(Type, data)
		if err == nil && !json.Valid(payload) {
			t.Errorf("%q has the payload %q, which is not JSON", data, payload)
		}
	})
}
