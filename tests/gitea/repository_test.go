package gitea

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// requestTimeout is how long one request to the server may take. The machine may be busy.
const requestTimeout = time.Minute

// answer is what the server answered to a request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// decode reads the answer's JSON.
func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// request sends a request with a JSON body, if any. It does not follow redirects. The
// headers alternate between name and value. A busy server answers 500 while its database
// is locked, so the request is then sent again, up to five times in all.
func request(t *testing.T, method, url string, body any, headers ...string) answer {
	t.Helper()
	got := requestOnce(t, method, url, body, headers...)
	for range 4 {
		if got.status != http.StatusInternalServerError {
			break
		}
		got = requestOnce(t, method, url, body, headers...)
	}
	return got
}

func requestOnce(t *testing.T, method, url string, body any, headers ...string) answer {
	t.Helper()
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case []byte:
		content = bytes.NewReader(body)
	default:
		data, err := json.Marshal(body)
		fixture.Must(t, err)
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, content)
	fixture.Must(t, err)
	if _, raw := body.([]byte); body != nil && !raw {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	fixture.Must(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	fixture.Must(t, err)
	return answer{resp.StatusCode, resp.Header, data}
}

// api sends one request to the REST API with a token, "" for none.
func (s *giteaServer) api(t *testing.T, token, method, path string, body any) answer {
	t.Helper()
	var headers []string
	if token != "" {
		headers = []string{"Authorization", "Bearer " + token}
	}
	return request(t, method, s.url+"/api/v1"+path, body, headers...)
}

// must sends a request as the administrator, which has to succeed with this status.
func (s *giteaServer) must(t *testing.T, status int, method, path string, body, into any) {
	t.Helper()
	got := s.api(t, s.admin, method, path, body)
	if got.status != status {
		t.Fatalf("%s %s answers %d, want %d: %s", method, path, got.status, status, got.body)
	}
	if into != nil {
		got.decode(t, into)
	}
}

// token makes a token of the owner with these scopes, separated by commas.
func (s *giteaServer) token(t *testing.T, scopes string) string {
	t.Helper()
	token, err := s.lastWord("admin", "user", "generate-access-token", "--username", owner, "--scopes", scopes,
		"--token-name", t.Name()+scopes)
	fixture.Must(t, err)
	return token
}

// repository is a repository on the server.
type repository struct {
	name string // with the owner
	id   int64
}

// newRepository makes a repository of owner with these files on its default branch, main.
func newRepository(t *testing.T, name string, files map[string]string) *repository {
	t.Helper()
	var made struct {
		ID       int64  `json:"id"`
		FullName string `json:"full_name"`
	}
	server.must(t, http.StatusCreated, http.MethodPost, "/user/repos",
		map[string]any{"name": name, "default_branch": "main", "auto_init": true}, &made)
	r := &repository{name: made.FullName, id: made.ID}
	if len(files) > 0 {
		r.commit(t, "main", "main", files)
	}
	return r
}

// path is the path of a resource of the repository in the API.
func (r *repository) path(format string, args ...any) string {
	return "/repos/" + r.name + fmt.Sprintf(format, args...)
}

// commit adds a commit with these files to branch, which is made from base if it is
// another one, and returns the commit's hash.
func (r *repository) commit(t *testing.T, base, branch string, files map[string]string) string {
	t.Helper()
	type file struct {
		Operation string `json:"operation"`
		Path      string `json:"path"`
		Content   []byte `json:"content"`
	}
	change := struct {
		Branch    string `json:"branch"`
		NewBranch string `json:"new_branch,omitempty"`
		Message   string `json:"message"`
		Files     []file `json:"files"`
	}{Branch: base, Message: "change " + branch}
	if branch != base {
		change.NewBranch = branch
	}
	for name, content := range files {
		change.Files = append(change.Files, file{"upload", name, []byte(content)})
	}
	var made struct {
		Commit struct{ SHA string }
	}
	server.must(t, http.StatusCreated, http.MethodPost, r.path("/contents"), change, &made)
	return made.Commit.SHA
}

// hide makes the repository private, and returns it.
func (r *repository) hide(t *testing.T) *repository {
	t.Helper()
	server.must(t, http.StatusOK, http.MethodPatch, r.path(""), map[string]any{"private": true}, nil)
	return r
}

// artifact is what the listing says of a job artifact.
type artifact struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	WorkflowRun struct {
		ID         int64  `json:"id"`
		HeadBranch string `json:"head_branch"`
	} `json:"workflow_run"`
}
