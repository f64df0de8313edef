package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest/graphql"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
)

var fleetToken = fixture.Canary("github_pat_", "fleet")

const (
	twoWeekly = "version: \"1\"\ntimezone: Europe/Berlin\nagents:\n  coach: {cadence: weekly, cron: \"0 9 * * 1\"}\n" +
		"  optimization: {cadence: weekly, cron: \"0 10 * * 1\"}\n"
)

// fleetOf returns n repositories of acme with a manifest.
func fleetOf(n int) (repositories []graphql.Repository) {
	for i := range n {
		repositories = append(repositories, graphql.Repository{
			ID: int64(i + 100), FullName: fmt.Sprintf("acme/r%03d", i),
			Files: map[string]string{".kaizen/schedule.yml": twoWeekly},
		})
	}
	return repositories
}

// discoverStep runs discover with a platform whose API has these repositories.
func (p *platform) discoverStep(server *graphql.Server, inputs map[string]string) ran {
	p.t.Helper()
	p.run++
	all := map[string]string{"command": "discover", "owner": "acme", "token": fleetToken}
	maps.Copy(all, inputs)
	return p.stepIn(p.run, all, map[string]string{"GITHUB_API_URL": server.URL})
}

func (p *platform) fleet(o graphql.Options, repositories ...graphql.Repository) *graphql.Server {
	p.t.Helper()
	o.Errorf, o.REST = p.t.Errorf, p.api.URL()
	server := graphql.New(o, repositories...)
	p.t.Cleanup(server.Close)
	server.AddToken(fleetToken, true)
	p.api.AddToken(fleetToken, ghtest.Token{Kind: ghtest.Installation,
		Access: map[string]ghtest.Permissions{sampleRepo: {Contents: "read", Actions: "read"}}})
	return server
}

// jobsOf decodes the output matrix.
func jobsOf(t *testing.T, got ran) []fleet.Job {
	t.Helper()
	var matrix struct {
		Include []fleet.Job `json:"include"`
	}
	if err := json.Unmarshal([]byte(got.outputs["matrix"]), &matrix); err != nil {
		t.Fatalf("matrix: %v\n%s", err, got.stderr)
	}
	return matrix.Include
}

// TestCentralMode prepares a fleet of 200 repositories from one workflow: the first tick
// has a job for each, a job prepares what is due under the name that discover expects, and
// the ticks after it have none. It counts the requests that docs/fleet.md states.
func TestCentralMode(t *testing.T) {
	t.Parallel()
	const repositories, sampled = 200, 3
	p := newPlatform(t)
	server := p.fleet(graphql.Options{}, fleetOf(repositories)...)
	due := map[string]string{"due": "true", "now": tuesday}
	requests := func() int { return len(server.Queries()) + len(p.api.Requests()) }
	first := p.discoverStep(server, due)
	jobs := jobsOf(t, first)
	if first.code != exitOK || len(jobs) != repositories || first.outputs["count"] != "200" ||
		first.outputs["pages"] != "[1]" || jobs[7].Repository != "acme/r007" || jobs[7].Agents != "coach,optimization" {
		t.Fatalf("the first tick: exit code %d, %d jobs, %s\n%s", first.code, len(jobs), first.outputs["pages"],
			first.stderr)
	}
	// Three jobs run as they are, the receipts of the others are as theirs.
	perJob, perIdle, atAPI := 0, 0, 0
	for _, job := range jobs[:sampled] {
		dir := filepath.Join(p.workspace, "fleet", job.Repository)
		p.writeSource(filepath.Join("fleet", job.Repository), job.Server+"/"+job.Repository)
		writeFile(t, filepath.Join(dir, ".kaizen/schedule.yml"), twoWeekly)
		writeFile(t, filepath.Join(dir, "agents/agent-optimization.md"), "# Do it better.\n")
		before, api := requests()+len(p.results.Requests()), requests()
		got := p.step(map[string]string{"now": tuesday, "target": dir})
		if got.code != exitOK || got.outputs["count"] != "2" {
			t.Fatalf("%s: exit code %d, %s prepared\n%s", job.Repository, got.code, got.outputs["count"], got.stderr)
		}
		perJob, atAPI = max(perJob, requests()+len(p.results.Requests())-before), max(atAPI, requests()-api)
		before = requests() + len(p.results.Requests())
		p.step(map[string]string{"now": tuesday, "target": dir})
		perIdle = max(perIdle, requests()+len(p.results.Requests())-before)
	}
	if jobs := jobsOf(t, p.discoverStep(server, due)); len(jobs) != repositories-sampled {
		t.Fatalf("after %d jobs %d are left", sampled, len(jobs))
	}
	for _, job := range jobs[sampled:] {
		p.addReceipts(job, "2026-W48")
	}
	before := requests()
	idle := p.discoverStep(server, due)
	perTick := requests() - before
	if len(jobsOf(t, idle)) != 0 || idle.outputs["count"] != "0" || idle.outputs["matrix"] != `{"include":[]}` {
		t.Errorf("a tick with nothing due has %s jobs", idle.outputs["count"])
	}
	t.Logf("an idle tick of the fleet: %d requests, of one repository: %d; a job with two agents: %d, %d of them at "+
		"the API", perTick, perIdle, perJob, atAPI)
	if perTick > 13 || perIdle > 2 || perJob > 17 || atAPI > 3 {
		t.Errorf("more requests than docs/fleet.md states")
	}
	due["now"] = "2026-11-30T08:17:00Z" // coach is due in Berlin, optimization is not yet
	if jobs := jobsOf(t, p.discoverStep(server, due)); len(jobs) != repositories || jobs[0].Agents != "coach" {
		t.Errorf("the next week has %d jobs", len(jobs))
	}
}

// addReceipts adds what a job stores: a bundle and a receipt for each agent. The jobs that
// ran show that the names are right.
func (p *platform) addReceipts(job fleet.Job, period string) {
	place := pipeline.Place{Workspace: p.workspace, Repository: sampleRepo, ServerURL: "https://github.com"}
	for agent := range strings.SplitSeq(job.Agents, ",") {
		name := fmt.Sprintf("kaizen.%s-%s.%s.%s", job.Slug, place.SourceOf(job.Server, job.Repository), agent, period)
		for _, name := range []string{name, name + ".receipt"} {
			p.api.AddArtifact(ghtest.Artifact{Repository: sampleRepo, Name: name, RunID: p.run, HeadBranch: "main"})
		}
	}
}

// TestMatrixPages has more repositories than a matrix may have jobs.
func TestMatrixPages(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	server := p.fleet(graphql.Options{}, fleetOf(600)...)
	seen := map[string]bool{}
	for page, want := range []int{256, 256, 88, 0} {
		got := p.discoverStep(server, map[string]string{"page": fmt.Sprint(page + 1)})
		jobs, pages, count := jobsOf(t, got), got.outputs["pages"], got.outputs["count"]
		if len(jobs) != want || pages != "[1,2,3]" || count != "600" {
			t.Errorf("page %d: %d jobs, pages %s, count %s", page+1, len(jobs), pages, count)
		}
		for _, job := range jobs {
			seen[job.Repository] = true
		}
	}
	if len(seen) != 600 {
		t.Errorf("the pages have %d repositories", len(seen))
	}
}

// TestDiscoverExitCodes checks that a broken manifest is a finding with its place, and that
// what could not be read is not mistaken for an empty fleet.
func TestDiscoverExitCodes(t *testing.T) {
	t.Parallel()
	broken := graphql.Repository{FullName: "acme/broken", Files: map[string]string{
		".kaizen/schedule.yml": "version: \"1\"\nagents:\n  coach: {cadence: \"##[error]hourly\"}\n"}}
	warned := graphql.Repository{FullName: "acme/warned", Files: map[string]string{
		".kaizen/schedule.yml": "version: \"1\"\ntimezone: EST\nagents:\n  coach: {cadence: weekly}\n"}}
	unreadable := graphql.Options{Fault: func(int, graphql.Query) graphql.Fault {
		return graphql.Fault{Broken: []string{"acme/warned"}}
	}}
	forbidden := graphql.Options{Fault: func(int, graphql.Query) graphql.Fault { return graphql.Fault{Status: 404} }}
	tests := []struct {
		name         string
		api          graphql.Options
		repositories []graphql.Repository
		failOn       string
		code         int
		want         string // in the log
		valid        string
	}{
		{"fine", graphql.Options{}, fleetOf(2), "", exitOK, "2 of 2 repositories have a manifest", "true"},
		{"broken", graphql.Options{}, append(fleetOf(1), broken), "", exitFindings,
			"error: acme/broken .kaizen/schedule.yml:3:20: unknown cadence", "false"},
		{"broken, never", graphql.Options{}, []graphql.Repository{broken}, "never", exitOK, "1 invalid", "false"},
		{"warning", graphql.Options{}, []graphql.Repository{warned}, "", exitOK, "warning: acme/warned", "true"},
		{"warning fails", graphql.Options{}, []graphql.Repository{warned}, "warning", exitFindings, "", "true"},
		{"unreadable", unreadable, []graphql.Repository{warned, broken}, "", exitUnavailable,
			`error: acme/warned: the API says "Something`, "false"},
		{"no answer", forbidden, fleetOf(1), "", exitUnavailable, "list the repositories of acme", "false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			got := p.discoverStep(p.fleet(tt.api, tt.repositories...), map[string]string{"fail-on": tt.failOn})
			if got.code != tt.code || !strings.Contains(strings.ReplaceAll(got.stderr, `\"`, `"`), tt.want) ||
				got.outputs["valid"] != tt.valid {
				t.Errorf("exit code %d, want %d; valid %s; the log lacks %q:\n%s", got.code, tt.code,
					got.outputs["valid"], tt.want, got.stderr)
			}
			if text := got.stdout + got.stderr + got.summary; strings.Contains(text, "##[") {
				t.Errorf("there is a command in\n%s", text)
			}
		})
	}
}

// TestDiscoverPrevious compares with an earlier roster.
func TestDiscoverPrevious(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	before := fleetOf(4)
	out := filepath.Join(p.workspace, "roster.json")
	got := p.discoverStep(p.fleet(graphql.Options{}, before...), map[string]string{"out": out, "previous": out})
	if got.code != exitOK || !strings.Contains(got.stderr, "nothing is compared") || got.stdout != "" {
		t.Fatalf("the first run: exit code %d, %q\n%s", got.code, got.stdout, got.stderr)
	}
	after := fleetOf(5)[1:]
	after[0].Files = map[string]string{".kaizen/schedule.yml": strings.Replace(twoWeekly, "0 9", "30 7", 1)}
	after[1].Files = map[string]string{".kaizen/schedule.yml": "version: 1\n"}
	got = p.discoverStep(p.fleet(graphql.Options{}, after...), map[string]string{"previous": out})
	for _, want := range []string{
		`changed: acme/r001: coach weekly "30 7 * * 1", was weekly "0 9 * * 1"`, "invalid: acme/r002: ",
		`added: acme/r004: coach weekly "0 9 * * 1"; optimization`, "removed: acme/r000: ",
	} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("the log lacks %q:\n%s", want, got.stderr)
		}
	}
	if strings.Contains(got.stderr, "r003:") || !strings.Contains(got.summary, "### Changes") {
		t.Errorf("the log or the summary is wrong:\n%s\n%s", got.stderr, got.summary)
	}
}

// ownersExamples are the three documented manifests of the contract's owner.
var ownersExamples = map[string]string{
	"kaizen-agentic": "version: \"1\"\ntimezone: Europe/Berlin\nagents:\n" +
		"  coach: {cadence: weekly, cron: \"0 9 * * 1\", enabled: true}\n" +
		"  optimization: {cadence: weekly, cron: \"0 10 * * 1\", enabled: true}\n" +
		"  tdd-workflow: {cadence: monthly, enabled: false}\n",
	"activity-core": "version: \"1\"\ntimezone: Europe/Berlin\nagents:\n  coach: {cadence: weekly}\n" +
		"  optimization: {cadence: weekly}\n",
	"state-hub": "version: \"1\"\ntimezone: Europe/Berlin\nagents:\n" +
		"  coach: {cadence: daily, cron: \"0 * * * *\", enabled: true}\n" +
		"  optimization: {cadence: daily, cron: \"30 * * * *\", enabled: true}\n",
}

// TestResolverShape checks scheduled-runs for the owner's examples against the resolver's
// description, with another YAML decoder and without code of this program.
func TestResolverShape(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var hub []map[string]any
	for slug, manifest := range ownersExamples {
		root := filepath.Join(dir, slug)
		writeFile(t, filepath.Join(root, ".kaizen/schedule.yml"), manifest)
		for _, agent := range []string{"coach", "optimization", "tdd-workflow"} {
			writeFile(t, filepath.Join(root, "agents/agent-"+agent+".md"), "# "+agent+"\n")
		}
		hub = append(hub, map[string]any{"slug": slug, "domain": "agents", "id": 7,
			"host_paths": map[string]string{"workstation": root, "laptop": "/elsewhere"}})
	}
	hub = append(hub, map[string]any{"slug": "unscheduled", "domain": nil,
		"host_paths": map[string]string{"workstation": t.TempDir()}})
	data, err := json.Marshal(hub)
	fixture.Must(t, err)
	file := filepath.Join(dir, "hub.json")
	writeFile(t, file, string(data))
	got := runHere(t, "discover", "--state-hub", file, "--host", "workstation", "--format", "scheduled-runs")
	if got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	var answer map[string][]map[string]any
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil || len(answer) != 1 {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	if want := expectedRuns(t, dir); !slices.EqualFunc(answer["scheduled_runs"], want, maps.Equal) {
		t.Errorf("got\n%v\nwant\n%v", answer["scheduled_runs"], want)
	}
}

// expectedRuns is what the resolver answers for the examples below dir.
func expectedRuns(t *testing.T, dir string) (runs []map[string]any) {
	t.Helper()
	defaults := map[string]string{"daily": "0 9 * * *", "weekly": "0 9 * * 1", "monthly": "0 9 1 * *"}
	for _, slug := range slices.Sorted(maps.Keys(ownersExamples)) {
		var manifest struct {
			Timezone string
			Agents   yaml.Node
		}
		fixture.Must(t, yaml.Unmarshal([]byte(ownersExamples[slug]), &manifest))
		for i := 0; i < len(manifest.Agents.Content); i += 2 {
			agent := manifest.Agents.Content[i].Value
			settings := struct {
				Cadence, Cron string
				Enabled       bool
			}{Enabled: true}
			fixture.Must(t, manifest.Agents.Content[i+1].Decode(&settings))
			if settings.Cron == "" {
				settings.Cron = defaults[settings.Cadence]
			}
			root := filepath.Join(dir, slug)
			runs = append(runs, map[string]any{"repo": slug, "root": root, "agent": agent, "cadence": settings.Cadence,
				"cron": settings.Cron, "timezone": manifest.Timezone, "enabled": settings.Enabled,
				"prepare_command": "kaizen-agentic schedule prepare " + agent + " --target " + root})
		}
	}
	return runs
}

// TestStateHub checks what goes to the State Hub, and where its answer may come from.
func TestStateHub(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	t.Cleanup(elsewhere.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hub/repos/", func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.Contains(strings.Join(values, " "), fleetToken) {
				t.Errorf("the hub gets a token in %s", name)
			}
		}
		fmt.Fprint(w, `[{"slug":"r001","domain":"shop\u202e","host_paths":{"host":"/home/acme/r001"}},`+
			`{"slug":"r000","host_paths":{"a":"/a","b":"/b"}}]`)
	})
	mux.Handle("GET /moved/repos/", http.RedirectHandler(elsewhere.URL, http.StatusFound))
	mux.HandleFunc("GET /huge/repos/", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 17<<20))
	})
	mux.HandleFunc("GET /odd/repos/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"slug":"../x\n::error::y"}]`)
	})
	hub := httptest.NewServer(mux)
	t.Cleanup(hub.Close)
	p := newPlatform(t)
	server := p.fleet(graphql.Options{}, fleetOf(2)...)
	got := p.discoverStep(server, map[string]string{"state-hub": hub.URL + "/hub"})
	roster, err := fleet.Decode([]byte(got.outputs["roster"]))
	if err != nil || roster.Repositories[1].Root != "/home/acme/r001" || roster.Repositories[1].Domain != "shop" ||
		roster.Repositories[0].Root != "" || !strings.Contains(got.stderr, "choose one with --host") {
		t.Errorf("%v: got %+v\n%s", err, roster, got.stderr)
	}
	for address, want := range map[string]string{
		hub.URL + "/moved":                  "it redirects, which is not followed",
		hub.URL + "/huge":                   "the limit is 16777216",
		hub.URL + "/odd":                    "is not a slug",
		hub.URL + "/none":                   "it answers 404",
		"http://169.254.169.254/latest":     "want https",
		"http://hub.example":                "want https",
		"https://user:pass@hub.example":     "leave out user name and password",
		"file:///etc/passwd":                "not the address of a State Hub",
		"https://hub.example/?token=secret": "end it with its path",
		"/no/such/file":                     "no such file",
	} {
		got := p.discoverStep(server, map[string]string{"state-hub": address})
		if got.code != exitUnavailable && got.code != exitUsage || !strings.Contains(got.stderr, want) ||
			strings.Contains(got.stderr, "user:pass") || strings.Contains(got.stderr, "\n::") {
			t.Errorf("%s: exit code %d, want %q\n%s", address, got.code, want, got.stderr)
		}
	}
}

// TestDiscoverUsage has options that find nothing.
func TestDiscoverUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, want string }{
		{"", "nothing says where the repositories are"},
		{"--owner ../x", `owner has "../x"`},
		{"--owner acme --match [a", "invalid pattern"},
		{"--owner acme --page 0", `page is "0"`},
		{"--owner acme --format sarif", "must be json, text, scheduled-runs, matrix"},
		{"--owner acme --fail-on sometimes", "must be error, warning, never"},
		{"--root . --previous .", "reading the roster: "},
		{"--root .. --visibility secret", "must be public, private, internal"},
		{"--root no-such-directory", "name a directory with checkouts"},
		{"--state-hub no-such-file", "name the address of the State Hub"},
	} {
		got := runHere(t, append([]string{"discover"}, strings.Fields(tt.args)...)...)
		if got.code != exitUsage || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: exit code %d, want %q\n%s", tt.args, got.code, tt.want, got.stderr)
		}
	}
}

// TestDiscoverRoots reads checkouts on this machine.
func TestDiscoverRoots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	checkout := func(name, remote, manifest string) {
		writeFile(t, filepath.Join(dir, name, ".git/HEAD"), strings.Repeat("a", 40)+"\n")
		if remote != "" {
			writeFile(t, filepath.Join(dir, name, ".git/config"), "[remote \"origin\"]\n\turl = "+remote+"\n")
		}
		if manifest != "" {
			writeFile(t, filepath.Join(dir, name, ".kaizen/schedule.yml"), manifest)
		}
	}
	checkout("web", "git@github.com:acme/web.git", twoWeekly)
	checkout("group/api", "", "version: \"1\"\nagents: {}\n")
	checkout("group/plain", "", "")
	checkout("a/b/c/d/deep", "", twoWeekly)
	checkout("web/.hidden", "", twoWeekly)
	fixture.Must(t, os.Symlink("/etc", filepath.Join(dir, "link")))
	fixture.Must(t, os.MkdirAll(filepath.Join(dir, "evil/.kaizen"), 0o755))
	fixture.Must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "evil/.kaizen/schedule.yml")))
	got := runHere(t, "discover", "--root", dir)
	roster, err := fleet.Decode([]byte(got.stdout))
	if err != nil || got.code != exitFindings {
		t.Fatalf("exit code %d, %v\n%s", got.code, err, got.stderr)
	}
	var names []string
	for _, r := range roster.Repositories {
		names = append(names, fmt.Sprint(r.Name, " ", r.Server, " ", r.Valid))
	}
	if want := "acme/web https://github.com true, api  false, evil  false"; strings.Join(names, ", ") != want ||
		roster.Scanned != 4 || roster.Repositories[0].Commit != strings.Repeat("a", 40) {
		t.Errorf("got %q, scanned %d", names, roster.Scanned)
	}
	if strings.Contains(got.stdout+got.stderr, "root:x:") {
		t.Error("a link out of a checkout was followed")
	}
}

func TestListSuggest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, ".kaizen/schedule.yml"), twoWeekly)
	got := runHere(t, "list", "--target", dir, "--suggest")
	if got.code != exitOK || strings.Count(got.stderr, "keeps away from the minutes") != 2 {
		t.Errorf("exit code %d\n%s", got.code, got.stderr)
	}
}

// runHere runs a command as on a terminal of the host named workstation.
func runHere(t *testing.T, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, streams{
		getenv:     func(string) string { return "" },
		stdin:      strings.NewReader(""),
		stdout:     &stdout,
		stderr:     &stderr,
		now:        time.Now,
		isTerminal: func() bool { return true },
		hostname:   func() (string, error) { return "workstation", nil },
		signals:    context.WithCancel,
	})
	return ran{code: code, stdout: stdout.String(), stderr: stderr.String()}
}

// TestDiscoverKilled kills the real program twice while it lists, and lets it continue.
func TestDiscoverKilled(t *testing.T) {
	t.Parallel()
	reached := make(chan bool)
	server := graphql.New(graphql.Options{Errorf: t.Errorf, Fault: func(n int, q graphql.Query) graphql.Fault {
		if n == 5 || n == 9 {
			reached <- true
			<-t.Context().Done()
		}
		return graphql.Fault{}
	}}, fleetOf(600)...)
	t.Cleanup(server.Close)
	server.AddToken(fleetToken, true)
	dir := t.TempDir()
	start := func(out string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "action", "discover", "--owner", "acme", "--token", fleetToken,
			"--cursor", filepath.Join(dir, "cursor.json"), "--out", filepath.Join(dir, out))
		cmd.Env = append(os.Environ(), "GITHUB_API_URL="+server.URL)
		fixture.Must(t, cmd.Start())
		return cmd
	}
	for range 2 {
		cmd := start("killed.json")
		<-reached
		fixture.Must(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		if _, err := os.Stat(filepath.Join(dir, "killed.json")); err == nil {
			t.Fatal("a run that was killed left a roster")
		}
	}
	fixture.Must(t, start("resumed.json").Wait())
	resumed := len(server.Queries())
	fixture.Must(t, start("whole.json").Wait())
	if resumed > 600/50+2 {
		t.Errorf("%d queries with two kills: pages were listed twice", resumed)
	}
	got, err := os.ReadFile(filepath.Join(dir, "resumed.json"))
	fixture.Must(t, err)
	want, err := os.ReadFile(filepath.Join(dir, "whole.json"))
	fixture.Must(t, err)
	if !bytes.Equal(got, want) {
		t.Error("the roster of the resumed run differs")
	}
}

// TestDiscoverBigFleet runs the real program against an organisation with the latency of
// the platform, and measures it. With -full it has 10,000 repositories, 1,200 of them
// scheduled, 40 of those broken.
func TestDiscoverBigFleet(t *testing.T) {
	t.Parallel()
	n, limit, latency := 500, 25, func(int) time.Duration { return 0 }
	if *full {
		// Half a second for 50 repositories.
		n, limit = 10_000, 260
		latency = func(size int) time.Duration { return 200*time.Millisecond + time.Duration(size)*6*time.Millisecond }
	}
	server := graphql.New(graphql.Options{Errorf: t.Errorf, Latency: latency, Fault: graphql.Trouble},
		graphql.Fleet(n)...)
	t.Cleanup(server.Close)
	server.AddToken(fleetToken, true)
	out := filepath.Join(t.TempDir(), "roster.json")
	cmd := exec.CommandContext(t.Context(), "action", "discover", "--owner", "acme", "--token", fleetToken,
		"--out", out)
	cmd.Env = append(os.Environ(), "GITHUB_API_URL="+server.URL)
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if cmd.ProcessState.ExitCode() != exitFindings {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	fixture.Must(t, err)
	roster, err := fleet.Decode(data)
	fixture.Must(t, err)
	c, queries := roster.Count(), len(server.Queries())
	t.Logf("%d repositories, %d with a manifest, %d broken: %d listing requests, %s, %d bytes of roster",
		roster.Scanned, c.Repositories, c.Invalid, queries, took.Round(time.Millisecond), len(data))
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		t.Logf("peak memory %d KiB, user time %s", usage.Maxrss, cmd.ProcessState.UserTime())
	}
	if queries > limit || roster.Scanned != n || c.Repositories != n*12/100 || c.Invalid != n*12/100/30 {
		t.Errorf("%d listing requests, want at most %d; scanned %d, counts %+v", queries, limit, roster.Scanned, c)
	}
}

// TestOneRepositoryDoesNotStopTheExamples holds that what follows discover runs after exit
// code 3, too: otherwise one repository that cannot be read stops or silences the fleet.
func TestOneRepositoryDoesNotStopTheExamples(t *testing.T) {
	t.Parallel()
	const report = "if: ${{ !cancelled() }}\n        uses: kaizen-agentic/schedule-action@v1\n        with:\n" +
		"          command: report\n"
	for name, follows := range map[string]string{
		"central.yml":  "if: ${{ !cancelled() && needs.due.outputs.count > 0 }}\n    runs-on:",
		"watchdog.yml": report,
		"report.yml":   report,
	} {
		if !strings.Contains(fixture.Read(t, filepath.Join("../../examples", name)), follows) {
			t.Errorf("%s lacks %q", name, follows)
		}
	}
	p := newPlatform(t)
	out := filepath.Join(p.workspace, "roster.json")
	api := graphql.Options{Fault: func(int, graphql.Query) graphql.Fault {
		return graphql.Fault{Broken: []string{"acme/r000"}}
	}}
	got := p.discoverStep(p.fleet(api, fleetOf(2)...), map[string]string{"out": out, "fail-on": "never"})
	if got.code != exitUnavailable || got.outputs["count"] == "" || !strings.Contains(got.outputs["matrix"], "r001") ||
		!strings.Contains(fixture.Read(t, out), "r001") {
		t.Errorf("exit code %d, outputs %v", got.code, got.outputs)
	}
}

// TestFleetExamples checks the example workflows of a fleet beside a manifest: their inputs
// exist, no job has a permission that it does not name, and nothing of a matrix gets into a
// script.
func TestFleetExamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, ".kaizen/schedule.yml"), twoWeekly)
	for _, agent := range []string{"coach", "optimization"} {
		writeFile(t, filepath.Join(dir, "agents/agent-"+agent+".md"), "# Help.\n")
	}
	for _, name := range []string{"central.yml", "discover.yml", "report.yml", "watchdog.yml"} {
		text := fixture.Read(t, filepath.Join("../../examples", name))
		writeFile(t, filepath.Join(dir, ".github/workflows", name), text)
		scripts := strings.ReplaceAll(text, "run: mkdir -p site\n", "")
		if !strings.Contains(text, "\npermissions: {}\n") || strings.Contains(scripts, "run: ") {
			t.Errorf("%s: want permissions: {} and no scripts", name)
		}
		var workflow struct {
			Jobs map[string]struct {
				Steps []struct {
					Uses string
					With map[string]any
				}
			}
		}
		fixture.Must(t, yaml.Unmarshal([]byte(text), &workflow))
		for _, job := range workflow.Jobs {
			for _, step := range job.Steps {
				for input := range step.With {
					isOption := func(o option.Option) bool { return o.Name == input && !o.FlagOnly }
					if strings.HasPrefix(step.Uses, "kaizen-agentic/") && input != "command" &&
						!slices.ContainsFunc(option.All, isOption) {
						t.Errorf("%s: there is no input %s", name, input)
					}
				}
			}
		}
	}
	if _, result := checkProject(t, dir); result.Manifest == nil || len(result.Findings) > 0 {
		t.Errorf("findings: %v", result.Findings)
	}
}
