package schedule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

const schemaFile = "../../schema/schedule.schema.json"

// beyondSchema has the rules that a schema cannot express, and why. A manifest that
// breaks only these may be valid for the schema.
var beyondSchema = map[string]string{
	diag.TooLarge.ID:       "a schema sees values, not the file",
	diag.Encoding.ID:       "a schema sees values, not the file",
	diag.Syntax.ID:         "a schema sees values, not the file",
	diag.OneDocument.ID:    "a schema sees one value",
	diag.NoAlias.ID:        "a schema sees the value of an alias",
	diag.DuplicateKey.ID:   "the values a schema sees have no duplicate keys",
	diag.DuplicateAgent.ID: "the values a schema sees have no duplicate keys",
	diag.Timezone.ID:       "a schema with all zones would soon be out of date",
}

// beyondSchemaFiles has manifests that break another rule in a way that a schema cannot
// express.
var beyondSchemaFiles = map[string]string{
	"agent-numbers.yml":  "the keys that a schema sees are strings",
	"agent-booleans.yml": "the keys that a schema sees are strings",
	"cron-backwards.yml": "a pattern cannot compare numbers",
	"cron-never.yml":     "a pattern cannot use a calendar",
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

// TestSchemaAgrees checks that the schema and Load agree on every manifest of the corpus,
// as far as a schema can express the rules.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for _, file := range slices.Concat(corpusFiles(t, "ok"), corpusFiles(t, "warn"), corpusFiles(t, "err")) {
		data := readFile(t, file)
		root, problems := yamlnode.Parse(data, manifestLimits)
		if problems != nil {
			continue // there is no value to validate
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

// TestSchemaAgreesByValue checks one value at a time, so that another error cannot hide a
// disagreement.
func TestSchemaAgreesByValue(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	texts := []string{
		`""`, "~", "1", "01", "31", "32", "0", "-1", "0x1f", "1.5", "true", "False", "yes", "[]", "{}", "[a]", "{a: b}",
		`"1"`, "'1'", "0 9 * * 1", `"0 9 * * *"`, "monday", "weekly", "monthly", "Weekly", "hourly", "daily", "all",
		"due",
		"All",
		"5am", "{cadence: weekly}", "{x: {cadence: weekly}}", "{all: {cadence: daily}}", "{x: ~}",
		"{x: {cadence: daily, day: 1}}", "web", "a.b", "a/b", ".a", "-a", "a b", `" a"`, "ä", "a_b",
		strings.Repeat("a", 64),
		strings.Repeat("a", 65), strings.Repeat("a", 100), strings.Repeat("a", 101),
		strings.Repeat("a", 4096), strings.Repeat("a", 4097), "/a", "//a", "a//b", "../a", "./../a", ".//../a",
		"a/../b",
		"..", "a/..b", "...", ".", "./", ".//", "././/.", "C:/a", "c:a", "ab:c", `a\b`, "'a\\b'",
		".git", ".git/a", "a/.GIT/b", ".github/a", "a.git", ".gitignore", `"a\nb"`, `"a\tb"`, `"\0"`, `"\u0085"`,
		`"\u2028"`,
		`"\u00a0"`, `"a\n"`, "|\n        a\n", ">-\n        a\n",
		"[a, b]", `[""]`, `[" "]`, `["a\nb"]`, `["\u3000"]`, `["\ufeff"]`, `["\u200b"]`, "[1]", "[~]", "[[a]]",
		"[" + strings.Repeat("a,", 32) + "]", "[" + strings.Repeat("a,", 33) + "]",
		"[" + strings.Repeat("a", 1000) + "]", "[" + strings.Repeat("é", 1000) + "]", "[" +
			strings.Repeat("é", 1001) + "]",
		"{a: /b}", "{a b: c}", `{"": c}`, "{a: ~}", "{a: 1}", "{a: [b]}", "{-a: b}", "{1: b}",
	}
	const head = "version: \"1\"\n"
	for _, text := range texts {
		agree(t, schema, head+"agents: {x: {cadence: daily}}\nrepo: "+text+"\n")
		agree(t, schema, head+"agents: "+text+"\n")
		agree(t, schema, head+"agents:\n  x: "+text+"\n")
		agree(t, schema, head+"agents:\n  x:\n    cadence: "+text+"\n")
		for _, key := range []string{"cron", "enabled", "prompt", "memory", "metrics", "pointers", "session_close"} {
			agree(t, schema, head+"agents:\n  x:\n    cadence: weekly\n    "+key+": "+text+"\n")
		}
		agree(t, schema, head+"agents:\n  ? "+strconv.Quote(text)+"\n  : {cadence: daily}\n")
	}
}

// TestSchemaAgreesByCron checks one cron at a time: each value of each field, alone, in a
// list, as the end of a range and as a step.
func TestSchemaAgreesByCron(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	values := []string{"", "*", "?", "L", "W", "#", "a", "**", "*-5", "5-", "-5", "5-6-7", "1.5", "+1", "005", "٥",
		"@daily", "5,", ",5", "5,,6"}
	for n := range 101 {
		values = append(values, strconv.Itoa(n), fmt.Sprintf("%02d", n), fmt.Sprintf("*/%d", n), fmt.Sprintf("1-%d", n),
			fmt.Sprintf("1,%d", n))
	}
	for _, name := range strings.Fields("SUN mon Tue wED THU FRI SAT JAN feb Mar aPR MAY JUN JUL AUG SEP OCT NOV DEC " +
		"MONDAY SU JANUARY") {
		values = append(values, name, name+","+name, name+"-"+name, name+"/2", name+"L", name+"#1")
	}
	for field := range 5 {
		for _, value := range values {
			words := []string{"*", "*", "*", "*", "*"}
			words[field] = value
			if text := strings.Join(words, " "); !strings.Contains(parseError(text), "backwards") {
				agree(t, schema, cronManifest(text))
			}
		}
	}
	for _, blank := range []string{" ", "\t", "\n", "\v", "\f", "\r", "\u0085", "\u00a0", "\u1680", "\u2007", "\u2028",
		"\u202f", "\u3000", "\u200b", "\ufeff", "_", ""} {
		agree(t, schema, cronManifest("0"+blank+"9 * * 1"))
		agree(t, schema, cronManifest(blank+"0 9 * * 1"+blank+blank))
	}
	for _, text := range []string{"* * * *", "* * * * * *", "0 9 30 2 1", "0/8 9 * * *", "1-5/99 * * * *",
		"*/2/2 * * * *"} {
		agree(t, schema, cronManifest(text))
	}
}

func cronManifest(text string) string {
	return "version: \"1\"\nagents: {x: {cadence: daily, cron: " + strconv.QuoteToASCII(text) + "}}\n"
}

// parseError returns the message about an invalid cron, or "".
func parseError(text string) string {
	if _, err := cron.Parse(text, cron.Manifest); err != nil {
		return err.Error()
	}
	return ""
}

func agree(t *testing.T, schema *jsonschema.Schema, manifest string) {
	t.Helper()
	root, problems := yamlnode.Parse([]byte(manifest), manifestLimits)
	if problems != nil {
		t.Fatalf("%s: %v", manifest, problems)
	}
	m, findings := Load("f", []byte(manifest), Options{Repo: "r"})
	refused := schema.Validate(jsonValue(root))
	if (m == nil) != (refused != nil) {
		t.Errorf("%s\nLoad: %v\nschema: %v", diag.Quote(manifest), findings, refused)
	}
}

// jsonValue returns the value that a YAML 1.2 reader passes to a schema.
func jsonValue(n *yamlnode.Node) any {
	n = n.Resolve()
	switch {
	case n == nil:
		return nil
	case n.Kind == yamlnode.Sequence:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = jsonValue(item)
		}
		return list
	case n.Kind == yamlnode.Mapping:
		object := map[string]any{}
		for _, p := range n.Pairs {
			object[p.Key.Value] = jsonValue(p.Value)
		}
		return object
	}
	switch n.Type() {
	case yamlnode.TypeNull:
		return nil
	case yamlnode.TypeBool:
		return strings.EqualFold(n.Value, "true")
	case yamlnode.TypeInt:
		if i, err := parseInt(n.Value); err == nil {
			return json.Number(strconv.FormatInt(i, 10))
		}
		return json.Number("1e30") // like any number that is far too large
	case yamlnode.TypeFloat:
		return 0.5 // the exact value does not matter
	}
	return n.Value
}

// parseInt reads an integer as YAML writes it: unlike Go, with decimal digits after a zero.
func parseInt(text string) (int64, error) {
	switch {
	case strings.HasPrefix(text, "0o"):
		return strconv.ParseInt(text[2:], 8, 64)
	case strings.HasPrefix(text, "0x"):
		return strconv.ParseInt(text[2:], 16, 64)
	}
	return strconv.ParseInt(text, 10, 64)
}

// TestSchemaDescribesEveryKey compares the keys of the schema with those of the loader.
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
		{"manifest", schema.object, spec.ManifestKeys},
		{"entry", schema.Definitions["entry"], spec.EntryKeys},
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
