package ghtest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// speaker sends raw requests to a stand-in.
type speaker struct {
	t       *testing.T
	results *Results
	token   string
	signed  string // the last signed URL
}

const (
	own    = `"workflow_run_backend_id":"run-backend-1","workflow_job_run_backend_id":"job-backend-1-a",`
	create = `{` + own + `"name":"n","version":4}`
)

func (s *speaker) send(method, url, body string, header ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(string(data), `"signed_upload_url":"`); ok {
		s.signed, _, _ = strings.Cut(rest, `"`)
		s.signed = strings.ReplaceAll(s.signed, `\u0026`, "&")
	}
	return resp.StatusCode, string(data)
}

func (s *speaker) call(operation, body string) int {
	s.t.Helper()
	status, _ := s.send("POST", s.results.url+twirpPath+operation, body, "Authorization", "Bearer "+s.token,
		"Content-Type", "application/json")
	return status
}

func (s *speaker) put(query, body string, header ...string) int {
	s.t.Helper()
	status, _ := s.send("PUT", s.signed+query, body, header...)
	return status
}

const block, list = "&comp=block&blockid=MDAw", "&comp=blocklist"

var zipType = []string{"x-ms-blob-content-type", "application/zip"}

func join(ids ...string) string {
	return "<BlockList><Latest>" + strings.Join(ids, "</Latest><Latest>") + "</Latest></BlockList>"
}

// strictRequests come after an artifact was created. Those with a complaint break the
// protocol.
var strictRequests = []struct {
	name       string
	do         func(s *speaker) int
	wantStatus int
	want       string // the complaint, "" for none
}{
	{"name taken", func(s *speaker) int { return s.call("CreateArtifact", create) }, 409, ""},
	{"bad name", func(s *speaker) int {
		return s.call("CreateArtifact", strings.Replace(create, `"n"`, `"a/b"`, 1))
	}, 400, "bad name"},
	{"bad version", func(s *speaker) int {
		return s.call("CreateArtifact", strings.Replace(create, "4}", "5}", 1))
	}, 400, "version 5"},
	{"kept too long", func(s *speaker) int {
		return s.call("CreateArtifact", `{`+own+`"name":"m","version":4,"expires_at":"2999-01-01T00:00:00Z"}`)
	}, 400, "bad expires_at"},
	{"unknown field", func(s *speaker) int { return s.call("ListArtifacts", `{`+own+`"names":"n"}`) }, 400,
		"unknown field"},
	{"ids of another job", func(s *speaker) int {
		return s.call("ListArtifacts", `{`+strings.Replace(own, "1-a", "1-b", 1)+`"name_filter":"n"}`)
	}, 400, "not those of the token"},
	{"unknown operation", func(s *speaker) int { return s.call("MigrateArtifact", `{}`) }, 400,
		"unexpected request"},
	{"unknown token", func(s *speaker) int { s.token = "x"; return s.call("ListArtifacts", `{}`) }, 401, ""},
	{"finalized too early", func(s *speaker) int {
		return s.call("FinalizeArtifact", `{`+own+`"name":"n","size":"1","hash":"x"}`)
	}, 400, "has no content"},
	{"token to the storage", func(s *speaker) int { return s.put(block, "a", "Authorization", "Bearer x") }, 400,
		"an Authorization header"},
	{"query encoded again", func(s *speaker) int {
		s.signed = strings.ReplaceAll(s.signed, "%2f", "%2F")
		return s.put(block, "a")
	}, 400, "signed URL was changed"},
	{"single put", func(s *speaker) int { return s.put("", "a") }, 400, "signed URL was changed"},
	{"block id not base64", func(s *speaker) int { return s.put("&comp=block&blockid=!", "a") }, 400, "not base64"},
	{"block ids of two lengths",
		func(s *speaker) int { s.put(block, "a"); return s.put("&comp=block&blockid=MDAwMDAw", "b") }, 400,
		"another length"},
	{"no content type", func(s *speaker) int { s.put(block, "a"); return s.put(list, join("MDAw")) }, 400,
		"x-ms-blob-content-type"},
	{"blocks out of order", func(s *speaker) int {
		s.put(block, "a")
		s.put("&comp=block&blockid=MDAx", "b")
		return s.put(list, join("MDAx", "MDAw"), zipType...)
	}, 400, "arrived in the order"},
	{"wrong size", func(s *speaker) int {
		s.put(block, "a")
		s.put(list, join("MDAw"), zipType...)
		return s.call("FinalizeArtifact", `{`+own+`"name":"n","size":"2","hash":"x"}`)
	}, 400, "has 1 bytes, not 2"},
	{"wrong digest", func(s *speaker) int {
		s.put(block, "a")
		s.put(list, join("MDAw"), zipType...)
		return s.call("FinalizeArtifact", `{`+own+`"name":"n","size":"1","hash":"x"}`)
	}, 400, "not x"},
	{"all is well", func(s *speaker) int {
		s.put(block, "a")
		s.put(list, join("MDAw"), zipType...)
		return s.call("FinalizeArtifact", `{`+own+`"name":"n","size":"1","hash":"`+digestOf([]byte("a"))+`"}`)
	}, 200, ""},
}

// TestResultsIsStrict checks that the stand-in notices what breaks the protocol, after an
// artifact was created.
func TestResultsIsStrict(t *testing.T) {
	t.Parallel()
	for _, test := range strictRequests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &fixture.Log{}
			r, err := NewResults(ResultsOptions{Errorf: c.Printf})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(r.Close)
			s := &speaker{t: t, results: r, token: r.Token(1, "a")}
			if status := s.call("CreateArtifact", create); status != 200 || s.signed == "" {
				t.Fatalf("CreateArtifact: %d, %s", status, c.Text())
			}
			if status := test.do(s); status != test.wantStatus {
				t.Errorf("status %d, want %d", status, test.wantStatus)
			}
			if got := c.Text(); !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("complaints: %q, want %q", got, test.want)
			}
		})
	}
}
