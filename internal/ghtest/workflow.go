package ghtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// Start is a run that a workflow_dispatch started.
type Start struct {
	Repository string
	Workflow   string // path of the file
	Ref        string // as the request has it
	Inputs     map[string]string
	RunID      int64
	Title      string
	CreatedAt  time.Time
}

// Starts are the runs that were started, in order.
func (s *Server) Starts() []Start {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.starts)
}

// The platform's limits of a workflow_dispatch.
// https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
const (
	maxInputs     = 25
	maxInputsSize = 65_535 // characters
)

// firstRun is the id of the first run that is started.
const firstRun = 9_000_000_001

// workflowAt finds the workflow with the file name of the request among the files of a
// branch or tag. Gitea reads the first directory only.
func (s *Server) workflowAt(files map[string]string, name string) (file, text string, ok bool) {
	dirs := []string{".github/workflows"}
	if s.options.Gitea {
		dirs = []string{".gitea/workflows", ".github/workflows"}
	}
	for _, dir := range dirs {
		if len(directory(files, dir)) > 0 {
			file = dir + "/" + name
			text, ok = files[file]
			return file, text, ok
		}
	}
	return "", "", false
}

// filesAt returns the files of a branch or tag. Refs has tags as refs/tags/NAME, which
// Gitea wants in full.
func (s *Server) filesAt(repo *Repository, ref string) (map[string]string, bool) {
	branch := strings.TrimPrefix(ref, "refs/heads/")
	if branch == repo.DefaultBranch {
		return repo.Files, true
	}
	names := []string{branch}
	if !s.options.Gitea {
		names = append(names, "refs/tags/"+ref)
	}
	for _, name := range names {
		if files, ok := repo.Refs[name]; ok {
			return files, true
		}
	}
	return nil, false
}

// getWorkflow describes a workflow of the default branch.
func (s *Server) getWorkflow(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if !s.allow(w, callerOf(r), repo, actions, "read") {
		return
	}
	name := r.PathValue("workflow")
	file, _, ok := s.workflowAt(repo.Files, name)
	if !ok {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	var id any = 1
	if s.options.Gitea {
		id = name
	}
	reply(w, http.StatusOK, map[string]any{"id": id, "name": name, "path": file,
		"state": cmp.Or(repo.WorkflowStates[name], "active")})
}

// startRequest is the body of a workflow_dispatch.
type startRequest struct {
	Ref     string            `json:"ref"`
	Inputs  map[string]string `json:"inputs"`
	Details *bool             `json:"return_run_details"`
}

func (s *Server) postStart(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if !s.allow(w, callerOf(r), repo, actions, "write") {
		return
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "Unsupported 'Content-Type' header. Must be 'application/json'.")
		return
	}
	q, problem := s.parseStart(r)
	if problem != "" {
		fail(w, http.StatusUnprocessableEntity, problem)
		return
	}
	if repo.Archived {
		fail(w, http.StatusForbidden, "Repository was archived so is read-only.")
		return
	}
	name := r.PathValue("workflow")
	start, status, problem := s.checkStart(repo, name, q)
	if problem != "" {
		fail(w, status, problem)
		return
	}
	start.Repository, start.CreatedAt = repo.FullName, s.options.Now()
	s.mu.Lock()
	start.RunID = firstRun + int64(len(s.starts))
	s.starts = append(s.starts, start)
	s.mu.Unlock()
	if q.Details == nil || !*q.Details {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"workflow_run_id": start.RunID,
		"run_url":         fmt.Sprintf("%s/repos/%s/actions/runs/%d", s.url, repo.FullName, start.RunID),
		"html_url":        s.runPage(start),
	})
}

// fullRef is a branch or tag as Gitea lists it.
func fullRef(ref string) string {
	if strings.HasPrefix(ref, "refs/") {
		return ref
	}
	return "refs/heads/" + ref
}

func (s *Server) runPage(start Start) string {
	return fmt.Sprintf("%s/%s/actions/runs/%d", s.url, start.Repository, start.RunID)
}

// parseStart reads the request. GitHub wants return_run_details in the body, and Gitea in
// the query.
func (s *Server) parseStart(r *http.Request) (q startRequest, problem string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return q, err.Error()
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return q, "Invalid request.\n\n" + err.Error()
	}
	if _, err := dec.Token(); err != io.EOF {
		return q, "more than one JSON value"
	}
	const details = "return_run_details"
	switch value, given := r.URL.Query()[details]; {
	case s.options.Gitea && q.Details != nil, !s.options.Gitea && given:
		return q, "the stand-in expects " + details + " at another place"
	case s.options.Gitea && given:
		yes := value[0] == "true"
		q.Details = &yes
	}
	var raw struct {
		Inputs json.RawMessage `json:"inputs"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return q, err.Error()
	}
	switch n := utf8.RuneCount(raw.Inputs); {
	case q.Ref == "":
		return q, "Invalid request.\n\n\"ref\" wasn't supplied."
	case len(q.Inputs) > maxInputs:
		return q, fmt.Sprintf("you may only define up to %d `inputs` for a `workflow_dispatch` event", maxInputs)
	case n > maxInputsSize:
		return q, "inputs are too large."
	}
	return q, ""
}

// checkStart checks a request against the repository, as the imitated server does.
func (s *Server) checkStart(repo *Repository, name string, q startRequest) (start Start, status int, problem string) {
	start = Start{Ref: q.Ref, Inputs: q.Inputs, Title: name}
	if _, _, ok := s.workflowAt(repo.Files, name); !ok && !s.options.Gitea {
		return start, http.StatusNotFound, "Not Found"
	}
	if state := repo.WorkflowStates[name]; state != "" && state != "active" {
		if s.options.Gitea {
			return start, http.StatusForbidden, "workflow is disabled"
		}
		return start, http.StatusUnprocessableEntity, "Cannot trigger a 'workflow_dispatch' on a disabled workflow"
	}
	files, ok := s.filesAt(repo, q.Ref)
	switch {
	case !ok && s.options.Gitea:
		return start, http.StatusNotFound, fmt.Sprintf("ref %q doesn't exist", q.Ref)
	case !ok:
		return start, http.StatusUnprocessableEntity, "No ref found for: " + q.Ref
	}
	file, text, ok := s.workflowAt(files, name)
	if !ok {
		return start, http.StatusNotFound, fmt.Sprintf("workflow %q doesn't exist", name)
	}
	start.Workflow = file
	root, _ := yamlnode.Parse([]byte(text), yamlnode.Limits{Size: len(text), Depth: 32, Nodes: 10_000})
	if problem := s.checkInputs(root, &start); problem != "" {
		return start, http.StatusUnprocessableEntity, problem
	}
	if root.Get("run-name").Text() == "${{ fromJSON(inputs.event).bundle.id }}" {
		start.Title = eventID(start.Inputs["event"])
	}
	return start, 0, ""
}

// checkInputs compares the inputs with those that the workflow declares. Gitea starts a
// workflow without the trigger, too, and drops inputs that are not declared.
func (s *Server) checkInputs(root *yamlnode.Node, start *Start) (problem string) {
	const trigger = "workflow_dispatch"
	on := root.Get("on").Resolve()
	listens := on.Text() == trigger || on.Get(trigger) != nil || on != nil &&
		slices.ContainsFunc(on.Items, func(n *yamlnode.Node) bool { return n.Text() == trigger })
	declared := on.Get(trigger).Get("inputs").Resolve()
	given := map[string]string{}
	for name, value := range start.Inputs {
		if declared.Get(name) != nil {
			given[name] = value
		}
	}
	if s.options.Gitea {
		start.Inputs = given
		return ""
	}
	switch {
	case !listens:
		return "Workflow does not have 'workflow_dispatch' trigger"
	case len(given) < len(start.Inputs):
		return `Unexpected inputs provided: ["event"]`
	case declared == nil:
		return ""
	}
	for _, p := range declared.Pairs {
		_, isGiven := given[p.Key.Text()]
		if p.Value.Get("required").Text() == "true" && p.Value.Get("default") == nil && !isGiven {
			return fmt.Sprintf("Required input '%s' not provided", p.Key.Text())
		}
	}
	return ""
}

func eventID(event string) string {
	var e struct{ Bundle struct{ ID string } }
	if json.Unmarshal([]byte(event), &e) != nil {
		return ""
	}
	return e.Bundle.ID
}

// namedRuns are the added runs with a title that an event started, newest first.
func (s *Server) namedRuns(repo *Repository, event string) (runs []map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range slices.Backward(s.runs) {
		if r.Title == "" || r.Event != event || !strings.EqualFold(r.Repository, repo.FullName) {
			continue
		}
		run := s.describeRun(r, repo)
		run["display_title"] = r.Title
		run["created_at"] = cmp.Or(r.CreatedAt, s.options.Now()).UTC().Format(time.RFC3339)
		runs = append(runs, run)
	}
	return runs
}

// listRuns lists the runs that were started, newest first; others it does not know.
func (s *Server) listRuns(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if !s.allow(w, callerOf(r), repo, actions, "read") {
		return
	}
	event := r.URL.Query().Get("event")
	if event != "workflow_dispatch" && event != "repository_dispatch" {
		s.unexpected(w, r)
		return
	}
	runs := append([]map[string]any{}, s.namedRuns(repo, event)...)
	starts := s.Starts()
	slices.Reverse(starts)
	for _, start := range starts {
		if start.Repository != repo.FullName || event != "workflow_dispatch" || len(runs) == s.pageSize(r.URL.Query()) {
			continue
		}
		run := map[string]any{"id": start.RunID, "event": "workflow_dispatch", "display_title": start.Title,
			"html_url": s.runPage(start), "path": start.Workflow,
			"created_at": start.CreatedAt.UTC().Format(time.RFC3339)}
		if s.options.Gitea {
			delete(run, "created_at")
			run["path"] = path.Base(start.Workflow) + "@" + fullRef(start.Ref)
		}
		runs = append(runs, run)
	}
	reply(w, http.StatusOK, map[string]any{"total_count": len(runs), "workflow_runs": runs})
}
