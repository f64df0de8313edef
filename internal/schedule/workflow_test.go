package schedule

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// treeOf is a checkout with the given files.
func treeOf(t testing.TB, files map[string]string) *checkout.Tree {
	t.Helper()
	dir := t.TempDir()
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

func manifestOf(t testing.TB, entries ...string) *Manifest {
	t.Helper()
	text := "version: \"1\"\nrepo: acme\ntimezone: Europe/Berlin\nschedules:\n  - " + strings.Join(entries, "\n  - ") + "\n"
	m, findings := Load(DefaultPath, []byte(text), Options{})
	if m == nil {
		t.Fatal(findings)
	}
	return m
}

const (
	coach = `{agent: coach, cadence: weekly, day: monday, time: "05:00"}`
	tidy  = `{agent: tidy, cadence: daily, time: "05:00"}`
	audit = `{agent: audit, cadence: monthly, day: 31, time: "05:00"}`
	asOff = `{agent: idle, cadence: daily, enabled: false}`
)

// scheduled is a workflow with nothing to report but what its on.schedule, at lines 2 and 3, and its with, from line 10, bring.
func scheduled(schedule, with string) string {
	return `on:
  schedule:
    ` + schedule + `
permissions: {actions: read, contents: write}
concurrency: kaizen
jobs:
  prepare:
    runs-on: ubuntu-latest
    steps:
      - uses: kaizen-agentic/schedule-action@v1
        with: {` + with + `}
`
}

const hourly = `[cron: "17 * * * *"]`

func TestCheckWorkflows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		entries  []string
		workflow string
		want     []string // line:column rule message
	}{
		{"hourly", []string{coach, tidy, audit, asOff}, scheduled(hourly, ""), nil},
		{"another action", []string{tidy}, `{on: {schedule: [cron: "0 0 1 1 *"]}, jobs: {a: {steps: [uses: actions/checkout@v4]}}}`, nil},
		{"another command", []string{tidy}, scheduled(`[cron: "0 0 1 1 *"]`, "command: list"), nil},
		{"a dry run", []string{tidy}, scheduled(`[cron: "0 0 1 1 *"]`, "dry-run: true"), nil},
		{"another manifest", []string{tidy}, scheduled(`[cron: "0 0 1 1 *"]`, "schedule: other.yml"), nil},
		{"another checkout", []string{tidy}, scheduled(`[cron: "0 0 1 1 *"]`, "target: sub"), nil},
		{"this checkout, spelt out", []string{tidy}, scheduled(`[cron: "0 9 * * *"]`, `target: "${{ github.workspace }}", schedule: ./.kaizen/schedule.yml`),
			[]string{`3:12 cron-on-the-hour cron "0 9 * * *" ticks on the hour, when GitHub delays and drops the most`}},

		{"a week late", []string{coach}, scheduled(`[{cron: "30 4 * * 1", timezone: Europe/Berlin}]`, ""),
			[]string{`3:13 cron-coverage the weekly agent "coach" is due on Monday at 05:00 CET, but may wait 6 days 23 hours for the next tick`}},
		{"in time", []string{coach}, scheduled(`[{cron: "30 5 * * MON", timezone: Europe/Berlin}]`, ""), nil},
		{"late in winter only", []string{coach}, scheduled(`[cron: "30 3 * * 1"]`, ""),
			[]string{`3:12 cron-coverage the weekly agent "coach" is due on Monday at 05:00 CET, but some periods pass without a tick`}},
		{"weekly for daily", []string{coach, tidy}, scheduled(`[cron: "30 5 * * 1"]`, ""),
			[]string{`3:12 cron-coverage the daily agent "tidy" is due at 05:00 CET, but some periods pass without a tick`}},
		{"a short month's last day", []string{audit}, scheduled(`[cron: "30 5 31 * *"]`, ""),
			[]string{`3:12 cron-coverage the monthly agent "audit" is due on day 31 at 05:00 CET, but some periods pass without a tick`}},
		{"two crons together", []string{coach}, scheduled(`[{cron: "30 3 * * 1"}, {cron: "30 4 * * 1"}]`, ""), nil},
		{"several late", []string{coach, tidy, audit}, scheduled(`[cron: "30 5 29 2 *"]`, ""),
			[]string{`3:12 cron-coverage the weekly agent "coach" is due on Monday at 05:00 CET, but some periods pass without a tick; so with 2 agents more`}},
		{"a gap of the clock", []string{`{agent: a, cadence: daily, time: "02:30"}`}, scheduled(`[{cron: "30 2 * * *", timezone: Europe/Berlin}]`, ""), nil},
		{"every five minutes, often", []string{tidy}, scheduled(`[`+strings.Repeat(`{cron: "*/5 * * * *"},`, 50)+`]`, ""), nil},

		{"not GitHub's", []string{tidy}, scheduled(`[{cron: "@daily"}, {cron: "0 17 5 * * *"}, {cron: "61 * * * *"}, {cron: "1 5-3 * * *"}, {cron: "1 1 L * *"}, {cron: "*/0 * * * *"}, {cron: "1 1 * foo *"}]`, ""),
			[]string{
				`3:13 cron-coverage cron "@daily" is not one that GitHub takes: it has 1 fields instead of five`,
				`3:31 cron-coverage cron "0 17 5 * * *" is not one that GitHub takes: it has 6 fields instead of five`,
				`3:55 cron-coverage cron "61 * * * *" is not one that GitHub takes: its minute "61" is out of range, which is 0 to 59`,
				`3:77 cron-coverage cron "1 5-3 * * *" is not one that GitHub takes: its hour "5-3" is out of range, which is 0 to 23`,
				`3:100 cron-coverage cron "1 1 L * *" is not one that GitHub takes: its day of the month "L" is not a value, a range or a step`,
				`3:121 cron-coverage cron "*/0 * * * *" is not one that GitHub takes: its minute "*/0" has a step of 0`,
				`3:144 cron-coverage cron "1 1 * foo *" is not one that GitHub takes: its month "foo" is out of range, which is 1 to 12`,
			}},
		{"no zone", []string{tidy}, scheduled(`[{cron: "17 * * * *", timezone: Europe/Berln}]`, ""),
			[]string{`3:37 cron-coverage timezone "Europe/Berln" is not an IANA name`}},
		{"an empty list", []string{tidy}, "on: {schedule: []}\npermissions: read-all\nconcurrency: a\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"1:16 cron-coverage on.schedule has no cron and never ticks"}},
		{"nothing", []string{tidy}, "on:\n  push:\n  schedule:\npermissions: read-all\nconcurrency: a\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"3:3 cron-coverage on.schedule has no cron and never ticks"}},
		{"a null", []string{tidy}, "on: {schedule: ~}\npermissions: read-all\nconcurrency: a\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"1:16 cron-coverage on.schedule has no cron and never ticks"}},
		{"a mapping", []string{tidy}, "on:\n  schedule:\n    cron: \"17 * * * *\"\npermissions: read-all\nconcurrency: a\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"3:5 cron-coverage on.schedule is a mapping, not a list of crons, and never ticks"}},
		{"on the hour", []string{tidy}, scheduled(`[{cron: "0 * * * *"}, {cron: "*/15 * * * *"}, {cron: "0,30 * * * *"}]`, ""),
			[]string{`3:13 cron-on-the-hour cron "0 * * * *" ticks on the hour, when GitHub delays and drops the most`}},
		{"silenced", []string{tidy}, scheduled("- cron: \"0 0 * * 1\" # kaizen-ignore: cron-on-the-hour, cron-coverage", ""), nil},
		{"silenced, misspelt", []string{tidy}, scheduled("- cron: \"1 2 * * *\" # kaizen-ignore: cron-covrage", ""),
			[]string{
				`3:13 cron-coverage the daily agent "tidy" is due at 05:00 CET, but may wait 22 hours 1 minute for the next tick`,
				`3:42 unknown-ignore there is no rule "cron-covrage" to silence`,
			}},

		{"only some agents", []string{coach, tidy}, scheduled(hourly, `agents: "coach, other"`),
			[]string{`11:24 cron-coverage no scheduled step prepares the daily agent "tidy"`}},
		{"only a cadence", []string{coach, tidy}, scheduled(hourly, `cadence: daily`),
			[]string{`11:25 cron-coverage no scheduled step prepares the weekly agent "coach"`}},
		{"a matrix", []string{coach, tidy}, scheduled(hourly, `agents: "${{ matrix.agent }}"`), nil},
		{"no schedule", []string{tidy}, "on: [workflow_dispatch]\njobs: {a: {permissions: read-all, steps: [uses: kaizen-agentic/schedule-action@v1]}}",
			[]string{"1:5 cron-coverage no workflow prepares the manifest's agents on a schedule"}},
		{"no schedule, named agents", []string{tidy}, "on: push\njobs: {a: {permissions: read-all, steps: [{uses: kaizen-agentic/schedule-action@v1, with: {agents: tidy}}]}}", nil},
		{"started from outside", []string{tidy}, "on: {repository_dispatch: {types: [tick]}}\njobs: {a: {permissions: read-all, steps: [uses: kaizen-agentic/schedule-action@v1]}}", nil},
		{"a reusable workflow", []string{tidy}, "on: [workflow_call]\njobs: {a: {permissions: read-all, steps: [uses: kaizen-agentic/schedule-action@v1]}}", nil},

		{"a reusable workflow, with its caller's permissions", []string{tidy}, "on: workflow_call\njobs: {a: {steps: [{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: x/acme}}]}}", nil},
		{"a reusable workflow with too few of its own", []string{tidy}, "on: workflow_call\npermissions: {contents: write}\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}",
			[]string{"2:14 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of receipts"}},
		{"a reusable workflow with a schedule of its own", []string{tidy}, "on: {workflow_call: , schedule: " + hourly + "}\nconcurrency: a\njobs:\n  a: {steps: [uses: kaizen-agentic/schedule-action@v1]}\n",
			[]string{"4:3 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of receipts, and states none"}},

		{"no permissions", []string{tidy}, "on: {schedule: " + hourly + "}\nconcurrency: {group: a}\njobs:\n  a:\n    steps:\n      - uses: kaizen-agentic/schedule-action@v1\n",
			[]string{"4:3 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of receipts, and states none"}},
		{"other permissions", []string{tidy}, "on: {schedule: " + hourly + "}\nconcurrency: {group: a}\npermissions: write-all\njobs:\n  a:\n    permissions: {contents: read}\n    steps:\n      - uses: kaizen-agentic/schedule-action@v1\n",
			[]string{"6:18 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of receipts"}},
		{"a permission of none", []string{tidy}, "on: {schedule: " + hourly + "}\nconcurrency: {group: a}\npermissions: {actions: none}\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{"3:24 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of receipts"}},
		{"a list without permission", []string{tidy}, "on: push\njobs: {a: {permissions: {contents: write}, steps: [{uses: kaizen-agentic/schedule-action@v1, with: {command: list, dispatch-to: x/acme}}]}}\n",
			[]string{"2:25 workflow-permission job \"a\" needs the permission `actions: read` to read the ledger of receipts"}},
		{"a list of another manifest", []string{tidy}, "on: push\njobs: {a: {permissions: {}, steps: [{uses: kaizen-agentic/schedule-action@v1, with: {command: list, schedule: other.yml}}]}}\n", nil},
		{"a dispatch that may only read", []string{tidy}, "on: {schedule: " + hourly + "}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: x/ACME}}]}}\n",
			[]string{"3:14 workflow-permission job \"a\" needs the permission `contents: write` to send a repository_dispatch with the job's own token"}},
		{"a dispatch to an expression's repositories", []string{tidy}, "on: {schedule: " + hourly + "}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: '${{ vars.TO }}'}}]}}\n",
			[]string{"3:14 workflow-permission job \"a\" needs the permission `contents: write` to send a repository_dispatch with the job's own token"}},
		{"a dispatch to another repository", []string{tidy}, scheduled(hourly, "dispatch-to: acme/core"),
			[]string{`11:29 workflow-permission the job's own token reaches its own repository only, not "acme/core"`}},
		{"dispatches to this and to others", []string{tidy}, strings.Replace(scheduled(hourly, `dispatch-to: "x/acme, acme/core acme/dash", dispatch-token: "${{ github.token }}"`), "contents: write", "contents: read", 1),
			[]string{
				"4:40 workflow-permission job \"prepare\" needs the permission `contents: write` to send a repository_dispatch with the job's own token",
				`11:29 workflow-permission the job's own token reaches its own repository only, not "acme/core, acme/dash"`,
			}},
		{"a dispatch to this repository, with comments", []string{tidy}, strings.Replace(scheduled(hourly, "dispatch-to: \"x/acme # this one\\n# acme/core\\n\""), "contents: read", "contents: write", 1), nil},
		{"a dispatch with a token of its own", []string{tidy}, "on: {schedule: " + hourly + "}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: acme/core, dispatch-token: '${{ secrets.CORE }}'}}]}}\n", nil},
		{"a dispatch that is not emitted", []string{tidy}, "on: {schedule: " + hourly + "}\nconcurrency: {group: a}\npermissions: read-all\njobs: {a: {steps: [{uses: kaizen-agentic/schedule-action@v1, with: {dispatch-to: acme/core, emit: 'summary, nats'}}]}}\n", nil},
		{"a token of its own", []string{tidy}, "on: {schedule: " + hourly + "}\nconcurrency: {group: a}\njobs: {a: {steps: [{uses: kaizen-agentic/schedule-action@v1, with: {token: '${{ secrets.BOT }}'}}]}}\n", nil},

		{"no concurrency", []string{tidy}, "on: {schedule: " + hourly + "}\npermissions: read-all\njobs:\n  a:\n    steps:\n      - uses: kaizen-agentic/schedule-action@v1\n      - uses: kaizen-agentic/schedule-action@v1\n",
			[]string{`4:3 workflow-concurrency two runs of job "a" can prepare the same period at once`}},
		{"a group for each run", []string{tidy}, "on: {schedule: " + hourly + "}\npermissions: read-all\nconcurrency: a-${{ github.run_id }}\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`4:8 workflow-concurrency two runs of job "a" can prepare the same period at once`}},
		{"a group for each number", []string{tidy}, "on: {schedule: " + hourly + "}\npermissions: read-all\nconcurrency: a-${{ github.run_number }}\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`4:8 workflow-concurrency two runs of job "a" can prepare the same period at once`}},
		{"a group for each attempt", []string{tidy}, "on: {schedule: " + hourly + "}\npermissions: read-all\nconcurrency: {group: 'a-${{ github.run_attempt }}'}\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`4:8 workflow-concurrency two runs of job "a" can prepare the same period at once`}},
		{"a group for each commit", []string{tidy}, "on: {schedule: " + hourly + "}\npermissions: read-all\njobs: {a: {concurrency: 'a-${{ github.sha }}', steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`3:8 workflow-concurrency two runs of job "a" can prepare the same period at once`}},
		{"a group for each branch", []string{tidy}, "on: {schedule: " + hourly + "}\npermissions: read-all\njobs: {a: {concurrency: 'a-${{ github.ref }}', steps: [uses: kaizen-agentic/schedule-action@v1]}}\n", nil},
		{"cancels", []string{tidy}, "on: {schedule: " + hourly + "}\npermissions: read-all\njobs: {a: {concurrency: {group: a, cancel-in-progress: true}, steps: [uses: kaizen-agentic/schedule-action@v1]}}\n",
			[]string{`3:56 workflow-concurrency a tick cancels the run before it in the middle of its delivery`}},
		{"cancels perhaps", []string{tidy}, "on: {schedule: " + hourly + "}\npermissions: read-all\njobs: {a: {concurrency: {group: a, cancel-in-progress: '${{ inputs.x }}'}, steps: [uses: kaizen-agentic/schedule-action@v1]}}\n", nil},

		{"kept too short", []string{tidy, coach, audit}, scheduled(hourly, "retention-days: 30"),
			[]string{`11:32 retention receipts are kept for 30 days, too short to outlive a period of the monthly agent "audit" and the next: it may run twice in one`}},
		{"kept for two months", []string{audit}, scheduled(hourly, "retention-days: 62"),
			[]string{`11:32 retention receipts are kept for 62 days, too short to outlive a period of the monthly agent "audit" and the next: it may run twice in one`}},
		{"kept for two weeks", []string{tidy, coach}, scheduled(hourly, "retention-days: 14"),
			[]string{`11:32 retention receipts are kept for 14 days, too short to outlive a period of the weekly agent "coach" and the next: it may run twice in one`}},
		{"kept for two days", []string{tidy}, scheduled(hourly, "retention-days: 2"),
			[]string{`11:32 retention receipts are kept for 2 days, too short to outlive a period of the daily agent "tidy" and the next: it may run twice in one`}},
		{"kept long enough", []string{tidy, coach}, scheduled(hourly, "retention-days: 15"), nil},
		{"kept long enough for a month", []string{tidy, coach, audit}, scheduled(hourly, "retention-days: 63"), nil},
		{"kept as an expression says", []string{audit}, scheduled(hourly, "retention-days: '${{ vars.DAYS }}'"), nil},

		{"a local action", []string{tidy}, strings.Replace(scheduled(`[cron: "0 9 * * *"]`, ""), "kaizen-agentic/schedule-action@v1", "./act/", 1),
			[]string{`3:12 cron-on-the-hour cron "0 9 * * *" ticks on the hour, when GitHub delays and drops the most`}},
		{"another local action", []string{tidy}, strings.Replace(scheduled(`[cron: "0 9 * * *"]`, ""), "kaizen-agentic/schedule-action@v1", "./other", 1), nil},
		{"the image", []string{tidy}, strings.Replace(scheduled(`[cron: "0 9 * * *"]`, "args: prepare coach"), "kaizen-agentic/schedule-action@v1", "docker://ghcr.io/kaizen-agentic/schedule-action:v1@sha256:00", 1),
			[]string{`3:12 cron-on-the-hour cron "0 9 * * *" ticks on the hour, when GitHub delays and drops the most`}},
		{"anchors", []string{tidy}, strings.Replace(scheduled(`[cron: "0 9 * * *"]`, ""), "- uses: kaizen-agentic/schedule-action@v1", "- &x\n        uses: kaizen-agentic/schedule-action@v1\n      - *x\n      - name: x", 1),
			[]string{`3:12 cron-on-the-hour cron "0 9 * * *" ticks on the hour, when GitHub delays and drops the most`}},
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
			for _, f := range CheckWorkflows(manifestOf(t, tt.entries...), nil, tree) {
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

// TestCheckWorkflowsSurvives holds for what no person writes: nothing panics, nothing is reported on a guess.
func TestCheckWorkflowsSurvives(t *testing.T) {
	t.Parallel()
	files := make(map[string]string)
	for i, text := range []string{
		"", "\xff", "{", "[]", "x", "jobs: x", "jobs: [x]", "jobs: {a: }", "jobs: {a: {steps: x}}", "jobs: {a: {steps: [x, [], {uses: [x]}]}}",
		"jobs: &a {a: *a}", "a: &a [*a]", "on: {schedule: x}\njobs: {a: {steps: [uses: kaizen-agentic/schedule-action]}}\npermissions: read-all\nconcurrency: x",
		"on: {schedule: [x, {cron: [x]}]}\njobs: {a: {steps: [{uses: kaizen-agentic/schedule-action, with: x}]}}\npermissions: read-all\nconcurrency: x",
		"jobs: {a: {permissions: [x], steps: [{uses: kaizen-agentic/schedule-action, with: {command: '${{ x }}'}}]}}",
		strings.Repeat("- ", 1000) + "x", strings.Repeat("x", MaxSize+1),
	} {
		files[fmt.Sprintf(".github/workflows/%d.yml", i)] = text
	}
	if got := CheckWorkflows(manifestOf(t, coach), nil, treeOf(t, files)); len(got) > 0 {
		t.Errorf("reported %+v", got)
	}
	if got := CheckWorkflows(manifestOf(t, coach), nil, treeOf(t, nil)); len(got) > 0 {
		t.Errorf("no workflows: %+v", got)
	}
}

// BenchmarkCheckWorkflowsHostile runs the most that fits into the limits.
func BenchmarkCheckWorkflowsHostile(b *testing.B) {
	var entries []string
	for i := range 1000 {
		entries = append(entries, fmt.Sprintf(`{agent: a%d, cadence: daily, time: "%02d:%02d"}`, i, i/60, i%60))
	}
	m := manifestOf(b, entries...)
	crons := scheduled("["+strings.Repeat(`{cron: "1 1 29 2 *"}, `, 1500)+`{cron: "* * * * *"}]`, "")
	files := make(map[string]string)
	for i := range 20 {
		files[fmt.Sprintf(".github/workflows/%d.yml", i)] = crons
	}
	tree := treeOf(b, files)
	for b.Loop() {
		CheckWorkflows(m, nil, tree)
	}
}

// TestCronTicks compares with ticks counted by hand.
func TestCronTicks(t *testing.T) {
	t.Parallel()
	const month = 4 // April 2028, which starts on a Saturday
	tests := []struct {
		cron string
		want []string // day hour:minute
	}{
		{"17 5 1 * *", []string{"01 05:17"}},
		{"0 0 * apr sat", []string{"01 00:00", "08 00:00", "15 00:00", "22 00:00", "29 00:00"}},
		{"0 0 * 4 6", []string{"01 00:00", "08 00:00", "15 00:00", "22 00:00", "29 00:00"}},
		{"5 4 30 * 0", []string{"02 04:05", "09 04:05", "16 04:05", "23 04:05", "30 04:05"}}, // both days given: either
		{"5 4 3,4 4 SUN", []string{"02 04:05", "03 04:05", "04 04:05", "09 04:05", "16 04:05", "23 04:05", "30 04:05"}},
		{"50/5 23 2 * *", []string{"02 23:50", "02 23:55"}},
		{"10-20/5,59 1-2 2 4 *", []string{"02 01:10", "02 01:15", "02 01:20", "02 01:59", "02 02:10", "02 02:15", "02 02:20", "02 02:59"}},
		{"1 */12 */15 4 *", []string{"01 00:01", "01 12:01", "16 00:01", "16 12:01"}},
		{"0 0 * * 5-7", []string{"01 00:00", "02 00:00", "07 00:00", "08 00:00", "09 00:00", "14 00:00", "15 00:00", "16 00:00", "21 00:00", "22 00:00", "23 00:00", "28 00:00", "29 00:00", "30 00:00"}},
		{"0 0 */10 4 1-5", []string{"11 00:00", "21 00:00"}}, // a star in either: both
		{"0 0 1-4 4 */2", []string{"01 00:00", "02 00:00", "04 00:00"}},
		{"0 0 2-4 4 *,5", []string{"02 00:00", "03 00:00", "04 00:00"}},
		{"0 0 */9 4 5/2", []string{"28 00:00"}}, // Friday and, as 7, Sunday
		{"0 0 31 4 *", nil},
	}
	for _, tt := range tests {
		t.Run(tt.cron, func(t *testing.T) {
			t.Parallel()
			fields, err := parseCron(tt.cron)
			if err != nil {
				t.Fatal(err)
			}
			c := cron{fields: fields, loc: time.UTC}
			ticks, ok := c.ticks(maxTicks)
			var got []string
			for _, at := range ticks {
				if at.Year() == 2028 && at.Month() == month {
					got = append(got, at.Format("02 15:04"))
				}
			}
			if !ok || !slices.Equal(got, tt.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}
