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
	// The runner sends SIGINT, and SIGTERM 7.5 s later; both end the work in order, with what was done told.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], world{
		getenv: os.Getenv,
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		now:    time.Now,
	})
	stop()
	os.Exit(code)
}
