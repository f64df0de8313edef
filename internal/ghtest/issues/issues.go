// Package issues is the part of the stand-in of GitHub and Gitea that keeps issues. It is
// for tests only.
package issues

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// Issue is an issue or a pull request.
type Issue struct {
	Number      int64
	Title, Body string
	State       string // open or closed
	Author      string
	IsPerson    bool // otherwise the author is an app or a job
	IsPull      bool
	Comments    []string
}

// Issues are those of all repositories. Routes serves them.
type Issues struct {
	// Gitea answers as Gitea does: without pull requests where only issues are asked for.
	Gitea bool

	mu   sync.Mutex
	list []*Issue
}

// user is the login of a personal token.
const user = "octocat"

// Add adds an issue that somebody else opened.
func (s *Issues) Add(i Issue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i.Number = int64(len(s.list) + 1)
	s.list = append(s.list, &i)
}

// All returns copies of all issues, in the order in which they were opened.
func (s *Issues) All() []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Issue, len(s.list))
	for i, issue := range s.list {
		all[i] = *issue
		all[i].Comments = slices.Clone(issue.Comments)
	}
	return all
}

// Routes are the endpoints, for ghtest.Options.
func (s *Issues) Routes() map[string]http.HandlerFunc {
	const path = "/repos/{owner}/{repo}/issues"
	return map[string]http.HandlerFunc{
		"GET /user":                           s.getUser,
		"GET " + path:                         s.allow("read", s.get),
		"POST " + path:                        s.allow("write", s.post),
		"PATCH " + path + "/{number}":         s.allow("write", s.patch),
		"POST " + path + "/{number}/comments": s.allow("write", s.comment),
	}
}

// allow refuses a token without the permission.
func (s *Issues) allow(want string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, p := ghtest.TokenOf(r); p.Issues != "write" && p.Issues != want {
			reply(w, http.StatusForbidden, map[string]string{"message": "Resource not accessible by integration"})
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		h(w, r)
	}
}

func (s *Issues) getUser(w http.ResponseWriter, r *http.Request) {
	if t, _ := ghtest.TokenOf(r); t.Kind != ghtest.Personal {
		reply(w, http.StatusForbidden, map[string]string{"message": "Resource not accessible by integration"})
		return
	}
	reply(w, http.StatusOK, map[string]string{"login": user})
}

// get lists a page of the open issues, newest first.
func (s *Issues) get(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	size, name := 100, "per_page"
	if s.Gitea {
		size, name = 50, "limit"
	}
	if n, err := strconv.Atoi(query.Get(name)); err == nil {
		size = min(n, size)
	}
	page, err := strconv.Atoi(query.Get("page"))
	if err != nil || query.Get("state") != "open" {
		reply(w, http.StatusUnprocessableEntity, map[string]string{"message": "the stand-in knows open issues only"})
		return
	}
	open := []map[string]any{}
	for _, i := range slices.Backward(s.list) {
		if i.State == "open" && !(s.Gitea && i.IsPull) {
			open = append(open, s.describe(i))
		}
	}
	from := min((page-1)*size, len(open))
	reply(w, http.StatusOK, open[from:min(from+size, len(open))])
}

func (s *Issues) describe(i *Issue) map[string]any {
	m := map[string]any{"number": i.Number, "title": i.Title, "body": i.Body, "state": i.State,
		"html_url": fmt.Sprintf("https://github.com/issues/%d", i.Number)}
	kind := "Bot"
	if i.IsPerson {
		kind = "User"
	}
	author := map[string]any{"login": i.Author, "type": kind}
	if s.Gitea {
		delete(author, "type")
	}
	m["user"] = author
	if i.IsPull {
		m["pull_request"] = map[string]any{"merged": false}
	}
	return m
}

// post opens an issue.
func (s *Issues) post(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Title string `json:"title"`
		Body  string `json:"body"`
	}
	if !read(w, r, &in) {
		return
	}
	t, _ := ghtest.TokenOf(r)
	i := &Issue{Number: int64(len(s.list) + 1), Title: in.Title, Body: in.Body, State: "open",
		Author: "github-actions[bot]", IsPerson: t.Kind == ghtest.Personal}
	switch {
	case i.IsPerson:
		i.Author = user
	case s.Gitea:
		i.Author = "gitea-actions"
	}
	s.list = append(s.list, i)
	reply(w, http.StatusCreated, s.describe(i))
}

// patch changes an issue.
func (s *Issues) patch(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Title *string `json:"title"`
		Body  *string `json:"body"`
		State *string `json:"state"`
	}
	i := s.find(w, r)
	if i == nil || !read(w, r, &in) {
		return
	}
	for field, value := range map[*string]*string{&i.Title: in.Title, &i.Body: in.Body, &i.State: in.State} {
		if value != nil {
			*field = *value
		}
	}
	reply(w, http.StatusOK, s.describe(i))
}

// comment adds a comment.
func (s *Issues) comment(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Body string `json:"body"`
	}
	i := s.find(w, r)
	if i == nil || !read(w, r, &in) {
		return
	}
	i.Comments = append(i.Comments, in.Body)
	reply(w, http.StatusCreated, map[string]any{"id": len(i.Comments), "body": in.Body})
}

func (s *Issues) find(w http.ResponseWriter, r *http.Request) *Issue {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n < 1 || n > len(s.list) {
		reply(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
		return nil
	}
	return s.list[n-1]
}

// read decodes a request strictly.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		reply(w, http.StatusUnprocessableEntity, map[string]string{"message": err.Error()})
		return false
	}
	return true
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
