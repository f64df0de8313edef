package gh

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Told is what the API says about its clock and about the token beside every answer.
type Told struct {
	// Ahead is how far the server's clock is before ours, exact to about a second.
	Ahead time.Duration
	// Limit is how many requests an hour the token has; 0 when not told. JobLimit is that of a job's own token.
	Limit int
	// Classic tells a classic personal or OAuth token, whose Scopes are listed; all others have permissions, which are not.
	Classic bool
	Scopes  []string
	// Expires is when the token ends; zero when it doesn't, or when not told.
	Expires time.Time
}

// JobLimit is the hourly limit of GITHUB_TOKEN, which no other token has (platform-facts).
const JobLimit = 1000

// Told returns what came with the API's last answer that bears a date, be it a refusal; false before the first one.
func (c *Client) Told() (Told, bool) {
	if t := c.api.told.Load(); t != nil {
		return *t, true
	}
	return Told{}, false
}

// readTold reads an answer's headers; nil without a date, which everything but the API may leave out.
func readTold(h http.Header, now time.Time) *Told {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return nil
	}
	t := &Told{Ahead: date.Sub(now.Truncate(time.Second))}
	if n, err := strconv.Atoi(h.Get(headerLimit)); err == nil && n > 0 {
		t.Limit = n
	}
	if _, ok := h["X-Oauth-Scopes"]; ok {
		t.Classic = true
		t.Scopes = strings.FieldsFunc(h.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, layout := range []string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700"} {
		if expires, err := time.Parse(layout, h.Get("GitHub-Authentication-Token-Expiration")); err == nil {
			t.Expires = expires
		}
	}
	return t
}
