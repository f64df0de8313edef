package receive

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// TestFetch fetches a bundle from both kinds of servers: the files are the producer's, byte
// for byte, and there is nothing else.
func TestFetch(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]ghtest.Options{"GitHub": {}, "Gitea": {Gitea: true}} {
		w := newWorld(t, options)
		w.api.AddRun(ghtest.Run{ID: runID, Repository: producer, Event: "schedule", HeadBranch: "main"})
		files := bundleFiles("hello, coach")
		data := zipped(t, files)
		b, err := w.receive(w.add(data, nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		const dir = "received/kaizen.web-2bce8445062b30ed.coach.2026-W48"
		if b.Dir != dir || b.Path != dir+"/bundle.md" || string(b.Zip) != string(data) {
			t.Errorf("%s: got %s, %s and %d bytes", name, b.Dir, b.Path, len(b.Zip))
		}
		tree := fixture.Tree(t, w.dir)
		if len(tree) != 2 || tree[dir+"/bundle.md"] != "hello, coach" ||
			tree[dir+"/sources.json"] != string(files[1].Data) {
			t.Errorf("%s: got %v", name, tree)
		}
		if n := w.downloads(); n != 1 {
			t.Errorf("%s: %d downloads", name, n)
		}
	}
}

// TestForkOnGitea asks for the run where the listing does not say from where an artifact
// comes.
func TestForkOnGitea(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghtest.Options{Gitea: true})
	w.api.AddRun(ghtest.Run{ID: runID, Repository: producer, Event: "pull_request"})
	_, err := w.receive(w.add(zipped(t, bundleFiles("hello, coach")), nil))
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Code != "fork" {
		t.Errorf("got %v", err)
	}
	if n := w.downloads(); n != 0 {
		t.Errorf("%d downloads", n)
	}
}

// TestServiceFailures are no refusals: the event can be handled again.
func TestServiceFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(w *world, e *event.Event)
		want    string
	}{
		{"gone, or not to be seen", func(w *world, e *event.Event) { e.Bundle.Artifact.ID = 99 }, "404"},
		{"no permission", func(w *world, _ *event.Event) {
			w.api.AddToken(token, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
				producer: {Contents: "read"}}})
		}, "actions: read"},
		{"down", func(w *world, _ *event.Event) {
			w.api.Fail("GET /repos/acme/web/actions/artifacts/*", 99, ghtest.Status(503, "down"))
		}, "503"},
		{"storage is down", func(w *world, _ *event.Event) {
			w.api.Fail("GET /artifacts/*.zip", 99, ghtest.Status(500, "down"))
		}, "storage"},
		{"the zip is cut off", func(w *world, _ *event.Event) {
			w.api.Fail("GET /artifacts/*.zip", 99, ghtest.Truncate())
		}, "download artifact"},
	}
	for _, tt := range tests {
		w := newWorld(t, ghtest.Options{})
		e := w.add(zipped(t, bundleFiles("hello, coach")), nil)
		tt.prepare(w, e)
		_, err := w.receive(e)
		_, refused := errors.AsType[*Refusal](err)
		if refused || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if strings.Contains(tt.name, "permission") {
			if e, ok := errors.AsType[*gh.Error](err); !ok || e.Kind != gh.Forbidden && e.Kind != gh.NotFound {
				t.Errorf("got %v", err)
			}
		}
		if files := fixture.Tree(t, w.dir); len(files) > 0 {
			t.Errorf("%s: files were written: %v", tt.name, files)
		}
	}
}

// TestAcceptedEvents checks what Check finds out about events of the conformance cases.
func TestAcceptedEvents(t *testing.T) {
	t.Parallel()
	r := Receiver{Policy: Policy{Allow: []string{"*", "*/*"}}}
	files, err := filepath.Glob("../../testdata/conformance/valid/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var got strings.Builder
	for _, file := range files {
		got.WriteString(filepath.Base(file) + ": ")
		e, err := r.Check([]byte(fixture.Read(t, file)))
		if err != nil {
			got.WriteString(err.Error() + "\n")
			continue
		}
		got.WriteString(strings.Join([]string{e.ID, e.Repository(), e.Bundle.Period, e.RecordName(),
			e.Lateness(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)).String()}, " | ") + "\n")
	}
	fixture.Golden(t, "testdata/accepted.golden", got.String())
}

// TestUnknownMembersStay in the line that is handed on, while the shape of the text does not.
func TestUnknownMembersStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghtest.Options{})
	line, err := w.add(zipped(t, bundleFiles("hello, coach")), nil).Marshal()
	fixture.Must(t, err)
	text := strings.Replace(string(line), `"bundle":{`, "\n  \"bundle\": {\"slot\": \"ä ##[error]\",\n", 1)
	e, err := w.Check([]byte(text))
	fixture.Must(t, err)
	if want := `"bundle":{"slot":"\u00e4 ##\u005berror]",`; !strings.Contains(string(e.JSON), want) ||
		strings.ContainsAny(string(e.JSON), "\n\r") {
		t.Errorf("%s lacks %s", e.JSON, want)
	}
}

func TestLateness(t *testing.T) {
	t.Parallel()
	tests := []struct {
		period, occurred, at string
		want                 time.Duration
	}{
		{"2026-W48", "2026-11-24T09:00:00Z", "2026-11-24T09:05:00Z", 5 * time.Minute}, // the slot is not known
		{"2026-11-24T0900Z", "2026-11-24T09:55:00Z", "2026-11-24T10:00:00Z", time.Hour},
		{"2026-W48", "2026-11-24T10:00:00+01:00", "2026-11-24T09:00:01Z", time.Second},
		{"2026-W48", "2026-11-24T10:00:00Z", "2026-11-24T09:00:00Z", 0}, // a clock is wrong
	}
	for _, tt := range tests {
		e := &Event{Event: &event.Event{OccurredAt: tt.occurred}}
		e.Bundle.Period = tt.period
		at, err := time.Parse(time.RFC3339, tt.at)
		fixture.Must(t, err)
		if got := e.Lateness(at); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		allow, agents, repository, origin, agent string
		code                                     string // "" is accepted
	}{
		{"", "", "acme/core", "acme/web", "coach", ""},
		{"", "", "Acme/core", "aCME/web", "coach", ""},
		{"", "", "acme/core", "evil/web", "coach", "not-allowed"},
		{"", "", "acme/core", "acme", "coach", "not-allowed"},
		{"acme/web other/*", "", "acme/core", "other/x", "coach", ""},
		{"acme/web", "", "acme/core", "acme/web2", "coach", "not-allowed"},
		{"acme/web-*", "", "acme/core", "acme/web-api", "coach", ""},
		{"*/*", "", "acme/core", "any/one", "coach", ""},
		{"*", "", "acme/core", "any/one", "coach", "not-allowed"},
		{"*", "", "acme/core", "slug", "coach", ""},
		{"acme/[a-w]*", "", "acme/core", "acme/web", "coach", ""},
		{"acme/.*", "", "acme/core", "acme/web", "coach", "not-allowed"}, // no regular expression
		{"", "coach optim*", "acme/core", "acme/web", "optimization", ""},
		{"", "coach", "acme/core", "acme/web", "coach2", "agent-not-allowed"},
	}
	for _, tt := range tests {
		p, err := NewPolicy(strings.Fields(tt.allow), strings.Fields(tt.agents), tt.repository)
		fixture.Must(t, err)
		got := ""
		if refusal := p.check(&Event{Event: &event.Event{Agent: tt.agent}, Origin: tt.origin}); refusal != nil {
			got = refusal.Code
		}
		if got != tt.code {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
	for _, tt := range []struct{ allow, agents, repository, want string }{
		{"", "", "", "it is not known whose events are allowed"},
		{"acme/[", "", "acme/core", `allow: "acme/[" is not a glob pattern`},
		{"acme/web/x", "", "acme/core", "too many slashes"},
		{"acme/*", "acme/coach", "acme/core", "allow-agents: "},
	} {
		if _, err := NewPolicy(strings.Fields(tt.allow), strings.Fields(tt.agents), tt.repository); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
}

// TestArchive keeps a zip once, under its digest, and a line for each event.
func TestArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := OpenArchive(filepath.Join(dir, "archive"), dir, func() time.Time { return now }, t.Logf, dir)
	fixture.Must(t, err)
	w := newWorld(t, ghtest.Options{})
	data := zipped(t, bundleFiles("hello, coach"))
	line, err := w.add(data, nil).Marshal()
	fixture.Must(t, err)
	e, err := w.Check(line)
	fixture.Must(t, err)
	b, err := w.Fetch(t.Context(), e)
	fixture.Must(t, err)
	index := filepath.Join(dir, "archive", IndexFile)
	for i := range 3 {
		file, err := a.Put(e, b)
		fixture.Must(t, err)
		if got := fixture.Read(t, filepath.Join(dir, "archive", file)); got != string(data) {
			t.Errorf("%s has %d bytes", file, len(got))
		}
		if i == 1 { // a process dies in the middle of a line
			fixture.Must(t, os.WriteFile(index, []byte(fixture.Read(t, index)+`{"dig`), 0o644))
		}
	}
	lines := strings.Split(strings.TrimSpace(fixture.Read(t, index)), "\n")
	if len(lines) != 4 || lines[0] != lines[1] || lines[3] != lines[0] || lines[2] != `{"dig` {
		t.Errorf("the index has %q", lines)
	}
	fixture.Golden(t, "testdata/index.golden", lines[0]+"\n")
	if n := len(fixture.Tree(t, dir)); n != 2 {
		t.Errorf("%d files", n)
	}
}

// TestCodesOfTheDocs holds that docs/receiving.md lists exactly the codes of refusals.
func TestCodesOfTheDocs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	fixture.Must(t, err)
	used := map[string]bool{}
	code := regexp.MustCompile(`refuse\("([a-z-]+)"|code := "([a-z-]+)"|code = "([a-z-]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(fixture.Read(t, file), -1) {
			used[m[1]+m[2]+m[3]] = true
		}
	}
	page := fixture.Read(t, "../../docs/receiving.md")
	_, table, _ := strings.Cut(page, "| code | check |")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := map[string]bool{}
	for _, row := range strings.Split(table, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) < 2 {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cells[1], -1) {
			listed[m[1]] = true
		}
	}
	if !maps.Equal(used, listed) {
		t.Errorf("the program has the codes %v, docs/receiving.md %v", slices.Sorted(maps.Keys(used)),
			slices.Sorted(maps.Keys(listed)))
	}
}
