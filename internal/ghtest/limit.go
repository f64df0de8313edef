package ghtest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The platform's limits.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
const (
	perHour          = 5000
	jobPerHour       = 1000 // a repository
	concurrent       = 100
	pointsPerMinute  = 900
	contentPerMinute = 80
	contentPerHour   = 500
)

// limits counts the requests of all tokens as the platform does: primary in fixed hours,
// secondary in sliding windows.
type limits struct {
	hours      map[string]*hour // by token, and repository for a job's token
	seen       []seen
	inFlight   int
	violations []string
}

type hour struct {
	start time.Time
	used  int
}

type seen struct {
	at      time.Time
	token   string
	points  int
	content int
}

// admit counts the request and sets the rate-limit headers. It answers the request and
// returns false when that exceeds a limit that is enforced.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, c caller) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	l := &s.limits
	limit, used, reset := l.primary(now, r, c)
	h := w.Header()
	h.Set("Date", now.UTC().Format(http.TimeFormat))
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(limit-used, 0)))
	h.Set("X-RateLimit-Used", strconv.Itoa(used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
	broken := ""
	if used > limit {
		broken = fmt.Sprintf("more than %d requests in an hour", limit)
	} else {
		broken = l.secondary(now, r.Method, c.value)
	}
	if broken != "" {
		l.violations = append(l.violations, fmt.Sprintf("%s %s: %s", r.Method, r.URL.Path, broken))
	}
	if broken == "" || !s.options.Enforce {
		l.inFlight++
		return true
	}
	if used > limit {
		fail(w, http.StatusForbidden, "API rate limit exceeded for "+cmp.Or(string(c.Kind), "this address")+".")
		return false
	}
	h.Set("Retry-After", "60")
	fail(w, http.StatusForbidden, secondaryLimit)
	return false
}

// done ends a request that was admitted.
func (s *Server) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.inFlight--
}

// primary counts the request in its hour.
func (l *limits) primary(now time.Time, r *http.Request, c caller) (limit, used int, reset time.Time) {
	limit, key := perHour, c.value
	if c.Kind == Job {
		limit = jobPerHour
		if parts := strings.SplitN(r.URL.Path, "/", 5); len(parts) > 3 {
			key += " " + parts[2] + "/" + parts[3]
		}
	}
	if l.hours == nil {
		l.hours = map[string]*hour{}
	}
	h := l.hours[key]
	if h == nil || now.Sub(h.start) >= time.Hour {
		h = &hour{start: now}
		l.hours[key] = h
	}
	h.used++
	return limit, h.used, h.start.Add(time.Hour)
}

// secondary counts the request in its windows, and returns the limit that it exceeds, ""
// for none.
func (l *limits) secondary(now time.Time, method, token string) string {
	this := seen{at: now, token: token, points: 1}
	if method != http.MethodGet && method != http.MethodHead {
		this.points, this.content = 5, 1
	}
	if len(l.seen) > 0 && now.Sub(l.seen[0].at) > 2*time.Hour {
		l.seen = slices.DeleteFunc(l.seen, func(q seen) bool { return now.Sub(q.at) >= time.Hour })
	}
	l.seen = append(l.seen, this)
	points, minute, hour := 0, 0, 0
	for _, q := range l.seen {
		age := now.Sub(q.at)
		if q.token != token || age >= time.Hour {
			continue
		}
		hour += q.content
		if age < time.Minute {
			points += q.points
			minute += q.content
		}
	}
	switch {
	case l.inFlight >= concurrent:
		return fmt.Sprintf("more than %d requests at once", concurrent)
	case points > pointsPerMinute:
		return fmt.Sprintf("more than %d points in a minute", pointsPerMinute)
	case this.content > 0 && minute > contentPerMinute:
		return fmt.Sprintf("more than %d content-creating requests in a minute", contentPerMinute)
	case this.content > 0 && hour > contentPerHour:
		return fmt.Sprintf("more than %d content-creating requests in an hour", contentPerHour)
	}
	return ""
}

// getRateLimit counts as a request here, unlike on the platform.
func (s *Server) getRateLimit(w http.ResponseWriter, r *http.Request) {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(w.Header().Get(name), 10, 64)
		return n
	}
	core := map[string]int64{
		"limit":     number("X-RateLimit-Limit"),
		"remaining": number("X-RateLimit-Remaining"),
		"used":      number("X-RateLimit-Used"),
		"reset":     number("X-RateLimit-Reset"),
	}
	reply(w, http.StatusOK, map[string]any{"resources": map[string]any{"core": core}, "rate": core})
}
