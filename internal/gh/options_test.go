package gh

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

func TestNewChecksBaseURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url  string
		want string // in the error; "" when fine
	}{
		{"https://api.github.com", ""},
		{"https://api.github.com/", ""},
		{"https://git.example.com/api/v3", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://[::1]:8080", ""},
		{"http://localhost:8080/api/v3/", ""},
		{"", "want one like https://api.github.com"},
		{"api.github.com", "want one like https://api.github.com"},
		{"http://api.github.com", "want https"},
		{"http://127.0.0.1.example.com", "want https"},
		{"http://localhost.example.com", "want https"},
		{"ftp://api.github.com", "want https,"},
		{"file:///etc/passwd", "want one like"},
		{"https://user:KZCANARY7@api.github.com", "remove it"},
		{"https://KZCANARY7@api.github.com", "remove it"},
		{"https://api.github.com?KZCANARY7", "no query"},
		{"https://api.github.com?", "no query"},
		{"https://api.github.com/#KZCANARY7", "no query"},
		{"https://api.github.com:KZCANARY7/", "not a URL"},
		{"https://:443", "want one like"},
	}
	for _, tt := range tests {
		if tt.want == "want https" && strings.HasPrefix(tt.url, "http:") {
			c, err := New(Options{BaseURL: tt.url, PlainHTTP: true})
			if err != nil || !c.IsPlain() {
				t.Errorf("%q, the runner's own server: %v", tt.url, err)
			}
		}
		c, err := New(Options{BaseURL: tt.url})
		if err == nil && c.IsPlain() {
			t.Errorf("%q counts as unprotected", tt.url)
		}
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%q: %v", tt.url, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%q: error %v, want %q in it", tt.url, err, tt.want)
		case err != nil && strings.Contains(err.Error(), "KZCANARY7"):
			t.Errorf("%q: the error holds the secret: %v", tt.url, err)
		}
	}
}

func TestForge(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]Forge{
		"https://api.github.com":             GitHub,
		"https://git.example.com/api/v3":     GitHub,
		"https://api.acme.ghe.com/":          GitHub,
		GiteaAPI("https://git.example.com/"): Gitea,
		GiteaAPI("http://127.0.0.1:3000"):    Gitea,
		"https://example.com/gitea/api/v1/":  Gitea,
		"https://api.github.com/xapi/v1":     GitHub,
	} {
		c, err := New(Options{BaseURL: address})
		if err != nil || c.Forge() != want {
			t.Errorf("%s: got %v (%v), want %s", address, c.Forge(), err, want)
		}
	}
}

func TestNewChecksToken(t *testing.T) {
	t.Parallel()
	for token, ok := range map[string]bool{
		"":                       true,
		testToken:                true,
		testToken + "\n":         true, // as pasted
		strings.Repeat("x", 600): true,
		"two words":              false,
		"a\r\nX-Evil: 1":         false,
		"tökén":                  false,
		"tab\tinside":            false,
	} {
		_, err := New(Options{BaseURL: "https://api.github.com", Token: token})
		if (err == nil) != ok {
			t.Errorf("%q: %v", token, err)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("the error holds the token: %v", err)
		}
	}
}

func TestRepositoryNames(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{})
	for _, name := range []string{"", "web", "/web", "acme/", "acme/..", "acme/.", "../acme", "a/b/c", "acme/web?x",
		"acme/web#x", "acme/w%2fb", "acme/we b", "acme/web\n", "acme\x1b/web", "äcme/web"} {
		err := client.Dispatch(t.Context(), name, "t", json.RawMessage(payload))
		if kindOf(err) != Invalid || !strings.Contains(err.Error(), "owner/name") ||
			strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestBackoffGrowsAndRepeats(t *testing.T) {
	t.Parallel()
	for attempt := 1; attempt < transfer.Attempts; attempt++ {
		d, least := backoff("/repos/acme/web", attempt), time.Second<<(attempt-1)
		if d < least || d > least+least/2 || d != backoff("/repos/acme/web", attempt) {
			t.Errorf("attempt %d: %s", attempt, d)
		}
	}
	if backoff("/repos/acme/web", 1) == backoff("/repos/acme/app", 1) {
		t.Error("two workers wait the same")
	}
}
