package scaffold

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// scheduleTemplate is the workflow that prepares, with the given crons in a time zone.
func scheduleTemplate(lines []cronLine, loc *time.Location) string {
	var b strings.Builder
	b.WriteString(scheduleHead)
	for _, l := range lines {
		fmt.Fprintf(&b, "    - cron: %s # %s\n", strconv.Quote(l.text), l.why)
		if loc != time.UTC {
			fmt.Fprintf(&b, "      timezone: %s\n", yamlnode.FormatLine(loc.String()))
		}
	}
	b.WriteString(scheduleRest)
	return b.String()
}

const scheduleHead = "" +
	`# Prepares the agent runs that are due: each agent once in its period, however many ticks there are.
# When times in .kaizen/schedule.yml change, action validate says whether these crons still serve them.
name: kaizen-schedule

on:
  schedule:
`

const scheduleRest = `  workflow_dispatch:

permissions:
  actions: read # to find what earlier runs have delivered
  contents: read

concurrency: # a second run waits, and then finds what the first one has delivered
  group: kaizen-schedule
  cancel-in-progress: false

jobs:
  prepare:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v7
        with:
          persist-credentials: false
      - uses: kaizen-agentic/schedule-action@v1
        # Without a target, what is prepared is stored as artifacts of this workflow's runs and sent nowhere.
        # To send each prepared run to other repositories as a repository_dispatch event, name them here.
        # The job's own token reaches this repository only: store one that has the permission
        # contents: write on the targets as the secret KAIZEN_DISPATCH_TOKEN.
        # with:
        #   dispatch-to: OWNER/REPOSITORY
        #   dispatch-token: ${{ secrets.KAIZEN_DISPATCH_TOKEN }}
`

const validateTemplate = `# Checks the manifest, and the files that it refers to, on pull requests.
name: kaizen-validate

on:
  pull_request: # of any path, since the manifest may refer to any file

permissions:
  contents: read

jobs:
  validate:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@v7
        with:
          persist-credentials: false
      - uses: kaizen-agentic/schedule-action@v1
        with:
          command: validate
`
