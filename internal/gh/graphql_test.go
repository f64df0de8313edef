package gh

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/gh/pace"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest/graphql"
)

const manifestPath = ".kaizen/schedule.yml"

// setupQueries starts a stand-in with repositories r000, r001, …, each with a manifest.
func setupQueries(t *testing.T, n int, o graphql.Options) (*graphql.Server, *Client) {
	t.Helper()
	clock := newClock()
	o.Errorf, o.Now = t.Errorf, clock.Now
	var repositories []graphql.Repository
	for i := range n {
		repositories = append(repositories, graphql.Repository{ID: int64(i + 1), FullName: fmt.Sprintf("acme/r%03d", i),
			Topics: []string{"web", "go"}, Files: map[string]string{manifestPath: fmt.Sprintf("version: %d\n", i)}})
	}
	server := graphql.New(o, repositories...)
	t.Cleanup(server.Close)
	server.AddToken(testToken, true)
	base := server.URL
	if o.Path == "/api/graphql" {
		base += "/api/v3"
	}
	client, err := New(Options{BaseURL: base, Token: testToken, Now: clock.Now, Sleep: clock.Sleep, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func TestListRepositories(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/graphql", "/api/graphql"} {
		_, client := setupQueries(t, 5, graphql.Options{Path: path})
		listing := Listing{Owner: "acme", File: manifestPath}
		page, err := client.ListRepositories(t.Context(), listing, "", 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Repositories) != 3 || !page.More || page.Total != 5 {
			t.Fatalf("got the page %+v", page)
		}
		r := page.Repositories[2]
		if r.FullName != "acme/r002" || r.ID != 3 || r.DefaultBranch != "main" || r.Visibility != "private" ||
			strings.Join(r.Topics, " ") != "go web" || r.File == nil || r.File.Text != "version: 2\n" ||
			!r.File.Whole || r.File.ID != graphql.BlobID("version: 2\n") || len(r.Commit) != 40 || r.Failed != "" {
			t.Errorf("got %+v with the file %+v", r, r.File)
		}
		page, err = client.ListRepositories(t.Context(), listing, page.Next, 3)
		if err != nil || len(page.Repositories) != 2 || page.More || page.Repositories[0].FullName != "acme/r003" {
			t.Errorf("got the page %+v, %v", page, err)
		}
	}
}

// TestQueryFaults checks the kind of error of each way in which a query fails, and that
// none is sent again where a smaller page may help.
func TestQueryFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		fault   graphql.Fault
		kind    Kind
		queries int
	}{
		{"502", graphql.Fault{Status: 502}, Overloaded, 1},
		{"504", graphql.Fault{Status: 504}, Overloaded, 1},
		{"connection cut", graphql.Fault{Reset: true}, Overloaded, 1},
		{"no data", graphql.Fault{Limited: true}, Overloaded, 1},
		{"not JSON", graphql.Fault{Raw: "<html>"}, Overloaded, 1},
		{"time-out of the platform", graphql.Fault{Raw: `{"data":null,"errors":[{"message":"Something went wrong"}]}`},
			Overloaded, 1},
		{"too large", graphql.Fault{Raw: `{"data":"` + strings.Repeat("x", maxBody) + `"}`}, Overloaded, 1},
		{"forbidden", graphql.Fault{Raw: `{"data":{"repositoryOwner":null},"errors":[{"type":"FORBIDDEN",` +
			`"message":"SAML"}]}`}, Forbidden, 1},
		{"other JSON", graphql.Fault{Raw: `[]`}, Unavailable, 1},
		{"404", graphql.Fault{Status: 404}, NotFound, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := setupQueries(t, 1, graphql.Options{Fault: func(int, graphql.Query) graphql.Fault {
				return tt.fault
			}})
			_, err := client.ListRepositories(t.Context(), Listing{Owner: "acme", File: manifestPath}, "", 1)
			var e *Error
			if !errors.As(err, &e) || e.Kind != tt.kind || e.Op == "" {
				t.Errorf("got %v, want an error of kind %s", err, tt.kind)
			}
			if n := len(server.Queries()); n != tt.queries {
				t.Errorf("%d queries, want %d", n, tt.queries)
			}
		})
	}
}

func TestPartialAnswer(t *testing.T) {
	t.Parallel()
	_, client := setupQueries(t, 5, graphql.Options{Fault: func(int, graphql.Query) graphql.Fault {
		return graphql.Fault{Limited: true, Keep: 3, Broken: []string{"acme/r001"}}
	}})
	page, err := client.ListRepositories(t.Context(), Listing{Owner: "acme", File: manifestPath}, "", 5)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false, true, true} {
		r := page.Repositories[i]
		if (r.Failed != "") != want || r.Cursor == "" {
			t.Errorf("repository %d: got %q and cursor %q, want failed %v", i, r.Failed, r.Cursor, want)
		}
	}
	if !page.Limited || page.Repositories[1].FullName != "acme/r001" || page.Repositories[3].FullName != "" {
		t.Errorf("got %+v", page)
	}
}

// TestPointsOfQueries checks that queries wait for their own points, and neither take from
// the budget of other requests nor hold them up.
func TestPointsOfQueries(t *testing.T) {
	t.Parallel()
	server, client := setupQueries(t, 1, graphql.Options{Points: 3})
	start := client.api.pace.Now()
	for range 5 {
		_, err := client.ListRepositories(t.Context(), Listing{Owner: "acme", File: manifestPath}, "", 1)
		if err != nil {
			t.Fatal(err)
		}
	}
	if took := client.api.pace.Now().Sub(start); took < time.Hour || took > 2*time.Hour {
		t.Errorf("took %s, want an hour", took)
	}
	if n := len(server.Queries()); n != 5 {
		t.Errorf("%d queries, want 5: the budget is known without an error", n)
	}
	if got := client.queries.cost(http.MethodPost); got != pace.CostOf(http.MethodGet) {
		t.Errorf("a query costs %+v", got)
	}
	before := client.api.pace.Now()
	for range pace.MaxConcurrent { // together they cost what a minute allows
		if err := client.api.pace.Enter(t.Context(), pace.Cost{Points: 90, Content: 8}); err != nil {
			t.Fatal(err)
		}
	}
	if waited := client.api.pace.Now().Sub(before); waited != 0 {
		t.Errorf("the REST API is held up for %s", waited)
	}
}

// TestRateLimitedQuery checks an answer that reports the limit with status 200.
func TestRateLimitedQuery(t *testing.T) {
	t.Parallel()
	_, client := setupQueries(t, 1, graphql.Options{Fault: func(n int, _ graphql.Query) graphql.Fault {
		return graphql.Fault{RateLimit: n <= 2}
	}})
	start := client.api.pace.Now()
	_, err := client.ListRepositories(t.Context(), Listing{Owner: "acme", File: manifestPath}, "", 1)
	if took := client.api.pace.Now().Sub(start); err != nil || took < 3*time.Minute {
		t.Errorf("took %s, %v; want 3 minutes", took, err)
	}
}

func TestGraphQLAddress(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://api.github.com/":          "https://api.github.com/graphql",
		"https://api.acme.ghe.com/":        "https://api.acme.ghe.com/graphql",
		"https://github.acme.test/api/v3/": "https://github.acme.test/api/graphql",
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		if got := graphqlURL(u).String(); got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
	}
}

// TestPointsInTheAnswer checks that the points in an answer count where the headers do not
// tell them.
func TestPointsInTheAnswer(t *testing.T) {
	t.Parallel()
	reset := newClock().Now().Add(10 * time.Minute)
	_, client := setupQueries(t, 1, graphql.Options{Fault: func(n int, _ graphql.Query) graphql.Fault {
		if n > 1 {
			return graphql.Fault{}
		}
		return graphql.Fault{Raw: `{"data":{"repositoryOwner":{"repositories":{"totalCount":0,"edges":[]}},` +
			`"rateLimit":{"cost":3,"remaining":2,"resetAt":"` + reset.Format(time.RFC3339) + `"}}}`}
	}})
	for range 2 {
		_, err := client.ListRepositories(t.Context(), Listing{Owner: "acme", File: manifestPath}, "", 1)
		if err != nil {
			t.Fatal(err)
		}
	}
	if now := client.api.pace.Now(); now.Before(reset) {
		t.Errorf("the second query was sent at %s, before the reset at %s", now, reset)
	}
}

// TestQueriesStayAtTheAPI checks that a redirect of a query takes the token nowhere.
func TestQueriesStayAtTheAPI(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a query went to %s with %q", r.Host, r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	var own *httptest.Server
	own = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/graphql" {
			t.Errorf("a query went to %s", r.URL.Path)
		}
		to := elsewhere.URL + "/graphql"
		if r.UserAgent() == "own" {
			to = own.URL + "/other"
		}
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(own.Close)
	for _, agent := range []string{"elsewhere", "own"} {
		client, err := New(Options{BaseURL: own.URL, Token: testToken, UserAgent: agent, Log: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.ListRepositories(t.Context(), Listing{Owner: "acme", File: manifestPath}, "", 1)
		if err == nil || !strings.Contains(err.Error(), "redirects to another place") ||
			strings.Contains(err.Error(), testToken) {
			t.Errorf("%s: got %v", agent, err)
		}
	}
}

// FuzzListedPage reads any answer of a listing.
func FuzzListedPage(f *testing.F) {
	f.Add([]byte(`{"totalCount":1,"pageInfo":{"hasNextPage":true,"endCursor":"c"},"edges":[null,{"cursor":"c","node":` +
		`{"nameWithOwner":"acme/web","object":{"__typename":"Blob","oid":"a","isBinary":null,"text":"x"}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p listedPage
		if json.Unmarshal(data, &p) != nil {
			return
		}
		errs := []graphqlError{{Message: "m", Path: []any{"edges", float64(0)}}, {Message: "m", Path: []any{"edges"}}}
		page := p.page(errs)
		for _, r := range page.Repositories {
			if r.Cursor == "" || r.FullName == "" && r.Failed == "" {
				t.Errorf("got %+v", r)
			}
		}
		if page.More && len(p.Edges) == 0 {
			t.Error("an empty page is followed by another one")
		}
	})
}
