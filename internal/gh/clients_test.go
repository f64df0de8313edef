package gh

import (
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// An API without TLS gets one warning, whatever the number of tokens.
func TestWarnsOnceOfPlainHTTP(t *testing.T) {
	t.Parallel()
	log := &fixture.Log{}
	clients := NewClients(Options{BaseURL: "http://gitea.lan/api/v1", PlainHTTP: true, Log: log.Printf})
	for _, token := range []string{"one", "two", "one"} {
		_, err := clients.For(token)
		fixture.Must(t, err)
	}
	if lines := log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "http://gitea.lan/api/v1 has no TLS") {
		t.Errorf("got %q", lines)
	}
}

// Rate limits count per token, so all users of a token share one client.
func TestOneClientPerToken(t *testing.T) {
	t.Parallel()
	clients := NewClients(Options{BaseURL: "https://api.github.com", UserAgent: "test"})
	one, err := clients.For("one")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := clients.For("one")
	two, _ := clients.For("two")
	if one != again || one == two {
		t.Error("clients are not shared by token")
	}
	if _, err := clients.For("line\nbreak"); err == nil {
		t.Error("a token with a line break has a client")
	}
}
