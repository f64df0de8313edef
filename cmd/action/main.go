// Command action is schedule-action, a GitHub Action and a command-line tool. It checks
// .kaizen/schedule.yml, prepares the bundles of the agents that are due, and emits
// kaizen.schedule.prepared.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is set by the linker.
var version = "devel"

func main() {
	os.Exit(run(context.Background(), os.Args[1:], streams{
		getenv: os.Getenv,
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		now:    time.Now,
		isTerminal: func() bool {
			info, err := os.Stderr.Stat()
			return err == nil && info.Mode()&os.ModeCharDevice != 0
		},
		hostname: os.Hostname,
		signals:  notify,
	}))
}

// notify cancels ctx at the runner's SIGINT and at the SIGTERM that follows 7.5 s later,
// so that the run can stop in order and report what it did.
func notify(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}
