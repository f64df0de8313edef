package gh

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

const (
	reactID    = "acme/web/kaizen.web.coach.2026-W48"
	otherID    = "acme/web/kaizen.web.review.2026-W48"
	reactEvent = `{"event":"kaizen.schedule.prepared","session_close":["<s>"],"bundle":{"id":"` + reactID + `"}}`
	otherEvent = `{"bundle":{"id":"` + otherID + `"}}`

	reactPlain = "on:\n  workflow_dispatch:\n    inputs:\n      event: {type: string, required: true}\n"
	// reactNamed names its runs after the event, so that a lost answer can be found.
	reactNamed = "run-name: ${{ fromJSON(inputs.event).bundle.id }}\n" + reactPlain
)

var (
	react      = target.Target{Repository: "acme/web", Workflow: ".github/workflows/react.yml", Ref: "main"}
	reactGitea = target.Target{Repository: "acme/web", Workflow: ".gitea/workflows/react.yml", Ref: "main"}
)

// receiver starts a stand-in whose acme/web has the workflow react.yml with this text.
func receiver(t *testing.T, o ghtest.Options, text string) (*ghtest.Server, *Client, *fixture.Clock) {
	t.Helper()
	server, client, clock := setup(t, o)
	workflow := react
	if o.Gitea {
		workflow = reactGitea
	}
	server.AddRepository(ghtest.Repository{FullName: "acme/web", Private: true,
		Files: map[string]string{workflow.Workflow: text},
		Refs: map[string]map[string]string{
			"refs/tags/v1": {workflow.Workflow: text},
			"old":          {workflow.Workflow: "on: push\n"},
			"inputs":       {workflow.Workflow: "on: workflow_dispatch\n"},
			"more":         {workflow.Workflow: "on: {workflow_dispatch: {inputs: {event: {}, env: {required: true}}}}\n"},
		}})
	return server, client, clock
}

func TestStartWorkflow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options ghtest.Options
		target  target.Target
		query   string // of the first request
		body    string // a part of it
	}{
		{ghtest.Options{BasePath: "/api/v3"}, react, "", `"return_run_details":true`},
		{gitea, reactGitea, "return_run_details=true", `{"inputs":{"event":"{`},
	} {
		server, client, _ := receiver(t, tt.options, reactPlain)
		for i, ref := range []string{"main", "refs/heads/main", "refs/tags/v1"} {
			if ref == "refs/tags/v1" && !tt.options.Gitea {
				ref = "v1"
			}
			tt.target.Ref = ref
			run, err := client.StartWorkflow(t.Context(), tt.target, Event{ID: reactID, JSON: []byte(reactEvent)})
			starts := server.Starts()
			if err != nil || len(starts) != i+1 {
				t.Fatalf("%s: %d runs, %v", ref, len(starts), err)
			}
			got := starts[i]
			if got.Inputs["event"] != reactEvent || got.Ref != ref || got.Workflow != tt.target.Workflow {
				t.Errorf("%s: started %+v", ref, got)
			}
			want := Started{got.RunID, fmt.Sprintf("%s/acme/web/actions/runs/%d", server.URL(), got.RunID)}
			if run != want || run.ID == 0 {
				t.Errorf("%s: got %+v, want %+v", ref, run, want)
			}
		}
		r := server.Requests()[0]
		if r.Query != tt.query || !strings.Contains(r.Body, tt.body) || strings.Contains(r.Body, `\u003c`) ||
			r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("request ?%s with %s", r.Query, r.Body)
		}
		if n := len(server.Requests()); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
		server.Rename("acme/old", "acme/web")
		tt.target.Repository, tt.target.Ref = "acme/old", "main"
		run, err := client.StartWorkflow(t.Context(), tt.target, Event{ID: reactID, JSON: []byte(reactEvent)})
		if n := len(server.Starts()); err != nil || n != 4 || run.ID == 0 {
			t.Errorf("after a rename: %d runs, %+v, %v", n, run, err)
		}
	}
}

// An answer that is lost starts no second run. Whether the delivery is certain depends on
// what the list of runs shows.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	old := time.Hour
	for _, tt := range []struct {
		name     string
		options  ghtest.Options
		workflow string
		fault    ghtest.Fault
		earlier  time.Duration // since the run of another event that is not this client's; 0 for none
		starts   int
		unknown  bool
	}{
		{"handled, named runs", ghtest.Options{}, reactNamed, ghtest.Lose(), 0, 1, false},
		{"handled, named runs on Gitea", gitea, reactNamed, ghtest.Lose(), old, 2, false},
		{"handled, other runs", ghtest.Options{}, reactPlain, ghtest.Lose(), 0, 1, true},
		{"handled, other runs on Gitea", gitea, reactPlain, ghtest.Lose(), 0, 1, true},
		{"handled, 502", ghtest.Options{}, reactPlain, ghtest.Instead(ghtest.Status(502, "<html>")), 0, 1, true},
		{"handled, 200 that is not JSON", ghtest.Options{}, reactPlain, ghtest.Instead(ghtest.Status(200, "<html>")), 0,
			1, true},
		{"not handled", ghtest.Options{}, reactPlain, ghtest.Status(502, "<html>"), 0, 1, false},
		{"not handled on Gitea", gitea, reactPlain, ghtest.Status(502, "<html>"), 0, 1, false},
		{"not handled, after an old run", ghtest.Options{}, reactPlain, ghtest.Reset(), old, 2, false},
		{"not handled, after an old run on Gitea", gitea, reactPlain, ghtest.Reset(), old, 1, true},
		{"not handled, after a new run", ghtest.Options{}, reactPlain, ghtest.Reset(), time.Second, 1, true},
		{"not handled, after a new named run", ghtest.Options{}, reactNamed, ghtest.Reset(), time.Second, 2, false},
		{"not handled, after a named run on Gitea", gitea, reactNamed, ghtest.Reset(), old, 2, false},
		{"200 that is not JSON", ghtest.Options{}, reactPlain, ghtest.Status(200, "<html>"), 0, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client, clock := receiver(t, tt.options, tt.workflow)
			to := react
			if tt.options.Gitea {
				to = reactGitea
			}
			if tt.earlier > 0 {
				another := connect(t, server, clock, testToken)
				_, err := another.StartWorkflow(t.Context(), to, Event{ID: otherID, JSON: []byte(otherEvent)})
				fixture.Must(t, err)
				fixture.Must(t, clock.Sleep(t.Context(), tt.earlier))
			}
			server.Fail("POST /repos/*/*/actions/workflows/*/dispatches", 1, tt.fault)
			run, err := client.StartWorkflow(t.Context(), to, Event{ID: reactID, JSON: []byte(reactEvent)})
			starts := server.Starts()
			if len(starts) != tt.starts {
				t.Errorf("%d runs, want %d", len(starts), tt.starts)
			}
			if tt.unknown {
				checkError(t, err, Unavailable)
				if message, hint := advice.Split(err); !strings.Contains(message, "may have been started") ||
					!strings.Contains(hint, "under the same id, unless the name of a run") {
					t.Errorf("got %v", err)
				}
				return
			}
			if last := starts[len(starts)-1]; err != nil || run.ID != last.RunID || run.URL == "" {
				t.Errorf("got %+v (%v), want %+v", run, err, last)
			}
		})
	}
}

// An event that an earlier run of the program may have sent is looked for first.
func TestStartAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		workflow string
		starts   int
	}{{reactNamed, 1}, {reactPlain, 2}} {
		server, client, clock := receiver(t, ghtest.Options{}, tt.workflow)
		first, err := client.StartWorkflow(t.Context(), react, Event{ID: reactID, JSON: []byte(reactEvent)})
		fixture.Must(t, err)
		fixture.Must(t, clock.Sleep(t.Context(), 24*time.Hour))
		second, err := connect(t, server, clock, testToken).StartWorkflow(t.Context(), react,
			Event{ID: reactID, JSON: []byte(reactEvent), Again: true})
		if n := len(server.Starts()); err != nil || n != tt.starts || (second == first) != (tt.starts == 1) {
			t.Errorf("%d runs, %+v and %+v (%v), want %d", n, first, second, err, tt.starts)
		}
		_, err = client.StartWorkflow(t.Context(), react, Event{ID: otherID, JSON: []byte(otherEvent), Again: true})
		if n := len(server.Starts()); err != nil || n != tt.starts+1 {
			t.Errorf("another event: %d runs, %v", n, err)
		}
	}
}

// An event that a command asks for is not taken for the one of an earlier command, although
// both have the same id.
func TestStartOnRequest(t *testing.T) {
	t.Parallel()
	server, client, clock := receiver(t, ghtest.Options{}, reactNamed)
	event := Event{ID: reactID, JSON: []byte(reactEvent)}
	_, err := client.StartWorkflow(t.Context(), react, event)
	fixture.Must(t, err)
	fixture.Must(t, clock.Sleep(t.Context(), time.Hour))
	for i, fault := range []ghtest.Fault{ghtest.Status(502, "<html>"), ghtest.Lose()} {
		server.Fail("POST /repos/*/*/actions/workflows/*/dispatches", 1, fault)
		run, err := connect(t, server, clock, testToken).StartWorkflow(t.Context(), react, event)
		starts := server.Starts()
		if last := starts[len(starts)-1]; err != nil || len(starts) != i+2 || run.ID != last.RunID {
			t.Errorf("%d runs, %+v (%v), want %+v", len(starts), run, err, last)
		}
		fixture.Must(t, clock.Sleep(t.Context(), time.Hour))
	}
}

// Where the list of runs cannot be read, nothing is sent again.
func TestLostAnswerWithoutAList(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]ghtest.Fault{
		"403": ghtest.Status(403, `{"message":"no"}`), "no list": ghtest.Status(200, `{"total_count":0}`),
		"no path": ghtest.Status(200, `{"workflow_runs":[{"id":7}]}`),
	} {
		server, client, _ := receiver(t, ghtest.Options{}, reactPlain)
		server.Fail("POST /repos/*/*/actions/workflows/*/dispatches", 1, ghtest.Lose())
		server.Fail("GET /repos/*/*/actions/runs", always, fault)
		_, err := client.StartWorkflow(t.Context(), react, Event{ID: reactID, JSON: []byte(reactEvent)})
		checkError(t, err, Unavailable)
		if n := len(server.Starts()); n != 1 {
			t.Errorf("%s: %d runs", name, n)
		}
	}
}

// A run that this client started for another event is not taken for the one whose answer
// is lost.
func TestLostAnswerBesideAnother(t *testing.T) {
	t.Parallel()
	server, client, _ := receiver(t, ghtest.Options{}, reactPlain)
	_, err := client.StartWorkflow(t.Context(), react, Event{ID: otherID, JSON: []byte(otherEvent)})
	fixture.Must(t, err)
	server.Fail("POST /repos/*/*/actions/workflows/*/dispatches", 1, ghtest.Reset())
	if _, err := client.StartWorkflow(t.Context(), react, Event{ID: reactID, JSON: []byte(reactEvent)}); err != nil {
		t.Error(err)
	}
	if n := len(server.Starts()); n != 2 {
		t.Errorf("%d runs, want 2", n)
	}
}

// What the server certainly did not act on is sent again without a look at the runs.
func TestCertainRefusalIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]ghtest.Fault{
		"408": ghtest.Status(408, `{}`), "429": ghtest.Status(429, `{}`),
		"secondary limit": ghtest.SecondaryLimit("60"),
	} {
		server, client, _ := receiver(t, ghtest.Options{}, reactPlain)
		server.Fail("POST /repos/*/*/actions/workflows/*/dispatches", 2, fault)
		_, err := client.StartWorkflow(t.Context(), react, Event{ID: reactID, JSON: []byte(reactEvent)})
		if n := len(server.Requests()); err != nil || n != 3 || len(server.Starts()) != 1 {
			t.Errorf("%s: %d requests, %d runs, %v", name, n, len(server.Starts()), err)
		}
	}
}

// A server that describes no run, or not well, still started it.
func TestStartWithoutDetails(t *testing.T) {
	t.Parallel()
	const pattern = "POST /repos/*/*/actions/workflows/*/dispatches"
	for _, tt := range []struct {
		name  string
		fault ghtest.Fault
		want  Started
		sent  int
	}{
		{"204", ghtest.Status(204, ""), Started{}, 1},
		{"an older server", ghtest.Status(422,
			`{"message":"Invalid request.\n\n\"return_run_details\" is not a permitted key."}`), Started{}, 2},
		{"no object", ghtest.Status(200, `{}`), Started{}, 1},
		{"wrong types", ghtest.Status(200, `{"workflow_run_id":"7","html_url":"https://git.example/runs/7"}`),
			Started{URL: "https://git.example/runs/7"}, 1},
		{"negative id", ghtest.Status(200, `{"workflow_run_id":-7}`), Started{}, 1},
		{"script", ghtest.Status(200, `{"workflow_run_id":7,"html_url":"javascript:alert(1)"}`), Started{ID: 7}, 1},
		{"user", ghtest.Status(200, `{"workflow_run_id":7,"html_url":"https://u:p@git.example/"}`), Started{ID: 7}, 1},
		{"two lines", ghtest.Status(200, `{"workflow_run_id":7,"html_url":"https://git.example/ x"}`), Started{ID: 7},
			1},
		{"long", ghtest.Status(200, `{"workflow_run_id":7,"html_url":"https://git.example/`+strings.Repeat("x",
			500)+`"}`),
			Started{ID: 7}, 1},
	} {
		server, client, _ := receiver(t, ghtest.Options{}, reactPlain)
		server.Fail(pattern, 1, tt.fault)
		got, err := client.StartWorkflow(t.Context(), react, Event{ID: reactID, JSON: []byte(reactEvent)})
		if err != nil || got != tt.want && tt.name != "an older server" || len(server.Requests()) != tt.sent {
			t.Errorf("%s: got %+v after %d requests (%v), want %+v", tt.name, got, len(server.Requests()), err, tt.want)
		}
	}
}

func TestStartMessages(t *testing.T) {
	t.Parallel()
	at := func(ref string) target.Target {
		to := react
		to.Ref = ref
		return to
	}
	missing, other := react, react
	missing.Workflow, other.Repository = ".github/workflows/none.yml", "acme/none"
	for _, tt := range []struct {
		name          string
		target        target.Target
		token         string
		message, hint string
	}{
		{"no such workflow", missing, testToken, `start acme/web/.github/workflows/none.yml@main: 404 not found`,
			"check that .github/workflows/none.yml is on the default branch of acme/web, and give the token " +
				"`actions: write` on acme/web"},
		{"no such repository", other, testToken, "404 not found", "`actions: write` on acme/none"},
		{"no permission", react, tokenOf("reader"), "403 refused", "needs the permission `actions: write` on acme/web"},
		{"no such branch", at("mian"), testToken, `"No ref found for: mian"`, "check the branch or tag after the @"},
		{"no trigger", at("old"), testToken, "'workflow_dispatch' trigger", "add `workflow_dispatch`"},
		{"no input", at("inputs"), testToken, "Unexpected inputs", "declare the input `event`"},
		{"another required input", at("more"), testToken, "Required input 'env'", "only `event` is sent"},
	} {
		server, _, clock := receiver(t, ghtest.Options{}, reactPlain)
		server.AddToken(tokenOf("reader"), ghtest.Token{Kind: ghtest.Personal,
			Access: map[string]ghtest.Permissions{"*": {Contents: "write", Actions: "read"}}})
		_, err := connect(t, server, clock, tt.token).StartWorkflow(t.Context(), tt.target,
			Event{ID: reactID, JSON: []byte(reactEvent)})
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		if message, hint := advice.Split(err); !strings.Contains(message, tt.message) ||
			!strings.Contains(hint, tt.hint) {
			t.Errorf("%s: got %q and %q, want %q and %q", tt.name, message, hint, tt.message, tt.hint)
		}
		if n := len(server.Requests()); n != 1 {
			t.Errorf("%s: %d requests", tt.name, n)
		}
	}
}

// What the server would refuse is not sent.
func TestStartSendsNothing(t *testing.T) {
	t.Parallel()
	server, client, clock := receiver(t, ghtest.Options{}, reactPlain)
	fits := `"` + strings.Repeat("x", MaxInputs-len(`{"event":"\"\""}`)) + `"`
	for _, tt := range []struct {
		target target.Target
		event  string
		want   string
	}{
		{react, fits + " ", "65536 characters as an input, workflow_dispatch takes 65535"},
		{react, strings.Repeat(`"`, 40_000), "takes 65535"},
		{reactGitea, "{}", "GitHub runs no workflow of .gitea/workflows"},
		{target.Target{Repository: "../x", Workflow: react.Workflow, Ref: "main"}, "{}",
			"not the name of a repository"},
	} {
		_, err := client.StartWorkflow(t.Context(), tt.target, Event{ID: reactID, JSON: []byte(tt.event)})
		if kindOf(err) != Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	if n := len(server.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
	if _, err := client.StartWorkflow(t.Context(), react, Event{ID: reactID, JSON: []byte(fits)}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if len(clock.Sleeps()) > 0 {
		t.Errorf("waited %v", clock.Sleeps())
	}
}

func TestWorkflow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options ghtest.Options
		target  target.Target
	}{{ghtest.Options{}, react}, {gitea, reactGitea}} {
		server, client, _ := receiver(t, tt.options, reactPlain)
		got, err := client.Workflow(t.Context(), tt.target)
		if want := (Workflow{tt.target.Workflow, ActiveWorkflow}); err != nil || got != want {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
		server.AddRepository(ghtest.Repository{FullName: "acme/web",
			Files:          map[string]string{tt.target.Workflow: reactPlain},
			WorkflowStates: map[string]string{"react.yml": "disabled_inactivity"}})
		if got, err := client.Workflow(t.Context(), tt.target); err != nil || got.State != "disabled_inactivity" {
			t.Errorf("got %+v (%v)", got, err)
		}
		_, err = client.StartWorkflow(t.Context(), tt.target, Event{ID: reactID, JSON: []byte(reactEvent)})
		if e, _ := errors.AsType[*Error](err); e == nil || e.Cause != "workflow-disabled" {
			t.Errorf("got %v", err)
		}
	}
}
