package gitea

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// start asks for a run of a workflow. The query is "" or begins with ?.
func start(t *testing.T, token string, r *repository, workflow, query, ref, event string) answer {
	t.Helper()
	body := map[string]any{"ref": ref, "inputs": map[string]string{"event": event}}
	return server.api(t, token, http.MethodPost, r.path("/actions/workflows/%s/dispatches%s", workflow, query), body)
}

// checkDispatch checks that the job's own token starts a workflow of its repository, and
// that return_run_details in the query, not in the body, asks for the run's id.
func (f *facts) checkDispatch(t *testing.T) {
	const event = `{"a":1}`
	got := start(t, f.job.Token, f.repository, "fact.yml", "?return_run_details=true", "main", event)
	var made struct {
		ID      int64  `json:"workflow_run_id"`
		RunURL  string `json:"run_url"`
		HTMLURL string `json:"html_url"`
	}
	if got.status != http.StatusOK {
		t.Fatalf("the dispatch answers %d: %s", got.status, got.body)
	}
	got.decode(t, &made)
	j := f.take(t)
	if fmt.Sprint(made.ID) != j.RunID || j.input(t, "event") != event || j.Actor != "gitea-actions" {
		t.Errorf("the dispatch answers %s\nrun %s of %s has %s", got.body, j.RunID, j.Actor, j.input(t, "event"))
	}
	suffix := fmt.Sprintf("%s/actions/runs/%d", f.repository.name, made.ID)
	if made.HTMLURL != server.url+"/"+suffix || made.RunURL != server.url+"/api/v1/repos/"+suffix {
		t.Errorf("the dispatch answers %s", got.body)
	}
	server.must(t, http.StatusNoContent, http.MethodPost, f.repository.path("/actions/workflows/fact.yml/dispatches"),
		map[string]any{"ref": "main", "return_run_details": true}, nil)
	f.take(t)
}

// checkInputs checks that an input that the workflow does not declare is dropped without
// an error.
func (f *facts) checkInputs(t *testing.T) {
	got := start(t, f.job.Token, f.repository, "plain.yml", "", "main", "{}")
	if got.status != http.StatusNoContent {
		t.Fatalf("the dispatch answers %d: %s", got.status, got.body)
	}
	if j := f.take(t); j.input(t, "event") != "" {
		t.Errorf("the undeclared input arrives as %q", j.input(t, "event"))
	}
}

// checkRefused checks what the server refuses to start, and how.
func (f *facts) checkRefused(t *testing.T) {
	writer, reader := server.token(t, "write:repository"), server.token(t, "read:repository")
	wrong := strings.Repeat("0", 40)
	for _, c := range []struct {
		name, token, workflow string
		target                *repository
		ref                   string
		want                  int
	}{
		{"no such workflow", f.job.Token, "none.yml", f.repository, "main", http.StatusNotFound},
		{"no such branch", f.job.Token, "fact.yml", f.repository, "none", http.StatusNotFound},
		{"no such repository", writer, "fact.yml", &repository{name: owner + "/none"}, "main", http.StatusNotFound},
		{"another repository", f.job.Token, "fact.yml", f.other, "main", http.StatusForbidden},
		{"a token that reads", reader, "fact.yml", f.other, "main", http.StatusForbidden},
		{"a token that writes", writer, "fact.yml", f.other, "main", http.StatusNoContent},
		{"a wrong token", wrong, "fact.yml", f.other, "main", http.StatusUnauthorized},
	} {
		if got := start(t, c.token, c.target, c.workflow, "", c.ref, "{}"); got.status != c.want {
			t.Errorf("%s answers %d, want %d: %s", c.name, got.status, c.want, got.body)
		}
	}
	server.must(t, http.StatusNoContent, http.MethodPut, f.other.path("/actions/workflows/fact.yml/disable"), nil, nil)
	if got := start(t, writer, f.other, "fact.yml", "", "main", "{}"); got.status != http.StatusForbidden {
		t.Errorf("a disabled workflow answers %d: %s", got.status, got.body)
	}
	for target, want := range map[*repository]string{f.repository: "active", f.other: "disabled_manually"} {
		var workflow struct{ State, Path string }
		server.must(t, http.StatusOK, http.MethodGet, target.path("/actions/workflows/fact.yml"), nil, &workflow)
		if workflow.State != want || workflow.Path != ".gitea/workflows/fact.yml" {
			t.Errorf("the workflow of %s is %+v, want %s", target.name, workflow, want)
		}
	}
}

// checkRepositoryDispatch checks that the API has no repository_dispatch.
func (f *facts) checkRepositoryDispatch(t *testing.T) {
	for _, token := range []string{server.admin, f.job.Token} {
		got := server.api(t, token, http.MethodPost, f.repository.path("/dispatches"),
			map[string]any{"event_type": "kaizen.schedule.prepared"})
		if got.status != http.StatusNotFound {
			t.Errorf("repository_dispatch answers %d: %s", got.status, got.body)
		}
	}
}

// checkNull checks that a workflow with an input that has no properties starts by
// dispatch only. Gitea reports it as invalid in its log.
func (f *facts) checkNull(t *testing.T) {
	f.repository.commit(t, "main", "null", map[string]string{
		".gitea/workflows/a-null.yml": nullWorkflow,
		".gitea/workflows/b-push.yml": "on: push" + strings.TrimPrefix(plainWorkflow, "on: workflow_dispatch"),
	})
	if j := f.take(t); j.Workflow != "b-push.yml" {
		t.Errorf("the push started %s", j.Workflow)
	}
	if j := f.fetch(t); j != nil {
		t.Errorf("the push started %s, too", j.Workflow)
	}
	if j := f.dispatch(t, "a-null.yml", "null"); j.Workflow != "a-null.yml" {
		t.Errorf("the dispatch started %s", j.Workflow)
	}
}

// checkDirectories checks that GitHub's directory of workflows is read only when Gitea's
// does not exist.
func (f *facts) checkDirectories(t *testing.T) {
	files := map[string]string{".github/workflows/x.yml": plainWorkflow}
	f.repository.commit(t, "main", "both", files)
	if got := start(t, server.admin, f.repository, "x.yml", "", "both", "{}"); got.status != http.StatusNotFound {
		t.Errorf("beside Gitea's directory, the workflow answers %d: %s", got.status, got.body)
	}
	alone := newRepository(t, "facts-github", files)
	if got := start(t, server.admin, alone, "x.yml", "", "main", "{}"); got.status != http.StatusNoContent {
		t.Errorf("without Gitea's directory, the workflow answers %d: %s", got.status, got.body)
	}
}

// checkPermissions checks that the job's token has what the workflow's permissions say.
// In a private repository that decides what it sees.
func (f *facts) checkPermissions(t *testing.T) {
	private := newRepository(t, "facts-private", nil).hide(t)
	n := private.newRunner(t)
	for _, c := range []struct {
		permissions                      string
		repository, listing, run, starts int
	}{
		{"{}", 404, 404, 404, 404},
		{"{contents: read}", 200, 403, 403, 403},
		{"{actions: read}", 200, 200, 200, 403},
		{"{actions: write}", 200, 200, 200, 204},
	} {
		private.commit(t, "main", "main", map[string]string{
			".gitea/workflows/plain.yml": plainWorkflow + "permissions: " + c.permissions + "\n",
		})
		j := n.dispatch(t, "plain.yml", "main")
		var got [4]int
		for i, path := range []string{"", "/actions/artifacts", "/actions/runs/" + j.RunID} {
			got[i] = server.api(t, j.Token, http.MethodGet, private.path("%s", path), nil).status
		}
		got[3] = start(t, j.Token, private, "plain.yml", "", "main", "{}").status
		if want := [4]int{c.repository, c.listing, c.run, c.starts}; got != want {
			t.Errorf("with permissions %s, the answers are %d, want %d", c.permissions, got, want)
		}
		if got[3] == http.StatusNoContent {
			n.take(t)
		}
	}
}
