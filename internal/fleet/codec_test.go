package fleet

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

func sampleRoster() *Roster {
	return New(5, []Repository{
		{Name: "acme/web", ID: 2, Forge: GitHub, Server: "https://github.com", DefaultBranch: "main",
			Visibility: "private", Topics: []string{"go", "web"}, Slug: "web", Domain: "shop", Root: "/home/acme/web",
			Manifest: ".kaizen/schedule.yml", Commit: strings.Repeat("a", 40), Blob: strings.Repeat("b", 40),
			Timezone: "Europe/Berlin", Valid: true,
			Entries: []Entry{{"coach", "weekly", "0 9 * * 1", true}, {"tidy", "daily", "5 4 * * *", false}},
			Findings: []diag.Finding{{File: ".kaizen/schedule.yml", Line: 1, Column: 1, Rule: "x",
				Severity: diag.Warning, Message: "m"}}},
		{Name: "acme/Api", ID: 1, Forge: GitHub, Server: "https://github.com", Slug: "Api",
			Manifest: ".kaizen/schedule.yml",
			Findings: []diag.Finding{{File: ".kaizen/schedule.yml", Line: 3, Column: 2, Rule: "cron",
				Severity: diag.Error, Message: "wrong \u202e##[error]x", Hint: "h"}}},
		{Name: "tools", Forge: Local, Manifest: ".kaizen/schedule.yml", Root: "/srv/tools", Error: "no answer\nat all"},
	})
}

func TestEncodeDecode(t *testing.T) {
	t.Parallel()
	roster := sampleRoster()
	data := roster.Encode()
	if strings.Contains(string(data), "##[") || strings.ContainsRune(string(data), '\u202e') {
		t.Errorf("the JSON has unsafe text:\n%s", data)
	}
	got, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range got.Repositories {
		names = append(names, r.Name)
	}
	if want := []string{"acme/Api", "acme/web", "tools"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got the order %v, want %v", names, want)
	}
	if again := got.Encode(); !bytes.Equal(again, data) {
		t.Errorf("encoded again:\n%s\nwant:\n%s", again, data)
	}
	if got, want := got.Count(), (Counts{3, 1, 1, 1, 2, 1, 1, 1}); got != want {
		t.Errorf("got the counts %+v, want %+v", got, want)
	}
	entries, err := got.Repositories[1].Schedule()
	if err != nil || len(entries) != 2 || entries[0].Location.String() != "Europe/Berlin" {
		t.Errorf("got the entries %+v, %v", entries, err)
	}
}

// TestDecodeRefuses checks that Decode and the schema refuse the same rosters, where a
// schema can express the rule.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "schema", "roster.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	isValid := func(data []byte) bool {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		return err == nil && schema.Validate(v) == nil
	}
	good := string(sampleRoster().Encode())
	if !isValid([]byte(good)) {
		t.Fatalf("the schema refuses\n%s", good)
	}
	tests := []struct {
		name, old, new string
		codeOnly       bool // a schema cannot express the rule
	}{
		{"version", `"version": "1"`, `"version": "2"`, false},
		{"unknown key", `"scanned": 5`, `"scanned": 5, "x": 1`, false},
		{"scanned", `"scanned": 5`, `"scanned": 2`, true},
		{"more", "\n}\n", "\n} {}", false},
		{"name with a path", `"acme/web"`, `"acme/../web"`, true},
		{"order", `"name": "acme/Api"`, `"name": "acme/zzz"`, true},
		{"forge", `"forge": "local"`, `"forge": "gitlab"`, false},
		{"server with a password", `"server": "https://github.com"`, `"server": "https://a:b@github.com"`, false},
		{"server with a script", `"server": "https://github.com"`, `"server": "javascript:alert(1)"`, false},
		{"root", `"/home/acme/web"`, `"home"`, true},
		{"bidi in the domain", `"shop"`, `"sh\u202eop"`, true},
		{"visibility", `"private"`, `"secret"`, false},
		{"commit", strings.Repeat("a", 40), strings.Repeat("a", 39), false},
		{"timezone", "Europe/Berlin", "../etc/passwd", true},
		{"agent", `"tidy"`, `"ti/dy"`, false},
		{"agent twice", `"tidy"`, `"coach"`, true},
		{"reserved agent", `"tidy"`, `"all"`, true},
		{"cadence", `"weekly"`, `"hourly"`, false},
		{"cron", `"5 4 * * *"`, `"5 44 * * *"`, true},
		{"valid with an error", `"severity": "warning"`, `"severity": "error"`, false},
		{"valid without entries", `"valid": false`, `"valid": true`, false},
		{"slug", `"slug": "web"`, `"slug": "-web"`, false},
		{"unreadable and valid", `"error": ""`, `"error": "x"`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, tt.old, tt.new, 1)
			if tt.name == "unreadable and valid" { // the first one is invalid, and may have an error
				bad = strings.ReplaceAll(good, tt.old, tt.new)
			}
			if bad == good {
				t.Fatalf("%s is not in the roster", tt.old)
			}
			if _, err := Decode([]byte(bad)); err == nil {
				t.Error("Decode accepts it")
			}
			if !tt.codeOnly && isValid([]byte(bad)) {
				t.Error("the schema accepts it")
			}
		})
	}
	if _, err := Decode([]byte(`{"version":"1","repositories":[{"name":5}]}`)); err == nil ||
		!strings.HasPrefix(err.Error(), "not a roster: repositories.name must not be of the type number") {
		t.Errorf("got %v", err)
	}
	if _, err := Decode(make([]byte, MaxSize+1)); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("too large: got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sampleRoster().Encode())
	f.Add([]byte(`{"version":"1","scanned":0,"repositories":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Decode(r.Encode())
		if err != nil {
			t.Fatalf("what Encode writes is refused: %v", err)
		}
		a, _ := json.Marshal(r.Count())
		b, _ := json.Marshal(again.Count())
		if !bytes.Equal(a, b) {
			t.Errorf("the counts change from %s to %s", a, b)
		}
	})
}
