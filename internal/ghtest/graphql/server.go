// Package graphql is a strict stand-in for the part of GitHub's GraphQL API that lists the
// repositories of an owner, and for the files of those repositories in the REST API.
//
// It parses each query and checks it against GitHub's schema. It counts points as the
// platform does, and refuses what the platform refuses:
// https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
package graphql

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// Options are what the stand-in needs; only Errorf is required.
type Options struct {
	Errorf func(format string, args ...any) // gets what the stand-in does not expect
	Now    func() time.Time                 // default time.Now
	// Path is the address of the API; default /graphql. On GitHub Enterprise Server it is
	// /api/graphql.
	Path   string
	Points int // an hour, default 5000
	// REST is the address of a stand-in that answers every other request; default none.
	REST string
	// Latency is how long the server works on a page of this size; default not at all.
	Latency func(size int) time.Duration
	// Fault changes the answer to the n-th query, counted from 1; default none.
	Fault func(n int, q Query) Fault
}

// Query is a query that arrived.
type Query struct {
	Owner, After string
	First        int
	Token        string
}

// Fault is how an answer differs. The zero Fault changes nothing.
type Fault struct {
	Status    int  // instead of 200
	Reset     bool // cuts the connection, as a time-out of a proxy does
	RateLimit bool // 200 with RATE_LIMITED
	Limited   bool // 200 with RESOURCE_LIMITS_EXCEEDED and no data, or with Keep
	// Keep is how many repositories a limited answer has; those after it are null.
	Keep int
	// Broken has the names of repositories whose file could not be read.
	Broken []string
	// Raw is the whole body, instead of an answer.
	Raw string
}

// Repository is one that the stand-in has.
type Repository struct {
	ID            int64
	FullName      string
	DefaultBranch string // default main
	Visibility    string // default private
	Archived      bool
	Fork          bool
	Topics        []string
	Files         map[string]string
	Truncated     bool // the API does not give the whole text
}

// Server is a running stand-in.
type Server struct {
	*httptest.Server
	options Options

	mu           sync.Mutex
	repositories []Repository // sorted by name
	tokens       map[string]bool
	queries      []Query
	reads        int // of single files
	used         int // points in this hour
	hour         time.Time
}

// New starts a stand-in; Close ends it.
func New(o Options, repositories ...Repository) *Server {
	o.Path, o.Points = cmp.Or(o.Path, "/graphql"), cmp.Or(o.Points, 5000)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{options: o, tokens: map[string]bool{}, hour: o.Now()}
	s.repositories = slices.SortedFunc(slices.Values(repositories), func(a, b Repository) int {
		return cmp.Compare(strings.ToLower(a.FullName), strings.ToLower(b.FullName))
	})
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+o.Path, s.query)
	for _, rest := range []string{"", "v3/"} {
		base := strings.TrimSuffix(o.Path, "graphql") + rest
		mux.HandleFunc("GET "+base+"repos/{owner}/{repo}/contents/{path...}", s.contents)
	}
	mux.Handle("/", s.others())
	s.Server = httptest.NewServer(mux)
	return s
}

// others answers what is not GraphQL and not a file.
func (s *Server) others() http.Handler {
	if s.options.REST != "" {
		to, err := url.Parse(s.options.REST)
		if err != nil {
			panic(err)
		}
		return httputil.NewSingleHostReverseProxy(to)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.options.Errorf("unexpected request: %s %s", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
}

// AddToken makes value, which must be a canary of internal/fixture, a valid token. Without
// private it sees public repositories only.
func (s *Server) AddToken(value string, private bool) {
	if !fixture.IsCanary(value) {
		s.options.Errorf("a token of a test is no canary: make it with fixture.Canary")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[value] = private
}

// Queries returns all queries in order of arrival.
func (s *Server) Queries() []Query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queries)
}

// Reads is how many files were read one by one.
func (s *Server) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// maxQuery is far above the length of a query of the program.
const maxQuery = 64 << 10

func (s *Server) query(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	dec := json.NewDecoder(io.LimitReader(r.Body, maxQuery))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		s.options.Errorf("the body of a query: %v", err)
		http.Error(w, `{"message":"Problems parsing JSON"}`, http.StatusBadRequest)
		return
	}
	private, ok := s.authorize(w, r)
	if !ok {
		return
	}
	fields, declared, err := parse(in.Query)
	if err == nil {
		err = check("Query", fields, declared)
	}
	if err == nil {
		err = checkVariables(declared, in.Variables)
	}
	if err != nil {
		s.options.Errorf("an invalid query: %v\n%s", err, in.Query)
		reply(w, map[string]any{"errors": []any{fault("", err.Error())}})
		return
	}
	s.answer(w, &execution{server: s, variables: in.Variables, private: private}, fields,
		strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

// authorize reports whether the token is valid, and whether it sees private repositories.
// The API needs a token for every query.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) (private, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	private, ok = s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message":"Bad credentials"}`)
	}
	return private, ok
}

func checkVariables(declared map[string]string, values map[string]any) error {
	for name := range values {
		if declared[name] == "" {
			return fmt.Errorf("variable $%s is given and not declared", name)
		}
	}
	for name, kind := range declared {
		if _, given := values[name]; !given && strings.HasSuffix(kind, "!") {
			return fmt.Errorf("variable %s of type %s was provided invalid value", name, kind)
		}
	}
	return nil
}

// answer runs a valid query, unless a fault comes first.
func (s *Server) answer(w http.ResponseWriter, x *execution, fields []field, token string) {
	q := x.describe(fields)
	q.Token = token
	s.mu.Lock()
	s.queries = append(s.queries, q)
	n := len(s.queries)
	s.mu.Unlock()
	if s.options.Latency != nil {
		time.Sleep(s.options.Latency(q.First))
	}
	if s.options.Fault != nil {
		x.fault = s.options.Fault(n, q)
	}
	switch f := x.fault; {
	case q.First < 1 || q.First > 100:
		s.options.Errorf("a page of %d repositories", q.First)
		reply(w, map[string]any{"errors": []any{fault("EXCESSIVE_PAGINATION", "Requesting too many records")}})
	case f.Reset:
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
	case f.Raw != "":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, f.Raw)
	case f.Status != 0:
		w.WriteHeader(f.Status)
		fmt.Fprint(w, "<html>Unicorn!</html>")
	case f.RateLimit, !s.pay(w.Header(), q):
		reply(w, map[string]any{"errors": []any{fault("RATE_LIMITED", "API rate limit exceeded for user ID 1.")}})
	case f.Limited && f.Keep == 0:
		reply(w, map[string]any{"data": nil, "errors": []any{limitExceeded()}})
	default:
		data := x.object(fields, map[string]any{"repositoryOwner": x.owner, "rateLimit": x.rateLimit})
		out := map[string]any{"data": data}
		if len(x.errors) > 0 {
			out["errors"] = x.errors
		}
		reply(w, out)
	}
}

// cost is the points of a page: one for the page and one for the topics of each of its
// repositories, divided by 100.
func cost(q Query) int { return max(1, (1+q.First)/100) }

// pay takes the points of a query, and writes what is left into the headers.
func (s *Server) pay(h http.Header, q Query) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	if now.Sub(s.hour) >= time.Hour {
		s.hour, s.used = now, 0
	}
	ok := s.used+cost(q) <= s.options.Points
	if ok {
		s.used += cost(q)
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.options.Points))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(s.options.Points-s.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(s.hour.Add(time.Hour).Unix(), 10))
	h.Set("X-RateLimit-Resource", "graphql")
	return ok
}

func fault(kind, message string, path ...any) map[string]any {
	f := map[string]any{"message": message}
	if kind != "" {
		f["type"] = kind
	}
	if path != nil {
		f["path"] = path
	}
	return f
}

func limitExceeded(path ...any) map[string]any {
	return fault("RESOURCE_LIMITS_EXCEEDED", "Resource limits for this query exceeded.", path...)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	json.NewEncoder(w).Encode(v)
}

// contents gives a file in the form of the REST API.
func (s *Server) contents(w http.ResponseWriter, r *http.Request) {
	private, ok := s.authorize(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	full := r.PathValue("owner") + "/" + r.PathValue("repo")
	for _, repo := range s.repositories {
		text, has := repo.Files[r.PathValue("path")]
		if strings.EqualFold(repo.FullName, full) && has && (private || repo.Visibility == "public") {
			reply(w, map[string]any{"type": "file", "size": len(text), "sha": BlobID(text), "encoding": "base64",
				"path": r.PathValue("path"), "content": base64.StdEncoding.EncodeToString([]byte(text))})
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"message":"Not Found"}`)
}

// BlobID is git's id of a file.
func BlobID(text string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text))
	return hex.EncodeToString(sum[:])
}

func isBinary(text string) bool { return strings.ContainsRune(text, 0) }

func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\ufffd")
}
