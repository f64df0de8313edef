// Package actions is the interface to the runner of GitHub or Gitea: its variables,
// outputs, summary, annotations and log. No other package writes to the runner.
package actions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
)

// Environment has the values of the runner's GITHUB_* and ACTIONS_* variables. On a
// terminal only APIURL and ServerURL are set.
type Environment struct {
	Actions      bool
	APIURL       string // of the REST API, by default that of ServerURL on Gitea, else of github.com
	ServerURL    string
	Repository   string // owner/name
	RepositoryID int64  // of the variable, else of the event; 0 if unknown
	RunID        int64
	RunAttempt   int    // from 1; 0 if unknown
	Workspace    string // as this process sees it
	// HostWorkspace is the path of the workspace on the host; "" if it is the same.
	// It comes from an input, not from the environment.
	HostWorkspace string
	EventName     string
	Ref           string // that the run is of, such as refs/heads/main
	SHA           string
	ResultsURL    string
	RuntimeToken  string
	Retention     int // GITHUB_RETENTION_DAYS; 0 if unknown
	Webhook       Webhook
}

// Webhook is the part of the runner's event file that this program uses.
type Webhook struct {
	Repository struct {
		ID            int64  `json:"id"`
		FullName      string `json:"full_name"`
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
	PullRequest struct {
		Base struct {
			SHA  string `json:"sha"`
			Repo struct {
				FullName string `json:"full_name"`
			} `json:"repo"`
		} `json:"base"`
	} `json:"pull_request"`
	ClientPayload json.RawMessage `json:"client_payload"` // of a repository_dispatch
	Inputs        json.RawMessage `json:"inputs"`         // of a workflow_dispatch
}

// DefaultBranch returns the repository's default branch as the event file names it. It
// returns "" if the event file does not, as on a schedule.
func (e *Environment) DefaultBranch() string {
	if r := e.Webhook.Repository; strings.EqualFold(r.FullName, e.Repository) {
		return r.DefaultBranch
	}
	return ""
}

// Event returns the event that started this run: the payload of a repository_dispatch, or the
// text of the input event of a workflow_dispatch. It is untrusted. ok is false if there is
// none.
func (e *Environment) Event() (data []byte, ok bool) {
	var b bytes.Buffer
	if err := json.Compact(&b, e.Webhook.ClientPayload); err == nil { // the runner indents it
		return b.Bytes(), b.String() != "null"
	}
	var inputs struct {
		Event string `json:"event"`
	}
	err := json.Unmarshal(e.Webhook.Inputs, &inputs)
	return []byte(inputs.Event), err == nil && inputs.Event != ""
}

// RunURL returns the page of this run; "" outside of a workflow.
func (e *Environment) RunURL() string {
	if !e.Actions || e.RunID == 0 || e.Repository == "" {
		return ""
	}
	return fmt.Sprintf("%s/%s/actions/runs/%d", e.ServerURL, e.Repository, e.RunID)
}

// OwnPlainAPI reports whether the API has no TLS, and is the server that gave this job to
// the runner, as on a local network.
func (e *Environment) OwnPlainAPI() bool {
	api, apiErr := url.Parse(e.APIURL)
	server, serverErr := url.Parse(e.ServerURL)
	return e.Actions && apiErr == nil && serverErr == nil && api.Scheme == "http" && server.Scheme == "http" &&
		strings.EqualFold(api.Host, server.Host)
}

// ReadEnvironment reads the variables, and in Actions the event file. It returns an error
// if that file exists and cannot be read.
func ReadEnvironment(getenv func(string) string) (Environment, error) {
	e := Environment{
		Actions:      getenv("GITHUB_ACTIONS") == "true",
		APIURL:       getenv("GITHUB_API_URL"),
		ServerURL:    strings.TrimSuffix(getenv("GITHUB_SERVER_URL"), "/"),
		Repository:   getenv("GITHUB_REPOSITORY"),
		Workspace:    getenv("GITHUB_WORKSPACE"),
		EventName:    getenv("GITHUB_EVENT_NAME"),
		Ref:          getenv("GITHUB_REF"),
		ResultsURL:   getenv("ACTIONS_RESULTS_URL"),
		RuntimeToken: getenv("ACTIONS_RUNTIME_TOKEN"),
	}
	if e.ServerURL == "" {
		e.ServerURL = "https://github.com"
	} else if e.APIURL == "" && getenv("GITEA_ACTIONS") == "true" {
		e.APIURL = gh.GiteaAPI(e.ServerURL)
	}
	if e.APIURL == "" {
		e.APIURL = "https://api.github.com"
	}
	// A missing or invalid value becomes 0, which means unknown.
	e.RepositoryID, _ = strconv.ParseInt(getenv("GITHUB_REPOSITORY_ID"), 10, 64)
	e.RunID, _ = strconv.ParseInt(getenv("GITHUB_RUN_ID"), 10, 64)
	e.RunAttempt, _ = strconv.Atoi(getenv("GITHUB_RUN_ATTEMPT"))
	e.Retention, _ = strconv.Atoi(getenv("GITHUB_RETENTION_DAYS"))
	if sha := getenv("GITHUB_SHA"); checkout.IsCommit(sha) {
		e.SHA = sha
	}
	if path := getenv("GITHUB_EVENT_PATH"); path != "" && e.Actions {
		if err := e.readWebhook(path); err != nil {
			return e, fmt.Errorf("reading the event file that GITHUB_EVENT_PATH names: %w", err)
		}
	}
	if r := e.Webhook.Repository; e.RepositoryID == 0 && strings.EqualFold(r.FullName, e.Repository) {
		e.RepositoryID = r.ID // Gitea gives no GITHUB_REPOSITORY_ID
	}
	return e, nil
}

// readWebhook reads the event file. A missing file is not an error, because there may be
// none when a person runs the program.
func (e *Environment) readWebhook(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	const limit = 25 << 20 // a webhook's payload has at most 25 MB
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil || len(data) == 0 {
		return err
	}
	if err := json.Unmarshal(data, &e.Webhook); err != nil {
		return fmt.Errorf("not the JSON of an event: %w", err)
	}
	return nil
}
