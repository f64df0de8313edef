package ghtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

func TestServerStarts(t *testing.T) {
	t.Parallel()
	const text = "on:\n  workflow_dispatch:\n    inputs: {event: {}, mode: {default: x, required: true}}\n"
	inputs := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"i%d":""`, i))
		}
		return `{"ref":"main","inputs":{` + strings.Join(list, ",") + `}}`
	}
	long := func(n int) string {
		return `{"ref":"main","inputs":{"event":"` + strings.Repeat("ü", n-len(`{"event":""}`)) + `"}}`
	}
	const fine = `{"ref":"main","inputs":{"event":"{}"}}`
	const described = `{"ref":"main","inputs":{},"return_run_details":true}`
	tests := []struct {
		name, path, token, body string
		gitea                   bool
		status                  int
	}{
		{name: "fine", path: "react.yml", token: "starter", body: fine, status: 204},
		{name: "described", path: "react.yml", token: "starter", body: described, status: 200},
		{name: "another branch", path: "react.yml", token: "starter", body: `{"ref":"next"}`, status: 204},
		{name: "a tag", path: "react.yml", token: "starter", body: `{"ref":"v1"}`, status: 204},
		{name: "a branch without the file", path: "react.yml", token: "starter", body: `{"ref":"bare"}`, status: 404},
		{name: "no such ref", path: "react.yml", token: "starter", body: `{"ref":"none"}`, status: 422},
		{name: "no ref", path: "react.yml", token: "starter", body: `{"inputs":{}}`, status: 422},
		{name: "no such workflow", path: "none.yml", token: "starter", body: fine, status: 404},
		{name: "disabled", path: "off.yml", token: "starter", body: fine, status: 422},
		{name: "no trigger", path: "push.yml", token: "starter", body: `{"ref":"main"}`, status: 422},
		{name: "unexpected input", path: "react.yml", token: "starter", body: `{"ref":"main","inputs":{"x":"1"}}`,
			status: 422},
		{name: "26 inputs", path: "react.yml", token: "starter", body: inputs(26), status: 422},
		{name: "65,535 characters", path: "react.yml", token: "starter", body: long(65_535), status: 204},
		{name: "65,536 characters", path: "react.yml", token: "starter", body: long(65_536), status: 422},
		{name: "unknown field", path: "react.yml", token: "starter", body: `{"ref":"main","event":{}}`, status: 422},
		{name: "in the query", path: "react.yml?return_run_details=true", token: "starter", body: fine, status: 422},
		{name: "read only", path: "react.yml", token: "writer", body: fine, status: 403},
		{name: "not permitted", path: "react.yml", token: "job", body: fine, status: 404},

		{name: "Gitea", path: "react.yml?return_run_details=true", token: "starter", body: fine, gitea: true,
			status: 200},
		{name: "Gitea, 204", path: "react.yml", token: "starter", body: fine, gitea: true, status: 204},
		{name: "Gitea, in the body", path: "react.yml", token: "starter", body: described, gitea: true, status: 422},
		{name: "Gitea, no such ref", path: "react.yml", token: "starter", body: `{"ref":"v1"}`, gitea: true,
			status: 404},
		{name: "Gitea, a tag", path: "react.yml", token: "starter", body: `{"ref":"refs/tags/v1"}`, gitea: true,
			status: 204},
		{name: "Gitea, no trigger", path: "push.yml", token: "starter", body: `{"ref":"main"}`, gitea: true,
			status: 204},
		{name: "Gitea, disabled", path: "off.yml", token: "starter", body: fine, gitea: true, status: 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, ghtest.Options{Gitea: tt.gitea})
			files := map[string]string{".github/workflows/react.yml": text, ".github/workflows/push.yml": "on: push\n",
				".github/workflows/off.yml": text}
			s.AddRepository(ghtest.Repository{FullName: "acme/web", Private: true, Files: files,
				Refs:           map[string]map[string]string{"next": files, "refs/tags/v1": files, "bare": {}},
				WorkflowStates: map[string]string{"off.yml": "disabled_manually"}})
			s.AddToken(fixture.Canary("ghs_", "starter"),
				ghtest.Token{Access: map[string]ghtest.Permissions{"*": {Actions: "write"}}})
			name, query, _ := strings.Cut(tt.path, "?")
			resp, body := send(t, "POST", s.URL()+"/repos/acme/web/actions/workflows/"+name+"/dispatches?"+query,
				tt.token,
				tt.body)
			started := len(s.Starts()) == 1
			if resp.StatusCode != tt.status || started != (tt.status < 300) {
				t.Errorf("status %d, started %t, want %d: %s", resp.StatusCode, started, tt.status, body)
			}
			if isDescribed := strings.Contains(body, "workflow_run_id"); isDescribed != (tt.status == 200) {
				t.Errorf("got %s", body)
			}
			if text := s.complaints.Text(); text != "" {
				t.Error(text)
			}
		})
	}
}
