package gitea

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// fleetManifest is a manifest with two agents.
const fleetManifest = "version: \"1\"\ntimezone: Europe/Berlin\nagents:\n" +
	"  coach: {cadence: weekly, cron: \"%d 9 * * 1\"}\n" +
	"  optimization: {cadence: monthly, enabled: false}\n"

// newFleet makes an organisation with 60 repositories: 54 with a valid manifest, 2 with a
// broken one, 1 with a directory in its place, 1 without one, 1 empty, 1 archived.
func newFleet(t *testing.T, organisation string) {
	t.Helper()
	server.must(t, http.StatusCreated, http.MethodPost, "/orgs",
		map[string]any{"username": organisation, "visibility": "public"}, nil)
	for i := range 60 {
		name := fmt.Sprintf("service-%02d", i)
		server.must(t, http.StatusCreated, http.MethodPost, "/orgs/"+organisation+"/repos", map[string]any{"name": name,
			"default_branch": "main", "auto_init": i != 58, "private": i%2 == 0}, nil)
		r := &repository{name: organisation + "/" + name}
		files := map[string]string{".kaizen/schedule.yml": fmt.Sprintf(fleetManifest, i)}
		switch {
		case i == 54 || i == 55:
			files[".kaizen/schedule.yml"] = "version: \"1\"\nagents:\n  coach: {cadence: hourly}\n"
		case i == 56:
			files = map[string]string{".kaizen/schedule.yml/README": "x"}
		case i == 57 || i == 58:
			continue
		}
		r.commit(t, "main", "main", files)
		server.must(t, http.StatusNoContent, http.MethodPut, r.path("/topics"),
			map[string]any{"topics": []string{fmt.Sprint("team-", i%3)}}, nil)
		if i == 59 {
			server.must(t, http.StatusOK, http.MethodPatch, r.path(""), map[string]any{"archived": true}, nil)
		}
	}
}

// discovered is a roster as far as these tests look at it.
type discovered struct {
	Scanned      int `json:"scanned"`
	Repositories []struct {
		Name, Forge, Server, Visibility, Blob, Error string
		ID                                           int64
		Valid, Archived                              bool
		DefaultBranch                                string `json:"default_branch"`
		Topics                                       []string
		Entries                                      []struct{ Agent, Cron string }
		Findings                                     []struct{ Rule string }
	} `json:"repositories"`
}

// discover runs the program as on a terminal with a token that may only read.
func discoverFleet(t *testing.T, token string, args ...string) (roster discovered, output []byte, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append([]string{"discover"}, args...)...)
	cmd.Env = []string{"GITHUB_API_URL=" + server.url + "/api/v1", "GITHUB_SERVER_URL=" + server.url,
		"GITHUB_TOKEN=" + token}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	_ = cmd.Run() // the exit code says it
	t.Logf("discover %s: exit code %d after %s\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(),
		time.Since(start).Round(time.Millisecond), stderr.String())
	if strings.Contains(stdout.String()+stderr.String(), token) {
		t.Error("the output has the token")
	}
	if cmd.ProcessState.ExitCode() != 2 && stdout.Len() > 0 {
		fixture.Must(t, json.Unmarshal(stdout.Bytes(), &roster))
	}
	return roster, stdout.Bytes(), cmd.ProcessState.ExitCode()
}

// TestDiscover lists 60 repositories of an organisation on the real server.
func TestDiscover(t *testing.T) {
	t.Parallel()
	newFleet(t, "fleet")
	token := server.token(t, "read:organization,read:user,read:repository")
	roster, first, code := discoverFleet(t, token, "--owner", "fleet")
	if code != 1 || roster.Scanned != 59 || len(roster.Repositories) != 57 {
		t.Fatalf("exit code %d, scanned %d, %d with a manifest; want 1, 59 and 57", code, roster.Scanned,
			len(roster.Repositories))
	}
	for i, r := range roster.Repositories {
		rule := ""
		if len(r.Findings) > 0 {
			rule = r.Findings[0].Rule
		}
		want := map[int]string{54: "cadence", 55: "cadence", 56: "unreadable"}[i]
		visibility := []string{"private", "public"}[i%2]
		if r.Name != fmt.Sprintf("fleet/service-%02d", i) || r.Forge != "gitea" || r.Server != server.url ||
			r.ID == 0 || r.DefaultBranch != "main" || r.Visibility != visibility || r.Error != "" || rule != want ||
			r.Valid != (want == "") || r.Valid && (len(r.Entries) != 2 || len(r.Blob) != 40) ||
			len(r.Topics) != 1 || r.Topics[0] != fmt.Sprint("team-", i%3) {
			t.Errorf("repository %d: got %+v", i, r)
		}
	}
	if _, again, _ := discoverFleet(t, token, "--owner", "fleet"); !bytes.Equal(first, again) {
		t.Error("the second roster differs")
	}
	filtered, _, _ := discoverFleet(t, token, "--owner", "fleet", "--topic", "team-1", "--visibility", "public",
		"--include-archived", "--match", "service-[0-4]*")
	if len(filtered.Repositories) != 9 {
		t.Errorf("%d repositories pass the filters, want 9", len(filtered.Repositories))
	}
	archived, _, _ := discoverFleet(t, token, "--owner", "fleet", "--include-archived")
	if archived.Scanned != 60 {
		t.Errorf("scanned %d with the archived one, want 60", archived.Scanned)
	}
	if _, _, code := discoverFleet(t, token, "--owner", "no-such-owner"); code != 3 {
		t.Errorf("an owner that does not exist: exit code %d, want 3", code)
	}
	if _, _, code := discoverFleet(t, token, "--owner", owner); code == 2 {
		t.Error("a user's repositories cannot be listed")
	}
}
