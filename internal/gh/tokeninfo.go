package gh

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// TokenInfo is what the headers of an answer say about the token, and about the API's
// clock.
type TokenInfo struct {
	// Ahead is how far the server's clock is ahead of ours, exact to about a second.
	Ahead time.Duration
	// Limit is how many requests an hour the token has; 0 when unknown. JobLimit is that
	// of a job's own token.
	Limit int
	// Classic says that the token is a classic personal or OAuth token, with these
	// Scopes. All others have permissions instead, which no header lists.
	Classic bool
	Scopes  []string
	// Expires is when the token ends; zero when it does not end, or when unknown.
	Expires time.Time
}

// JobLimit is the hourly limit of GITHUB_TOKEN, which no other token has.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
const JobLimit = 1000

// TokenInfo returns what came with the API's last answer that has a date, even a refusal;
// false before the first one.
func (c *Client) TokenInfo() (TokenInfo, bool) {
	if info := c.api.info.Load(); info != nil {
		return *info, true
	}
	return TokenInfo{}, false
}

// readTokenInfo reads an answer's headers. It returns nil without a date, which only the
// API always sends.
func readTokenInfo(h http.Header, now time.Time) *TokenInfo {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return nil
	}
	info := &TokenInfo{Ahead: date.Sub(now.Truncate(time.Second))}
	if n, err := strconv.Atoi(h.Get(headerLimit)); err == nil && n > 0 {
		info.Limit = n
	}
	if _, ok := h["X-Oauth-Scopes"]; ok {
		info.Classic = true
		info.Scopes = strings.FieldsFunc(h.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, layout := range []string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700"} {
		if expires, err := time.Parse(layout, h.Get("GitHub-Authentication-Token-Expiration")); err == nil {
			info.Expires = expires
		}
	}
	return info
}
