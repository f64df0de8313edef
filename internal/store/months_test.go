package store

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// TestMonthsOfListings looks up the ledger twice a day for months, through the listings of
// every kind of server. Two sources have one slug, other artifacts come all the time, a
// pull request stores receipts of today and tomorrow, some runs die before their receipt,
// and the repository is renamed twice. Every period gets exactly one receipt.
func TestMonthsOfListings(t *testing.T) {
	t.Parallel()
	days := 60
	if *full {
		days = 150
	}
	for name, test := range map[string]struct {
		api  ghtest.Options
		most int // requests of a tick
	}{
		"GitHub": {ghtest.Options{}, 5}, "thirty a page": {ghtest.Options{PageSize: 30}, 9},
		"Gitea": {ghtest.Options{Gitea: true}, 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &listedMonths{
				workbench: newWorkbenchOn(t, ghtest.GitHub, test.api), t: t, rnd: rand.New(rand.NewPCG(2026, 1)),
				name: repository, receipts: map[string]int{},
			}
			for day := range days {
				switch day {
				case days / 3:
					m.rename("umbrella/site")
				case 2 * days / 3:
					m.rename("umbrella/web")
				}
				for tick := range 2 {
					m.tick(day, tick)
				}
				if old := day - 15; old >= 0 && !test.api.Gitea { // expired; Gitea lists them on
					for _, name := range m.names(old) {
						m.api.RemoveArtifacts(name, bundleid.ReceiptName(name))
					}
					for tick := range 2 {
						m.api.RemoveArtifacts(fmt.Sprint("coverage-", old, tick))
					}
				}
			}
			for day := range days {
				for _, name := range m.names(day) {
					if n := m.receipts[name]; n != 1 {
						t.Errorf("%s has %d receipts", name, n)
					}
				}
			}
			if m.most > test.most {
				t.Errorf("a tick takes %d requests, want at most %d", m.most, test.most)
			}
			t.Logf("a tick takes at most %d requests, %d in all", m.most, len(m.api.Requests()))
		})
	}
}

type listedMonths struct {
	*workbench
	t        *testing.T
	rnd      *rand.Rand
	name     string         // of the repository
	receipts map[string]int // by the name of the bundle
	most     int
}

func (m *listedMonths) rename(name string) {
	m.api.AddRepository(ghtest.Repository{ID: 77, FullName: name})
	m.api.AddToken(apiToken, ghtest.Token{Kind: ghtest.Job,
		Access: map[string]ghtest.Permissions{name: {Contents: "read", Actions: "read"}}})
	m.api.Rename(m.name, name)
	m.name = name
}

// names are the bundles of a day's periods: of two sources with one slug, daily and weekly.
func (m *listedMonths) names(day int) []string {
	at := noon.AddDate(0, 0, day)
	year, week := at.ISOWeek()
	var names []string
	for _, source := range []string{"", bundleid.Source("", "packages/web")} {
		for _, entry := range [][2]string{
			{"coach", at.Format("2006-01-02")}, {"review", fmt.Sprintf("%d-W%02d", year, week)},
		} {
			names = append(names, bundleid.Bundle{
				Entry: bundleid.Entry{Repo: "web", Source: source, Agent: entry[0]}, Period: entry[1],
			}.Name())
		}
	}
	return names
}

func (m *listedMonths) tick(day, tick int) {
	const stranger = 5
	run := int64(1000 + 2*day + tick)
	store := func(name string, run int64) {
		m.api.AddArtifact(ghtest.Artifact{Repository: m.name, Name: name, RunID: run, HeadBranch: "main"})
	}
	for range m.rnd.IntN(8) {
		store(fmt.Sprint("coverage-", day, tick), run)
	}
	m.api.AddRun(ghtest.Run{ID: stranger, Repository: m.name, HeadBranch: "main", Event: "pull_request",
		HeadRepositoryID: 666})
	for _, name := range append(m.names(day), m.names(day+1)...) {
		if m.rnd.IntN(10) == 0 {
			m.api.AddArtifact(ghtest.Artifact{Repository: m.name, Name: bundleid.ReceiptName(name), RunID: stranger,
				HeadBranch: "main", HeadRepositoryID: 666})
		}
	}
	before := len(m.api.Requests())
	m.options.Repository = m.name
	names := m.names(day)
	for i, rec := range m.open(m.t).Lookup(m.t.Context(), names) {
		name := names[i]
		if rec.Err != nil || rec.Delivered != (m.receipts[name] > 0) {
			m.t.Fatalf("%s on day %d: got %+v", name, day, rec)
		}
		if rec.Delivered {
			continue
		}
		store(name, run)
		if tick == 1 || m.rnd.IntN(4) > 0 { // else the run dies
			store(bundleid.ReceiptName(name), run)
			m.receipts[name]++
		}
	}
	m.most = max(m.most, len(m.api.Requests())-before)
}
