package discover

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// TestHubPath checks which of several paths counts.
func TestHubPath(t *testing.T) {
	t.Parallel()
	two := map[string]string{"laptop": "/a", "desk": "/b"}
	tests := []struct {
		name   string
		host   string
		chosen bool
		paths  map[string]string
		want   string // the path, or a part of the reason
	}{
		{"this host", "laptop", false, two, "/a"},
		{"chosen host", "desk", true, two, "/b"},
		{"chosen host without a path", "x", true, map[string]string{"laptop": "/a"}, `no path on the host "x"`},
		{"the only one", "runner-1", false, map[string]string{"laptop": "/a"}, "/a"},
		{"several", "runner-1", false, two, `paths on "desk, laptop": choose one`},
		{"none", "laptop", false, nil, "no path"},
		{"relative", "laptop", false, map[string]string{"laptop": "../x"}, "not absolute"},
		{"line break", "laptop", false, map[string]string{"laptop": "/x\n::error::"}, "not absolute"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &hub{host: tt.host, chosen: tt.chosen}
			path, reason := h.path(&hubRepository{Slug: "web", HostPaths: tt.paths})
			if got := path + reason; path != tt.want && !strings.Contains(got, tt.want) || strings.Contains(got, "\n") {
				t.Errorf("got the path %q, the reason %q; want %q", path, reason, tt.want)
			}
		})
	}
}

// A State Hub that fails is asked again, after waits by the clock of the run.
func TestHubIsAskedAgain(t *testing.T) {
	t.Parallel()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests++; requests < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `[{"slug":"web","host_paths":{}}]`)
	}))
	t.Cleanup(server.Close)
	clock := fixture.NewClock(time.Date(2026, time.November, 24, 8, 0, 0, 0, time.UTC))
	got := discover(t, Options{Hub: server.URL, File: schedule.DefaultPath, Clock: clock.Now, Sleep: clock.Sleep,
		Log: t.Logf})
	if waits := clock.Sleeps(); !slices.Equal(waits, []time.Duration{time.Second, 2 * time.Second}) ||
		len(got.Roster.Repositories) != 1 {
		t.Errorf("waited %s, got %+v", waits, got.Roster)
	}
}

// FuzzParseHub reads any answer of a State Hub.
func FuzzParseHub(f *testing.F) {
	f.Add([]byte(`[{"slug":"web","host_paths":{"laptop":"/srv/web"},"domain":"shop"}]`))
	f.Add([]byte(`{"repos":[{"slug":"web","domain":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseHub(data)
		if err != nil {
			return
		}
		h := &hub{bySlug: map[string]*hubRepository{}, log: func(string, ...any) {}}
		for i := range list {
			if !spec.IsSlug(list[i].Slug) || i > 0 && list[i-1].Slug >= list[i].Slug {
				t.Fatalf("got %+v", list)
			}
			h.bySlug[list[i].Slug] = &list[i]
			repo := fleet.Repository{Name: "acme/web", Forge: fleet.Local, Slug: list[i].Slug, Manifest: "m", Error: "x"}
			h.describe(&repo)
			if err := fleet.New(1, []fleet.Repository{repo}).Check(); err != nil {
				t.Errorf("%+v: %v", list[i], err)
			}
		}
	})
}

func TestBar(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	Bar(&b, Progress{Owner: "acme", Seen: 50, Total: 200, Scheduled: 6})
	Bar(&b, Progress{Owner: "acme", Seen: 200, Total: 200, Scheduled: 9, Done: true})
	want := "\racme [#######.......................] 50/200, 6 scheduled\x1b[K" +
		"\racme [##############################] 200/200, 9 scheduled\x1b[K\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
