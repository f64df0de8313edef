package gh

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/target"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// EventInput is the one input with which a workflow is started. Its value is the event.
const EventInput = "event"

// MaxInputs is how many characters the inputs of a workflow may have, as JSON.
// https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflow_dispatch
const MaxInputs = 65_535

// InputsSize is how many characters of MaxInputs an event takes. It is longer than the
// event, whose quotes are escaped.
func InputsSize(event []byte) int { return utf8.RuneCount(encode(inputsOf(event))) }

func inputsOf(event []byte) map[string]string { return map[string]string{EventInput: string(event)} }

// encode writes plain texts as go-github does; they always can be encoded.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Started is a workflow run that a request started, as far as the server describes it.
type Started struct {
	ID  int64  // 0 when unknown
	URL string // of its page; "" when unknown
}

// Event is what a workflow is started with.
type Event struct {
	ID   string
	JSON []byte
	// Again says that an earlier run of this program may have started the workflow with the
	// event.
	Again bool
}

// StartWorkflow starts a workflow by workflow_dispatch with the event as its input
// EventInput. It needs actions: write.
//
// A request that the server certainly did not act on is sent again. Where the answer is
// lost, a run may have been started, which may cost money: the request is sent again only
// if the API lists no run that can be the one. An event that is sent Again is not sent if
// the API lists a run that is named after it.
func (c *Client) StartWorkflow(ctx context.Context, t target.Target, event Event) (Started, error) {
	op := c.operation("start "+t.String(), t.Repository, "actions: write", dispatchInput)
	op.check = "check that " + t.Workflow + " is on the default branch of " + t.Repository
	if err := c.checkStart(op, t, event.JSON); err != nil {
		return Started{}, err
	}
	start := &start{Client: c, op: op, target: t, event: event, began: c.api.pace.Now(), details: true}
	if event.Again {
		if run, verdict := start.look(ctx); verdict == wasStarted {
			c.api.log("%s: run %d was started earlier", op.name, run.ID)
			return run, nil
		}
	}
	failed := c.api.loop(op.name, t.String()).Do(ctx, func(n int) *transfer.Failure { return start.attempt(ctx, n) })
	if failed == nil {
		c.started.Store(start.run.ID, true)
		return start.run, nil
	}
	e := op.failed(failed.Err)
	if e.uncertain {
		e.Message += "; the workflow may have been started"
		e.Hint = "look at its runs: the next run of this action sends the event again under the same id, unless the " +
			"name of a run has that id"
	}
	return Started{}, e
}

// checkStart refuses, before any request, what the server would refuse.
func (c *Client) checkStart(op operation, t target.Target, event []byte) error {
	if _, _, err := op.split("start workflow"); err != nil {
		return err
	}
	if err := c.CheckTarget(t); err != nil {
		return err
	}
	if n := InputsSize(event); n > MaxInputs {
		e := op.invalid("the event has %d characters as an input, workflow_dispatch takes %d", n, MaxInputs)
		e.Hint = "shorten session_close or drop pointers in the manifest"
		return e
	}
	return nil
}

// CheckTarget returns why this kind of server can never serve t, or nil.
func (c *Client) CheckTarget(t target.Target) error {
	e := &Error{Kind: Invalid, Op: "dispatch to " + t.String()}
	switch forge := c.Forge(); {
	case forge == Gitea && !t.IsWorkflow():
		e.Message = "Gitea has no repository_dispatch"
		e.Hint = "name a workflow in `dispatch-to`: " + t.Repository + "/.gitea/workflows/FILE.yml@BRANCH"
	case forge == GitHub && t.IsWorkflow() && path.Dir(t.Workflow) != target.GitHubDir:
		e.Message = "GitHub runs no workflow of " + path.Dir(t.Workflow)
		e.Hint = "name one below " + target.GitHubDir
	default:
		return nil
	}
	return e
}

// start is one call of StartWorkflow.
type start struct {
	*Client
	op      operation
	target  target.Target
	event   Event
	began   time.Time // the first attempt, by our clock
	details bool      // whether the server is asked for the run
	last    *Error    // why the last attempt has an unknown result
	run     Started
}

// attempt sends the request, unless an attempt before it may have started a run.
func (s *start) attempt(ctx context.Context, n int) *transfer.Failure {
	if n > 1 {
		run, verdict := s.look(ctx)
		switch verdict {
		case wasStarted:
			s.api.log("%s: the answer was lost, but run %d was started", s.op.name, run.ID)
			s.run = run
			return nil
		case mayBeStarted:
			return &transfer.Failure{Err: s.last}
		}
	}
	e := s.send(ctx)
	switch {
	case e == nil:
		return nil
	case s.details && e.Status == http.StatusUnprocessableEntity && strings.Contains(e.Message, runDetails):
		s.details = false // an older server
		return s.attempt(ctx, 1)
	}
	e.Op = "" // the log and StartWorkflow add it
	s.last = e
	return &transfer.Failure{Err: e, Again: e.uncertain && ctx.Err() == nil}
}

// runDetails is the parameter that asks for the run in the answer. GitHub reads it from
// the body, and Gitea from the query.
const runDetails = "return_run_details"

// send sends the request once.
func (s *start) send(ctx context.Context) *Error {
	address := fmt.Sprintf("repos/%s/actions/workflows/%s/dispatches", s.target.Repository, s.target.File())
	body := map[string]any{"ref": s.target.Ref, "inputs": inputsOf(s.event.JSON)}
	switch {
	case !s.details:
	case s.Forge() == Gitea:
		address += "?" + runDetails + "=true"
	default:
		body[runDetails] = true
	}
	req, err := s.hub.NewRequest(http.MethodPost, address, body)
	if err != nil {
		return s.op.failed(err)
	}
	var answer bytes.Buffer
	if _, err := s.hub.Do(context.WithValue(ctx, sendOnce{}, true), req, &answer); err != nil {
		return s.op.failed(err)
	}
	// What is missing or unusable in the description does not make the start a failure.
	var details struct {
		ID  int64  `json:"workflow_run_id"`
		URL string `json:"html_url"`
	}
	_ = json.Unmarshal(answer.Bytes(), &details)
	s.run = Started{max(details.ID, 0), s.pageURL(details.URL)}
	return nil
}

// maxPageURL bounds the address of a page, in bytes.
const maxPageURL = 500

// pageURL returns the address of a page, "" if it is not one that may be shown.
func (c *Client) pageURL(address string) string {
	u, err := url.Parse(address)
	unsafe := func(c rune) bool { return c <= ' ' || c > '~' }
	if err != nil || u.Scheme != "https" && u.Scheme != c.api.base.Scheme || u.Host == "" || u.User != nil ||
		len(address) > maxPageURL || strings.ContainsFunc(address, unsafe) {
		return ""
	}
	return u.String()
}

// verdict says whether an earlier attempt started a run.
type verdict int

const (
	mayBeStarted verdict = iota
	wasStarted
	notStarted
)

// clockMargin is by how much a run may seem older than the request that started it.
const clockMargin = 10 * time.Second

// look asks the API whether an earlier attempt started a run. A workflow whose run-name has
// the event id gives a certain answer; of an event that is not sent Again, an old run is
// that of an earlier request for the same period. Otherwise a run of the workflow since the
// first attempt may be the one, unless it is known to be of another event.
func (s *start) look(ctx context.Context) (Started, verdict) {
	runs, err := s.dispatchedRuns(ctx)
	if err != nil {
		return Started{}, mayBeStarted
	}
	info, _ := s.TokenInfo()
	since := s.began.Add(info.Ahead - clockMargin)
	result := notStarted
	for _, r := range runs {
		file, _, _ := strings.Cut(r.Path, "@")
		_, isOther := s.started.Load(r.ID)
		isNamed := slices.Contains(strings.Fields(r.Title), s.event.ID)
		isOld := !r.CreatedAt.IsZero() && r.CreatedAt.Before(since)
		switch {
		case isYAML(file) && path.Base(file) != s.target.File(): // of another workflow
		case isNamed && (s.event.Again || !isOld):
			return Started{r.ID, s.pageURL(r.URL)}, wasStarted
		case isOther, strings.Contains(r.Title, "/kaizen."), isOld:
		default:
			result = mayBeStarted
		}
	}
	return Started{}, result
}

func isYAML(file string) bool { return path.Ext(file) == ".yml" || path.Ext(file) == ".yaml" }

// dispatchedRun is a run as the API lists it. Gitea lists no time of creation.
type dispatchedRun struct {
	ID        int64     `json:"id"`
	Path      string    `json:"path"` // .github/workflows/x.yml, on Gitea x.yml@refs/heads/main
	Title     string    `json:"display_title"`
	URL       string    `json:"html_url"`
	CreatedAt time.Time `json:"created_at"`
}

// dispatchedRuns lists the newest runs that were started by workflow_dispatch.
func (s *start) dispatchedRuns(ctx context.Context) ([]dispatchedRun, error) {
	address := "repos/" + s.target.Repository + "/actions/runs?event=workflow_dispatch&per_page=100&limit=50"
	var answer struct {
		Runs *[]dispatchedRun `json:"workflow_runs"`
	}
	if err := s.call(ctx, s.op, http.MethodGet, address, nil, &answer); err != nil {
		return nil, err
	}
	if answer.Runs == nil {
		return nil, s.op.invalid("the answer has no list of runs")
	}
	return *answer.Runs, nil
}

// Workflow is what the API says of a workflow.
type Workflow struct {
	Path  string `json:"path"`
	State string `json:"state"` // active, or disabled_… with the reason
}

// ActiveWorkflow is the State of a workflow that can be started.
const ActiveWorkflow = "active"

// Workflow describes the workflow that StartWorkflow would start: the one with the name of
// t's file on the default branch. It needs actions: read.
func (c *Client) Workflow(ctx context.Context, t target.Target) (Workflow, error) {
	op := c.operation("read workflow "+t.String(), t.Repository, "actions: read", tokenInput)
	if _, _, err := op.split("read workflow"); err != nil {
		return Workflow{}, err
	}
	address := fmt.Sprintf("repos/%s/actions/workflows/%s", t.Repository, t.File())
	var w Workflow
	if err := c.call(ctx, op, http.MethodGet, address, nil, &w); err != nil {
		return Workflow{}, err
	}
	return w, nil
}
