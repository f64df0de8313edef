package ghtest

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Repository is one that the stand-in holds.
type Repository struct {
	ID            int64 // given by AddRepository when 0
	FullName      string
	DefaultBranch string // default main
	Private       bool
	Fork          bool
	Archived      bool
	// Files are those of the default branch, by path; Refs those of other branches, tags
	// and commits.
	Files map[string]string
	Refs  map[string]map[string]string
	// WorkflowStates are those of workflows that are not active, by the name of the file.
	WorkflowStates map[string]string
}

// Dispatch is a repository_dispatch that was accepted.
type Dispatch struct {
	Repository    string
	EventType     string
	ClientPayload json.RawMessage // the bytes that arrived
	Sender        string          // the name of its token
}

// AddRepository adds a repository or replaces the one of its name.
func (s *Server) AddRepository(r Repository) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(r.FullName)
	if old := s.repositories[key]; old != nil {
		r.ID = cmp.Or(r.ID, old.ID) // a new id would be that of the next repository
	}
	r.ID = cmp.Or(r.ID, int64(1000+len(s.repositories)))
	r.DefaultBranch = cmp.Or(r.DefaultBranch, "main")
	s.repositories[key] = &r
}

// Rename redirects requests for the name old to repository r, as the platform does after
// a rename. The artifacts of old become those of r, which has the id of old if old exists.
func (s *Server) Rename(old, r string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to := strings.ToLower(old), s.repositories[strings.ToLower(r)]
	if repo := s.repositories[from]; repo != nil {
		to.ID = repo.ID
		delete(s.repositories, from)
	}
	s.renamed[from] = to.ID
	for _, a := range s.artifacts {
		if strings.EqualFold(a.Repository, old) {
			a.Repository = to.FullName
		}
	}
}

// Dispatches are those that were accepted, in order.
func (s *Server) Dispatches() []Dispatch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.dispatches)
}

func (s *Server) endpoints() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/{owner}/{repo}", s.onRepository(s.getRepository))
	mux.HandleFunc("GET /repos/{owner}/{repo}/contents/{path...}", s.onRepository(s.getContents))
	mux.HandleFunc("GET /repos/{owner}/{repo}/git/ref/tags/{tag...}", s.onRepository(s.getTag))
	mux.HandleFunc("POST /repos/{owner}/{repo}/dispatches", s.onRepository(s.postDispatch))
	mux.HandleFunc("GET /repos/{owner}/{repo}/actions/artifacts", s.onRepository(s.listArtifacts))
	mux.HandleFunc("GET /repos/{owner}/{repo}/actions/artifacts/{id}", s.onRepository(s.getArtifact))
	mux.HandleFunc("GET /repos/{owner}/{repo}/actions/artifacts/{id}/zip", s.onRepository(s.getZip))
	mux.HandleFunc("GET /repos/{owner}/{repo}/actions/runs/{run}/artifacts", s.onRepository(s.listArtifacts))
	mux.HandleFunc("GET /repos/{owner}/{repo}/actions/runs/{id}", s.onRepository(s.getRun))
	mux.HandleFunc("GET /repos/{owner}/{repo}/actions/runs", s.onRepository(s.listRuns))
	mux.HandleFunc("GET /repos/{owner}/{repo}/actions/workflows/{workflow}", s.onRepository(s.getWorkflow))
	mux.HandleFunc("POST /repos/{owner}/{repo}/actions/workflows/{workflow}/dispatches", s.onRepository(s.postStart))
	byID := func(w http.ResponseWriter, r *http.Request) { s.byID(w, r, mux) }
	mux.HandleFunc("/repositories/{id}", byID)
	mux.HandleFunc("/repositories/{id}/{rest...}", byID)
	mux.HandleFunc("GET /rate_limit", s.getRateLimit)
	for pattern, handler := range s.options.Routes {
		mux.HandleFunc(pattern, handler)
	}
	mux.HandleFunc("/", s.unexpected)
	return mux
}

// onRepository finds the repository, or redirects after a rename.
func (s *Server) onRepository(h func(http.ResponseWriter, *http.Request, *Repository)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		full := strings.ToLower(r.PathValue("owner") + "/" + r.PathValue("repo"))
		s.mu.Lock()
		repo, ok := s.repositories[full]
		id, renamed := s.renamed[full]
		s.mu.Unlock()
		switch {
		case ok:
			h(w, r, repo)
		case renamed:
			rest := strings.TrimPrefix(r.URL.Path, "/repos/"+r.PathValue("owner")+"/"+r.PathValue("repo"))
			to := fmt.Sprintf("%s/repositories/%d%s", s.url, id, rest)
			if r.URL.RawQuery != "" {
				to += "?" + r.URL.RawQuery
			}
			w.Header().Set("Location", to)
			status := http.StatusMovedPermanently
			if r.Method != http.MethodGet {
				status = http.StatusTemporaryRedirect
			}
			fail(w, status, "Moved Permanently")
		default:
			fail(w, http.StatusNotFound, "Not Found")
		}
	}
}

// byID serves /repositories/{id}/…, where redirects after a rename lead.
func (s *Server) byID(w http.ResponseWriter, r *http.Request, routes http.Handler) {
	s.mu.Lock()
	name := ""
	for _, repo := range s.repositories {
		if strconv.FormatInt(repo.ID, 10) == r.PathValue("id") {
			name = repo.FullName
		}
	}
	s.mu.Unlock()
	if name == "" {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	r = r.Clone(r.Context())
	r.URL.Path = path.Join("/repos", name, r.PathValue("rest"))
	routes.ServeHTTP(w, r)
}

func (s *Server) getRepository(w http.ResponseWriter, r *http.Request, repo *Repository) {
	c := callerOf(r)
	if !s.allow(w, c, repo, contents, "read") {
		return
	}
	owner, name, _ := strings.Cut(repo.FullName, "/")
	p, _ := c.permissions(repo)
	// These are a user's. A job or an installation is no user, and gets false even if it
	// may push.
	push := c.Kind == Personal && p.Contents == "write"
	reply(w, http.StatusOK, map[string]any{
		"id":             repo.ID,
		"name":           name,
		"full_name":      repo.FullName,
		"owner":          map[string]any{"login": owner},
		"default_branch": repo.DefaultBranch,
		"private":        repo.Private,
		"fork":           repo.Fork,
		"archived":       repo.Archived,
		"permissions":    map[string]bool{"pull": true, "push": push},
	})
}

func (s *Server) getTag(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if !s.allow(w, callerOf(r), repo, contents, "read") {
		return
	}
	ref := "refs/tags/" + r.PathValue("tag")
	if _, ok := repo.Refs[ref]; !ok {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	sum := sha1.Sum([]byte(ref))
	object := map[string]any{"type": "commit", "sha": hex.EncodeToString(sum[:])}
	reply(w, http.StatusOK, map[string]any{"ref": ref, "object": object})
}

func (s *Server) getContents(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if !s.allow(w, callerOf(r), repo, contents, "read") {
		return
	}
	files := repo.Files
	if ref := r.URL.Query().Get("ref"); ref != "" && ref != repo.DefaultBranch {
		var ok bool
		if files, ok = repo.Refs[ref]; !ok {
			fail(w, http.StatusNotFound, "No commit found for the ref "+ref)
			return
		}
	}
	name := r.PathValue("path")
	if text, ok := files[name]; ok {
		file := entry(name, "file", len(text))
		file["encoding"] = "base64"
		file["content"] = base64.StdEncoding.EncodeToString([]byte(text))
		if len(text) > 1<<20 {
			file["encoding"], file["content"] = "none", ""
		}
		reply(w, http.StatusOK, file)
		return
	}
	if list := directory(files, name); len(list) > 0 {
		reply(w, http.StatusOK, list)
		return
	}
	fail(w, http.StatusNotFound, "Not Found")
}

// directory lists what lies directly in folder.
func directory(files map[string]string, folder string) []map[string]any {
	if folder != "" {
		folder += "/"
	}
	var list []map[string]any
	seen := map[string]bool{}
	for _, p := range slices.Sorted(maps.Keys(files)) {
		rest, ok := strings.CutPrefix(p, folder)
		if !ok {
			continue
		}
		name, _, deeper := strings.Cut(rest, "/")
		switch {
		case !deeper:
			list = append(list, entry(p, "file", len(files[p])))
		case !seen[name]:
			seen[name] = true
			list = append(list, entry(folder+name, "dir", 0))
		}
	}
	return list
}

func entry(p, kind string, size int) map[string]any {
	sum := sha1.Sum([]byte(p))
	return map[string]any{"type": kind, "name": path.Base(p), "path": p, "size": size,
		"sha": hex.EncodeToString(sum[:])}
}

// The platform's limits of a repository_dispatch.
// https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
const (
	maxEventType  = 100    // characters
	maxPayload    = 65_535 // characters
	maxProperties = 10
)

func (s *Server) postDispatch(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if s.options.Gitea {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	if !s.allow(w, callerOf(r), repo, contents, "write") {
		return
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "Unsupported 'Content-Type' header. Must be 'application/json'.")
		return
	}
	d, problem := parseDispatch(r.Body)
	if problem != "" {
		fail(w, http.StatusUnprocessableEntity, "Invalid request.\n\n"+problem)
		return
	}
	if repo.Archived {
		fail(w, http.StatusForbidden, "Repository was archived so is read-only.")
		return
	}
	d.Repository, d.Sender = repo.FullName, callerOf(r).Name
	s.mu.Lock()
	s.dispatches = append(s.dispatches, d)
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func parseDispatch(body io.Reader) (d Dispatch, problem string) {
	var in struct {
		EventType     string          `json:"event_type"`
		ClientPayload json.RawMessage `json:"client_payload"`
	}
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return d, err.Error()
	}
	if _, err := dec.Token(); err != io.EOF {
		return d, "more than one JSON value"
	}
	if n := utf8.RuneCountInString(in.EventType); n < 1 || n > maxEventType {
		return d, fmt.Sprintf("event_type must have 1 to %d characters; %d were supplied.", maxEventType, n)
	}
	if in.ClientPayload != nil {
		var properties map[string]json.RawMessage
		if err := json.Unmarshal(in.ClientPayload, &properties); err != nil || properties == nil {
			return d, "client_payload is not an object."
		}
		if n := len(properties); n > maxProperties {
			return d, fmt.Sprintf("No more than %d properties are allowed; %d were supplied.", maxProperties, n)
		}
		if n := utf8.RuneCount(in.ClientPayload); n > maxPayload {
			return d, "client_payload is too large."
		}
	}
	return Dispatch{EventType: in.EventType, ClientPayload: in.ClientPayload}, ""
}
