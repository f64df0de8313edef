package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// environment is what the runner says of itself in GITHUB_* and ACTIONS_* variables, read once. All of it is empty on a plain terminal.
type environment struct {
	actions      bool
	apiURL       string // GITHUB_API_URL, default the public one
	serverURL    string
	repository   string // owner/name
	repositoryID int64
	runID        int64
	workspace    string // as this process sees it
	eventName    string
	sha          string
	resultsURL   string
	runtimeToken string
	retention    int // GITHUB_RETENTION_DAYS, 0 when unknown
	webhook      webhook
}

// webhook is the part of the event file that is read.
type webhook struct {
	Repository struct {
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
}

// defaultBranch is the repository's, as the event tells it; "" where it does not, as on a schedule (platform-facts).
func (e *environment) defaultBranch() string {
	if r := e.webhook.Repository; strings.EqualFold(r.FullName, e.repository) {
		return r.DefaultBranch
	}
	return ""
}

// isCommit takes a SHA-1 or SHA-256 object name in lower-case hex.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

func readEnvironment(getenv func(string) string) (environment, error) {
	e := environment{
		actions:      getenv("GITHUB_ACTIONS") == "true",
		apiURL:       getenv("GITHUB_API_URL"),
		serverURL:    strings.TrimSuffix(getenv("GITHUB_SERVER_URL"), "/"),
		repository:   getenv("GITHUB_REPOSITORY"),
		workspace:    getenv("GITHUB_WORKSPACE"),
		eventName:    getenv("GITHUB_EVENT_NAME"),
		resultsURL:   getenv("ACTIONS_RESULTS_URL"),
		runtimeToken: getenv("ACTIONS_RUNTIME_TOKEN"),
	}
	if e.apiURL == "" {
		e.apiURL = "https://api.github.com"
	}
	if e.serverURL == "" {
		e.serverURL = "https://github.com"
	}
	// A value that is missing or odd leaves the number at 0, which every reader takes as unknown.
	e.repositoryID, _ = strconv.ParseInt(getenv("GITHUB_REPOSITORY_ID"), 10, 64)
	e.runID, _ = strconv.ParseInt(getenv("GITHUB_RUN_ID"), 10, 64)
	e.retention, _ = strconv.Atoi(getenv("GITHUB_RETENTION_DAYS"))
	if sha := getenv("GITHUB_SHA"); isCommit(sha) {
		e.sha = sha
	}
	if path := getenv("GITHUB_EVENT_PATH"); path != "" && e.actions {
		if err := e.readWebhook(path); err != nil {
			return e, fmt.Errorf("reading the event file that GITHUB_EVENT_PATH names: %w", err)
		}
	}
	return e, nil
}

// readWebhook reads the event file; one that does not exist, as for a program run by hand, is no event.
func (e *environment) readWebhook(path string) error {
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
	if err := json.Unmarshal(data, &e.webhook); err != nil {
		return fmt.Errorf("not the JSON of an event: %w", err)
	}
	return nil
}

// target is the absolute path of the checkout.
func (a *app) target() (string, error) {
	dir := a.opts["target"]
	if dir == "" {
		dir = a.env.workspace
	}
	if dir == "" {
		dir = "."
	}
	return filepath.Abs(dir)
}

// hostPath is where dir, a path in this container, is on the runner's host (platform-facts: the workspace is mounted elsewhere).
func (a *app) hostPath(dir string) string {
	host := a.opts["host-workspace"]
	rel, ok := a.inWorkspace(dir)
	if host == "" || !ok {
		return dir
	}
	return filepath.Join(host, rel)
}

// inWorkspace is dir relative to the workspace, and whether it lies inside.
func (a *app) inWorkspace(dir string) (string, bool) {
	if a.env.workspace == "" {
		return "", false
	}
	rel, err := filepath.Rel(a.env.workspace, dir)
	return rel, err == nil && filepath.IsLocal(rel)
}

// isWorkflows reports whether the checkout is one of the repository that the workflow runs for: all of the workspace, or a part of it that is
// no repository of its own.
func (a *app) isWorkflows(tree *checkout.Tree) bool {
	rel, ok := a.inWorkspace(tree.Dir())
	return ok && (rel == "." || !tree.HasGit())
}

// located are findings with their files as the platform knows them: relative to the workspace, of which the checkout may be a part.
func (a *app) located(findings []diag.Finding) []diag.Finding {
	dir, err := a.target()
	rel, ok := a.inWorkspace(dir)
	if err != nil || !ok || rel == "." {
		return findings
	}
	findings = slices.Clone(findings)
	for i, f := range findings {
		if filepath.IsLocal(f.File) && f.File != standardInput {
			findings[i].File = path.Join(filepath.ToSlash(rel), f.File)
		}
	}
	return findings
}

// annotate shows findings on the lines that they are about, and returns those for which the platform has no room.
func (a *app) annotate(findings []diag.Finding) (hidden []diag.Finding) {
	return a.runner.Annotate(a.located(findings))
}

// slug is the State Hub slug of a manifest that names none: the repository's name. That of the workspace is known; another checkout knows
// where it came from; else the directory's name has to do.
func (a *app) slug(tree *checkout.Tree) string {
	_, name, _ := strings.Cut(a.env.repository, "/")
	if name != "" && tree.Dir() == filepath.Clean(a.env.workspace) {
		return name
	}
	return cmp.Or(tree.Origin(), name, filepath.Base(tree.Dir()))
}
