package gh

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

const (
	headerLimit      = "X-RateLimit-Limit"
	headerRemaining  = "X-RateLimit-Remaining"
	headerReset      = "X-RateLimit-Reset"
	headerRetryAfter = "Retry-After"
	headerOTP        = "X-GitHub-OTP" // go-github makes another error type of a 401 with it
)

// minLimited is the least wait after a secondary limit that names no time; it doubles with each attempt.
const minLimited = time.Minute

// limited tells a rate limit from a missing permission: the platform answers 403 to both.
func limited(resp *http.Response, body []byte) bool {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		text := bytes.ToLower(body)
		return resp.Header.Get(headerRetryAfter) != "" || resp.Header.Get(headerRemaining) == "0" ||
			bytes.Contains(text, []byte("secondary rate limit")) || bytes.Contains(text, []byte("secondary-rate-limit")) || bytes.Contains(text, []byte("rate limit exceeded"))
	default:
		return false
	}
}

// limitedUntil is the moment until which a limit that was met holds all requests back.
func limitedUntil(h http.Header, now time.Time, attempt int) time.Time {
	if t, ok := retryAfter(h, now); ok {
		return t
	}
	if t, ok := resetTime(h); ok && h.Get(headerRemaining) == "0" && t.After(now) {
		return t
	}
	return now.Add(minLimited << (attempt - 1))
}

// retryAfter reads the header Retry-After, in seconds or as a date; at least one second from now.
func retryAfter(h http.Header, now time.Time) (time.Time, bool) {
	v := h.Get(headerRetryAfter)
	least := now.Add(time.Second)
	if s, err := strconv.ParseInt(v, 10, 32); err == nil {
		return later(now.Add(time.Duration(s)*time.Second), least), true
	}
	if t, err := http.ParseTime(v); err == nil {
		return later(t, least), true
	}
	return time.Time{}, false
}

// resetTime reads x-ratelimit-reset, in Unix seconds, plus one second, as the server's clock has no fractions.
func resetTime(h http.Header) (time.Time, bool) {
	s, err := strconv.ParseInt(h.Get(headerReset), 10, 64)
	if err != nil || s <= 0 {
		return time.Time{}, false
	}
	return time.Unix(s, 0).Add(time.Second), true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// clock writes an instant for people, rounded up to the second.
func clock(t time.Time) string {
	return t.Add(time.Second - 1).UTC().Format("2006-01-02 15:04:05 UTC")
}
