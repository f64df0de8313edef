package ghtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// serverTest is a stand-in with its clock and its complaints.
type serverTest struct {
	*ghtest.Server
	clock      *fixture.Clock
	complaints fixture.Log
}

func startServer(t *testing.T, o ghtest.Options) *serverTest {
	t.Helper()
	s := &serverTest{clock: fixture.NewClock(time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC))}
	o.Now, o.Errorf = s.clock.Now, s.complaints.Printf
	var err error
	if s.Server, err = ghtest.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.AddRepository(ghtest.Repository{FullName: "acme/web", Private: true, Files: map[string]string{"README.md": "x"}})
	s.AddRepository(ghtest.Repository{FullName: "acme/open"})
	s.AddRepository(ghtest.Repository{FullName: "acme/old", Archived: true})
	s.AddToken(fixture.Canary("ghs_", "writer"), ghtest.Token{Kind: ghtest.Installation,
		Access: map[string]ghtest.Permissions{"*": {Contents: "write", Actions: "read"}}})
	s.AddToken(fixture.Canary("ghs_", "reader"), ghtest.Token{Kind: ghtest.Personal,
		Access: map[string]ghtest.Permissions{"acme/web": {Contents: "read"}}})
	s.AddToken(fixture.Canary("ghs_", "job"), ghtest.Token{Kind: ghtest.Job,
		Access: map[string]ghtest.Permissions{"acme/own": {Contents: "write"}}})
	return s
}

// send sends a request and returns the answer with its body; it follows no redirect.
func send(t *testing.T, method, url, token, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+fixture.Canary("ghs_", token))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

func TestServerDispatch(t *testing.T) {
	t.Parallel()
	properties := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"p%d":1`, i))
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	event := func(kind, payload string) string {
		return `{"event_type":"` + kind + `","client_payload":` + payload + `}`
	}
	text := func(n int) string { return `{"p":"` + strings.Repeat("ü", n-len(`{"p":""}`)) + `"}` }
	tests := []struct {
		name, repository, token, body string
		status                        int
	}{
		{"fine", "acme/web", "writer", event("t", `{"a":1}`), 204},
		{"other case", "ACME/Web", "writer", event("t", `{"a":1}`), 204},
		{"no payload", "acme/web", "writer", `{"event_type":"t"}`, 204},
		{"100 characters", "acme/web", "writer", event(strings.Repeat("ü", 100), `{}`), 204},
		{"101 characters", "acme/web", "writer", event(strings.Repeat("ü", 101), `{}`), 422},
		{"no type", "acme/web", "writer", `{"client_payload":{}}`, 422},
		{"ten properties", "acme/web", "writer", event("t", properties(10)), 204},
		{"eleven properties", "acme/web", "writer", event("t", properties(11)), 422},
		{"65,535 characters", "acme/web", "writer", event("t", text(65_535)), 204},
		{"65,536 characters", "acme/web", "writer", event("t", text(65_536)), 422},
		{"array", "acme/web", "writer", event("t", `[]`), 422},
		{"null", "acme/web", "writer", event("t", `null`), 422},
		{"unknown field", "acme/web", "writer", `{"event_type":"t","inputs":{}}`, 422},
		{"not JSON", "acme/web", "writer", `event_type=t`, 422},
		{"two values", "acme/web", "writer", event("t", `{}`) + `{}`, 422},
		{"wrong token", "acme/web", "wrong", event("t", `{}`), 401},
		{"no token, private", "acme/web", "", event("t", `{}`), 404},
		{"no token, public", "acme/open", "", event("t", `{}`), 401},
		{"read only", "acme/web", "reader", event("t", `{}`), 403},
		{"job's token, private", "acme/web", "job", event("t", `{}`), 404},
		{"job's token, public", "acme/open", "job", event("t", `{}`), 403},
		{"archived", "acme/old", "writer", event("t", `{}`), 403},
		{"unknown", "acme/none", "writer", event("t", `{}`), 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, ghtest.Options{})
			resp, body := send(t, "POST", s.URL()+"/repos/"+tt.repository+"/dispatches", tt.token, tt.body)
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, tt.status, body)
			}
			if got := len(s.Dispatches()) == 1; got != (tt.status == 204) {
				t.Errorf("%d dispatches", len(s.Dispatches()))
			}
			q := s.Requests()
			if len(q) != 1 || q[0].Status != tt.status || q[0].Body != tt.body ||
				q[0].Header.Get("Authorization") != "" {
				t.Errorf("recorded %+v", q)
			}
			if text := s.complaints.Text(); text != "" {
				t.Error(text)
			}
		})
	}
}

func TestServerIsStrict(t *testing.T) {
	t.Parallel()
	for _, request := range []string{
		"GET /repos/acme/web/dispatches",
		"DELETE /repos/acme/web",
		"POST /repos/acme/web/contents/README.md",
		"GET /orgs/acme/repos",
		"GET /",
	} {
		s := startServer(t, ghtest.Options{})
		method, path, _ := strings.Cut(request, " ")
		resp, _ := send(t, method, s.URL()+path, "writer", "")
		if resp.StatusCode != http.StatusNotImplemented || len(s.complaints.Lines()) != 1 {
			t.Errorf("%s: status %d, complaints %q", request, resp.StatusCode, s.complaints.Lines())
		}
	}
	s := startServer(t, ghtest.Options{BasePath: "/api/v3"})
	send(t, "GET", strings.TrimSuffix(s.URL(), "/api/v3")+"/repos/acme/web", "writer", "")
	if len(s.complaints.Lines()) != 1 {
		t.Errorf("outside of the base path: complaints %q", s.complaints.Lines())
	}
}

// listing is an answer of the artifacts list.
type listing struct {
	Total     int `json:"total_count"`
	Artifacts []struct {
		ID     int64
		Name   string
		Digest string
		Run    struct {
			ID     int64
			Branch string `json:"head_branch"`
		} `json:"workflow_run"`
	}
}

func list(t *testing.T, s *serverTest, query string) (l listing, link string) {
	t.Helper()
	resp, body := send(t, "GET", s.URL()+"/repos/acme/web/actions/artifacts"+query, "writer", "")
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return l, resp.Header.Get("Link")
}

func TestServerArtifactPages(t *testing.T) {
	t.Parallel()
	type test struct {
		query string
		count int
		first int64
		total int
		next  bool
	}
	for _, server := range []struct {
		options ghtest.Options
		tests   []test
	}{
		{ghtest.Options{}, []test{
			{"", 30, 45, 45, true},
			{"?page=2", 15, 15, 45, false},
			{"?per_page=100&limit=5", 45, 45, 45, false},
			{"?name=n1", 22, 44, 22, false},
			{"?name=n1&per_page=10&page=2", 10, 24, 22, true},
			{"?name=none", 0, 0, 0, false},
			{"?page=9", 0, 0, 45, false},
		}},
		{ghtest.Options{PageSize: 30}, []test{
			{"?per_page=100", 30, 45, 45, true},
			{"?per_page=100&page=2", 15, 15, 45, false},
		}},
		{ghtest.Options{Gitea: true}, []test{
			{"?per_page=100", 30, 1, 45, true},
			{"?limit=20&page=3", 5, 41, 45, false},
			{"?name=n1", 22, 2, 22, false},
		}},
	} {
		s := startServer(t, server.options)
		for i := range 45 {
			s.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: fmt.Sprint("n", i%2), Zip: []byte("PK")})
		}
		for _, tt := range server.tests {
			l, link := list(t, s, tt.query)
			if len(l.Artifacts) != tt.count || l.Total != tt.total || tt.count > 0 && l.Artifacts[0].ID != tt.first {
				t.Errorf("%q: %d of %d", tt.query, len(l.Artifacts), l.Total)
			}
			if strings.Contains(link, `rel="next"`) != tt.next {
				t.Errorf("%q: Link %q", tt.query, link)
			}
		}
	}
}

// TestServerRuns compares runs and the runs of listed artifacts with what either server
// gives.
func TestServerRuns(t *testing.T) {
	t.Parallel()
	const sha = "0000000000000000000000000000000000000000"
	for _, tt := range []struct {
		gitea  bool
		path   string
		status int
		want   string
	}{
		{false, "runs/1", 200, `{"event":"schedule","head_branch":"main","head_repository":{"id":77},"head_sha":"` + sha +
			`","id":1,"path":".github/workflows/kaizen.yml","repository":{"full_name":"acme/web","id":77}}`},
		{false, "runs/2", 200, `{"event":"pull_request","head_branch":null,"head_repository":{"id":9},"head_sha":"` + sha +
			`","id":2,"path":".github/workflows/kaizen.yml","repository":{"full_name":"acme/web","id":77}}`},
		{true, "runs/1", 200, `{"event":"push","head_branch":"main","head_sha":"` + sha +
			`","id":1,"path":"kaizen.yml@refs/heads/main","repository":{"full_name":"acme/web","id":77}}`},
		{true, "runs/2", 200, `{"event":"pull_request","head_sha":"` + sha +
			`","id":2,"path":"kaizen.yml@refs/pull/1/head","repository":{"full_name":"acme/web","id":77}}`},
		{true, "runs/3", 404, ""},
		{true, "runs/4", 404, ""},
		{false, "artifacts/1", 200, `"workflow_run":{"head_branch":"main","head_repository_id":77,"head_sha":"` + sha +
			`","id":1,"repository_id":77}`},
		{true, "artifacts/1", 200, `"workflow_run":{"head_sha":"` + sha + `","id":1,"repository_id":77}`},
	} {
		s := startServer(t, ghtest.Options{Gitea: tt.gitea})
		s.AddRepository(ghtest.Repository{ID: 77, FullName: "acme/web", Private: true})
		s.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: "n", RunID: 1, HeadBranch: "main"})
		s.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: "n", RunID: 4, HeadBranch: "main"})
		s.AddRun(ghtest.Run{ID: 2, Repository: "acme/web", Event: "pull_request", HeadRepositoryID: 9})
		s.RemoveRun(4)
		resp, body := send(t, "GET", s.URL()+"/repos/acme/web/actions/"+tt.path, "writer", "")
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("Gitea %t, %s: %d %s", tt.gitea, tt.path, resp.StatusCode, body)
		}
	}
}

func TestServerSignedURL(t *testing.T) {
	t.Parallel()
	s := startServer(t, ghtest.Options{})
	id := s.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: "n", Zip: []byte("PK zip")})
	address := fmt.Sprintf("%s/repos/acme/web/actions/artifacts/%d/zip", s.URL(), id)
	resp, _ := send(t, "GET", address, "writer", "")
	signed := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusFound || !strings.HasPrefix(signed, s.StorageURL()+"/") {
		t.Fatalf("status %d, Location %q", resp.StatusCode, signed)
	}
	if resp, body := send(t, "GET", signed, "", ""); resp.StatusCode != 200 || body != "PK zip" {
		t.Errorf("status %d, %q", resp.StatusCode, body)
	}
	if resp, _ := send(t, "GET", strings.Replace(signed, "sig=", "sig=x", 1), "", ""); resp.StatusCode != 403 {
		t.Errorf("wrong signature: status %d", resp.StatusCode)
	}
	s.clock.Advance(time.Minute)
	if resp, _ := send(t, "GET", signed, "", ""); resp.StatusCode != 403 {
		t.Errorf("expired: status %d", resp.StatusCode)
	}
	if resp, _ := send(t, "GET", signed, "writer", ""); resp.StatusCode != 400 || len(s.complaints.Lines()) != 1 {
		t.Errorf("with a token: status %d, complaints %q", resp.StatusCode, s.complaints.Lines())
	}
	for _, q := range s.Requests() {
		if strings.Contains(q.Query, "sig=") {
			t.Errorf("a signature was recorded: %+v", q)
		}
	}
}

// A zip that is put into act's store appears; one that is replaced becomes a new
// artifact; ids stay.
func TestServerArtifactFolder(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	s := startServer(t, ghtest.Options{Artifacts: ghtest.Folder{Dir: dir, Repository: "acme/web", Branch: "trunk"}})
	put := func(run, name, zip string) {
		fixture.Write(t, dir, map[string]string{run + "/" + name + "/" + name + ".zip": zip})
	}
	put("1", "kaizen.web.coach.2026-W48", "PK 1")
	first, _ := list(t, s, "")
	put("2", "kaizen.web.coach.2026-W48.receipt", "PK 2")
	second, _ := list(t, s, "")
	put("1", "kaizen.web.coach.2026-W48", "PK 3")
	third, _ := list(t, s, "")
	var got []string
	for _, l := range []listing{first, second, third} {
		for _, a := range l.Artifacts {
			got = append(got, fmt.Sprintf("%d %s run %d %s", a.ID, a.Name, a.Run.ID, a.Run.Branch))
		}
	}
	want := []string{
		"1 kaizen.web.coach.2026-W48 run 1 trunk",
		"2 kaizen.web.coach.2026-W48.receipt run 2 trunk",
		"1 kaizen.web.coach.2026-W48 run 1 trunk",
		"3 kaizen.web.coach.2026-W48 run 1 trunk",
		"2 kaizen.web.coach.2026-W48.receipt run 2 trunk",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if a := third.Artifacts[0]; !strings.HasPrefix(a.Digest, "sha256:") || a.Digest == first.Artifacts[0].Digest {
		t.Errorf("digest %q", a.Digest)
	}
}

func TestServerLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, token, request string
		allowed              int
		pause                time.Duration // between two requests
		want                 string
	}{
		{"content a minute", "writer", "POST /repos/acme/web/dispatches", 80, 0,
			"80 content-creating requests in a minute"},
		{"content an hour", "writer", "POST /repos/acme/web/dispatches", 500, time.Second,
			"500 content-creating requests in an hour"},
		{"points", "writer", "GET /repos/acme/web", 900, 0, "900 points in a minute"},
		{"a job's hour", "job", "GET /repos/acme/open", 1000, 100 * time.Millisecond, "1000 requests in an hour"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, ghtest.Options{Enforce: true})
			method, path, _ := strings.Cut(tt.request, " ")
			for i := range tt.allowed + 1 {
				resp, body := send(t, method, s.URL()+path, tt.token, `{"event_type":"t"}`)
				refused := resp.StatusCode == http.StatusForbidden && strings.Contains(body, "rate limit")
				if refused != (i == tt.allowed) {
					t.Fatalf("request %d: status %d, %s", i+1, resp.StatusCode, body)
				}
				s.clock.Advance(tt.pause)
			}
			if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0], tt.want) {
				t.Errorf("violations %q, want one with %q", v, tt.want)
			}
			s.clock.Advance(time.Hour)
			if resp, body := send(t, method, s.URL()+path, tt.token, `{"event_type":"t"}`); resp.StatusCode >= 400 {
				t.Errorf("an hour later: status %d, %s", resp.StatusCode, body)
			}
		})
	}
}
