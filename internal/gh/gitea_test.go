package gh

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// gitea is a stand-in of Gitea, and a client for it.
var gitea = ghtest.Options{Gitea: true, BasePath: giteaPath}

// Gitea's storage is on the same host, below the API's own path. It gets no token, and is
// asked once.
func TestDownloadFromGitea(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, gitea)
	id := server.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: "n", Zip: []byte("PK zip")})
	server.Rename("acme/old", "acme/web")
	for _, name := range []string{"acme/web", "acme/old"} {
		before := len(server.Requests())
		data, err := client.DownloadArtifact(t.Context(), name, id, 6)
		if err != nil || string(data) != "PK zip" {
			t.Fatalf("%s: %q, %v", name, data, err)
		}
		all := server.Requests()[before:]
		last := all[len(all)-1]
		if !last.Storage || last.TokenKind != "" || !strings.HasSuffix(last.Path, "/zip/raw") {
			t.Errorf("%s: the last request is %+v", name, last)
		}
	}
	server.Fail("GET /repos/*/*/actions/artifacts/*/zip/raw", 1, ghtest.Status(401, `{"message":"Error link expired"}`))
	if _, err := client.DownloadArtifact(t.Context(), "acme/web", id, 6); err != nil {
		t.Errorf("after a link that expired: %v", err)
	}
	server.Fail("GET /repos/*/*/actions/artifacts/*/zip/raw", always, ghtest.Status(401, `{"message":"no"}`))
	_, err := client.DownloadArtifact(t.Context(), "acme/web", id, 6)
	checkError(t, err, Unavailable)
}

// Storage without TLS is accepted from an API without TLS only.
func TestStorageWithoutTLS(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, gitea)
	server.Fail("GET /repos/*/*/actions/artifacts/*/zip", 1,
		ghtest.Redirect(302, "http://storage.example/?sig=KZCANARY7"))
	_, err := client.DownloadArtifact(t.Context(), "acme/web", 1, 6)
	checkError(t, err, Unavailable)
	if !strings.Contains(err.Error(), "storage without https") {
		t.Errorf("got %v", err)
	}
	var hosts []string
	lan := roundTripper(func(r *http.Request) *http.Response {
		hosts = append(hosts, r.URL.Host+" "+r.Header.Get("Authorization"))
		if r.URL.Host == "storage.example" {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("PK"))}
		}
		header := http.Header{"Location": {"http://storage.example/?sig=KZCANARY7"}}
		return &http.Response{StatusCode: 302, Header: header, Body: http.NoBody}
	})
	client, err = New(Options{BaseURL: "http://gitea.lan/api/v1", PlainHTTP: true, Token: testToken, Transport: lan})
	fixture.Must(t, err)
	data, err := client.DownloadArtifact(t.Context(), "acme/web", 1, 6)
	if want := "gitea.lan Bearer " + testToken + ", storage.example "; err != nil || string(data) != "PK" ||
		strings.Join(hosts, ", ") != want {
		t.Errorf("%q, %v: requests to %q", data, err, hosts)
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func TestNoRepositoryDispatchOnGitea(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, gitea)
	err := client.Dispatch(t.Context(), "acme/web", "kaizen.schedule.prepared", json.RawMessage(payload))
	checkError(t, err, Invalid)
	if _, hint := advice.Split(err); !strings.Contains(hint, "acme/web/.gitea/workflows/FILE.yml@BRANCH") {
		t.Errorf("got %v", err)
	}
	if n := len(server.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}
