package gitea

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/report"
)

// runReport runs report as on a terminal, and returns the report and the exit code.
func runReport(t *testing.T, token, repository, roster string, args ...string) (made report.Report, code int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report.json")
	args = append([]string{"report", "--roster", roster, "--out", out, "--out",
		filepath.Join(filepath.Dir(out), "page.html")},
		args...)
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = []string{"GITHUB_API_URL=" + server.url + "/api/v1", "GITHUB_SERVER_URL=" + server.url,
		"GITHUB_TOKEN=" + token, "GITHUB_REPOSITORY=" + repository}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	start := time.Now()
	_ = cmd.Run() // the exit code says it
	t.Logf("report: exit code %d after %s\n%s", cmd.ProcessState.ExitCode(), time.Since(start).Round(time.Millisecond),
		log.String())
	if strings.Contains(log.String(), token) {
		t.Error("the output has the token")
	}
	fixture.Must(t, json.Unmarshal([]byte(fixture.Read(t, out)), &made))
	return made, cmd.ProcessState.ExitCode()
}

// writeRoster lists the repositories of an owner that match a pattern into a file.
func writeRoster(t *testing.T, token, name, pattern string) string {
	t.Helper()
	_, data, _ := discoverFleet(t, token, "--owner", name, "--match", pattern)
	file := filepath.Join(t.TempDir(), "roster.json")
	fixture.Must(t, os.WriteFile(file, data, 0o644))
	return file
}

// TestReport follows a run on the real server: prepared, received by the run that it
// started, executed, and missed two weeks later, with one issue that is closed afterwards.
func TestReport(t *testing.T) {
	t.Parallel()
	n, core := newSource(t, "reported"), newTarget(t, "report-target")
	token := server.token(t, "read:organization,read:user,read:repository,write:issue")
	for _, r := range []*runner{n, core} { // so that a page opens without a session
		server.must(t, http.StatusOK, http.MethodPatch, r.repository.path(""), map[string]any{"private": false}, nil)
	}
	inputs := inputsFor(t, core.target())
	delete(inputs, "cadence")
	now := time.Now().UTC()
	n.tick(t, "main", now.Format(time.RFC3339), inputs).want(t, 0, both)
	roster := writeRoster(t, token, owner, "reported")
	state := func(want report.State, args ...string) report.Period {
		t.Helper()
		made, _ := runReport(t, token, core.repository.name, roster, args...)
		if len(made.Repositories) != 1 || len(made.Repositories[0].Entries) != 2 || len(made.Problems) > 0 {
			t.Fatalf("the report is %+v", made)
		}
		coach := made.Repositories[0].Entries[0]
		if coach.State != want || len(coach.Periods) == 0 {
			t.Fatalf("coach is %s, want %s: %+v", coach.State, want, coach.Periods)
		}
		return coach.Periods[0]
	}
	state(report.Received) // the run has begun
	core.take(t).finish(t, true)
	core.take(t).finish(t, true)
	period := state(report.Executed)
	for _, e := range period.Evidence {
		if got := request(t, http.MethodGet, e.URL, nil); got.status != http.StatusOK {
			t.Errorf("%s links to %q, which answers %d", e.Kind, e.URL, got.status)
		}
	}
	soon, weeks := now.Add(time.Hour), now.AddDate(0, 0, 15)
	watch := func(at time.Time, want int) {
		t.Helper()
		_, code := runReport(t, token, core.repository.name, roster, "--fail-on", "missed", "--issue", "--days", "40",
			"--now",
			at.Format(time.RFC3339))
		if code != want {
			t.Fatalf("at %s: exit code %d, want %d", at, code, want)
		}
	}
	issues := func(state string) (list []struct {
		Title    string
		Comments int
	}) {
		t.Helper()
		server.must(t, http.StatusOK, http.MethodGet, core.repository.path("/issues?state=%s", state), nil, &list)
		return list
	}
	watch(weeks, 1)
	watch(weeks, 1)
	if list := issues("open"); len(list) != 1 || list[0].Comments != 0 ||
		!strings.Contains(list[0].Title, "not prepared in time") {
		t.Errorf("open issues: %+v", list)
	}
	watch(soon, 0)
	if open, closed := issues("open"), issues("closed"); len(open) != 0 || len(closed) != 1 || closed[0].Comments != 1 {
		t.Errorf("open issues %+v, closed %+v", open, closed)
	}
}

// reportFleet reports on the 60 repositories of a roster, of which none has a receipt.
func reportFleet(t *testing.T, token string, roster []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "roster.json")
	fixture.Must(t, os.WriteFile(file, roster, 0o644))
	made, code := runReport(t, token, "", file, "--fail-on", "invalid")
	if code != 1 || made.Totals.Repositories != 57 || made.Totals.Invalid != 3 || made.Totals.Enabled != 54 ||
		made.Totals.Periods[report.Missed] == 0 || len(made.Problems) > 0 {
		t.Errorf("exit code %d, totals %+v, problems %+v", code, made.Totals, made.Problems)
	}
}
