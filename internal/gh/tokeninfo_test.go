package gh

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

func TestTokenInfo(t *testing.T) {
	t.Parallel()
	server, client, clock := setup(t, ghtest.Options{})
	if info, ok := client.TokenInfo(); ok {
		t.Errorf("info %+v before any answer", info)
	}
	expires := clock.Now().Add(90 * 24 * time.Hour)
	server.AddToken(tokenOf("classic"),
		ghtest.Token{Kind: ghtest.Personal, Scopes: []string{"repo", "read:org"}, Expires: expires})
	server.AddToken(tokenOf("jobs"), ghtest.Token{Kind: ghtest.Job})
	tests := []struct {
		token string
		want  TokenInfo
	}{
		{tokenOf("classic"),
			TokenInfo{Limit: 5000, Classic: true, Scopes: []string{"repo", "read:org"}, Expires: expires}},
		{tokenOf("jobs"), TokenInfo{Limit: JobLimit}},
		{tokenOf("unknown"), TokenInfo{Limit: 5000}},
	}
	for _, tt := range tests {
		c := connect(t, server, clock, tt.token)
		c.Repository(t.Context(), "acme/web") // a refusal has these headers, too
		got, ok := c.WithInput("other").TokenInfo()
		if !ok || got.Ahead != 0 || got.Limit != tt.want.Limit || got.Classic != tt.want.Classic ||
			!slices.Equal(got.Scopes, tt.want.Scopes) ||
			!got.Expires.Equal(tt.want.Expires) {
			t.Errorf("%s: got %+v, %v; want %+v", tt.token, got, ok, tt.want)
		}
	}
}

func TestReadTokenInfo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 999, time.UTC)
	header := func(name, value string) http.Header {
		return http.Header{"Date": {"Tue, 24 Nov 2026 09:02:00 GMT"}, name: {value}}
	}
	for _, value := range []string{"", "-5", "many", "99999999999999999999"} {
		if got := readTokenInfo(header("X-Ratelimit-Limit", value), now); got == nil || got.Limit != 0 ||
			got.Ahead != 2*time.Minute {
			t.Errorf("limit %q: got %+v", value, got)
		}
	}
	for value, want := range map[string]string{
		"2026-12-01 10:00:00 UTC": "2026-12-01T10:00:00Z", "2026-12-01 10:00:00 +0200": "2026-12-01T08:00:00Z",
		"never": "0001-01-01T00:00:00Z",
	} {
		got := readTokenInfo(header("Github-Authentication-Token-Expiration", value), now)
		if got.Expires.UTC().Format(time.RFC3339) != want {
			t.Errorf("expiration %q: got %v", value, got.Expires)
		}
	}
	for _, date := range []string{"", "today"} {
		if got := readTokenInfo(http.Header{"Date": {date}}, now); got != nil {
			t.Errorf("date %q: got %+v", date, got)
		}
	}
}

// Errors name the input that WithInput sets, and both clients share the limits of the
// token.
func TestWithInput(t *testing.T) {
	t.Parallel()
	server, client, _ := setup(t, ghtest.Options{})
	server.Fail("GET /repos/*/*", always, ghtest.Status(404, `{"message":"Not Found"}`))
	for _, tt := range []struct {
		client *Client
		want   string
	}{{client, "input `token`"}, {client.WithInput("dispatch-token"), "input `dispatch-token`"}} {
		_, err := tt.client.Repository(t.Context(), "acme/web")
		checkError(t, err, NotFound)
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: want %q in it", err, tt.want)
		}
		if tt.client.api.pace != client.api.pace {
			t.Error("the limits are counted apart")
		}
	}
}
