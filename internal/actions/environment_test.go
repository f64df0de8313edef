package actions

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAPIOfARunner(t *testing.T) {
	t.Parallel()
	const lan = "http://gitea.lan:3000"
	tests := []struct {
		name  string
		vars  map[string]string
		api   string
		plain bool
	}{
		{"GitHub", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com",
			"GITHUB_API_URL": "https://api.github.com"}, "https://api.github.com", false},
		{"terminal", nil, "https://api.github.com", false},
		{"Gitea", map[string]string{"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true",
			"GITHUB_SERVER_URL": "https://git.example", "GITHUB_API_URL": "https://git.example/api/v1"},
			"https://git.example/api/v1", false},
		{"Gitea without an address of the API", map[string]string{"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true",
			"GITHUB_SERVER_URL": "https://git.example/"}, "https://git.example/api/v1", false},
		{"Gitea on a local network", map[string]string{"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true",
			"GITHUB_SERVER_URL": lan, "GITHUB_API_URL": lan + "/api/v1"}, lan + "/api/v1", true},
		{"in capitals", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "HTTP://GITEA.LAN:3000",
			"GITHUB_API_URL": lan + "/api/v1"}, lan + "/api/v1", true},
		{"another port", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": lan,
			"GITHUB_API_URL": "http://gitea.lan/api/v1"}, "http://gitea.lan/api/v1", false},
		{"another host", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": lan,
			"GITHUB_API_URL": "http://evil.lan:3000/api/v1"}, "http://evil.lan:3000/api/v1", false},
		{"server with TLS", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://gitea.lan:3000",
			"GITHUB_API_URL": lan + "/api/v1"}, lan + "/api/v1", false},
		{"not in a job", map[string]string{"GITHUB_SERVER_URL": lan, "GITHUB_API_URL": lan + "/api/v1"},
			lan + "/api/v1", false},
	}
	for _, tt := range tests {
		e, err := ReadEnvironment(func(name string) string { return tt.vars[name] })
		if err != nil || e.APIURL != tt.api || e.OwnPlainAPI() != tt.plain {
			t.Errorf("%s: %s, plain %t (%v), want %s, %t", tt.name, e.APIURL, e.OwnPlainAPI(), err, tt.api, tt.plain)
		}
	}
}

// TestEvent takes the event from the file of a workflow's event.
func TestEvent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, want string }{
		{"repository_dispatch", `{"action":"x","client_payload":{ "a": 1,` + "\n" + `"b": "<s>" }}`, `{"a":1,"b":"<s>"}`},
		{"workflow_dispatch", `{"inputs":{"event":"{\"a\":1}","other":true}}`, `{"a":1}`},
		{"both", `{"client_payload":{},"inputs":{"event":"x"}}`, `{}`},
		{"not JSON in the input", `{"inputs":{"event":"$(x)"}}`, `$(x)`},
		{"no payload", `{"client_payload":null}`, ""},
		{"no inputs", `{"inputs":null}`, ""},
		{"an empty input", `{"inputs":{"event":""}}`, ""},
		{"an input that is no text", `{"inputs":{"event":7}}`, ""},
		{"inputs that are none", `{"inputs":[1]}`, ""},
		{"another event", `{"ref":"main"}`, ""},
	} {
		file := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(file, []byte(tt.file), 0o644); err != nil {
			t.Fatal(err)
		}
		e, err := ReadEnvironment(func(name string) string {
			return map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": file}[name]
		})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := e.Event()
		if ok != (tt.want != "") || ok && string(got) != tt.want {
			t.Errorf("%s: got %q %t, want %q", tt.name, got, ok, tt.want)
		}
	}
}
