package gitea

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The instants of the ticks: both agents are due in November, coach again a week later.
const (
	november = "2026-11-24T09:00:00Z" // week 48
	later    = "2026-11-24T10:00:00Z"
	nextWeek = "2026-12-01T04:00:00Z" // week 49; in Berlin, optimization is not due before 6:30
)

const both = "coach optimization"

// TestTicks checks that every period is prepared once: a first tick prepares what is due,
// a second one finds the receipts, and a new period is prepared again.
func TestTicks(t *testing.T) {
	t.Parallel()
	n := newSource(t, "ticks")
	r := n.tick(t, "main", november, nil)
	r.want(t, 0, both)
	if got, want := n.repository.receipts(t), "kaizen.kaizen-agentic.coach.2026-W48 "+
		"kaizen.kaizen-agentic.optimization.2026-11"; got != want {
		t.Errorf("the receipts are %s, want %s", got, want)
	}
	r = n.tick(t, "main", later, nil)
	r.want(t, 0, "")
	if strings.Contains(r.log, "fork") {
		t.Errorf("the log speaks of a fork:\n%s", r.log)
	}
	if artifacts := n.repository.artifacts(t); len(artifacts) != 4 {
		t.Errorf("after the second tick there are %d artifacts: %+v", len(artifacts), artifacts)
	}
	r = n.tick(t, "main", nextWeek, nil)
	r.want(t, 0, "coach")
	n.tick(t, "main", nextWeek, nil).want(t, 0, "")
}

// TestReceiptOfAnotherBranch checks that receipts of runs on other branches, and on a tag
// that is named like the default branch, do not count.
func TestReceiptOfAnotherBranch(t *testing.T) {
	t.Parallel()
	n := newSource(t, "branches")
	n.repository.commit(t, "main", "other", map[string]string{"other.txt": "other"})
	server.must(t, http.StatusCreated, http.MethodPost, n.repository.path("/tags"),
		map[string]any{"tag_name": "main", "target": "other"}, nil)
	n.tick(t, "other", november, nil).want(t, 0, both)
	n.tick(t, "refs/tags/main", november, nil).want(t, 0, both)
	n.tick(t, "main", november, nil).want(t, 0, both)
	n.tick(t, "main", later, nil).want(t, 0, "")
	// A newer receipt from elsewhere does not hide the one that counts.
	n.tick(t, "other", later, map[string]string{"agents": "coach"}).want(t, 0, "coach")
	n.tick(t, "main", later, nil).want(t, 0, "")
}

// TestRenamedRepository checks that a receipt belongs to the repository, whatever its
// name.
func TestRenamedRepository(t *testing.T) {
	t.Parallel()
	n := newSource(t, "old-name")
	n.tick(t, "main", november, nil).want(t, 0, both)
	server.must(t, http.StatusOK, http.MethodPatch, n.repository.path(""), map[string]any{"name": "new-name"}, nil)
	n.repository.name = owner + "/new-name"
	n.tick(t, "main", later, nil).want(t, 0, "")
}

// TestManyArtifacts checks that receipts are found among more artifacts than two pages of
// the listing hold: Gitea lists the oldest first.
func TestManyArtifacts(t *testing.T) {
	t.Parallel()
	n := newSource(t, "many")
	j := n.dispatch(t, "kaizen.yml", "main")
	for i := range 120 {
		j.upload(t, "log-"+string(rune('a'+i%26))+strings.Repeat("x", i/26), []byte("log"), time.Time{})
	}
	j.finish(t, true)
	n.tick(t, "main", november, nil).want(t, 0, both)
	n.tick(t, "main", later, nil).want(t, 0, "")
}
