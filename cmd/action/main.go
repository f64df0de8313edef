// Command action is schedule-action: a GitHub Action and a command-line tool that checks .kaizen/schedule.yml, prepares the bundles of
// the agents that are due, and emits kaizen.schedule.prepared.
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
	os.Exit(run(context.Background(), os.Args[1:], world{
		getenv:  os.Getenv,
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		now:     time.Now,
		signals: notify,
	}))
}

// notify ends ctx at the runner's SIGINT, and at the SIGTERM it sends 7.5 s later, so that the work ends in order and what was done is told.
func notify(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}
