package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

const recordName = "kaizen.web-2bce8445062b30ed.coach.2026-W48.received"

func receptionOf(t testing.TB) *Reception {
	t.Helper()
	return &Reception{Name: recordName, ID: repository + "/" + bundleName, Event: eventOf(t, "coach", nil)}
}

// receptionStore is a store of producers and consumers.
type receptionStore interface {
	Receptions
	Store
}

// TestReceptions records an event in each kind of ledger, which finds it afterwards, and no
// other one. A producer's receipt of the same bundle is not a record, nor the other way round.
func TestReceptions(t *testing.T) {
	t.Parallel()
	onGitHub, onGitea := newWorkbench(t, ghtest.GitHub), newWorkbenchOn(t, ghtest.GitHub, gitea)
	directory, _, _ := openDirectory(t, "received")
	for name, open := range map[string]func() receptionStore{
		"GitHub":    func() receptionStore { return onGitHub.open(t) },
		"Gitea":     func() receptionStore { return onGitea.open(t) },
		"directory": func() receptionStore { return directory },
	} {
		want := func(known bool) {
			t.Helper()
			if got, err := open().Received(t.Context(), recordName); got != known || err != nil {
				t.Errorf("%s: received %t, %v, want %t", name, got, err, known)
			}
		}
		want(false)
		fixture.Must(t, open().PutReceipt(t.Context(), receiptOf(t, bundleName)))
		want(false)
		fixture.Must(t, open().PutReception(t.Context(), receptionOf(t)))
		want(true)
		if rec, err := look(t, open(), "kaizen.web-2bce8445062b30ed.coach.2026-W48"); err != nil || rec.Delivered || rec.Partial {
			t.Errorf("%s: the record is taken for a receipt: %+v, %v", name, rec, err)
		}
		other := strings.Replace(recordName, "W48", "W47", 1)
		if got, err := open().Received(t.Context(), other); got || err != nil {
			t.Errorf("%s: another event: %t, %v", name, got, err)
		}
		if _, err := open().Received(t.Context(), "../x"); err == nil {
			t.Errorf("%s: a path is taken for a name", name)
		}
	}
}

// TestUndecidedReception does not guess: without the run of a record on Gitea, or without the
// API, it is not known whether the event was received.
func TestUndecidedReception(t *testing.T) {
	t.Parallel()
	w := newWorkbenchOn(t, ghtest.GitHub, gitea)
	fixture.Must(t, w.open(t).PutReception(t.Context(), receptionOf(t)))
	w.api.RemoveRun(runID)
	_, err := w.open(t).Received(t.Context(), recordName)
	if u, ok := errors.AsType[*UndecidedError](err); !ok || !strings.Contains(u.Why, "could not be read") {
		t.Errorf("got %v", err)
	}
	w.api.Fail("GET /repos/*/*/actions/artifacts", 99, ghtest.Status(500, "down"))
	if _, err := w.open(t).Received(t.Context(), recordName); err == nil {
		t.Error("a server that fails has no records")
	}
}

// TestBrokenReceptions skips records in a directory that are not whole, and says so.
func TestBrokenReceptions(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"cut off": `{"name":"kai`, "of another event": `{"name":"x","id":"y"}`,
		"without an id": `{"name":"` + recordName + `"}`, "too large": strings.Repeat(" ", maxReceipt+1)} {
		d, workspace, log := openDirectory(t, "received")
		file := filepath.Join("received", recordName, ReceivedFile)
		fixture.Write(t, workspace, map[string]string{file: content})
		if got, err := d.Received(t.Context(), recordName); got || err != nil {
			t.Errorf("%s: %t, %v", name, got, err)
		}
		if !strings.Contains(log.Text(), ": skipped") {
			t.Errorf("%s: the log has %q", name, log.Text())
		}
		fixture.Must(t, d.PutReception(t.Context(), receptionOf(t)))
		if got, err := d.Received(t.Context(), recordName); !got || err != nil {
			t.Errorf("%s, replaced: %t, %v", name, got, err)
		}
		fixture.Must(t, os.Remove(filepath.Join(workspace, file)))
		fixture.Must(t, os.Symlink("elsewhere", filepath.Join(workspace, file)))
		if got, err := d.Received(t.Context(), recordName); got || err != nil {
			t.Errorf("%s, a link: %t, %v", name, got, err)
		}
	}
}
