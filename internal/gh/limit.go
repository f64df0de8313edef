package gh

import (
	"bytes"
	"net/http"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

const (
	headerLimit      = "X-RateLimit-Limit"
	headerRemaining  = "X-RateLimit-Remaining"
	headerReset      = "X-RateLimit-Reset"
	headerRetryAfter = "Retry-After"
	headerOTP        = "X-GitHub-OTP" // makes go-github return another error type for a 401
)

// minLimited is the shortest wait after a secondary limit that names no time; it doubles
// with each attempt.
const minLimited = time.Minute

// isRateLimit distinguishes a rate limit from a missing permission: the platform answers
// 403 to both.
func isRateLimit(answer *transfer.Answer) bool {
	switch answer.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		text := bytes.ToLower(answer.Data)
		return answer.Header.Get(headerRetryAfter) != "" || answer.Header.Get(headerRemaining) == "0" ||
			bytes.Contains(text, []byte("secondary rate limit")) ||
			bytes.Contains(text, []byte("secondary-rate-limit")) ||
			bytes.Contains(text, []byte("rate limit exceeded"))
	default:
		return false
	}
}

// limitedUntil is the moment until which a rate limit holds all requests back.
func limitedUntil(h http.Header, now time.Time, attempt int) time.Time {
	if t, ok := transfer.RetryAfter(h, now); ok {
		return t
	}
	if t, ok := transfer.LimitReset(h); ok && h.Get(headerRemaining) == "0" && t.After(now) {
		return t
	}
	return now.Add(minLimited << (attempt - 1))
}

// runAgainAfter is the hint to run again after t, rounded up to the second.
func runAgainAfter(t time.Time) string {
	return "run again after " + t.Add(time.Second-1).UTC().Format("2006-01-02 15:04:05 UTC")
}
