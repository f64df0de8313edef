package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// marshaler is an event of either type.
type marshaler interface{ Marshal() ([]byte, error) }

// contracts are the two events: their schemas, cases and parsers.
var contracts = []struct {
	schema, cases string
	parse         func([]byte) (marshaler, error)
}{
	{"../../schema/kaizen.schedule.prepared.v1.schema.json", "../../testdata/conformance",
		func(data []byte) (marshaler, error) { return Parse(data) }},
	{"../../schema/kaizen.schedule.received.v1.schema.json", "../../testdata/conformance-received",
		func(data []byte) (marshaler, error) { return ParseReceived(data) }},
}

type conformanceCase struct {
	File   string `json:"file"`
	Valid  bool   `json:"valid"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
	// Schema says that the JSON Schema rejects the file, too.
	Schema bool `json:"schema"`
}

func conformanceCases(t *testing.T, cases string) []conformanceCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(cases, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var index []conformanceCase
	if err := dec.Decode(&index); err != nil {
		t.Fatal(err)
	}
	return index
}

func eventSchema(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validateBySchema(s *jsonschema.Schema, data []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, contract := range contracts {
		schema := eventSchema(t, contract.schema)
		for _, c := range conformanceCases(t, contract.cases) {
			t.Run(filepath.Base(contract.cases)+"/"+c.File, func(t *testing.T) {
				t.Parallel()
				data, err := os.ReadFile(filepath.Join(contract.cases, c.File))
				if err != nil {
					t.Fatal(err)
				}
				e, err := contract.parse(data)
				switch {
				case (err == nil) != c.Valid:
					t.Errorf("%s: the parser says %v", c.Reason, err)
				case err != nil && !strings.Contains(err.Error(), c.Field):
					t.Errorf("%s: %v does not name %s", c.Reason, err, c.Field)
				case err == nil:
					checkRoundTrip(t, schema, e)
				}
				err = validateBySchema(schema, data)
				if (err != nil) != (!c.Valid && c.Schema) {
					t.Errorf("%s: the schema says %v", c.Reason, err)
				}
				if last := c.Field[strings.LastIndex(c.Field, ".")+1:]; err != nil &&
					!strings.Contains(err.Error(), strings.TrimSuffix(last, "[0]")) {
					t.Errorf("%s: the schema's %v does not name %s", c.Reason, err, c.Field)
				}
			})
		}
	}
}

// The encoding of a valid event is valid.
func checkRoundTrip(t *testing.T, schema *jsonschema.Schema, e marshaler) {
	t.Helper()
	line, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := validateBySchema(schema, line); err != nil {
		t.Errorf("the schema refuses %s: %v", line, err)
	}
}

// index.json must name exactly the files in the folders.
func TestConformanceIndexIsComplete(t *testing.T) {
	t.Parallel()
	for _, contract := range contracts {
		checkIndex(t, contract.cases)
	}
}

func checkIndex(t *testing.T, cases string) {
	t.Helper()
	var listed, present []string
	for _, c := range conformanceCases(t, cases) {
		if folder, _, _ := strings.Cut(c.File, "/"); (folder == "valid") != c.Valid {
			t.Errorf("%s is in the wrong folder", c.File)
		}
		if c.Reason == "" {
			t.Errorf("%s has no reason", c.File)
		}
		listed = append(listed, c.File)
	}
	for _, folder := range []string{"valid", "invalid"} {
		names, err := fs.Glob(os.DirFS(cases), folder+"/*")
		if err != nil {
			t.Fatal(err)
		}
		present = append(present, names...)
	}
	slices.Sort(listed)
	slices.Sort(present)
	if !slices.Equal(listed, present) {
		t.Errorf("index.json lists %v, the folders hold %v", listed, present)
	}
}

// FuzzSchema looks for events that a parser accepts and the schema rejects. The opposite is
// allowed, because some rules cannot be expressed in a schema.
func FuzzSchema(f *testing.F) {
	var schemas []*jsonschema.Schema
	for _, contract := range contracts {
		names, err := filepath.Glob(filepath.Join(contract.cases, "*valid", "*.json"))
		if err != nil || len(names) == 0 {
			f.Fatal(names, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		schema, err := c.Compile(contract.schema)
		if err != nil {
			f.Fatal(err)
		}
		schemas = append(schemas, schema)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for i, contract := range contracts {
			_, parseErr := contract.parse(data)
			schemaErr := validateBySchema(schemas[i], data)
			var invalid *jsonschema.ValidationError
			if parseErr == nil && errors.As(schemaErr, &invalid) {
				t.Errorf("the parser takes %s, the schema says %v", data, schemaErr)
			}
		}
	})
}
