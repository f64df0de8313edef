package scaffold

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// scheduleTemplate returns the workflow that prepares, with these crons in a time zone.
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
	`# Prepares the agents that are due, each once per period, however often this workflow ticks.
# After a change of times in .kaizen/schedule.yml, action validate checks that these crons still fit.
name: kaizen-schedule

on:
  schedule:
`

const scheduleRest = `  workflow_dispatch:

permissions:
  actions: read # to read the receipts of earlier runs
  contents: read

concurrency: # a second run waits, and then finds the receipt of the first
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
        # Without a target, bundles are stored as artifacts of the run and nothing is sent.
        # To send each event to other repositories as a repository_dispatch, name them here.
        # The job's own token works only in this repository. Create a token with the permission
        # contents: write on the targets, and store it as the secret KAIZEN_DISPATCH_TOKEN.
        # with:
        #   dispatch-to: OWNER/REPOSITORY
        #   dispatch-token: ${{ secrets.KAIZEN_DISPATCH_TOKEN }}
`

const validateTemplate = `# Checks pull requests: the manifest, and the files that it names.
name: kaizen-validate

on:
  pull_request: # without a path filter, because the manifest may name any file

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
