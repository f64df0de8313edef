package gitea

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

const artifactService = "/twirp/github.actions.results.api.v1.ArtifactService/"

// artifactRequest is a request to the artifact service, in the fields of version 4.
type artifactRequest struct {
	Run     string `json:"workflow_run_backend_id"`
	Job     string `json:"workflow_job_run_backend_id"`
	Name    string `json:"name"`
	Version int    `json:"version,omitempty"`
	Expires string `json:"expires_at,omitempty"`
	Size    int    `json:"size,string,omitempty"`
	Hash    string `json:"hash,omitempty"`
}

// artifactAnswer is what the service answers.
type artifactAnswer struct {
	OK              bool   `json:"ok"`
	SignedUploadURL string `json:"signedUploadUrl"`
	ArtifactID      string `json:"artifactId"`
}

// service calls a method of the artifact service with the job's runtime token.
func (j *job) service(t *testing.T, method string, r artifactRequest) answer {
	t.Helper()
	return request(t, http.MethodPost, server.url+artifactService+method, r, "Authorization", "Bearer "+j.RuntimeToken)
}

// serve calls a method that has to succeed.
func (j *job) serve(t *testing.T, method string, r artifactRequest) artifactAnswer {
	t.Helper()
	got := j.service(t, method, r)
	var a artifactAnswer
	if got.status == http.StatusOK {
		got.decode(t, &a)
	}
	if !a.OK {
		t.Fatalf("%s answers %d: %s", method, got.status, got.body)
	}
	return a
}

// scope returns the ids of run and job in the runtime token, as the artifact service
// wants them.
func (j *job) scope(t *testing.T) (runID, jobID string) {
	t.Helper()
	parts := strings.Split(j.RuntimeToken, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	fixture.Must(t, err)
	var claims struct{ Scp string }
	fixture.Must(t, json.Unmarshal(payload, &claims))
	ids, ok := strings.CutPrefix(claims.Scp, "Actions.Results:")
	runID, jobID, both := strings.Cut(ids, ":")
	if !ok || !both || runID != j.RunID {
		t.Fatalf("the runtime token of run %s has the scope %q", j.RunID, claims.Scp)
	}
	return runID, jobID
}

// upload stores an artifact by the protocol of version 4, without a mime type, and
// returns its id. expires is zero for the server's own time of retention.
func (j *job) upload(t *testing.T, name string, content []byte, expires time.Time) int64 {
	t.Helper()
	r := artifactRequest{Name: name, Version: 4}
	r.Run, r.Job = j.scope(t)
	if !expires.IsZero() {
		r.Expires = expires.UTC().Format(time.RFC3339)
	}
	signed := j.serve(t, "CreateArtifact", r).SignedUploadURL
	if !strings.HasPrefix(signed, server.url+artifactService+"UploadArtifact?sig=") {
		t.Fatalf("the address to upload to is %s", signed)
	}
	id := base64.StdEncoding.EncodeToString([]byte("000000"))
	list := "<BlockList><Latest>" + id + "</Latest></BlockList>"
	for _, part := range []struct {
		query string
		body  []byte
	}{
		{"&comp=block&blockid=" + id, content},
		{"&comp=blocklist", []byte(list)},
	} {
		if got := request(t, http.MethodPut, signed+part.query, part.body); got.status != http.StatusCreated {
			t.Fatalf("%s answers %d: %s", part.query, got.status, got.body)
		}
	}
	r.Version, r.Expires, r.Size, r.Hash = 0, "", len(content), fmt.Sprintf("sha256:%x", sha256.Sum256(content))
	made, err := strconv.ParseInt(j.serve(t, "FinalizeArtifact", r).ArtifactID, 10, 64)
	fixture.Must(t, err)
	return made
}
