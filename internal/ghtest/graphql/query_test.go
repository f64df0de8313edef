package graphql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestStrict checks that the stand-in answers a query of GitHub's schema, and reports any
// other one.
func TestStrict(t *testing.T) {
	t.Parallel()
	const good = `query($o: String!, $n: Int!) { repositoryOwner(login: $o) { repositories(first: $n) { totalCount ` +
		`edges { cursor node { nameWithOwner object(expression: "HEAD") { oid ... on Blob { text } } } } } } }`
	token := fixture.Canary("ghs_", "strict")
	whole := map[string]any{"o": "acme", "n": 2}
	tests := []struct {
		name      string
		query     string
		variables map[string]any
		reported  string // "" for a valid query
	}{
		{"valid", good, whole, ""},
		{"unknown field", "query { repositoryOwner(login: a) { stars } }", nil, "field 'stars' doesn't exist"},
		{"unknown argument", "query { repositoryOwner(name: a) { login } }", nil, "doesn't accept argument 'name'"},
		{"no page size", "query { repositoryOwner(login: a) { repositories { totalCount } } }", nil, "`first`"},
		{"no selection", "query { repositoryOwner(login: a) }", nil, "must have a selection"},
		{"selection of a scalar", "query { rateLimit { cost { x } } }", nil, "is a scalar"},
		{"undeclared variable", "query { repositoryOwner(login: $x) { login } }", nil, "not declared"},
		{"missing variable", good, map[string]any{"o": "acme"}, "variable n of type Int!"},
		{"extra variable", "query { rateLimit { cost } }", map[string]any{"x": 1}, "given and not declared"},
		{"mutation", "mutation { rateLimit { cost } }", nil, `want "query"`},
		{"unclosed", "query { rateLimit {", nil, "unexpected end"},
		{"unclosed string", `query { repositoryOwner(login: "a) { login } }`, nil, "a string does not end"},
		{"page too large", good, map[string]any{"o": "acme", "n": 101}, "a page of 101"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var reports []string
			s := New(Options{Errorf: func(format string, args ...any) {
				reports = append(reports, fmt.Sprintf(format, args...))
			}}, Repository{FullName: "acme/web", Visibility: "public"})
			defer s.Close()
			s.AddToken(token, false)
			body, err := json.Marshal(map[string]any{"query": tt.query, "variables": tt.variables})
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			data, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(reports, "\n")
			if (tt.reported == "") != (got == "") || !strings.Contains(got, tt.reported) {
				t.Errorf("reported %q, want %q", got, tt.reported)
			}
			if ok := bytes.Contains(data, []byte(`"nameWithOwner":"acme/web"`)); ok != (tt.reported == "") {
				t.Errorf("answered %s", data)
			}
		})
	}
}
