package page_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/report"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

const server = "https://github.com"

var now = time.Date(2026, 11, 26, 14, 20, 0, 0, time.UTC)

// agents are those of the example fleet, with how well they do.
var agents = []struct {
	name          string
	cadence       schedule.Cadence
	cron          string
	good, quality float64
	seconds       float64
}{
	{"coach", schedule.Weekly, "0 9 * * 1", .97, .86, 240},
	{"optimization", schedule.Weekly, "0 10 * * 1", .92, .78, 610},
	{"dependencies", schedule.Daily, "30 5 * * *", .95, .9, 95},
	{"triage", schedule.Daily, "0 7 * * 1-5", .9, .72, 180},
	{"tdd-workflow", schedule.Monthly, "0 9 1 * *", .85, .8, 1500},
	{"security-review", schedule.Weekly, "0 4 * * 3", .88, .83, 900},
}

var words = []string{"atlas", "beacon", "billing", "catalog", "console", "delta", "docs", "edge", "fabric", "gateway",
	"harbor", "identity", "ingest", "ledger", "mobile", "notify", "orchard", "payments", "portal", "queue", "relay",
	"search", "shop", "signal", "stream", "tracker", "vault", "web", "worker", "yard"}

// exampleFleet is a roster of n repositories and their evidence as JSON lines, the same on
// every call. Most entries work; some miss, fail, repeat or are not received.
func exampleFleet(n, entries int) (*fleet.Roster, []byte) {
	random := rand.New(rand.NewPCG(7, 11))
	var repositories []fleet.Repository
	var lines strings.Builder
	for i := range n {
		name := words[i%len(words)]
		if i >= len(words) {
			name += fmt.Sprintf("-%d", i/len(words)+1)
		}
		r := fleet.Repository{
			Name: "acme/" + name, ID: int64(100 + i), Forge: fleet.GitHub, Server: server, DefaultBranch: "main",
			Visibility: "private", Slug: name, Manifest: schedule.DefaultPath, Timezone: "Europe/Berlin", Valid: true,
		}
		switch {
		case i%24 == 17:
			r.Valid, r.Timezone = false, ""
			r.Findings = []diag.Finding{diag.Cron.At(schedule.DefaultPath, 5, 11, `the cron "0 25 * * 1" has hour 25`,
				"write an hour from 0 to 23")}
		default:
			for j := range entries {
				a := agents[(i+j*j)%len(agents)]
				r.Entries = append(r.Entries, fleet.Entry{Agent: a.name, Cadence: a.cadence, Cron: a.cron,
					Enabled: (i+j)%13 != 5})
			}
		}
		repositories = append(repositories, r)
		if r.Valid && i%31 != 29 {
			writeEvidence(&lines, random, &r, i)
		}
	}
	return fleet.New(n*3+4, repositories), []byte(lines.String())
}

// writeEvidence writes what happened to the entries of a repository in five weeks.
func writeEvidence(lines *strings.Builder, random *rand.Rand, r *fleet.Repository, i int) {
	entries, err := r.Schedule()
	if err != nil {
		panic(err)
	}
	stopped := i%19 == 11 // the scheduler of this repository stopped last week
	run := int64(70_000 + 1000*i)
	for j := range entries {
		e, a := &entries[j], agents[0]
		for _, candidate := range agents {
			if candidate.name == e.Agent {
				a = candidate
			}
		}
		if !e.Enabled {
			continue
		}
		slots := []schedule.Slot{e.Current(now)}
		for s := range e.Previous(now) {
			if s.At.Before(now.AddDate(0, 0, -36)) {
				break
			}
			slots = append(slots, s)
		}
		for k, s := range slots {
			run++
			if stopped && s.At.After(now.AddDate(0, 0, -6)) || random.Float64() < .012 {
				continue
			}
			w := writer{lines, r, e.Agent, s, run}
			at := s.At.Add(time.Duration(4+random.IntN(30)) * time.Minute)
			w.event("kaizen.schedule.prepared", at, nil)
			if random.Float64() < .015 {
				w.event("kaizen.schedule.prepared", at.Add(time.Hour), nil)
			}
			if k < 3 && random.Float64() < .04 {
				continue
			}
			w.event("kaizen.schedule.received", at.Add(2*time.Minute), map[string]any{"state": "in_progress",
				"consumer": map[string]any{"repository": "acme/activity-core",
					"run_url": fmt.Sprintf("%s/acme/activity-core/actions/runs/%d", server, run)}})
			if s.At.After(now.Add(-6*time.Hour)) || random.Float64() < .05 {
				continue
			}
			progress := 1 - float64(k)/float64(len(slots)) // agents learn
			ok := random.Float64() < a.good
			w.line(map[string]any{"timestamp": at.Add(20 * time.Minute).Format(time.RFC3339), "agent": e.Agent,
				"project": r.Slug, "success": ok,
				"quality_score":    min(1, a.quality-.12+.18*progress+.06*random.Float64()),
				"execution_time_s": a.seconds * (1.25 - .4*progress + .2*random.Float64())})
		}
	}
}

// writer writes lines about one period.
type writer struct {
	lines *strings.Builder
	repo  *fleet.Repository
	agent string
	slot  schedule.Slot
	run   int64
}

func (w *writer) line(v map[string]any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.lines.Write(append(data, '\n'))
}

func (w *writer) event(kind string, at time.Time, more map[string]any) {
	b := bundleid.Bundle{Entry: bundleid.Entry{Repo: w.repo.Slug, Agent: w.agent}, Period: w.slot.Period}
	id := b.EventID(w.repo.Name)
	v := map[string]any{"event": kind, "version": "1", "occurred_at": at.UTC().Format(time.RFC3339), "id": id,
		"repo": w.repo.Slug, "agent": w.agent, "period": w.slot.Period,
		"bundle": map[string]any{"id": id, "period": w.slot.Period, "artifact": map[string]any{
			"url": fmt.Sprintf("%s/%s/actions/runs/%d", server, w.repo.Name, w.run)}}}
	for key, value := range more {
		v[key] = value
	}
	w.line(v)
}

// makeReport makes the report of a roster and of evidence as JSON lines.
func makeReport(tb testing.TB, roster *fleet.Roster, evidence []byte) *report.Report {
	tb.Helper()
	facts := report.NewFacts(server)
	for len(evidence) > 0 {
		part := evidence[:min(len(evidence), 32<<20)]
		part = part[:bytes.LastIndexByte(part, '\n')+1]
		evidence = evidence[len(part):]
		if err := facts.AddPath(tb.Context(), "-", bytes.NewReader(part)); err != nil {
			tb.Fatal(err)
		}
	}
	facts.ReadAll(roster)
	made, err := report.New(tb.Context(), report.Options{Roster: roster, Facts: facts, Now: now, Grace: 6 * time.Hour,
		Since: time.Date(2026, 10, 28, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		tb.Fatal(err)
	}
	return made
}

// writePage renders the page into a file and returns its address.
func writePage(tb testing.TB, made *report.Report) string {
	tb.Helper()
	data, err := made.HTML([]string{server})
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), "report.html")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return "file://" + file
}

var exampleRoster, exampleEvidence = exampleFleet(48, 2)
