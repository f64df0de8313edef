package workflow

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// treeOf returns a checkout with the given files.
func treeOf(t testing.TB, files map[string]string) *checkout.Tree {
	t.Helper()
	dir := fixture.TempDir(t)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := checkout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

func manifestOf(t testing.TB, entries ...string) *schedule.Manifest {
	t.Helper()
	text := "version: \"1\"\nrepo: acme\ntimezone: Europe/Berlin\nagents:\n  " + strings.Join(entries, "\n  ") + "\n"
	m, findings := schedule.Load(schedule.DefaultPath, []byte(text), schedule.Options{})
	if m == nil {
		t.Fatal(findings)
	}
	return m
}

const (
	coach = `coach: {cadence: weekly, cron: "0 5 * * 1"}`
	tidy  = `tidy: {cadence: daily, cron: "0 5 * * *"}`
	audit = `audit: {cadence: monthly, cron: "0 5 31 * *"}`
	asOff = `idle: {cadence: daily, enabled: false}`
)

// scheduled returns a workflow without findings, apart from its on.schedule in lines 2
// and 3 and its with from line 10.
func scheduled(schedule, with string) string {
	return `on:
  schedule:
    ` + schedule + `
permissions: {actions: read, contents: write}
concurrency: kaizen
jobs:
  prepare:
    steps:
      - uses: actions/checkout@v7
      - uses: kaizen-agentic/schedule-action@v1
        with: {` + with + `}
`
}

const hourly = `[cron: "17 * * * *"]`

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		entries  []string
		workflow string
		want     []string // line:column rule message
	}{
		{"hourly", []string{coach, tidy, audit, asOff}, scheduled(hourly, ""), nil},
		{"another action", []string{tidy},
			`{on: {schedule: [cron: "0 0 1 1 *"]}, jobs: {a: {steps: [uses: actions/checkout@v4]}}}`, nil},
		{"another command", []string{tidy}, scheduled(`[cron: "0 0 1 1 *"]`, "command: list"), nil},
		{"a dry run", []string{tidy}, scheduled(`[cron: "0 0 1 1 *"]`, "dry-run: true"),
			[]string{"11:25 workflow-step dry-run is true, so the scheduled step delivers nothing"}},
		{"another manifest", []string{tidy}, scheduled(`[cron: "0 0 1 1 *"]`, "schedule: other.yml"), nil},
		{"another checkout", []string{tidy}, scheduled(`[cron: "0 0 1 1 *"]`, "target: sub"), nil},
		{"this checkout, spelt out", []string{tidy},
			scheduled(`[cron: "0 9 * * *"]`, `target: "${{ github.workspace }}", schedule: ./.kaizen/schedule.yml`),
			[]string{`3:12 cron-on-the-hour cron "0 9 * * *" ticks on the hour, when GitHub delays and drops ` +
				`the most runs`}},

		{"a week late", []string{coach}, scheduled(`[{cron: "30 4 * * 1", timezone: Europe/Berlin}]`, ""),
			[]string{`3:13 cron-coverage the weekly agent "coach" is due on Monday at 05:00 CET, but may wait 6 ` +
				`days 23 ` +
				`hours for the next tick`}},
		{"in time", []string{coach}, scheduled(`[{cron: "30 5 * * MON", timezone: Europe/Berlin}]`, ""), nil},
		{"late in winter only", []string{coach}, scheduled(`[cron: "30 3 * * 1"]`, ""),
			[]string{`3:12 cron-coverage the weekly agent "coach" is due on Monday at 05:00 CET, but some ` +
				`periods pass ` +
				`without a tick`}},
		{"weekly for daily", []string{coach, tidy}, scheduled(`[cron: "30 5 * * 1"]`, ""),
			[]string{`3:12 cron-coverage the daily agent "tidy" is due at 05:00 CET, but some periods pass ` +
				`without a tick`}},
		{"a day that short months lack", []string{audit}, scheduled(`[cron: "30 5 31 * *"]`, ""), nil},
		{"the day before", []string{audit}, scheduled(`[cron: "30 5 30 * *"]`, ""),
			[]string{`3:12 cron-coverage the monthly agent "audit" is due on day 31 at 05:00 CET, but may wait ` +
				`59 days 1 ` +
				`hour for the next tick`}},
		{"two crons together", []string{coach}, scheduled(`[{cron: "30 3 * * 1"}, {cron: "30 4 * * 1"}]`, ""), nil},
		{"several late", []string{coach, tidy, audit}, scheduled(`[cron: "30 5 29 2 *"]`, ""),
			[]string{`3:12 cron-coverage the weekly agent "coach" is due on Monday at 05:00 CET, but some ` +
				`periods pass ` +
				`without a tick; the same applies to 2 other agents`}},
		{"a gap of the clock", []string{`a: {cadence: daily, cron: "30 2 * * *"}`},
			scheduled(`[{cron: "30 2 * * *", timezone: Europe/Berlin}]`, ""), nil},
		{"every five minutes, often", []string{tidy},
			scheduled(`[`+strings.Repeat(`{cron: "*/5 * * * *"},`, 50)+`]`, ""),
			nil},

		{"not GitHub's", []string{tidy},
			scheduled(`[{cron: "@daily"}, {cron: "0 17 5 * * *"}, {cron: "61 * * * *"}, {cron: "1 5-3 * * *"}, `+
				`{cron: "1 1 `+
				`L * *"}, {cron: "*/0 * * * *"}, {cron: "1 1 * foo *"}]`, ""),
			[]string{
				`3:13 workflow-schedule cron "@daily" is a macro, but a workflow needs five fields`,
				`3:31 workflow-schedule cron "0 17 5 * * *" has 6 fields; seconds and years are not supported`,
				`3:55 workflow-schedule cron "61 * * * *" has the minute "61", which is outside 0 to 59`,
				`3:77 workflow-schedule cron "1 5-3 * * *" has the hour "5-3", which runs backwards`,
				`3:100 workflow-schedule cron "1 1 L * *" has the day of the month "L", and L for the last day is ` +
					`not supported`,
				`3:121 workflow-schedule cron "*/0 * * * *" has the minute "*/0", which needs a step from 1 to 99 ` +
					`after the slash`,
				`3:144 workflow-schedule cron "1 1 * foo *" has the month "foo", which is not a value, a range ` +
					`or a step`,
			}},
		{"Sunday as 7, and every minute", []string{tidy},
			scheduled(`[{cron: "17 * * * 0-6"}, {cron: "17 4 * * 7"}, {cron: "1,3 4 * * *"}, {cron: "* * * * *"}]`, ""),
			[]string{
				`3:37 workflow-schedule cron "17 4 * * 7" has the day of the week "7", which is outside 0 to 6`,
				`3:59 workflow-schedule cron "1,3 4 * * *" ticks every 2 minutes, but the shortest ` +
					`interval of the platform is 5 minutes`,
				`3:82 workflow-schedule cron "* * * * *" ticks every 1 minute, but the shortest ` +
					`interval of the platform is 5 minutes`,
			}},
		{"no items", []string{tidy},
			scheduled(`["17 * * * *", ~, {}, {crons: "17 * * * *"}, {cron: 17}, {cron: [x]}, {cron: "17 * * * *", `+
				`tz: UTC}]`,
				""),
			[]string{
				`3:6 workflow-schedule an item of on.schedule is the string "17 * * * *", not a mapping with the ` +
					`key cron`,
				`3:20 workflow-schedule an item of on.schedule is null, not a mapping with the key cron`,
				`3:23 workflow-schedule an item of on.schedule has no cron`,
				`3:28 workflow-schedule unknown key "crons" in an item of on.schedule`,
				`3:57 workflow-schedule the cron of a schedule is the number "17", not a string`,
				`3:69 workflow-schedule the cron of a schedule is a list, not a string`,
				`3:96 workflow-schedule unknown key "tz" in an item of on.schedule`,
			}},
		{"a string", []string{tidy}, scheduled(`"17 * * * *"`, ""),
			[]string{`3:5 workflow-schedule on.schedule is the string "17 * * * *", not a list of crons, so ` +
				`the workflow never ticks`}},
		{"no zone", []string{tidy}, scheduled(`[{cron: "17 * * * *", timezone: Europe/Berln}]`, ""),
			[]string{`3:37 workflow-schedule timezone "Europe/Berln" is not an IANA name`}},
		{"an empty list", []string{tidy},
			"on: {schedule: []}\npermissions: read-all\nconcurrency: a\njobs: {a: {steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"1:16 workflow-schedule on.schedule has no cron, so the workflow never ticks"}},
		{"nothing", []string{tidy},
			"on:\n  push:\n  schedule:\npermissions: read-all\nconcurrency: a\njobs: {a: {steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"3:3 workflow-schedule on.schedule has no cron, so the workflow never ticks"}},
		{"a null", []string{tidy},
			"on: {schedule: ~}\npermissions: read-all\nconcurrency: a\njobs: {a: {steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"1:16 workflow-schedule on.schedule has no cron, so the workflow never ticks"}},
		{"a mapping", []string{tidy},
			"on:\n  schedule:\n    cron: \"17 * * * *\"\npermissions: read-all\nconcurrency: a\njobs: {a: {steps: " +
				"[uses: actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"3:5 workflow-schedule on.schedule is a mapping, not a list of crons, so the workflow never ticks"}},
		{"on the hour", []string{tidy},
			scheduled(`[{cron: "0 * * * *"}, {cron: "*/15 * * * *"}, {cron: "0,30 * * * *"}]`, ""),
			[]string{`3:13 cron-on-the-hour cron "0 * * * *" ticks on the hour, when GitHub delays and drops ` +
				`the most runs`}},
		{"silenced", []string{tidy},
			scheduled("- cron: \"0 0 * * 1\" # kaizen-ignore: cron-on-the-hour, cron-coverage", ""),
			nil},
		{"silenced, misspelt", []string{tidy}, scheduled("- cron: \"1 2 * * *\" # kaizen-ignore: cron-covrage", ""),
			[]string{
				`3:13 cron-coverage the daily agent "tidy" is due at 05:00 CET, but may wait 22 hours 1 minute for ` +
					`the next tick`,
				`3:42 unknown-ignore unknown rule "cron-covrage"`,
			}},

		{"only some agents", []string{coach, tidy}, scheduled(hourly, `agents: "coach, other"`),
			[]string{`11:24 cron-coverage no scheduled step prepares the daily agent "tidy"`}},
		{"only a cadence", []string{coach, tidy}, scheduled(hourly, `cadence: daily`),
			[]string{`11:25 cron-coverage no scheduled step prepares the weekly agent "coach"`}},
		{"a matrix", []string{coach, tidy}, scheduled(hourly, `agents: "${{ matrix.agent }}"`), nil},
		{"no schedule", []string{tidy},
			"on: [workflow_dispatch]\njobs: {a: {permissions: read-all, steps: [uses: actions/checkout@v7, uses: " +
				"kaizen-agentic/schedule-action@v1]}}",
			[]string{"1:5 cron-coverage no workflow prepares the agents of the manifest on a schedule"}},
		{"no schedule, named agents", []string{tidy},
			"on: push\njobs: {a: {permissions: read-all, steps: [uses: actions/checkout@v7, {uses: " +
				"kaizen-agentic/schedule-action@v1, with: {agents: tidy}}]}}", nil},
		{"started from outside", []string{tidy},
			"on: {repository_dispatch: {types: [tick]}}\njobs: {a: {permissions: read-all, steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}", nil},
		{"a reusable workflow", []string{tidy},
			"on: [workflow_call]\njobs: {a: {permissions: read-all, steps: [uses: actions/checkout@v7, uses: " +
				"kaizen-agentic/schedule-action@v1]}}", nil},

		{"a reusable workflow, with its caller's permissions", []string{tidy},
			"on: workflow_call\njobs: {a: {steps: [uses: actions/checkout@v7, {uses: " +
				"kaizen-agentic/schedule-action@v1, with: {dispatch-to: x/acme}}]}}", nil},
		{"a reusable workflow with too few of its own", []string{tidy},
			"on: workflow_call\npermissions: {contents: write}\njobs: {a: {steps: [uses: actions/checkout@v7, uses: " +
				"kaizen-agentic/schedule-action@v1]}}",
			[]string{"2:14 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of " +
				"receipts"}},
		{"a reusable workflow with a schedule of its own", []string{tidy},
			"on: {workflow_call: , schedule: " + hourly +
				"}\nconcurrency: a\njobs:\n  a: {steps: [uses: actions/checkout@v7, uses: " +
				"kaizen-agentic/schedule-action@v1]}\n",
			[]string{"4:3 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of " +
				"receipts, but sets no permissions"}},

		{"no permissions", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v7\n      - " +
				"uses: " +
				"kaizen-agentic/schedule-action@v1\n",
			[]string{"4:3 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of " +
				"receipts, but sets no permissions"}},
		{"other permissions", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: write-all\njobs:\n  a:\n    permissions: {contents: " +
				"read}\n   " +
				" steps:\n      - uses: actions/checkout@v7\n      - uses: kaizen-agentic/schedule-action@v1\n",
			[]string{"6:18 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of " +
				"receipts"}},
		{"a permission of none", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: {actions: none}\njobs: {a: {steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"3:24 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of " +
				"receipts"}},
		{"a list without permission", []string{tidy},
			"on: push\njobs: {a: {permissions: {contents: write}, steps: [uses: actions/checkout@v7, {uses: " +
				"kaizen-agentic/schedule-action@v1, with: {command: list, dispatch-to: x/acme}}]}}\n",
			[]string{"2:25 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of " +
				"receipts"}},
		{"a list of another manifest", []string{tidy},
			"on: push\njobs: {a: {permissions: {}, steps: [uses: actions/checkout@v7, {uses: " +
				"kaizen-agentic/schedule-action@v1, with: {command: list, schedule: other.yml}}]}}\n", nil},
		{"a dispatch that may only read", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [uses: actions/checkout@v7, " +
				"{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: x/ACME}}]}}\n",
			[]string{"3:14 workflow-permission job \"a\" needs the permission `contents: write` to send a " +
				"repository_dispatch with the job's own token"}},
		{"a dispatch to an expression's repositories", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [uses: actions/checkout@v7, " +
				"{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: '${{ vars.TO }}'}}]}}\n",
			[]string{"3:14 workflow-permission job \"a\" needs the permission `contents: write` to send a " +
				"repository_dispatch with the job's own token"}},
		{"a start of a workflow that may only read", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [uses: actions/checkout@v7, " +
				"{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: x/ACME/.github/workflows/r.yml@main}}]}}\n",
			[]string{"3:14 workflow-permission job \"a\" needs the permission `actions: write` to start a workflow with the " +
				"job's own token"}},
		{"a start of a workflow", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: {actions: write}\njobs: {a: {steps: " +
				"[uses: actions/checkout@v7, {uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: " +
				"x/acme/.github/workflows/r.yml@main}}]}}\n", nil},
		{"a start of a workflow elsewhere", []string{tidy},
			scheduled(hourly, "dispatch-to: acme/core/.github/workflows/r.yml@main"),
			[]string{`11:29 workflow-permission the job's own token works only for its own repository, not for ` +
				`"acme/core/.github/workflows/r.yml@main"`}},
		{"a dispatch to an expression, may start workflows", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: {actions: write}\njobs: {a: {steps: " +
				"[uses: actions/checkout@v7, {uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: " +
				"'${{ vars.TO }}'}}]}}\n", nil},
		{"a dispatch to another repository", []string{tidy}, scheduled(hourly, "dispatch-to: acme/core"),
			[]string{`11:29 workflow-permission the job's own token works only for its own repository, not for "acme/core"`}},
		{"dispatches to this and to others", []string{tidy},
			strings.Replace(scheduled(hourly,
				`dispatch-to: "x/acme, acme/core acme/dash", dispatch-token: "${{ github.token }}"`), "contents: write",
				"contents: read", 1),
			[]string{
				"4:40 workflow-permission job \"prepare\" needs the permission `contents: write` to send a " +
					"repository_dispatch " +
					"with the job's own token",
				`11:29 workflow-permission the job's own token works only for its own repository, not for "acme/core, ` +
					`acme/dash"`,
			}},
		{"a dispatch to this repository, with comments", []string{tidy},
			strings.Replace(scheduled(hourly, "dispatch-to: \"x/acme # this one\\n# acme/core\\n\""), "contents: read",
				"contents: write", 1), nil},
		{"a dispatch with a token of its own", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [uses: actions/checkout@v7, " +
				"{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: acme/core, dispatch-token: '${{ " +
				"secrets.CORE }}'}}]}}\n", nil},
		{"a dispatch that is not emitted", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [uses: actions/checkout@v7, " +
				"{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: acme/core, emit: 'summary, nats'}}]}}\n",
			nil},
		{"a token of its own", []string{tidy},
			"on: {schedule: " + hourly +
				"}\nconcurrency: {group: a}\njobs: {a: {steps: [uses: actions/checkout@v7, {uses: " +
				"kaizen-agentic/schedule-action@v1, with: {token: '${{ secrets.BOT }}'}}]}}\n", nil},

		{"no concurrency", []string{tidy},
			"on: {schedule: " + hourly +
				"}\npermissions: read-all\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v7\n      - uses: " +
				"kaizen-agentic/schedule-action@v1\n      - uses: kaizen-agentic/schedule-action@v1\n",
			[]string{`4:3 workflow-concurrency two runs of job "a" can prepare the same period at the same time`}},
		{"a group for each run", []string{tidy},
			"on: {schedule: " + hourly +
				"}\npermissions: read-all\nconcurrency: a-${{ github.run_id }}\njobs: {a: {steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`4:8 workflow-concurrency two runs of job "a" can prepare the same period at the same time`}},
		{"a group for each number", []string{tidy},
			"on: {schedule: " + hourly +
				"}\npermissions: read-all\nconcurrency: a-${{ github.run_number }}\njobs: {a: {steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`4:8 workflow-concurrency two runs of job "a" can prepare the same period at the same time`}},
		{"a group for each attempt", []string{tidy},
			"on: {schedule: " + hourly +
				"}\npermissions: read-all\nconcurrency: {group: 'a-${{ github.run_attempt }}'}\njobs: {a: {steps: " +
				"[uses: actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`4:8 workflow-concurrency two runs of job "a" can prepare the same period at the same time`}},
		{"a group for each commit", []string{tidy},
			"on: {schedule: " + hourly +
				"}\npermissions: read-all\njobs: {a: {concurrency: 'a-${{ github.sha }}', steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`3:8 workflow-concurrency two runs of job "a" can prepare the same period at the same time`}},
		{"a group for each branch", []string{tidy},
			"on: {schedule: " + hourly +
				"}\npermissions: read-all\njobs: {a: {concurrency: 'a-${{ github.ref }}', steps: [uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n", nil},
		{"cancels", []string{tidy},
			"on: {schedule: " + hourly +
				"}\npermissions: read-all\njobs: {a: {concurrency: {group: a, cancel-in-progress: true}, steps: " +
				"[uses: " +
				"actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`3:56 workflow-concurrency a new run cancels the previous one, which may still be delivering`}},
		{"cancels perhaps", []string{tidy},
			"on: {schedule: " + hourly +
				"}\npermissions: read-all\njobs: {a: {concurrency: {group: a, cancel-in-progress: '${{ inputs.x " +
				"}}'}, " +
				"steps: [uses: actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n", nil},

		{"kept too short", []string{tidy, coach, audit}, scheduled(hourly, "retention-days: 30"),
			[]string{`11:32 retention receipts are kept for 30 days, which does not outlast two periods of the ` +
				`monthly agent "audit": it may run twice in a period`}},
		{"kept for two months", []string{audit}, scheduled(hourly, "retention-days: 62"),
			[]string{`11:32 retention receipts are kept for 62 days, which does not outlast two periods of the ` +
				`monthly agent "audit": it may run twice in a period`}},
		{"kept for two weeks", []string{tidy, coach}, scheduled(hourly, "retention-days: 14"),
			[]string{`11:32 retention receipts are kept for 14 days, which does not outlast two periods of the ` +
				`weekly agent "coach": it may run twice in a period`}},
		{"kept for two days", []string{tidy}, scheduled(hourly, "retention-days: 2"),
			[]string{`11:32 retention receipts are kept for 2 days, which does not outlast two periods of the daily ` +
				`agent "tidy": it may run twice in a period`}},
		{"kept long enough", []string{tidy, coach}, scheduled(hourly, "retention-days: 15"), nil},
		{"kept long enough for a month", []string{tidy, coach, audit}, scheduled(hourly, "retention-days: 63"), nil},
		{"kept as an expression says", []string{audit}, scheduled(hourly, "retention-days: '${{ vars.DAYS }}'"), nil},

		{"a local action", []string{tidy},
			strings.Replace(scheduled(`[cron: "0 9 * * *"]`, ""), "kaizen-agentic/schedule-action@v1", "./act/", 1),
			[]string{`3:12 cron-on-the-hour cron "0 9 * * *" ticks on the hour, when GitHub delays and drops ` +
				`the most runs`}},
		{"another local action", []string{tidy},
			strings.Replace(scheduled(`[cron: "0 9 * * *"]`, ""), "kaizen-agentic/schedule-action@v1", "./other", 1),
			nil},
		{"the image", []string{tidy}, strings.Replace(scheduled(`[cron: "0 9 * * *"]`, "args: prepare coach"),
			"kaizen-agentic/schedule-action@v1", "docker://ghcr.io/kaizen-agentic/schedule-action:v1@sha256:00", 1),
			[]string{`3:12 cron-on-the-hour cron "0 9 * * *" ticks on the hour, when GitHub delays and drops ` +
				`the most runs`}},
		{"anchors", []string{tidy},
			strings.Replace(scheduled(`[cron: "0 9 * * *"]`, ""), "- uses: kaizen-agentic/schedule-action@v1",
				"- &x\n        uses: kaizen-agentic/schedule-action@v1\n      - *x\n      - name: x", 1),
			[]string{`3:12 cron-on-the-hour cron "0 9 * * *" ticks on the hour, when GitHub delays and drops ` +
				`the most runs`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tree := treeOf(t, map[string]string{
				".github/workflows/kaizen.yml": tt.workflow,
				"act/action.yml":               "name: schedule-action\n",
				"other/action.yml":             "name: other\n",
			})
			var got []string
			for _, f := range Check(manifestOf(t, tt.entries...), tree) {
				got = append(got, fmt.Sprintf("%d:%d %s %s", f.Line, f.Column, f.Rule, f.Message))
				if f.File != ".github/workflows/kaizen.yml" || f.Hint == "" || f.Severity != diag.Warning {
					t.Errorf("finding %+v", f)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestInvalidWorkflows checks findings about a workflow as a whole, with position and
// hint.
func TestInvalidWorkflows(t *testing.T) {
	t.Parallel()
	const use = "jobs: {a: {steps: [uses: actions/checkout@v7, uses: kaizen-agentic/schedule-action@v1]}}\n"
	on := func(schedule string) string {
		return "on:\n  schedule:\n" + schedule + "permissions: read-all\nconcurrency: a\n" + use
	}
	const unquoted = " has no quotes, so YAML reads * as an alias, and the platform ignores the workflow | " +
		"write cron: "
	for _, c := range []struct {
		name, workflow string
		want           []string // line:column message | hint
	}{
		{"a cron of asterisks", on("    - cron: * * * * *\n"),
			[]string{`3:13 cron "* * * * *"` + unquoted + `"* * * * *"`}},
		{"crons that start with a step",
			on("    - cron: */5 * * * *\n    - cron:  */15 1,2 * * * # often\r\n    - cron: \"17 * * * *\"\n"),
			[]string{
				`3:13 cron "*/5 * * * *"` + unquoted + `"*/5 * * * *"`,
				`4:14 cron "*/15 1,2 * * *"` + unquoted + `"*/15 1,2 * * *"`}},
		{"in flow", on("    [cron: */5 * * * *]\n"), []string{`3:12 cron "*/5 * * * *"` + unquoted + `"*/5 * * * *"`}},
		{"a tab", "on:\n  push:\n\t- x\n" + use, []string{
			"3:1 the platform ignores this workflow because it is not valid YAML: a tab appears where YAML needs spaces | " +
				"indent with spaces"}},
		{"bad indent", "on:\n  schedule:\n    - cron: \"17 * * * *\"\n   x: y\n" + use, []string{
			"4:4 the platform ignores this workflow because it is not valid YAML: the indentation of this line fits " +
				"nothing above it | " +
				"align it with the key or hyphen that it belongs beside"}},
		{"broken, and another action's", "on: [\njobs: {a: {steps: [uses: ./x]}}\n", nil},
		{"a comment", on("    - cron: \"17 * * * *\"\n    # - cron: * * * * *\n"), nil},

		{"a list of crons", on("    - cron: [\"7 5 * * *\", '7 17 * * *']\n"), []string{
			`3:13 the cron of a schedule is a list, not a string | write - cron: "7 5 * * *" and - cron: "7 ` +
				`17 * * *"`}},
		{"no hyphen", on("    cron: \"7 5 * * *\"\n"), []string{
			`3:5 on.schedule is a mapping, not a list of crons, so the workflow never ticks | add a hyphen before it, as in - ` +
				`cron: "7 5 * * *"`}},
		{"crons", on("    - crons: [\"7 5 * * *\", \"7 17 * * *\"]\n"), []string{
			`3:7 unknown key "crons" in an item of on.schedule | write - cron: "7 5 * * *" and - cron: "7 17 * * *"`}},
		{"crons in a mapping", on("    crons: [\"7 5 * * *\"]\n"), []string{
			`3:5 on.schedule is a mapping, not a list of crons, so the workflow never ticks | add a hyphen before it, as in - ` +
				`cron: "7 5 * * *"`}},
		{"a time of day", on("    - cron: 5:07am\n"), []string{
			`3:13 cron "5:07am" has 1 field instead of five | write "7 5 * * *"`}},
		{"typographic quotes", on("    - cron: “7 5 * * *”\n"), []string{
			`3:13 cron "“7 5 * * *”" has the minute "“7", which is not a value, a range or a step | write "7 ` +
				`5 * * *"`}},
		{"two crons in an item", on("    - cron: \"7 5 * * *\"\n      cron: \"7 17 * * *\"\n"), []string{
			`4:7 an item of on.schedule has more than one cron | write - cron: "7 5 * * *" and - cron: "7 17 * * *"`}},

		{"schedule without on", "schedule:\n  - cron: \"7 5 * * *\"\npermissions: read-all\n" + use, []string{
			"1:1 schedule is not below on, so the workflow never ticks | write on: in the line before it, and " +
				"indent schedule further"}},
		{"On", "On:\n  schedule:\n    - cron: \"7 5 * * *\"\npermissions: read-all\n" + use, []string{
			`1:1 "On" is not a known key, so the workflow never starts | did you mean "on"?`}},
		{"no triggers", "permissions: read-all\n" + use, []string{
			`1:1 the workflow has no key on, so it never starts | add on.schedule with a cron such as "17 * * * *"`}},
		{"schedules", "on:\n  push:\n  schedules :\n    - cron: \"7 5 * * *\"\npermissions: read-all\n" + use, []string{
			`3:3 "schedules" is not an event, so the workflow never ticks | did you mean "schedule"?`}},
		{"cron as an event", "on: {cron: \"7 5 * * *\"}\npermissions: read-all\n" + use, []string{
			`1:6 "cron" is not an event, so the workflow never ticks | did you mean "schedule"?`}},
		{"another event", "on: [push, workflow_dispatch]\npermissions: read-all\n" + use, []string{
			`1:5 no workflow prepares the agents of the manifest on a schedule | add on.schedule with a cron such as "17 ` +
				`* * * *"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree := treeOf(t, map[string]string{".github/workflows/kaizen.yml": c.workflow})
			if got := located(Check(manifestOf(t, tidyLate), tree)); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// tidyLate is due when the crons of these tests tick.
const tidyLate = `tidy: {cadence: daily, cron: "0 6 * * *"}`

// located returns findings as line:column message | hint.
func located(findings []diag.Finding) (all []string) {
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%d:%d %s | %s", f.Line, f.Column, f.Message, f.Hint))
	}
	return all
}

// TestSteps checks findings about steps that deliver nothing.
func TestSteps(t *testing.T) {
	t.Parallel()
	const head = "on: {schedule: " + hourly + "}\npermissions: read-all\nconcurrency: a\njobs:\n"
	const use = "      - uses: kaizen-agentic/schedule-action@v1\n"
	const checkout = "      - uses: actions/checkout@v7\n"
	job := func(lines string) string { return head + "  a:\n" + lines }
	const never = "the condition is never true, so the step that prepares never runs | remove this if"
	const without = "no earlier step checks out the repository, so there is no manifest | " +
		"add a step before it: - uses: actions/checkout@v7"
	for _, c := range []struct {
		name, workflow string
		want           []string
	}{
		{"a job that never runs", job("    if: false\n    steps:\n" + checkout + use), []string{"6:9 " + never}},
		{"a step that never runs", job("    steps:\n" + checkout + use + "        if: ${{ false }}\n"),
			[]string{"9:13 " + never}},
		{"perhaps", job("    if: ${{ vars.ON }}\n    steps:\n" + checkout + use), nil},
		{"a dry run", job("    steps:\n" + checkout + use + "        with: {dry-run: true}\n"), []string{
			"9:25 dry-run is true, so the scheduled step delivers nothing | remove dry-run after the trial"}},
		{"a dry run beside another step",
			job("    steps:\n" + checkout + use + "        with: {dry-run: true}\n" + use), nil},
		{"a dry run on pushes", strings.Replace(job("    steps:\n"+checkout+use+"        with: {dry-run: true}\n"),
			"{schedule: "+hourly+"}", "push", 1), nil},

		{"an event that is refused", strings.Replace(job("    steps:\n"+checkout+use), "on: {",
			"on: {issue_comment: , ", 1),
			[]string{"1:6 prepare refuses to run on the event issue_comment, so the job fails | remove the event, give " +
				"the step an if, or accept the risk with allow-events: issue_comment"}},
		{"an event that is allowed", strings.Replace(job("    steps:\n"+checkout+use+"        with: {allow-events: "+
			"issue_comment}\n"), "on: {", "on: {issue_comment: , ", 1), nil},
		{"an event that may be allowed",
			strings.Replace(job("    steps:\n"+checkout+use+"        with: {allow-events: "+
				"\"${{ vars.X }}\"}\n"), "on: {", "on: {issue_comment: , ", 1), nil},
		{"an event with a condition", strings.Replace(job("    steps:\n"+checkout+use+
			"        if: github.event_name == 'schedule'\n"), "on: {", "on: {pull_request: , ", 1), nil},
		{"events that may be fine", strings.Replace(job("    steps:\n"+checkout+use), "on: {",
			"on: {push: , workflow_dispatch: , repository_dispatch: , workflow_call: , shedul: , ", 1), nil},
		{"a run of another workflow, refused", strings.Replace(job("    steps:\n"+checkout+use),
			"{schedule: "+hourly+"}",
			"[workflow_run]", 1), []string{
			"1:5 no workflow prepares the agents of the manifest on a schedule | add on.schedule with a cron such as " +
				`"17 * * * *"`,
			"1:6 prepare refuses to run on the event workflow_run, so the job fails | remove the event, give " +
				"the step an if, or accept the risk with allow-events: workflow_run"}},
		{"a run of another workflow, allowed", strings.Replace(job("    steps:\n"+checkout+use+
			"        with: {allow-events: workflow_run}\n"), "{schedule: "+hourly+"}", "[workflow_run]", 1), nil},

		{"no checkout", job("    steps:\n" + use), []string{"7:15 " + without}},
		{"a checkout that comes later", job("    steps:\n" + use + checkout), []string{"7:15 " + without}},
		{"only a setup", job("    steps:\n      - uses: actions/setup-go@v6\n" + use), []string{"8:15 " + without}},
		{"a checkout of another kind", job("    steps:\n      - run: git clone x .\n" + use), nil},
		{"an absolute URL", job("    steps:\n      - uses: https://gitea.com/actions/checkout@v4\n" + use), nil},
		{"a checkout elsewhere", job("    steps:\n" + checkout + "        with: {path: src}\n" + use), []string{
			`8:22 the repository is checked out into "src", but this action reads the workspace | ` +
				"add target: src to the step that uses this action, or remove path"}},
		{"a checkout elsewhere, and the target",
			job("    steps:\n" + checkout + "        with: {path: src}\n" + use + "        with: {target: src}\n"),
			nil},
		{"two checkouts", job("    steps:\n" + checkout + "        with: {path: src}\n" + checkout + use), nil},
		{"a checkout's path that is the workspace", job("    steps:\n" + checkout + "        with: {path: ./}\n" + use),
			nil},

		{"inputs with slips",
			job("    steps:\n" + checkout + use +
				"        with:\n          dispach-to: x/acme\n          retention_days: 5\n          AGENTS: due\n" +
				"          args: --agents due\n          mine: 1\n"), []string{
				`10:11 this action has no input "dispach-to", so its value is ignored | did you mean "dispatch-to"?`,
				`11:11 this action has no input "retention_days", so its value is ignored | did you mean ` +
					`"retention-days"?`}},
		{"a command with a slip", job("    steps:\n" + checkout + use + "        with: {comand: list}\n"), []string{
			`9:16 this action has no input "comand", so its value is ignored | did you mean "command"?`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree := treeOf(t, map[string]string{".github/workflows/kaizen.yml": c.workflow})
			if got := located(Check(manifestOf(t, tidyLate), tree)); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestInputs compares the list of inputs with action.yml.
func TestInputs(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	root, problems := yamlnode.Parse(data, workflowLimits)
	if problems != nil {
		t.Fatal(problems)
	}
	var want []string
	for _, p := range root.Get("inputs").Pairs {
		want = append(want, p.Key.Value)
	}
	if !slices.Equal(Inputs, want) {
		t.Errorf("inputs %q, want %q", Inputs, want)
	}
}

// TestCoverageHint checks the ticks that the hint suggests for a late entry.
func TestCoverageHint(t *testing.T) {
	t.Parallel()
	const cost = ": a tick with nothing due takes seconds"
	for _, c := range []struct{ cron, hint string }{
		{"0 5 * * *", "tick every hour" + cost},
		{"0 * * * *", "tick every hour" + cost},
		{"50 * * * *", "tick every hour" + cost},
		{"*/30 * * * *", `tick every 30 minutes, as in - cron: "*/30 * * * *"` + cost},
		{"*/15 * * * *", `tick every 15 minutes, as in - cron: "*/15 * * * *"` + cost},
		{"0,10,19 * * * *", `tick every 15 minutes, as in - cron: "*/15 * * * *"` + cost},
		{"4,14,19,50 * * * *", `tick every 5 minutes, as in - cron: "*/5 * * * *"` + cost},
		{"1,7,13 * * * *", `tick every 5 minutes, as in - cron: "*/5 * * * *"` + cost},
	} {
		tree := treeOf(t, map[string]string{".github/workflows/kaizen.yml": scheduled(`[cron: "17 1 1 1 *"]`, "")})
		m := manifestOf(t, fmt.Sprintf("a: {cadence: daily, cron: %q}", c.cron))
		findings := Check(m, tree)
		if len(findings) != 1 || findings[0].Hint != c.hint || findings[0].Rule != diag.CronCoverage.ID {
			t.Errorf("%s: %+v", c.cron, findings)
		}
	}
}

// TestTooOften checks that an entry which is due too often is reported at its own line.
func TestTooOften(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ cron, ticks, want string }{
		{"* * * * *", "1-56/5 * * * *",
			`5:29 agent "a" is due again after 1 minute, but the platform ticks at most every 5 minutes, so ` +
				`some periods are missed | ` +
				`write a cron with longer intervals, such as "*/5 * * * *"`},
		{"*/4 * * * *", "17 * * * *",
			`5:29 agent "a" is due again after 4 minutes, but the platform ticks at most every 5 minutes, so ` +
				`some periods are missed | ` +
				`write a cron with longer intervals, such as "*/5 * * * *"`},
		{"*/5 * * * *", "1-56/5 * * * *", ""},
	} {
		tree := treeOf(t,
			map[string]string{".github/workflows/kaizen.yml": scheduled(fmt.Sprintf("[cron: %q]", c.ticks), "")})
		findings := Check(manifestOf(t, fmt.Sprintf("a: {cadence: daily, cron: %q}", c.cron)), tree)
		if got := strings.Join(located(findings), "\n"); got != c.want {
			t.Errorf("%s: got %s", c.cron, got)
		}
		for _, f := range findings {
			if f.File != schedule.DefaultPath {
				t.Errorf("%s: at %s", c.cron, f.File)
			}
		}
	}
}

// TestWorkflowDir checks which directory of workflows is read.
func TestWorkflowDir(t *testing.T) {
	t.Parallel()
	const github, gitea, forgejo = ".github/workflows", ".gitea/workflows", ".forgejo/workflows"
	for _, c := range []struct {
		dirs   []string
		origin string
		want   string
	}{
		{nil, "", github},
		{[]string{github}, "https://git.example.org/acme/web.git", github},
		{[]string{gitea}, "", gitea},
		{[]string{gitea}, "https://github.com/acme/web", gitea},
		{[]string{gitea, github}, "", gitea},
		{[]string{gitea, github}, "ssh://git@git.example.org:2222/acme/web.git", gitea},
		{[]string{gitea, github}, "git@github.com:acme/web.git", github},
		{[]string{gitea, github}, "https://x@GitHub.com/acme/web", github},
		{[]string{gitea, github}, "https://acme.ghe.com/acme/web", github},
		{[]string{forgejo, gitea, github}, "", forgejo},
	} {
		files := map[string]string{".git/HEAD": "ref: refs/heads/main\n",
			".git/config": "[remote \"origin\"]\n\turl = " + c.origin + "\n"}
		for _, dir := range c.dirs {
			files[dir+"/x.yml"] = scheduled(`[cron: "0 9 * * *"]`, "")
		}
		tree := treeOf(t, files)
		if got := WorkflowDir(tree); got != c.want {
			t.Errorf("%q from %q: %s, want %s", c.dirs, c.origin, got, c.want)
		}
		for _, f := range Check(manifestOf(t, tidy), tree) {
			if f.File != c.want+"/x.yml" {
				t.Errorf("%q: %+v", c.dirs, f)
			}
		}
	}
}

// TestUnusualWorkflows checks unusual input: nothing panics, and only invalid crons
// are reported.
func TestUnusualWorkflows(t *testing.T) {
	t.Parallel()
	files := make(map[string]string)
	for i, text := range []string{
		"", "\xff", "{", "[]", "x", "jobs: x", "jobs: [x]", "jobs: {a: }", "jobs: {a: {steps: x}}",
		"jobs: {a: {steps: [x, [], {uses: [x]}]}}",
		"jobs: &a {a: *a}", "a: &a [*a]",
		"on: {schedule: x}\njobs: {a: {steps: [uses: actions/checkout, uses: " +
			"kaizen-agentic/schedule-action]}}\npermissions: read-all\nconcurrency: x",
		"on: {schedule: [x, {cron: [x]}]}\njobs: {a: {steps: [uses: actions/checkout, {uses: " +
			"kaizen-agentic/schedule-action, with: x}]}}\npermissions: read-all\nconcurrency: x",
		"jobs: {a: {permissions: [x], steps: [{uses: kaizen-agentic/schedule-action, with: {command: '${{ x }}'}}]}}",
		strings.Repeat("- ", 1000) + "x", strings.Repeat("x", schedule.MaxSize+1),
	} {
		files[fmt.Sprintf(".github/workflows/%d.yml", i)] = text
	}
	for _, f := range Check(manifestOf(t, coach), treeOf(t, files)) {
		if f.Rule != diag.WorkflowSchedule.ID {
			t.Errorf("reported %+v", f)
		}
	}
	if got := Check(manifestOf(t, coach), treeOf(t, nil)); len(got) > 0 {
		t.Errorf("no workflows: %+v", got)
	}
}

// TestTooManyTicks checks that crons which tick too often are skipped, even after many
// crons that tick rarely.
func TestTooManyTicks(t *testing.T) {
	t.Parallel()
	rare := tick{loc: time.UTC, slots: cron.MustParse("1 1 29 2 *")}
	often := tick{loc: time.UTC, slots: cron.MustParse("* * * * *")}
	for _, c := range []struct {
		name  string
		crons []tick
		want  bool
	}{
		{"one rare", []tick{rare}, true},
		{"100 rare", slices.Repeat([]tick{rare}, 100), true},
		{"101 rare", slices.Repeat([]tick{rare}, 101), false},
		{"one often", []tick{often}, false},
		{"many rare and one often", append(slices.Repeat([]tick{rare}, 1500), often), false},
	} {
		uses := []Use{{File: &File{scheduled: true, crons: c.crons}}}
		if _, ok := tickersOf(uses); ok != c.want {
			t.Errorf("%s: computed %t", c.name, ok)
		}
	}
}

// BenchmarkCheckHostile runs the largest input that the limits allow.
func BenchmarkCheckHostile(b *testing.B) {
	var entries []string
	for i := range 1000 {
		entries = append(entries, fmt.Sprintf(`a%d: {cadence: daily, cron: "%d %d * * *"}`, i, i%60, i/60))
	}
	m := manifestOf(b, entries...)
	crons := scheduled("["+strings.Repeat(`{cron: "1 1 29 2 *"}, `, 1500)+`{cron: "* * * * *"}]`, "")
	files := make(map[string]string)
	for i := range 20 {
		files[fmt.Sprintf(".github/workflows/%d.yml", i)] = crons
	}
	tree := treeOf(b, files)
	for b.Loop() {
		Check(m, tree)
	}
}
