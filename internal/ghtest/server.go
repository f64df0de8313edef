// Package ghtest holds stand-ins for GitHub's API and artifact service, for tests and for
// end-to-end runs on one machine.
//
// They are strict: an unknown request is a failure. The API checks tokens and permissions
// as the platform does, and counts requests against the platform's limits. It is the REST
// API 2022-11-28, as far as schedule-action uses it.
package ghtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// Options are what the stand-in needs; only Errorf is required.
type Options struct {
	// Errorf gets every request that the stand-in does not expect; t.Errorf in a test.
	Errorf func(format string, args ...any)
	// Now is the clock of limits, signed URLs and headers; default time.Now.
	Now func() time.Time
	// Enforce refuses what exceeds the platform's limits. Otherwise it is only recorded
	// in Violations.
	Enforce bool
	// Addr and StorageAddr are where API and storage listen; default a free port on
	// 127.0.0.1.
	Addr, StorageAddr string
	// BasePath comes before every path, as /api/v3 does on GitHub Enterprise Server.
	BasePath string
	// Gitea makes the listings of artifacts and the runs look like those of Gitea 1.26: a
	// listing is oldest first, has 30 artifacts a page or limit, at most 50, and lacks
	// branch, head repository and digest. Storage is below the API's own path, and there is
	// no repository_dispatch.
	Gitea bool
	// PageSize is the largest page of a listing, whatever is asked for; default 100, of
	// Gitea 50.
	PageSize int
	// Routes are further endpoints, by the pattern of http.ServeMux.
	Routes map[string]http.HandlerFunc
	// Artifacts adds the store of act's artifact server, as artifacts of one repository;
	// OtherArtifacts those of other repositories.
	Artifacts      Folder
	OtherArtifacts []Folder
}

// Server is a running stand-in.
type Server struct {
	journal

	options Options
	api     *http.Server
	storage *http.Server
	url     string
	store   string        // URL of storage
	closing chan struct{} // ends faults that hang

	closeOnce sync.Once
	routes    http.Handler

	mu           sync.Mutex
	repositories map[string]*Repository // by lower-case full name
	renamed      map[string]int64       // old lower-case full name → id
	tokens       map[string]Token
	artifacts    []*Artifact
	runs         []Run
	lastArtifact int64
	files        map[string]*Artifact // of Options.Artifacts, by path
	signed       map[string]signature
	dispatches   []Dispatch
	starts       []Start
	faults       []*fault
	limits       limits
}

// Request is one that arrived.
type Request struct {
	Storage   bool // at the storage host, not at the API
	Method    string
	Path      string // without BasePath
	Query     string
	Header    http.Header // without Authorization; TokenKind is the kind of its token
	TokenKind Kind        // "" for none
	Body      string
	Status    int // of the answer, 0 when a fault gave none
}

// New starts a stand-in on two ports of this machine; Close ends it.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		options:      o,
		closing:      make(chan struct{}),
		repositories: map[string]*Repository{},
		renamed:      map[string]int64{},
		tokens:       map[string]Token{},
		files:        map[string]*Artifact{},
		signed:       map[string]signature{},
	}
	s.routes = s.endpoints()
	var err error
	if s.api, s.url, err = serve(o.Addr, s.handler()); err != nil {
		return nil, err
	}
	if s.storage, s.store, err = serve(o.StorageAddr, http.HandlerFunc(s.download)); err != nil {
		s.api.Close()
		return nil, err
	}
	s.url += o.BasePath
	return s, nil
}

func serve(addr string, h http.Handler) (*http.Server, string, error) {
	l, err := net.Listen("tcp", cmp.Or(addr, "127.0.0.1:0"))
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	return server, "http://" + l.Addr().String(), nil
}

// URL is the API's address, for GITHUB_API_URL.
func (s *Server) URL() string { return s.url }

// StorageURL is the address of the host that holds the zips.
func (s *Server) StorageURL() string { return s.store }

// Close ends the stand-in and everything that hangs in it. It may be called again.
func (s *Server) Close() {
	s.closeOnce.Do(func() { close(s.closing) })
	s.api.Close()
	s.storage.Close()
}

// Violations describes every request that exceeded a limit of the platform.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.limits.violations...)
}

// maxRequest is far above the API's own limit, whose check rejects large bodies.
const maxRequest = 1 << 20

// handler records an API request and answers it, with a scripted fault or as usual.
func (s *Server) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			return // the client went away
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		path, ok := strings.CutPrefix(r.URL.Path, s.options.BasePath)
		if !ok {
			s.unexpected(w, r)
			return
		}
		r.URL.Path, r.URL.RawPath = path, ""
		if s.options.Gitea && strings.HasSuffix(path, rawZip) {
			s.download(w, r)
			return
		}
		checkSecrets(s.options.Errorf, r, r.URL.RawQuery, body)
		c, _ := s.caller(r)
		note := &recorder{ResponseWriter: w}
		defer s.record(Request{Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: withoutToken(r.Header),
			TokenKind: c.Kind, Body: string(body)}, note)()
		if f := s.faultFor(r); f != nil {
			f(s, note, r)
			return
		}
		s.serve(note, r)
	})
}

// serve answers an API request as usual: user agent, limits, token, endpoint.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c, known := s.caller(r)
	c.setHeaders(w.Header())
	switch {
	case r.UserAgent() == "":
		fail(w, http.StatusForbidden,
			"Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
		return
	case !s.admit(w, r, c):
		return
	}
	defer s.done()
	if !known {
		fail(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	s.routes.ServeHTTP(w, r.WithContext(withCaller(r.Context(), c)))
}

// journal keeps the requests of a stand-in.
type journal struct {
	requestsMu sync.Mutex
	requests   []Request
	forgotten  int // requests before them
}

// Requests returns all requests in order of arrival, without the queries of signed URLs
// and the bodies of uploaded blocks.
func (j *journal) Requests() []Request {
	j.requestsMu.Lock()
	defer j.requestsMu.Unlock()
	return slices.Clone(j.requests)
}

// Forget drops the requests so far, as a long simulation must.
func (j *journal) Forget() {
	j.requestsMu.Lock()
	defer j.requestsMu.Unlock()
	j.requests, j.forgotten = nil, j.forgotten+len(j.requests)
}

// record appends q; the func that it returns adds the status in the end.
func (j *journal) record(q Request, w *recorder) func() {
	j.requestsMu.Lock()
	defer j.requestsMu.Unlock()
	j.requests = append(j.requests, q)
	i := j.forgotten + len(j.requests) - 1
	return func() {
		j.requestsMu.Lock()
		defer j.requestsMu.Unlock()
		if i >= j.forgotten {
			j.requests[i-j.forgotten].Status = w.status
		}
	}
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// checkSecrets reports a secret that is anywhere in a request but in its Authorization
// header. Query is what is searched of the query, which at storage has a signature.
func checkSecrets(errorf func(string, ...any), r *http.Request, query string, body []byte) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s?%s\nHost: %s\n", r.Method, r.URL.EscapedPath(), query, r.Host)
	withoutToken(r.Header).Write(&text)
	if how := fixture.CanaryIn("request", append(text.Bytes(), body...)); how != "" {
		errorf("a request has a secret, %s: %s %s", how, r.Method, r.URL.Path)
	}
}

func withoutToken(h http.Header) http.Header {
	h = h.Clone()
	h.Del("Authorization")
	return h
}

// unexpected answers a request that the stand-in does not know.
func (s *Server) unexpected(w http.ResponseWriter, r *http.Request) {
	s.options.Errorf("unexpected request: %s %s", r.Method, r.URL.Path)
	fail(w, http.StatusNotImplemented, "the stand-in does not know this request")
}

func reply(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("ghtest: %v", err)) // only our own types come here
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(data)
}

func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{
		"message":           message,
		"documentation_url": "https://docs.github.com/rest",
		"status":            fmt.Sprint(status),
	})
}
