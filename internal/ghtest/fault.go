package ghtest

import (
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"time"
)

// Fault answers a request instead of the stand-in.
type Fault func(s *Server, w http.ResponseWriter, r *http.Request)

type fault struct {
	method, pattern string
	left            int
	answer          Fault
}

// Fail answers the next n requests of a pattern with f. The pattern is a method and a
// path (path.Match, without BasePath), such as "POST /repos/*/*/dispatches"; storage has
// the paths "/artifacts/*.zip". When several patterns match, the first one counts.
func (s *Server) Fail(pattern string, n int, f Fault) {
	method, p, ok := strings.Cut(pattern, " ")
	if _, err := path.Match(p, ""); err != nil || !ok {
		panic(fmt.Sprintf("ghtest: bad pattern %q", pattern))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{method, p, n, f})
}

func (s *Server) faultFor(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if ok, _ := path.Match(f.pattern, r.URL.Path); ok && f.method == r.Method && f.left > 0 {
			f.left--
			return f.answer
		}
	}
	return nil
}

// Status answers with a status, a body and headers (name, value, name, value…). A body
// that begins with { is JSON, any other HTML.
func Status(status int, body string, headers ...string) Fault {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		kind := "text/html"
		if strings.HasPrefix(body, "{") {
			kind = "application/json; charset=utf-8"
		}
		w.Header().Set("Content-Type", kind)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// secondaryLimit is what the platform says about too many requests in a short time.
const secondaryLimit = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."

// SecondaryLimit is the platform's 403 for too many requests in a short time; retryAfter
// in seconds, "" for none.
func SecondaryLimit(retryAfter string) Fault {
	f := Status(http.StatusForbidden, `{"message":"`+secondaryLimit+`"}`)
	if retryAfter == "" {
		return f
	}
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		f(s, w, r)
	}
}

// PrimaryLimit is the platform's 403 when the hourly limit is used up until reset.
func PrimaryLimit(reset time.Time) Fault {
	return Status(http.StatusForbidden, `{"message":"API rate limit exceeded for installation."}`,
		"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(reset.Unix()))
}

// Reset cuts the connection before an answer.
func Reset() Fault {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(fmt.Sprintf("ghtest: %v", err))
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0) // reset, not a clean end
		}
		conn.Close()
	}
}

// Hang never answers.
func Hang() Fault {
	return func(s *Server, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-s.closing:
		case <-r.Context().Done():
		}
	}
}

// Trickle answers 200 at once, and then sends single bytes without end.
func Trickle() Fault {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		for {
			w.Write([]byte(" "))
			http.NewResponseController(w).Flush()
			select {
			case <-every.C:
			case <-s.closing:
				return
			case <-r.Context().Done():
				return
			}
		}
	}
}

// Truncate promises more bytes than it sends.
func Truncate() Fault {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		fmt.Fprint(w, `{"total_count":`)
	}
}

// Redirect answers with a redirect to another address.
func Redirect(status int, to string) Fault {
	return Status(status, `{"message":"Moved"}`, "Location", to)
}

// Lose handles the request as usual and then loses the answer.
func Lose() Fault { return Instead(Reset()) }

// Instead handles the request as usual and answers with f.
func Instead(f Fault) Fault {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		s.serve(discard{http.Header{}}, r)
		f(s, w, r)
	}
}

// Then handles the request as usual, and calls do before the client has all of the
// answer.
func Then(do func()) Fault {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		s.serve(w, r)
		do()
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
