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
		{"ftp://api.github.com", "want https"},
		{"file:///etc/passwd", "want one like"},
		{"https://user:hunter2@api.github.com", "remove it"},
		{"https://hunter2@api.github.com", "remove it"},
		{"https://api.github.com?hunter2", "no query"},
		{"https://api.github.com?", "no query"},
		{"https://api.github.com/#hunter2", "no query"},
		{"https://api.github.com:hunter2/", "not a URL"},
		{"https://:443", "want one like"},
	}
	for _, tt := range tests {
		_, err := New(Options{BaseURL: tt.url})
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%q: %v", tt.url, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%q: error %v, want %q in it", tt.url, err, tt.want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%q: the error holds the secret: %v", tt.url, err)
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
