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

const (
	schemaFile = "../../schema/kaizen.schedule.prepared.v1.schema.json"
	cases      = "../../testdata/conformance"
)

type conformanceCase struct {
	File   string `json:"file"`
	Valid  bool   `json:"valid"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
	// Schema says that the JSON Schema rejects the file, too.
	Schema bool `json:"schema"`
}

func conformanceCases(t *testing.T) []conformanceCase {
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

func eventSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(schemaFile)
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
	schema := eventSchema(t)
	for _, c := range conformanceCases(t) {
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(cases, c.File))
			if err != nil {
				t.Fatal(err)
			}
			e, err := Parse(data)
			switch {
			case (err == nil) != c.Valid:
				t.Errorf("%s: Parse says %v", c.Reason, err)
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

// The encoding of a valid event is valid.
func checkRoundTrip(t *testing.T, schema *jsonschema.Schema, e *Event) {
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
	var listed, present []string
	for _, c := range conformanceCases(t) {
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

// FuzzSchema looks for events that Parse accepts and the schema rejects. The opposite is
// allowed, because some rules cannot be expressed in a schema.
func FuzzSchema(f *testing.F) {
	names, err := filepath.Glob(filepath.Join(cases, "*valid", "*.json"))
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
	schema, err := c.Compile(schemaFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, parseErr := Parse(data)
		schemaErr := validateBySchema(schema, data)
		var invalid *jsonschema.ValidationError
		if parseErr == nil && errors.As(schemaErr, &invalid) {
			t.Errorf("Parse takes %s, the schema says %v", data, schemaErr)
		}
	})
}
