package pipeline

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

const twoAgents = `version: "1"
repo: web
agents:
  coach:
    cadence: daily
  review:
    cadence: monthly
`

// open opens a checkout with two agents.
func open(t *testing.T, dir string, env *actions.Environment) *Project {
	t.Helper()
	fixture.Write(t, dir, map[string]string{schedule.DefaultPath: twoAgents})
	p, err := OpenProject(t.Context(), ProjectOptions{Dir: dir, File: schedule.DefaultPath, Env: env})
	fixture.Must(t, err)
	t.Cleanup(p.Close)
	if p.Manifest == nil {
		t.Fatal(p.Findings)
	}
	return p
}

func newServices(t *testing.T, env *actions.Environment, log *fixture.Log) Services {
	t.Helper()
	return Services{Env: env, Clients: gh.NewClients(gh.Options{BaseURL: "https://api.github.com", UserAgent: "test"}),
		Clock: time.Now, Log: log.Printf}
}

// The path of a bundle is relative to the workspace, and absolute for a checkout outside
// it.
func TestBundlePath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ workspace, checkout, out, want string }{
		{"w", "w", "", ".kaizen/prepared/x"},
		{"w", "w/a", "", "a/.kaizen/prepared/x"},
		{"w", "other", "", "DIR/other/.kaizen/prepared/x"},
		{"", "other", "", "DIR/other/.kaizen/prepared/x"},
		{"w", "w", "DIR/elsewhere", "DIR/elsewhere/x"},
		{"w", "other", "DIR/elsewhere", "DIR/elsewhere/x"},
	} {
		dir := fixture.TempDir(t)
		fixture.Write(t, dir, map[string]string{"w/file": ""})
		env := &actions.Environment{}
		if tt.workspace != "" {
			env.Workspace = filepath.Join(dir, tt.workspace)
		}
		p := open(t, filepath.Join(dir, tt.checkout), env)
		stores, err := newServices(t, env, &fixture.Log{}).OpenStores(p,
			StoreOptions{Out: strings.ReplaceAll(tt.out, "DIR", dir)})
		fixture.Must(t, err)
		if got := strings.ReplaceAll(stores.path("x"), filepath.ToSlash(dir), "DIR"); got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
		if stores.Ledger() != stores.Directory {
			t.Errorf("%+v: the ledger is %T", tt, stores.Ledger())
		}
	}
}

// Without an artifact service the directory is the ledger, and the log says so.
func TestNoArtifactService(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	env := &actions.Environment{Actions: true, Workspace: dir, Repository: "acme/web"}
	var log fixture.Log
	services := newServices(t, env, &log)
	stores, err := services.OpenStores(open(t, dir, env), StoreOptions{})
	if err != nil || stores.Artifacts != nil || stores.Ledger() != stores.Directory ||
		!strings.Contains(log.Text(), "stay in .kaizen/prepared") {
		t.Errorf("%v, artifacts %v, log %q", err, stores.Artifacts, log.Text())
	}
	wrong := errors.New("retention-days is wrong")
	if _, err := services.OpenStores(nil, StoreOptions{DaysErr: wrong}); !errors.Is(err, wrong) {
		t.Errorf("got %v, want the error of the option", err)
	}
	if _, err := services.OpenStores(open(t, dir, env), StoreOptions{Token: "a\nb"}); err == nil ||
		!strings.HasPrefix(err.Error(), "token: ") {
		t.Errorf("got %v, want an error about the token", err)
	}
}

func TestOpenSinks(t *testing.T) {
	t.Parallel()
	on, core := Channels{Dispatch: true}, []target.Target{{Repository: "acme/core"}}
	wrong := errors.New("dispatch-to is wrong")
	for _, tt := range []struct {
		name   string
		t      Targets
		dryRun bool
		want   string // the error
		sinks  int
	}{
		{"no channel", Targets{Dispatch: core}, false, "", 0},
		{"dispatch", Targets{Channels: on, Dispatch: core, DispatchToken: "t"}, false, "", 1},
		{"no token", Targets{Channels: on, Dispatch: core}, false, "dispatch-to needs a token", 0},
		{"no token in a dry run", Targets{Channels: on, Dispatch: core}, true, "", 1},
		{"wrong targets", Targets{Channels: on, DispatchErr: wrong}, false, wrong.Error(), 0},
		{"a target of another forge", Targets{Channels: on, DispatchToken: "t", Dispatch: []target.Target{
			{Repository: "acme/core", Workflow: ".gitea/workflows/x.yml", Ref: "main"}}}, false, "GitHub runs no workflow", 0},
		{"wrong token", Targets{Channels: on, DispatchToken: "a\nb"}, false, "dispatch-token: ", 0},
		{"wrong NATS options", Targets{Channels: Channels{NATS: true},
			NATS: emit.NATSOptions{URLs: []string{"http://x"}}}, false, "nats-url", 0},
	} {
		sinks, err := newServices(t, &actions.Environment{}, &fixture.Log{}).OpenSinks(tt.t, tt.dryRun)
		if len(sinks) != tt.sinks || fmt.Sprint(err) == "<nil>" != (tt.want == "") ||
			err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %d sinks, %v", tt.name, len(sinks), err)
		}
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	m := open(t, dir, &actions.Environment{}).Manifest
	for _, tt := range []struct {
		wanted, limit int
		days          [2]int // of coach and of review
		hints         []string
	}{
		{0, 0, [2]int{3, 63}, nil},
		{70, 0, [2]int{70, 70}, nil},
		{7, 0, [2]int{7, 7}, []string{"raise retention-days from 7 to 63, or leave it out"}},
		{0, 30, [2]int{3, 30}, []string{
			"raise the repository's limit for artifacts (Settings, Actions, General) from 30 to 63 days"}},
		{1, 2, [2]int{1, 1}, []string{
			"raise retention-days from 1 to 3, or leave it out; raise the repository's limit for artifacts " +
				"(Settings, Actions, General) from 2 to 3 days",
			"raise retention-days from 1 to 63, or leave it out; raise the repository's limit for artifacts " +
				"(Settings, Actions, General) from 2 to 63 days"}},
	} {
		r := Retention{Manifest: m, Wanted: tt.wanted, Limit: tt.limit}
		days := [2]int{r.Days("kaizen.web.coach.2026-11-24"), r.Days("kaizen.web.review.2026-11")}
		var hints []string
		for _, f := range r.Findings() {
			hints = append(hints, f.Hint)
			if f.Rule != diag.Retention.ID || f.File != schedule.DefaultPath || f.Line != 5 && f.Line != 7 {
				t.Errorf("%+v: got %+v", tt, f)
			}
		}
		if days != tt.days || !slices.Equal(hints, tt.hints) {
			t.Errorf("%+v: got %v, %q", tt, days, hints)
		}
	}
	if days := (Retention{Manifest: m, Wanted: 9}).Days("kaizen.web.other.2026-11"); days != 9 {
		t.Errorf("an unknown entry is kept for %d days, want what the user wants", days)
	}
}

// A bundle from another program is for one agent, which it names if the user does not.
func TestGive(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	m := open(t, dir, &actions.Environment{}).Manifest
	for _, tt := range []struct {
		name, data string
		selection  Selection
		want       string // the error
	}{
		{"two agents", "{}", Selection{Names: []string{"coach", "review"}}, "from holds the bundle of one agent"},
		{"all", "{}", Selection{All: true}, "from holds the bundle of one agent"},
		{"no agent", "{}", Selection{}, "from: "},
		{"an unknown agent", `{"agent":"x"}`, Selection{}, `has no agent "x"`},
		{"another cadence", `{"agent":"coach"}`, Selection{Cadence: schedule.Monthly},
			`from holds the bundle of "coach", which cadence monthly excludes`},
		{"not JSON", "x", Selection{Names: []string{"coach"}}, "from: "},
	} {
		b := &Builder{Manifest: m, Now: time.Now()}
		if err := b.Give(t.Context(), "bundle.json", []byte(tt.data), &tt.selection); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
