package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// exactlyOnce is the page that holds the table of requests.
const exactlyOnce = "../../docs/exactly-once.md"

// TestRequestsOfATick counts the requests of a tick, without dispatches, and compares the
// tables of the page with them: their first rows, or with -full all.
func TestRequestsOfATick(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(exactlyOnce)
	if err != nil {
		t.Fatal(err)
	}
	github, gitea := requestsTable(t, ghtest.Options{}), requestsTable(t, ghtest.Options{Gitea: true})
	if !*full {
		for _, rows := range []string{github, gitea} {
			if !strings.Contains(string(page), rows) {
				t.Errorf("%s lacks these rows: run go test ./cmd/action -run RequestsOfATick -full -update\n%s",
					exactlyOnce,
					rows)
			}
		}
		return
	}
	got := between(t, string(page), "<!-- requests -->\n", "<!-- /requests -->", github)
	got = between(t, got, "<!-- requests gitea -->\n", "<!-- /requests gitea -->", gitea)
	if fixture.Updating() {
		if err := os.WriteFile(exactlyOnce, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != string(page) {
		t.Errorf("the tables of %s are not up to date: run go test ./cmd/action -run RequestsOfATick -full -update\n%s",
			exactlyOnce, got)
	}
}

// requestsTable is the table of a server. At the first tick all entries are due, at the
// second none. In a busy repository a thousand other artifacts exist before each tick,
// which are newer than the receipts.
func requestsTable(t *testing.T, api ghtest.Options) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| entries | state | repository | GitHub API | download storage | artifact service | upload " +
		"storage |\n|---|---|---|---|---|---|---|\n")
	numbers := []int{1, 10, 40, 100, 250}
	if !*full {
		numbers = numbers[:2]
	}
	for _, entries := range numbers {
		for _, repository := range []struct {
			name   string
			others int
		}{{"quiet", 0}, {"busy", 1000}} {
			p := newPlatformOn(t, api)
			writeEntries(t, p, entries)
			env := p.eventOf(api)
			for _, state := range []struct {
				name     string
				prepared int
			}{{"due", entries}, {"not due", 0}} {
				p.fill(repository.others)
				before := p.counts()
				p.run++
				got := p.stepIn(p.run, map[string]string{"now": tuesday}, env)
				if got.code != exitOK || got.outputs["count"] != fmt.Sprint(state.prepared) {
					t.Fatalf("%d entries, %s, %s: exit code %d, %s prepared\n%s", entries, state.name, repository.name,
						got.code, got.outputs["count"], got.stderr)
				}
				fmt.Fprintf(&table, "| %d | %s | %s |", entries, state.name, repository.name)
				after := p.counts()
				for i := range after {
					fmt.Fprintf(&table, " %d |", after[i]-before[i])
				}
				table.WriteString("\n")
				requests := after[0] - before[0] + after[1] - before[1]
				quiet := repository.others == 0
				if state.name == "not due" && (quiet && entries <= 40 && requests > 3 || requests > 20) {
					t.Errorf("%d entries in a %s repository, of which none is due, take %d requests", entries,
						repository.name, requests)
				}
			}
		}
	}
	return table.String()
}

// eventOf is what a scheduled job knows of its repository: on GitHub the id, and on Gitea
// the event.
func (p *platform) eventOf(api ghtest.Options) map[string]string {
	p.t.Helper()
	if !api.Gitea {
		return nil
	}
	path := filepath.Join(fixture.TempDir(p.t), "event.json")
	writeFile(p.t, path, `{"repository":{"id":7,"full_name":"`+sampleRepo+`","default_branch":"main"}}`)
	return map[string]string{"GITHUB_REPOSITORY_ID": "", "GITHUB_EVENT_PATH": path}
}

// fill adds artifacts that are not ours.
func (p *platform) fill(n int) {
	for i := range n {
		p.api.AddArtifact(ghtest.Artifact{Repository: sampleRepo, Name: fmt.Sprint("coverage-", i), RunID: 1,
			HeadBranch: "main"})
	}
}

// TestRepositoryOfTheEvent checks that the repository is not requested if the event has
// its default branch, and its id where the variable is missing, as on Gitea. The event of
// another repository is ignored.
func TestRepositoryOfTheEvent(t *testing.T) {
	t.Parallel()
	const whole = `{"repository":{"id":7,"full_name":"acme/kaizen-agentic","default_branch":"main"}}`
	for _, test := range []struct {
		event, id string // id is the variable
		asked     bool
	}{
		{whole, "7", false},
		{whole, "", false},
		{`{"repository":{"full_name":"acme/kaizen-agentic","default_branch":"main"}}`, "7", false},
		{`{"repository":{"full_name":"acme/kaizen-agentic","default_branch":"main"}}`, "", true},
		{`{"repository":{"id":666,"full_name":"acme/kaizen-agentic","default_branch":"main"}}`, "7", false},
		{`{"repository":{"id":666,"full_name":"acme/other","default_branch":"evil"}}`, "", true},
		{`{"schedule":"17 * * * *"}`, "7", true},
	} {
		p := newPlatform(t)
		p.api.AddArtifact(genuineReceipt(t, coachThisWeek))
		payload := filepath.Join(fixture.TempDir(t), "event.json")
		writeFile(t, payload, test.event)
		got := p.stepIn(101, fanOut(tuesday),
			map[string]string{"GITHUB_EVENT_PATH": payload, "GITHUB_REPOSITORY_ID": test.id})
		if got.code != exitOK || got.outputs["count"] != "0" {
			t.Errorf("%+v: exit code %d, %s prepared\n%s", test, got.code, got.outputs["count"], got.stderr)
		}
		asked := slices.ContainsFunc(p.api.Requests(),
			func(r ghtest.Request) bool { return r.Path == "/repos/"+sampleRepo })
		if asked != test.asked {
			t.Errorf("%+v: the repository was requested: %t", test, asked)
		}
	}
}

// between replaces the text between two marks.
func between(t *testing.T, text, begin, end, content string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("there is no %q before a %q", begin, end)
	}
	return before + begin + content + end + after
}

// writeEntries gives the checkout a manifest of n weekly agents.
func writeEntries(t *testing.T, p *platform, n int) {
	t.Helper()
	manifest := "version: \"1\"\nrepo: kaizen-agentic\nagents:\n"
	for i := range n {
		manifest += fmt.Sprintf("  agent-%d:\n    cadence: weekly\n", i)
		writeFile(t, filepath.Join(p.workspace, ".claude/agents", fmt.Sprintf("agent-%d.md", i)),
			"# Do what is to be done.\n")
	}
	writeFile(t, filepath.Join(p.workspace, ".kaizen/schedule.yml"), manifest)
}

// counts are the requests so far, in the order of the table's columns.
func (p *platform) counts() [4]int {
	var n [4]int
	for _, r := range p.api.Requests() {
		if r.Storage {
			n[1]++
		} else {
			n[0]++
		}
	}
	for _, r := range p.results.Requests() {
		if r.Storage {
			n[3]++
		} else {
			n[2]++
		}
	}
	return n
}

// TestForgedReceipts stores a receipt that is not from the repository's trusted branch:
// the agent stays due. The genuine receipt is the control. Its content does not matter,
// since whoever can store an artifact there can store any content.
func TestForgedReceipts(t *testing.T) {
	t.Parallel()
	const elsewhere = 666
	var same [2]string
	const trusted = "not due: 2026-W48 has a receipt" // whatever is in it
	for _, test := range []struct {
		name   string
		forge  func(a *ghtest.Artifact) // nil changes nothing
		text   [2]string                // old and new, in the receipt itself
		inputs map[string]string
		due    bool
		log    string // that says why
	}{
		{"true", nil, same, nil, false, trusted},
		{"of a fork's run", func(a *ghtest.Artifact) { a.HeadRepositoryID = elsewhere }, same, nil, true,
			"comes from a fork, the repository with id 666"},
		{"of a fork's run, on a branch named main", func(a *ghtest.Artifact) {
			a.HeadRepositoryID, a.HeadBranch = elsewhere, "main"
		}, same, nil, true, "comes from a fork"},
		{"of another branch", func(a *ghtest.Artifact) { a.HeadBranch = "feature" }, same, nil, true,
			`comes from branch "feature", not "main"`},
		{"of a branch in other letters", func(a *ghtest.Artifact) { a.HeadBranch = "Main" }, same, nil, true,
			`comes from branch "Main"`},
		{"expired", func(a *ghtest.Artifact) { a.Expired = true }, same, nil, true, "is expired"},
		{"not a zip", func(a *ghtest.Artifact) { a.Zip = []byte("PK") }, same, nil, false, trusted},
		{"another agent's", nil, [2]string{`"agent":"coach"`, `"agent":"other"`}, nil, false, trusted},
		{"another period's", nil, [2]string{"coach.2026-W48", "coach.2026-W47"}, nil, false, trusted},
		{"another name of the repository", nil, [2]string{"acme/kaizen-agentic", "acme/other"}, nil, false, trusted},
		{"of a failed delivery", nil, [2]string{`"delivered"`, `"failed"`}, nil, false, trusted},
		{"of the branch named", func(a *ghtest.Artifact) { a.HeadBranch = "release" }, same,
			map[string]string{"ledger-branch": "release"}, false, "has a receipt"},
		{"of the default branch, another named", nil, same, map[string]string{"ledger-branch": "release"}, true,
			`comes from branch "main", not "release"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			genuine := genuineReceipt(t, coachThisWeek)
			if test.forge != nil {
				test.forge(&genuine)
			}
			if test.text != same {
				genuine.Zip = rewrite(t, genuine.Zip, test.text[0], test.text[1])
			}
			p.api.AddArtifact(genuine)
			inputs := fanOut(tuesday)
			maps.Copy(inputs, test.inputs)
			got := p.step(inputs)
			if due := got.outputs["count"] == "1"; got.code != exitOK || due != test.due {
				t.Errorf("exit code %d, due %t, want %t\n%s", got.code, due, test.due, got.stderr)
			}
			if !strings.Contains(got.stderr, test.log) {
				t.Errorf("the log lacks %q:\n%s", test.log, got.stderr)
			}
		})
	}
}

// TestReceiptInAnotherRepository has the genuine receipt in the ledger of a repository of
// the same owner.
func TestReceiptInAnotherRepository(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	genuine := genuineReceipt(t, coachThisWeek)
	genuine.Repository = "acme/core"
	p.api.AddArtifact(genuine)
	if got := p.step(fanOut(tuesday)); got.code != exitOK || got.outputs["count"] != "1" {
		t.Errorf("exit code %d, %s prepared\n%s", got.code, got.outputs["count"], got.stderr)
	}
}

// genuineReceipt is the artifact that a run of another platform made.
func genuineReceipt(t *testing.T, name string) ghtest.Artifact {
	t.Helper()
	p := newPlatform(t)
	if got := p.step(fanOut(tuesday)); got.code != exitOK {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	artifacts := p.results.Artifacts()
	i := slices.IndexFunc(artifacts, func(a ghtest.Stored) bool { return a.Name == name+".receipt" })
	if i < 0 {
		t.Fatalf("no receipt of %s", name)
	}
	return ghtest.Artifact{Repository: sampleRepo, Name: name + ".receipt", Zip: artifacts[i].Zip, RunID: 1,
		HeadBranch: "main"}
}

// rewrite changes a word of the receipt, everywhere.
func rewrite(t *testing.T, data []byte, from, to string) []byte {
	t.Helper()
	content := unzip(t, data)[store.ReceiptFile]
	if !strings.Contains(content, from) {
		t.Fatalf("the receipt has no %s: %s", from, content)
	}
	changed, err := store.Zip([]store.File{{Name: store.ReceiptFile,
		Data: []byte(strings.ReplaceAll(content, from, to))}})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}
