package ghtest

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// Kind is the kind of a token.
type Kind string

// The kinds of tokens, as far as the platform treats them differently.
const (
	Job          Kind = "job"          // GITHUB_TOKEN: its own repository only
	Installation Kind = "installation" // of a GitHub App
	Personal     Kind = "personal"     // fine-grained or classic
)

// Token is what a token may do.
type Token struct {
	Kind Kind
	// Name says in a Dispatch who sent it; "" if that does not matter.
	Name string
	// Access holds the permissions by repository ("owner/name"); "*" is every repository
	// not named.
	Access map[string]Permissions
	// Scopes are those of a classic personal token; nil is a fine-grained one, which has
	// none.
	Scopes []string
	// Expires is when a personal token ends; zero never.
	Expires time.Time
}

// Permissions are "", "read" or "write".
type Permissions struct{ Contents, Actions, Issues string }

// AddToken makes value, which must be a canary of internal/fixture, a valid token.
func (s *Server) AddToken(value string, t Token) {
	if !fixture.IsCanary(value) {
		s.options.Errorf("a token of a test is no canary: make it with fixture.Canary")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[value] = t
}

// caller is the token that a request comes with.
type caller struct {
	Token
	value string
}

type callerKey struct{}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

func callerOf(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

// setHeaders writes what the platform says about a token with every answer.
func (t Token) setHeaders(h http.Header) {
	if t.Scopes != nil {
		h.Set("X-OAuth-Scopes", strings.Join(t.Scopes, ", "))
	}
	if !t.Expires.IsZero() {
		h.Set("GitHub-Authentication-Token-Expiration", t.Expires.UTC().Format("2006-01-02 15:04:05 MST"))
	}
}

// caller reads the request's token; known is false when it is not valid.
func (s *Server) caller(r *http.Request) (c caller, known bool) {
	h := r.Header.Get("Authorization")
	if h == "" {
		return caller{}, true
	}
	value, ok := strings.CutPrefix(h, "Bearer ")
	if !ok {
		value, ok = strings.CutPrefix(h, "token ")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, found := s.tokens[value]
	return caller{t, value}, ok && found
}

// TokenOf returns the token of a request that a handler of Options.Routes serves, and what
// it may do on the repository of the path.
func TokenOf(r *http.Request) (Token, Permissions) {
	c := callerOf(r)
	p, _ := c.permissions(&Repository{FullName: r.PathValue("owner") + "/" + r.PathValue("repo")})
	return c.Token, p
}

// permissions returns those of the caller on a repository; ok is false when the token has
// none there.
func (c caller) permissions(r *Repository) (p Permissions, ok bool) {
	for name, p := range c.Access {
		if strings.EqualFold(name, r.FullName) {
			return p, true
		}
	}
	p, ok = c.Access["*"]
	return p, ok
}

// allow reports whether the request may go on, and otherwise answers 404, 401 or 403 as
// the platform does: a repository that the token may not see does not exist.
func (s *Server) allow(
	w http.ResponseWriter, c caller, repo *Repository, need func(Permissions) string, want string,
) bool {
	p, given := c.permissions(repo)
	switch {
	case need(p) == "write", need(p) == want:
		return true
	case repo.Private && !given:
		fail(w, http.StatusNotFound, "Not Found")
	case !repo.Private && want == "read":
		return true
	case c.value == "":
		fail(w, http.StatusUnauthorized, "Requires authentication")
	case c.Kind == Personal:
		fail(w, http.StatusForbidden, "Resource not accessible by personal access token")
	default:
		fail(w, http.StatusForbidden, "Resource not accessible by integration")
	}
	return false
}

func contents(p Permissions) string { return p.Contents }
func actions(p Permissions) string  { return p.Actions }
