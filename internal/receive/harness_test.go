package receive

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

const (
	producer = "acme/web"
	runID    = 42
	weekly   = "kaizen.web.coach.2026-W48"
)

var token = fixture.Canary("ghs_", "consumer")

var now = time.Date(2026, 11, 24, 9, 5, 0, 0, time.UTC)

// world is a producer's repository on a stand-in, and a consumer's directory.
type world struct {
	t   *testing.T
	api *ghtest.Server
	Receiver
	dir string // the consumer's workspace; bundles are below received
}

func newWorld(t *testing.T, o ghtest.Options) *world {
	t.Helper()
	o.Errorf = t.Errorf
	api, err := ghtest.New(o)
	fixture.Must(t, err)
	t.Cleanup(api.Close)
	api.AddRepository(ghtest.Repository{ID: 7, FullName: producer, Private: true})
	api.AddToken(token, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
		producer: {Actions: "read"}}})
	client, err := gh.New(gh.Options{BaseURL: api.URL(), Token: token,
		Sleep: func(context.Context, time.Duration) error { return nil }})
	fixture.Must(t, err)
	w := &world{t: t, api: api, dir: t.TempDir()}
	w.Receiver = Receiver{Policy: Policy{Allow: []string{"acme/*"}, AllowAgents: []string{"coach"}}, Client: client}
	w.Bundles, err = store.OpenDirectory(store.DirectoryOptions{Workspace: w.dir, Out: "received", NoSync: true})
	fixture.Must(t, err)
	return w
}

// bundleFiles are the files of a bundle with this content, as prepare stores them.
func bundleFiles(content string) []store.File {
	sources, _ := json.Marshal(map[string]any{"commit": "", "files": []any{}, "bundle": map[string]any{
		"name": "bundle.md", "size": len(content), "sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(content)))}})
	return []store.File{{Name: "bundle.md", Data: []byte(content)}, {Name: "sources.json", Data: sources}}
}

// add stores a zip as the producer's artifact, and returns its event. change may be nil.
func (w *world) add(data []byte, change func(*ghtest.Artifact)) *event.Event {
	w.t.Helper()
	a := ghtest.Artifact{Repository: producer, Name: weekly, Zip: data, RunID: runID, HeadBranch: "main"}
	if change != nil {
		change(&a)
	}
	id := w.api.AddArtifact(a)
	e := &event.Event{
		Event: event.Type, Version: event.Version, OccurredAt: "2026-11-24T09:00:00Z", Repo: "web",
		Root: "/home/runner/work/web/web", Agent: "coach", Cadence: "weekly", PrepareCommand: "kaizen-agentic",
		SessionClose: []string{},
		Bundle: event.Bundle{Format: "markdown", Pointers: []string{}, Bytes: len("hello, coach"),
			ID: producer + "/" + weekly, Period: "2026-W48", Artifact: &event.Artifact{
				Repository: producer, RunID: runID, Name: weekly, ID: id,
				Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(data)), URL: "https://github.com/acme/web",
			}},
	}
	return e
}

// receive checks an event and fetches its bundle.
func (w *world) receive(e *event.Event) (*Bundle, error) {
	w.t.Helper()
	line, err := e.Marshal()
	fixture.Must(w.t, err)
	checked, err := w.Check(line)
	fixture.Must(w.t, err)
	return w.Fetch(w.t.Context(), checked)
}

// zipped packs files as prepare does.
func zipped(t *testing.T, files []store.File) []byte {
	t.Helper()
	data, err := store.Zip(files)
	fixture.Must(t, err)
	return data
}

// downloads counts the requests for zips.
func (w *world) downloads() (n int) {
	for _, q := range w.api.Requests() {
		if q.Storage || filepath.Base(q.Path) == "raw" {
			n++
		}
	}
	return n
}
