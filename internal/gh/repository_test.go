package gh

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

func TestRepository(t *testing.T) {
	t.Parallel()
	server, client, clock := setup(t, ghtest.Options{})
	server.AddRepository(ghtest.Repository{ID: 7, FullName: "acme/fork", DefaultBranch: "trunk", Private: true,
		Fork: true, Archived: true})
	server.AddToken(tokenOf("reader"),
		ghtest.Token{Kind: ghtest.Personal, Access: map[string]ghtest.Permissions{"acme/fork": {Contents: "read"}}})
	server.AddToken(tokenOf("writer"),
		ghtest.Token{Kind: ghtest.Personal, Access: map[string]ghtest.Permissions{"acme/fork": {Contents: "write"}}})
	want := Repository{ID: 7, FullName: "acme/fork", DefaultBranch: "trunk", Private: true, Fork: true, Archived: true,
		CanPush: true}
	got, err := connect(t, server, clock, tokenOf("writer")).Repository(t.Context(), "Acme/Fork")
	if err != nil || got != want {
		t.Errorf("writer: got %+v, %v", got, err)
	}
	want.CanPush = false
	if got, err := client.Repository(t.Context(), "acme/fork"); err != nil || got != want {
		t.Errorf("installation: got %+v, %v", got, err)
	}
	got, err = connect(t, server, clock, tokenOf("reader")).Repository(t.Context(), "acme/fork")
	if err != nil || got != want {
		t.Errorf("reader: got %+v, %v", got, err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{})
	server.AddRepository(ghtest.Repository{
		FullName: "acme/web",
		Files: map[string]string{
			".kaizen/schedule.yml": "version: \"1\"\n",
			"a b/ü#?%2f.md":        "odd name",
			"empty":                "",
			"big":                  strings.Repeat("x", 1<<20+1),
		},
		Refs: map[string]map[string]string{"feature/x": {".kaizen/schedule.yml": "changed"}},
	})
	tests := []struct {
		path, ref string
		limit     int64
		want      string
		kind      Kind
	}{
		{".kaizen/schedule.yml", "", 100, "version: \"1\"\n", ""},
		{".kaizen/schedule.yml", "main", 13, "version: \"1\"\n", ""},
		{".kaizen/schedule.yml", "feature/x", 100, "changed", ""},
		{".kaizen/schedule.yml", "", 12, "", Invalid},
		{".kaizen/schedule.yml", "gone", 100, "", NotFound},
		{"a b/ü#?%2f.md", "", 100, "odd name", ""},
		{"empty", "", 0, "", ""},
		{"big", "", 1 << 30, "", Invalid},
		{".kaizen", "", 100, "", Invalid},
		{"none", "", 100, "", NotFound},
		{"../secret", "", 100, "", Invalid},
		{"/etc/passwd", "", 100, "", Invalid},
		{"", "", 100, "", Invalid},
	}
	for _, tt := range tests {
		got, err := client.File(t.Context(), "acme/web", tt.path, tt.ref, tt.limit)
		if string(got) != tt.want {
			t.Errorf("%q at %q: %q", tt.path, tt.ref, got)
		}
		checkError(t, err, tt.kind)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{})
	server.AddRepository(ghtest.Repository{FullName: "acme/web", Files: map[string]string{
		"README.md": "", ".github/workflows/b.yml": "", ".github/workflows/a.yml": "",
		".github/workflows/sub/c.yml": "",
	}})
	tests := []struct {
		repository, path string
		want             []string
		kind             Kind
	}{
		{"acme/web", ".github/workflows", []string{"a.yml", "b.yml"}, ""},
		{"acme/web", ".", []string{"README.md"}, ""},
		{"acme/web", ".github", nil, ""},
		{"acme/web", "none", nil, ""},
		{"acme/web", "README.md", nil, Invalid},
		{"acme/web-gone", ".github/workflows", nil, NotFound}, // never "no files" of what can't be seen
	}
	for _, tt := range tests {
		got, err := client.Files(t.Context(), tt.repository, tt.path)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s %q: %q", tt.repository, tt.path, got)
		}
		checkError(t, err, tt.kind)
	}
}

// A renamed repository answers with a redirect: method, body and token go along.
func TestRenamedRepository(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{BasePath: "/api/v3"})
	server.Rename("acme/old", "acme/web")
	id := server.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: "a b&c", Zip: []byte("PK")})
	err := client.Dispatch(t.Context(), "acme/old", "kaizen.schedule.prepared", json.RawMessage(payload))
	if err != nil {
		t.Error(err)
	}
	if d := server.Dispatches(); len(d) != 1 || d[0].Repository != "acme/web" || string(d[0].ClientPayload) != payload {
		t.Errorf("dispatches = %+v", d)
	}
	if r, err := client.Repository(t.Context(), "acme/old"); err != nil || r.FullName != "acme/web" {
		t.Errorf("repository %+v, %v", r, err)
	}
	if list, _, err := client.Artifacts(t.Context(), "acme/old", "a b&c", 9); err != nil || len(list) != 1 {
		t.Errorf("artifacts %+v, %v", list, err)
	}
	if data, err := client.DownloadArtifact(t.Context(), "acme/old", id, 2); err != nil || string(data) != "PK" {
		t.Errorf("zip %q, %v", data, err)
	}
}

// A redirect to another path of the API's host gets no token either.
func TestRedirectOutsideOfTheAPI(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{BasePath: "/api/v3"})
	elsewhere := strings.TrimSuffix(server.URL(), "/api/v3") + "/evil"
	server.Fail("POST /repos/*/*/dispatches", 1, ghtest.Redirect(307, elsewhere))
	checkError(t, client.Dispatch(t.Context(), "acme/web", "t", json.RawMessage(payload)), Unavailable)
	if n := len(server.Requests()); n != 1 {
		t.Errorf("%d requests, want the first only", n)
	}
}

// TestInside checks which addresses get the token.
func TestInside(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		base, to string
		want     bool
	}{
		{"https://ghe.example/api/v3/", "https://ghe.example/api/v3/repositories/1", true},
		{"https://ghe.example/api/v3/", "https://GHE.example:443/api/v3/repositories/1", true},
		{"https://ghe.example/api/v3/", "http://ghe.example/api/v3/repositories/1", false},
		{"https://ghe.example/api/v3/", "http://ghe.example:443/api/v3/repositories/1", false},
		{"https://ghe.example/api/v3/", "https://ghe.example:8443/api/v3/repositories/1", false},
		{"https://ghe.example/api/v3/", "https://ghe.example.evil/api/v3/repositories/1", false},
		{"https://ghe.example/api/v3/", "https://user@ghe.example/api/v3/repositories/1", false},
		{"https://ghe.example/api/v3/", "https://ghe.example/api/v30/repositories/1", false},
		{"https://ghe.example/api/v3/", "https://ghe.example/login", false},
		{"https://ghe.example/api/v3/", "https://ghe.example/api/v3/../../login", false},
		{"https://ghe.example/api/v3/", "https://ghe.example/api/v3/%2e%2e/%2e%2e/login", false},
		{"http://127.0.0.1:80/", "http://127.0.0.1/repositories/1", true},
		{"http://127.0.0.1:80/", "http://127.0.0.1:8080/repositories/1", false},
	} {
		base, err := url.Parse(tt.base)
		fixture.Must(t, err)
		to, err := url.Parse(tt.to)
		fixture.Must(t, err)
		if got := (&transport{base: base}).inside(to); got != tt.want {
			t.Errorf("%s is inside of %s: %t", tt.to, tt.base, got)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	server, _, clock := setup(t, ghtest.Options{})
	server.AddRepository(ghtest.Repository{FullName: "acme/open"})
	server.AddToken(tokenOf("job"), ghtest.Token{Kind: ghtest.Job,
		Access: map[string]ghtest.Permissions{"acme/own": {Contents: "write"}}})
	server.AddRepository(ghtest.Repository{FullName: "acme/old", Archived: true})
	const hint = "; the job's own token reaches its own repository only: for another one give `dispatch-token`"
	const elevenFields = `{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"11":1}`
	tests := []struct {
		name, token, repository, payload string
		message, hint                    string
	}{
		{"401", "wrong", "acme/web", payload,
			"dispatch to acme/web: 401 the token is missing, wrong or expired",
			"give input `dispatch-token` a valid one"},
		{"403", tokenOf("job"), "acme/open", payload,
			`dispatch to acme/open: 403 refused; the server says "Resource not accessible by integration"`,
			"the token of input `dispatch-token` needs the permission `contents: write` on acme/open" + hint},
		{"404", tokenOf("job"), "acme/web", payload,
			"dispatch to acme/web: 404 not found, or the token of input `dispatch-token` may not see it; the server says \"Not Found\"",
			"check the name, and give the token `contents: write` on acme/web" + hint},
		{"422", testToken, "acme/web", elevenFields,
			"dispatch to acme/web: 422 the API refused the request; " +
				`the server says "Invalid request. No more than 10 properties are allowed; 11 were supplied."`, ""},
		{"archived", testToken, "acme/old", payload,
			`dispatch to acme/old: 403 refused; the server says "Repository was archived so is read-only."`,
			"unarchive acme/old, or remove it from `dispatch-to`"},
	}
	for _, tt := range tests {
		client := connect(t, server, clock, tt.token)
		err := client.Dispatch(t.Context(), tt.repository, "kaizen.schedule.prepared", json.RawMessage(tt.payload))
		if err == nil || err.Error() != advice.Join(tt.message, tt.hint) {
			t.Errorf("%s:\n got %v\nwant %s: %s", tt.name, err, tt.message, tt.hint)
			continue
		}
		if message, hint := advice.Split(err); message != tt.message || hint != tt.hint {
			t.Errorf("%s: split into %q and %q", tt.name, message, hint)
		}
	}
}

// A refusal has reasons that no permission of the token changes; all of them are in the
// test of transfer.CauseOf.
func TestHintsOfCauses(t *testing.T) {
	t.Parallel()
	const allowList = "Although you appear to have the correct authorization credentials, the `acme` organization has an " +
		"IP allow list enabled, and your IP address is not permitted to access this resource."
	tests := []struct {
		fault ghtest.Fault
		want  string
		cause string
	}{
		{ghtest.Status(403, `{"message":"`+allowList+`"}`),
			"add the runner's address to the organization's IP allow list, or use a runner whose address is on it",
			"ip-allow-list"},
		{ghtest.Status(403, `{"message":"Resource protected by organization SAML enforcement."}`,
			"X-GitHub-SSO", "required; url=https://github.com/orgs/acme/sso?authorization_request=KZCANARY7"),
			"authorize the token of input `token` for the organization's single sign-on", "sso"},
		{ghtest.Status(403, `{"message":"no"}`, "X-GitHub-SSO", "partial-results; organizations=1"),
			"the token of input `token` needs the permission `metadata: read` on acme/web", ""},
		{ghtest.Status(403, `<html>no entry</html>`), "look for a proxy in between", "page"},
	}
	for _, tt := range tests {
		server, client, _ := setup(t, ghtest.Options{})
		server.Fail("GET /repos/*/*", 1, tt.fault)
		_, err := client.Repository(t.Context(), "acme/web")
		checkError(t, err, Forbidden)
		e, _ := errors.AsType[*Error](err)
		if _, hint := advice.Split(err); hint != tt.want || e.Cause != tt.cause ||
			strings.Contains(err.Error(), "KZCANARY7") {
			t.Errorf("got %v, cause %q, want the hint %q", err, e.Cause, tt.want)
		}
	}
}

// Without a token, the advice is about the token, whatever the refusal.
func TestHintOfAnEmptyToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404} {
		server, _, clock := setup(t, ghtest.Options{})
		server.Fail("GET /repos/*/*", 1, ghtest.Status(status, `{"message":"no"}`))
		_, err := connect(t, server, clock, "").Repository(t.Context(), "acme/web")
		if _, hint := advice.Split(err); hint != "input `token` is empty: give it a token; a secret that does not exist "+
			"is empty, too" {
			t.Errorf("%d: got %v", status, err)
		}
	}
}
