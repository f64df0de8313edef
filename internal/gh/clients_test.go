package gh

import "testing"

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
