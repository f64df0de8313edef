package ghtest

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Run is a workflow run.
type Run struct {
	ID         int64
	Repository string
	HeadBranch string // "" for a run of a tag or of a pull request on Gitea
	Event      string // default that of a scheduled run
	// HeadRepositoryID is default the id of Repository. Gitea does not give it.
	HeadRepositoryID int64
	// Ref is default that of HeadBranch, or of a pull request without a HeadBranch.
	Ref string
	// Title is the name of a run that is listed. Status and Conclusion are how it stands.
	Title, Status, Conclusion string
	CreatedAt                 time.Time // default: now
}

// AddRun adds a run. A run that was not added is taken from the artifacts with its id, as
// a scheduled one.
func (s *Server) AddRun(r Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = append(s.runs, r)
}

// RemoveRun makes the API answer 404 for a run, although its artifacts are listed.
func (s *Server) RemoveRun(id int64) { s.AddRun(Run{ID: id}) }

// run returns the run of the repository with this id. The one that was added last wins.
func (s *Server) run(repo *Repository, id string) (Run, bool) {
	list, err := s.artifactsOf(repo)
	if err != nil {
		s.options.Errorf("artifacts: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.runs) - 1; i >= 0; i-- {
		if r := s.runs[i]; strconv.FormatInt(r.ID, 10) == id {
			return r, strings.EqualFold(r.Repository, repo.FullName)
		}
	}
	for _, a := range list {
		if strconv.FormatInt(a.RunID, 10) == id {
			return Run{ID: a.RunID, HeadBranch: a.HeadBranch, HeadRepositoryID: a.HeadRepositoryID}, true
		}
	}
	return Run{}, false
}

func (s *Server) getRun(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if !s.allow(w, callerOf(r), repo, actions, "read") {
		return
	}
	run, ok := s.run(repo, r.PathValue("id"))
	if !ok {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	reply(w, http.StatusOK, s.describeRun(run, repo))
}

// describeRun writes a run as the imitated server does.
func (s *Server) describeRun(run Run, repo *Repository) map[string]any {
	event := cmp.Or(run.Event, "schedule")
	if run.Event == "" && s.options.Gitea {
		event = "push" // which installed the schedule
	}
	ref := "refs/pull/1/head"
	if run.HeadBranch != "" {
		ref = "refs/heads/" + run.HeadBranch
	}
	ref = cmp.Or(run.Ref, ref)
	m := map[string]any{
		"id":         run.ID,
		"event":      event,
		"path":       ".github/workflows/kaizen.yml",
		"head_sha":   strings.Repeat("0", 40),
		"repository": map[string]any{"id": repo.ID, "full_name": repo.FullName},
	}
	if run.Status != "" {
		m["status"], m["conclusion"] = run.Status, run.Conclusion
		m["html_url"] = fmt.Sprintf("%s/%s/actions/runs/%d", s.url, repo.FullName, run.ID)
	}
	if s.options.Gitea {
		m["path"] = "kaizen.yml@" + ref
		if run.HeadBranch != "" {
			m["head_branch"] = run.HeadBranch
		}
		return m
	}
	m["head_repository"] = map[string]any{"id": cmp.Or(run.HeadRepositoryID, repo.ID)}
	m["head_branch"] = run.HeadBranch
	if run.HeadBranch == "" {
		m["head_branch"] = nil
	}
	return m
}
