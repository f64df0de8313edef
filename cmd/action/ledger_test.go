package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// forges are APIs whose listings differ in what they say, in order and in pages.
var forges = map[string]ghtest.Options{
	"GitHub": {}, "thirty a page": {PageSize: 30}, "Gitea": {Gitea: true},
	"Gitea, thirty a page": {Gitea: true, PageSize: 30},
}

// prepared returns how many agents a step with outputs alone prepares at an instant.
func (p *platform) prepared(now string) string {
	p.t.Helper()
	got := p.step(map[string]string{"now": now})
	if got.code != exitOK {
		p.t.Errorf("at %s: exit code %d\n%s", now, got.code, got.stderr)
	}
	return got.outputs["count"]
}

// TestTicksOnEveryForge runs the first tick, more in the same period, and one in the next.
// Other artifacts come in between, 44 in all before the second tick.
func TestTicksOnEveryForge(t *testing.T) {
	t.Parallel()
	for name, api := range forges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatformOn(t, api)
			for i, tick := range []struct{ now, want string }{
				{tuesday, "2"}, {"2026-11-24T10:00:00Z", "0"}, {"2026-11-25T10:00:00Z", "0"},
				{"2026-11-30T10:00:00Z", "1"}, {"2026-11-30T11:00:00Z", "0"}, {"2026-12-01T10:00:00Z", "1"},
				{"2026-12-01T11:00:00Z", "0"},
			} {
				if got := p.prepared(tick.now); got != tick.want {
					t.Errorf("tick %d, at %s: %s prepared, want %s", i, tick.now, got, tick.want)
				}
				p.fill(40)
			}
		})
	}
}

// TestReceiptsOnGitea has a receipt whose run the API describes in several ways. Nothing
// is prepared while that leaves open whether it counts, and the exit code says so.
func TestReceiptsOnGitea(t *testing.T) {
	t.Parallel()
	const undecided = "undecided: its record may not count: "
	for _, test := range []struct {
		name  string
		run   ghtest.Run
		code  int
		count string
		log   string
	}{
		{"of the default branch", ghtest.Run{HeadBranch: "main", Event: "schedule"}, exitOK, "0", "has a receipt"},
		{"of another branch", ghtest.Run{HeadBranch: "feature", Event: "push"}, exitOK, "1",
			`comes from branch "feature", not "main"`},
		{"of a tag", ghtest.Run{Ref: "refs/tags/main", Event: "push"}, exitOK, "1", `comes from "refs/tags/main"`},
		{"of a fork's pull request", ghtest.Run{Event: "pull_request"}, exitOK, "1", "comes from a run for pull_request"},
		{"of a fork's pull request, on a branch named main", ghtest.Run{HeadBranch: "main", Event: "pull_request_sync"},
			exitOK, "1", "comes from a run for pull_request_sync"},
		{"of no branch", ghtest.Run{Event: "push", Ref: "-"}, exitUnavailable, "0",
			undecided + "the API does not say on which branch of which repository run 5 ran"},
		{"of a run that is gone", ghtest.Run{Repository: "-"}, exitUnavailable, "0",
			undecided + "run 5 could not be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatformOn(t, ghtest.Options{Gitea: true})
			test.run.ID = 5
			if test.run.Repository == "" {
				test.run.Repository = sampleRepo
			}
			p.api.AddRun(test.run)
			p.api.AddArtifact(ghtest.Artifact{Repository: sampleRepo, Name: coachThisWeek + ".receipt", RunID: 5})
			got := p.step(map[string]string{"now": tuesday, "cadence": "weekly"})
			if got.code != test.code || got.outputs["count"] != test.count || !strings.Contains(got.stderr, test.log) {
				t.Errorf("exit code %d, %s prepared, want %d, %s and %q in the log\n%s", got.code, got.outputs["count"],
					test.code, test.count, test.log, got.stderr)
			}
			if code := test.code; code != exitOK {
				got := p.step(map[string]string{"command": "list", "now": tuesday, "format": "json"})
				want := fmt.Sprintf("%q", test.log)
				if got.code != code || !strings.Contains(got.stdout, `"reason": `+want) {
					t.Errorf("list: exit code %d, want the reason %s\n%s", got.code, want, got.stdout)
				}
			}
		})
	}
}

// TestRenamedInMidPeriod renames the repository, or moves it to another owner, after the
// period was delivered.
func TestRenamedInMidPeriod(t *testing.T) {
	t.Parallel()
	for name, api := range forges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatformOn(t, api)
			if got := p.prepared(tuesday); got != "2" {
				t.Fatalf("%s prepared", got)
			}
			const moved = "umbrella/site"
			p.api.AddRepository(ghtest.Repository{ID: 7, FullName: moved})
			p.api.Rename(sampleRepo, moved)
			p.api.AddToken(jobToken, ghtest.Token{Kind: ghtest.Job,
				Access: map[string]ghtest.Permissions{moved: {Contents: "read", Actions: "read"}}})
			for _, now := range []string{"2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z"} {
				got := p.stepIn(200, map[string]string{"now": now}, map[string]string{"GITHUB_REPOSITORY": moved})
				if got.code != exitOK || got.outputs["count"] != "0" {
					t.Errorf("at %s: exit code %d, %s prepared\n%s", now, got.code, got.outputs["count"], got.stderr)
				}
			}
		})
	}
}

// TestRenamedWithADirectoryLedger is the same without an artifact service.
func TestRenamedWithADirectoryLedger(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	env := map[string]string{"ACTIONS_RESULTS_URL": "", "ACTIONS_RUNTIME_TOKEN": ""}
	for _, test := range []struct{ repository, id, want string }{
		{sampleRepo, "7", "2"}, {sampleRepo, "7", "0"}, {"umbrella/site", "7", "0"}, {sampleRepo, "8", "2"},
	} {
		env["GITHUB_REPOSITORY"], env["GITHUB_REPOSITORY_ID"] = test.repository, test.id
		got := p.stepIn(200, map[string]string{"now": tuesday}, env)
		if got.code != exitOK || got.outputs["count"] != test.want {
			t.Errorf("%+v: exit code %d, %s prepared\n%s", test, got.code, got.outputs["count"], got.stderr)
		}
	}
}
