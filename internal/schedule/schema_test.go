package schedule

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

const schemaFile = "../../schema/schedule.schema.json"

// beyondSchema are the rules that a schema cannot state, and why. A manifest that breaks only these may pass it.
var beyondSchema = map[string]string{
	diag.TooLarge.ID:       "a schema sees values, not the file",
	diag.Encoding.ID:       "a schema sees values, not the file",
	diag.Syntax.ID:         "a schema sees values, not the file",
	diag.OneDocument.ID:    "a schema sees one value",
	diag.NoAlias.ID:        "a schema sees what an alias stands for",
	diag.DuplicateKey.ID:   "the values a schema sees have no duplicate keys",
	diag.DuplicateAgent.ID: "draft-07 compares whole items only",
	diag.Timezone.ID:       "a schema that listed all zones would be old at once",
}

// beyondSchemaFiles are the manifests that break another rule in a way that a schema cannot state.
var beyondSchemaFiles = map[string]string{
	"time-unquoted.yml": "a schema sees no quotes",
}

func compileSchema(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(readFile(tb, schemaFile)))
	if err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schedule.json", doc); err != nil {
		tb.Fatal(err)
	}
	schema, err := c.Compile("schedule.json")
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}

// TestSchemaAgrees proves that the schema and Load give one verdict on every manifest, wherever a schema can express the rule.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for _, file := range slices.Concat(corpusFiles(t, "ok"), corpusFiles(t, "err")) {
		data := readFile(t, file)
		root, problems := parseYAML(data, manifestLimits)
		if problems != nil {
			continue // no value that a schema could judge
		}
		_, findings := Load(file, data, Options{})
		refused := schema.Validate(jsonValue(root))
		expressible := slices.ContainsFunc(findings, func(f diag.Finding) bool {
			return f.Severity == diag.Error && beyondSchema[f.Rule] == ""
		})
		errors, _ := diag.Count(findings)
		switch {
		case refused != nil && errors == 0:
			t.Errorf("%s: the schema refuses what Load accepts: %v", file, refused)
		case refused == nil && expressible && beyondSchemaFiles[filepath.Base(file)] == "":
			t.Errorf("%s: the schema accepts what Load refuses: %v", file, findings)
		}
	}
}

// TestSchemaAgreesByValue does the same with one value at a time, so that no second mistake in a file hides a disagreement.
func TestSchemaAgreesByValue(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	texts := []string{
		`""`, "~", "1", "01", "31", "32", "0", "-1", "0x1f", "1.5", "true", "False", "yes", "[]", "{}", "[a]", "{a: b}", `"1"`, "'1'", "monday", "Monday", "weekly", "hourly", "daily", "all", "due", "All",
		`"05:00"`, `"24:00"`, `"5:00"`, "web", "a.b", "a/b", ".a", "-a", "a b", `" a"`, "ä", "a_b", strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a", 100), strings.Repeat("a", 101),
		strings.Repeat("a", 4096), strings.Repeat("a", 4097), "/a", "//a", "a//b", "../a", "./../a", ".//../a", "a/../b", "..", "a/..b", "...", ".", "./", ".//", "././/.", "C:/a", "c:a", "ab:c", `a\b`, "'a\\b'",
		".git", ".git/a", "a/.GIT/b", ".github/a", "a.git", ".gitignore", `"a\nb"`, `"a\tb"`, `"\0"`, `"\u0085"`, `"\u2028"`, `"\u00a0"`, `"a\n"`, "|\n        a\n", ">-\n        a\n",
		"[a, b]", `[""]`, `[" "]`, `["a\nb"]`, `["\u3000"]`, `["\ufeff"]`, `["\u200b"]`, "[1]", "[~]", "[[a]]", "[" + strings.Repeat("a,", 32) + "]", "[" + strings.Repeat("a,", 33) + "]",
		"[" + strings.Repeat("a", 1000) + "]", "[" + strings.Repeat("é", 1000) + "]", "[" + strings.Repeat("é", 1001) + "]",
		"{a: /b}", "{a b: c}", `{"": c}`, "{a: ~}", "{a: 1}", "{a: [b]}", "{-a: b}", "{1: b}",
	}
	for _, cadence := range []string{"daily", "weekly", "monthly"} {
		for _, key := range []string{"repo", "agent", "day", "time", "enabled", "prompt", "pointers", "session_close"} {
			for _, text := range texts {
				manifest := "version: \"1\"\nschedules:\n  - {agent: x, cadence: " + cadence + "}\n" + key + ": " + text + "\n"
				if key == "agent" {
					manifest = "version: \"1\"\nschedules:\n  - cadence: " + cadence + "\n    agent: " + text + "\n"
				} else if key != "repo" {
					manifest = "version: \"1\"\nschedules:\n  - agent: x\n    cadence: " + cadence + "\n    " + key + ": " + text + "\n"
				}
				agree(t, schema, manifest)
			}
		}
	}
}

func agree(t *testing.T, schema *jsonschema.Schema, manifest string) {
	t.Helper()
	root, problems := parseYAML([]byte(manifest), manifestLimits)
	if problems != nil {
		t.Fatalf("%s: %v", manifest, problems)
	}
	m, findings := Load("f", []byte(manifest), Options{})
	refused := schema.Validate(jsonValue(root))
	if (m == nil) != (refused != nil) {
		t.Errorf("%s\nLoad: %v\nschema: %v", quote(manifest), findings, refused)
	}
}

// jsonValue is what a program that knows YAML 1.2 hands to a schema.
func jsonValue(n *node) any {
	n = n.resolve()
	switch {
	case n == nil:
		return nil
	case n.kind == sequenceNode:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = jsonValue(item)
		}
		return list
	case n.kind == mappingNode:
		object := map[string]any{}
		for _, p := range n.pairs {
			object[p.key.value] = jsonValue(p.value)
		}
		return object
	}
	switch n.typ() {
	case typeNull:
		return nil
	case typeBool:
		return strings.EqualFold(n.value, "true")
	case typeInt:
		if i, ok := n.integer(); ok {
			return json.Number(strconv.Itoa(i))
		}
		return json.Number("1e30") // far outside, as whatever does not fit
	case typeFloat:
		return 0.5 // which one never matters
	}
	return n.value
}

// TestSchemaDescribesEveryKey holds the schema's keys against those of the loader.
func TestSchemaDescribesEveryKey(t *testing.T) {
	t.Parallel()
	type object struct {
		Properties map[string]struct{ Description string }
	}
	var schema struct {
		object
		Definitions map[string]object
	}
	if err := json.Unmarshal(readFile(t, schemaFile), &schema); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		got  object
		want []string
	}{
		{"manifest", schema.object, manifestKeys},
		{"entry", schema.Definitions["entry"], entryKeys},
	} {
		var got []string
		for key, property := range c.got.Properties {
			got = append(got, key)
			if property.Description == "" {
				t.Errorf("%s: %s has no description", c.what, key)
			}
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the loader %v", c.what, got, want)
		}
	}
}
